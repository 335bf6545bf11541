/** What a file target has left: files that are there, in their mode, with the value that is set. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecretKey } from '../../components/catalog.ts';
import type { FileTarget } from '../../components/delivery/delivery.ts';
import {
  type Arrival,
  type Delivered,
  type Finding,
  isDeliverable,
  isExpected,
  type KeyFacts,
  problem,
} from './facts.ts';

export interface FilePlace {
  readonly target: string;
  readonly stack: string;
  /** As the outputs name it, and for messages. */
  readonly shown: string;
  /** The same, absolute. */
  readonly directory: string;
}

/** @param expected values, which are compared here and go nowhere */
export function lookAtFiles(
  place: FilePlace,
  target: Pick<FileTarget, 'trace'>,
  keys: readonly KeyFacts[],
  expected: ReadonlyMap<SecretKey, string>,
): Delivered {
  const arrivals = new Map<SecretKey, Arrival>();
  const wrong = new Map<string, Trouble>();
  for (const each of keys.filter(isExpected)) {
    const { key, entry } = each;
    const trace = target.trace({ key, entry });
    const found = openedFile(join(place.directory, trace.path));
    const arrival = arrivalOf(found, trace.mode, (content) =>
      trace.holds(content, expected.get(key)),
    );
    arrivals.set(key, arrival);
    if (arrival === 'yes' || !isDeliverable(each)) continue;
    const before = wrong.get(`${trace.path} ${arrival}`);
    wrong.set(`${trace.path} ${arrival}`, {
      path: trace.path,
      arrival,
      mode: [typeof found === 'string' ? '' : found.mode, trace.mode],
      keys: [...(before?.keys ?? []), key],
    });
  }
  const findings = [...wrong.values()].map((trouble) => findingOf(place, trouble));
  return { target: place.target, arrivals, findings };
}

interface Trouble {
  readonly path: string;
  readonly arrival: Arrival;
  /** Got and allowed. */
  readonly mode: readonly [string, string];
  readonly keys: readonly string[];
}

function findingOf({ stack, shown }: FilePlace, trouble: Trouble): Finding {
  const { path, arrival, mode, keys } = trouble;
  const what = `${shown}/${path}`;
  const fix = `npm start -- --stack ${stack}`;
  if (arrival === 'wrong mode') return problem(what, `mode ${mode[0]}`, mode[1], fix);
  if (arrival === 'no') return problem(what, 'no such file', `a file of mode ${mode[1]}`, fix);
  if (arrival === 'unreadable') {
    return problem(what, 'a file that you cannot read', `one of your own, of mode ${mode[1]}`, fix);
  }
  const alone = path.endsWith(keys[0] ?? '');
  const got = alone ? 'an older value' : `an older value of ${keys.join(', ')}`;
  return problem(what, got, 'the value that is set', fix);
}

/** A file, opened without following a link. Its content is secret. */
export interface Opened {
  /** `0400` */
  readonly mode: string;
  readonly content: string;
  /** Of its owner. */
  readonly uid: number;
  /** ISO time of the last write. */
  readonly written: string;
}

export function openedFile(path: string): Opened | 'no' | 'unreadable' {
  let file: number | undefined;
  try {
    // No link is followed, and no pipe is waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    if (!stat.isFile()) return 'unreadable';
    const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
    const written = stat.mtime.toISOString();
    return { mode, content: readFileSync(file, 'utf8'), uid: stat.uid, written };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'no' : 'unreadable';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function arrivalOf(
  found: Opened | 'no' | 'unreadable',
  mode: string,
  holds: (content: string) => boolean,
): Arrival {
  if (typeof found === 'string') return found;
  if (!holds(found.content)) return 'older value';
  return found.mode === mode ? 'yes' : 'wrong mode';
}
