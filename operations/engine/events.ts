/**
 * What the engine says of a run, for the last lines of a command: its errors, what it did, and the
 * tags before and after. It writes them as JSON lines (`--event-log`, as the Automation API asks
 * for), with `[secret]` for every secret; the file lies in Pulumi's home (0700) for the run alone.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeAbandoned } from './abandoned.ts';
import { workspace } from './workspace.ts';

/** Tags of the keys, by group. */
export type Tags = Readonly<Record<string, { readonly keys: Readonly<Record<string, string>> }>>;

export interface Told {
  /** Messages of errors, in order, none twice. */
  readonly errors: readonly string[];
  /** Whether anything but the stack's own record was made, changed or removed. */
  readonly changed: boolean;
  /** Undefined when the program did not come to its end. */
  readonly tags: { readonly before: Tags; readonly after: Tags } | undefined;
}

/** The flag is one of those that Pulumi shows to developers only. */
export const eventsEnvironment = { PULUMI_DEBUG_COMMANDS: 'true' } as const;

const prefix = 'events.';

/** File for the events of this process's run. */
export function eventsFile(): string {
  removeAbandoned(workspace.home, prefix);
  return join(workspace.home, `${prefix}${process.pid}`);
}

/** Reads the events of a run, and removes them. */
export function takeEvents(path: string): Told {
  try {
    return told(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return told('');
  } finally {
    rmSync(path, { force: true });
  }
}

interface State {
  readonly outputs?: { readonly tags?: Tags };
}

interface Event {
  readonly diagnosticEvent?: { readonly severity: string; readonly message: string };
  readonly resOutputsEvent?: {
    readonly metadata: {
      readonly op: string;
      readonly type: string;
      readonly old?: State;
      readonly new?: State;
    };
  };
}

const stackType = 'pulumi:pulumi:Stack';
const idle = new Set(['same', 'refresh', 'read']);

/** @param log events, one a line; a last line may be cut short */
export function told(log: string): Told {
  const errors = new Set<string>();
  let changed = false;
  let tags: Told['tags'];
  for (const { diagnosticEvent, resOutputsEvent } of log.split('\n').flatMap(eventOf)) {
    if (diagnosticEvent?.severity === 'error') errors.add(plain(diagnosticEvent.message));
    if (resOutputsEvent === undefined) continue;
    const { op, type, old, new: after } = resOutputsEvent.metadata;
    if (type !== stackType) changed ||= !idle.has(op);
    else if (op !== 'refresh' && after?.outputs?.tags !== undefined) {
      tags = { before: old?.outputs?.tags ?? {}, after: after.outputs.tags };
    }
  }
  errors.delete('');
  return { errors: [...errors], changed, tags };
}

function eventOf(line: string): readonly Event[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as Event];
  } catch {
    return [];
  }
}

/** A message without Pulumi's marks for colours, `<{%reset%}>`. */
function plain(message: string): string {
  return message.replaceAll(/<\{%[^%]*%\}>/gu, '').trim();
}

/** Keys that a longer list does not name. */
const maxNamed = 12;

/** "Changed: trading.binance_api_key": which values a run changes, by their tags. */
export function changeLines({ before, after }: NonNullable<Told['tags']>): readonly string[] {
  const [old, now] = [byPath(before), byPath(after)];
  const lines = [
    line(
      'Changed',
      [...now.keys()].filter((key) => old.has(key) && old.get(key) !== now.get(key)),
    ),
    line(
      'New',
      [...now.keys()].filter((key) => !old.has(key)),
    ),
    line(
      'No longer delivered',
      [...old.keys()].filter((key) => !now.has(key)),
    ),
  ].flat();
  return lines.length > 0 ? lines : ['Changed: no value'];
}

function line(what: string, keys: readonly string[]): readonly string[] {
  if (keys.length === 0) return [];
  return [`${what}: ${keys.length > maxNamed ? `${keys.length} values` : keys.join(', ')}`];
}

function byPath(tags: Tags): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(tags).flatMap(([group, { keys }]) =>
      Object.entries(keys).map(([key, tag]): [string, string] => [`${group}.${key}`, tag]),
    ),
  );
}
