/** What the import found in a file or a tree: every line and every file ends in one of its lists. */
import { readFileSync } from 'node:fs';
import { entryOf, environmentName, type SecretKey, secretKeys } from '../../components/catalog.ts';
import type { Mistake } from '../../settings/mistake.ts';
import { CommandError } from '../engine/command-error.ts';

/** A value as it was found, and where. */
export interface Found {
  readonly key: SecretKey;
  readonly value: string;
  readonly where: string;
}

export interface Reading {
  readonly found: readonly Found[];
  /** Names, with their places, that the catalog does not know. */
  readonly unknown: readonly string[];
  /** Files that were not read, each with the reason. */
  readonly skipped: readonly string[];
  /** What readers would not agree on; then nothing at all is set. */
  readonly mistakes: readonly Mistake[];
}

export function join(readings: readonly Reading[]): Reading {
  return {
    found: readings.flatMap(({ found }) => found),
    unknown: readings.flatMap(({ unknown }) => unknown),
    skipped: readings.flatMap(({ skipped }) => skipped),
    mistakes: readings.flatMap(({ mistakes }) => mistakes),
  };
}

export function only(part: Partial<Reading>): Reading {
  return { found: [], unknown: [], skipped: [], mistakes: [], ...part };
}

/** The guide's names, and the fields of Hummingbot's connector files: `binance_api_secret`. */
const names: ReadonlyMap<string, SecretKey> = new Map([
  ...secretKeys.flatMap((key): [string, SecretKey][] => {
    const field = entryOf(key).field;
    return field === undefined ? [] : [[environmentName(field), key]];
  }),
  ...secretKeys.map((key): [string, SecretKey] => [environmentName(key), key]),
]);

export function keyOf(name: string): SecretKey | undefined {
  return names.get(environmentName(name));
}

/** @throws CommandError when the file is not text */
export function textOf(path: string, keepMark: boolean): string {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepMark });
    return decoder.decode(readFileSync(path));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandError(
      `${shownPath(path)}: got bytes that are not UTF-8; allowed: text in UTF-8; fix: convert the file`,
    );
  }
}

/** A path as it is, unless it would break the line. */
export function shownPath(path: string): string {
  return /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(path) ? path : JSON.stringify(path);
}
