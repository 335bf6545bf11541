/**
 * What the bot wrote down of itself, `/run/hummingbot/report.json`: which keys were materialised,
 * and which its own login read. It comes out of a container, so that only what is expected is taken
 * from it: names of the catalog, a version, the name of a file, a time.
 */
import { isSecretKey, type SecretKey } from '../../components/catalog.ts';
import type { Mistake } from '../../settings/mistake.ts';
import type { Report } from './facts.ts';

export const reportPath = '/run/hummingbot/report.json';
export const container = 'hummingbot';

/**
 * @param values that a report must not hold: one that does is none
 * @returns undefined for what is no report
 */
export function parseReport(text: string, values: readonly string[]): Report | undefined {
  const parsed = values.some((value) => text.includes(value)) ? undefined : objectIn(text);
  const materialised = keysIn(parsed?.materialised);
  if (parsed === undefined || materialised === undefined) return undefined;
  const outside = typeof parsed.outside === 'string' ? lastWord(parsed.outside, values) : undefined;
  return {
    hummingbot: plain(parsed.hummingbot) ?? 'unknown',
    materialised,
    read: keysIn(parsed.read),
    trading: typeof parsed.trading === 'string' ? (plain(parsed.trading) ?? 'one') : undefined,
    at: plain(parsed.at) ?? '',
    ...(outside && { outside }),
  };
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** All keys of a map of lists, whatever exchange they stand below. */
function keysIn(map: unknown): readonly SecretKey[] | undefined {
  if (!isMap(map)) return undefined;
  const lists = Object.values(map).filter((each) => Array.isArray(each));
  return lists.flat().filter((name): name is SecretKey => isSecretKey(String(name)));
}

function plain(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w./:+-]{1,80}$/u.test(value) ? value : undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The one line with which the bot's container ends, among what it printed last. Only a line of this
 * project's own form is taken: anything else may be a program's own word, with a value in it.
 * @param values that the line must not hold, whoever wrote it
 */
export function lastWord(text: string, values: Iterable<string>): Mistake | undefined {
  const secret = [...values];
  const form = /^(.{1,120}?): got (.{1,200}?); allowed: (.{1,300}?); fix: (.{1,300})$/u;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's colours
  const lines = text.replaceAll(/\u001b\[[\d;]*m/gu, '').split(/[\r\n]+/u);
  for (const line of lines.toReversed()) {
    if (secret.some((value) => line.includes(value))) continue;
    const [, what, got, allowed, fix] = form.exec(line.trim()) ?? [];
    if (what !== undefined && got !== undefined && allowed !== undefined && fix !== undefined) {
      return { what, got, allowed, fix };
    }
  }
  return undefined;
}
