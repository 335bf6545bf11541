/** Reads logs into a tally, line by line, and says of each what it could not read. */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandError } from '../engine/command-error.ts';
import { cloudTrailEvent, ownKeyIn, type Records, recordsIn, wholeOf } from './cloudtrail.ts';
import { isObject, type Line, objectIn } from './event.ts';
import type { Keys } from './keys.ts';
import { linesOf, openLog } from './lines.ts';
import type { Tally } from './tally.ts';

/** What one file gave. */
export interface Source {
  readonly file: string;
  readonly lines: number;
  /** Lines that are whole and not understood. */
  readonly strange: number;
  /** Lines that hold bodies of Secrets, or values and tokens of Vault in the clear. */
  readonly bodies: number;
  /** ISO time of its first entry; null: it has none. */
  readonly first: string | null;
}

/** A log that begins later than it is asked about. */
export interface Late {
  readonly file: string;
  readonly first: string | null;
}

/** @param sources all that there is of one log, whatever a rotation made of it */
export function lateOf(file: string, sources: readonly Source[], since: number): Late | undefined {
  const [first = null] = sources.flatMap((each) => each.first ?? []).toSorted();
  return first !== null && Date.parse(first) <= since ? undefined : { file: inputOf(file), first };
}

function inputOf(path: string): string {
  return path === '-' ? 'the standard input' : path;
}

export interface Rotated {
  /** Oldest first. */
  readonly files: readonly string[];
  /** Whether there are older ones, that ended before. */
  readonly reachesBack: boolean;
}

/** A file with those that a rotation made of it: `audit-2026-11-27T10-00-00.000.log.gz`, `audit.log.1.gz`. */
export function rotatedOf(path: string, since: number): Rotated {
  if (path === '-') return { files: [path], reachesBack: false };
  const name = basename(path);
  const [, stem = name, end = ''] = /^(.*?)(\.[a-z]+)?$/u.exec(name) ?? [];
  const plain = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/gu, '\\$&');
  const named = new RegExp(
    `^${plain(stem)}(?:-\\d{4}-?\\d{2}-?\\d{2}[T\\d:.-]*)?${plain(end)}(?:[.-]\\d+)?(?:\\.gz)?$`,
    'u',
  );
  const directory = dirname(path);
  try {
    statSync(path);
    const all = readdirSync(directory)
      .filter((each) => named.test(each))
      .map((each) => join(directory, each))
      .map((each) => ({ each, at: statSync(each).mtimeMs }));
    const files = all
      .filter(({ each, at }) => each === path || at >= since)
      .toSorted((one, other) => one.at - other.at)
      .map(({ each }) => each);
    return { files, reachesBack: files.length < all.length };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @throws CommandError when the file cannot be read, or nothing of it is such a log */
export async function readLines(
  path: string,
  what: string,
  lineOf: (text: string) => Line,
  since: number,
  tally: Tally,
): Promise<Source> {
  const counts = new Counts();
  try {
    for await (const { text, whole } of linesOf(await openLog(path))) {
      if (text?.trim() === '') continue;
      const line = text === undefined ? undefined : lineOf(text);
      // The server is writing it.
      if (!whole && (line === undefined || line.kind === 'unknown')) continue;
      counts.lines++;
      take(line, since, tally, counts);
      if (line?.kind !== 'unknown' && counts.first === undefined)
        counts.begin(objectIn(text ?? ''));
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (path === '-' && counts.lines === 0) throw empty(path, what);
  return finished(path, what, counts);
}

/** The same for CloudTrail, whose files are one document. */
export async function readCloudTrail(
  path: string,
  prefix: string,
  since: number,
  tally: Tally,
  keys: Keys,
): Promise<Source & Pick<Records, 'isLookup'>> {
  const counts = new Counts();
  let text: string | undefined;
  try {
    text = await wholeOf(await openLog(path));
  } catch (error) {
    throw unreadable(path, error);
  }
  if (text === undefined) {
    throw new CommandError(
      `${path}: got more than 256 MiB; allowed: a file of CloudTrail; fix: one file after another`,
    );
  }
  if (text.trim() === '') throw empty(path, 'CloudTrail');
  const { records, isLookup } = recordsIn(text);
  for (const record of records) {
    counts.lines++;
    keys.learn(ownKeyIn(record, prefix));
    take(cloudTrailEvent(record, prefix), since, tally, counts, keys);
    counts.begin(record);
  }
  return { ...finished(path, 'CloudTrail', counts), isLookup };
}

class Counts {
  lines = 0;
  strange = 0;
  bodies = 0;
  /** When the first entry was written. */
  first: number | undefined;

  begin(entry: unknown): void {
    if (!isObject(entry)) return;
    const { stageTimestamp, time, eventTime } = entry;
    const at = Date.parse(String(stageTimestamp ?? time ?? eventTime));
    if (!Number.isNaN(at)) this.first = Math.min(at, this.first ?? at);
  }
}

function take(
  line: Line | undefined,
  since: number,
  tally: Tally,
  counts: Counts,
  keys?: Keys,
): void {
  if (line === undefined || line.kind === 'unknown') {
    counts.strange++;
    return;
  }
  if (line.bodies === true) counts.bodies++;
  if (line.kind !== 'event') return;
  if (Number.isNaN(line.event.at)) counts.strange++;
  else if (line.event.at >= since) (line.event.isKey ? (keys ?? tally) : tally).add(line.event);
}

function finished(path: string, what: string, counts: Counts): Source {
  if (counts.lines > 0 && counts.strange === counts.lines) {
    throw new CommandError(
      `${path}: got ${counts.lines} lines, none of which is of ${what}; allowed: its audit log as it writes it, JSON, also gzip; fix: another file, or another option for it`,
    );
  }
  const { lines, strange, bodies, first } = counts;
  return {
    file: path,
    lines,
    strange,
    bodies,
    first: first === undefined ? null : new Date(first).toISOString(),
  };
}

/** A command before a pipe that fails writes nothing. */
function empty(path: string, what: string): Error {
  return new CommandError(
    `${inputOf(path)}: got nothing; allowed: a log of ${what}; fix: look at what writes it, which may have failed`,
  );
}

function unreadable(path: string, error: unknown): Error {
  if (error instanceof CommandError) return error;
  const { code = 'an error' } = error as NodeJS.ErrnoException;
  return new CommandError(
    `${path}: got ${code}; allowed: a log that can be read; fix: name another, or read it as its owner`,
  );
}
