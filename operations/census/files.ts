/** What a file target has left: its files, and what else lies in the folders that are its own. */
import { readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { entryOf, type SecretKey, secretKeys } from '../../components/catalog.ts';
import type { FileTarget } from '../../components/delivery/delivery.ts';
import { isDeliverable, isExpected, type KeyFacts, pathOf } from '../doctor/facts.ts';
import type { FilePlace } from '../doctor/files.ts';
import { openedFile } from '../doctor/files.ts';
import type { Answers, Drift, Reader, Sighting } from './facts.ts';
import { shownName } from './names.ts';

const catalogKeys = secretKeys.map((key) => ({ key, entry: entryOf(key) }));

export interface FilesCase {
  readonly place: FilePlace;
  readonly target: Pick<FileTarget, 'trace' | 'valuePaths' | 'claims'>;
  readonly keys: readonly KeyFacts[];
  /** Values of the last `up`; what was set since is not among them. Secret. */
  readonly values: ReadonlyMap<SecretKey, string>;
  /** Of the last `up`, by path. */
  readonly tags: ReadonlyMap<string, string>;
}

export function askFiles({ place, target, keys, values, tags }: FilesCase): Answers {
  const { stack, shown, directory } = place;
  const fix = `npm start -- --stack ${stack}`;
  const sightings: Sighting[] = [];
  const drifts: Drift[] = [];
  const delivered = keys.filter((each) => isExpected(each) && isDeliverable(each));
  const paths = new Map<string, KeyFacts[]>();
  for (const each of delivered) {
    const { path } = target.trace(each);
    paths.set(path, [...(paths.get(path) ?? []), each]);
  }
  for (const [path, own] of paths) {
    const [first] = own;
    if (first === undefined) continue;
    const { mode } = target.trace(first);
    const about = { target: place.target, place: `${shown}/${path}`, fix };
    const found = openedFile(join(directory, path));
    const expected = `mode ${mode}, ${own.map((each) => tagOf(each, tags)).join(', ')}`;
    if (found === 'no') {
      const cause = 'somebody deleted it after the last up';
      drifts.push({ kind: 'missing', ...about, expected, found: 'no such file', cause });
      continue;
    }
    if (found === 'unreadable') {
      const got = 'something that cannot be read, or is no file';
      const cause = 'somebody replaced it, or it belongs to another user';
      drifts.push({ kind: 'changed', ...about, expected, found: got, cause });
      continue;
    }
    if (found.mode !== mode) {
      const cause = wider(found.mode, mode)
        ? 'somebody loosened it: others may read the values'
        : 'somebody changed it by hand';
      const got = `mode ${found.mode}`;
      drifts.push({ kind: 'changed', ...about, expected: `mode ${mode}`, found: got, cause });
    }
    const other = own.filter((each) => {
      const value = values.get(each.key);
      return value !== undefined && !target.trace(each).holds(found.content, value);
    });
    const added = other.length === 0 && hasMore(found.content, own, target, values);
    if (added) {
      drifts.push({
        kind: 'changed',
        ...about,
        expected: 'what the last up wrote',
        found: 'more than that',
        cause: 'somebody added to the file after the last up',
      });
    }
    if (other.length > 0) {
      const names = other.map(({ key }) => key).join(', ');
      drifts.push({
        kind: 'changed',
        ...about,
        expected: other.map((each) => tagOf(each, tags)).join(', '),
        found: `another value of ${names}`,
        cause: 'somebody edited the file after the last up',
      });
    }
    const readers = readersOf(found.mode, found.uid);
    for (const each of own) {
      const isRight = values.has(each.key) && !other.includes(each);
      sightings.push({
        target: place.target,
        place: about.place,
        keys: [each.key],
        tag: isRight ? tags.get(pathOf(each)) : undefined,
        since: found.written,
        readers,
      });
    }
  }
  return { sightings, drifts: [...drifts, ...strangers(place, target, keys)], unasked: [] };
}

/** Whether a file has something beside the values of its keys, where all of them are known. */
function hasMore(
  content: string,
  own: readonly KeyFacts[],
  target: FilesCase['target'],
  values: FilesCase['values'],
): boolean {
  const parts = own.map((each) => {
    const value = values.get(each.key);
    return value === undefined ? undefined : target.trace(each).part?.(value);
  });
  return parts.every((part) => part !== undefined) && content !== parts.join('');
}

function tagOf(each: KeyFacts, tags: FilesCase['tags']): string {
  return `${each.key} of tag ${tags.get(pathOf(each)) ?? 'unknown'}`;
}

function wider(found: string, allowed: string): boolean {
  return (Number.parseInt(found, 8) & ~Number.parseInt(allowed, 8)) !== 0;
}

function readersOf(mode: string, uid: number): readonly Reader[] {
  const by = `mode ${mode}`;
  const bits = Number.parseInt(mode, 8);
  const self = userInfo();
  const owner = uid === self.uid ? `user ${self.username}` : `user ${uid}`;
  return [
    { who: owner, by, live: true },
    ...(bits & 0o040 ? [{ who: "the file's group", by, live: true }] : []),
    ...(bits & 0o004 ? [{ who: 'everybody on this machine', by, live: true }] : []),
  ];
}

/** Files in the target's own folders that it would not write, and what a kill left half written. */
function strangers(
  { target: name, shown, directory, stack }: FilePlace,
  target: FilesCase['target'],
  keys: readonly KeyFacts[],
): readonly Drift[] {
  const entries = new Map(keys.map(({ key, entry }) => [key as string, entry]));
  const written = new Set(keys.filter(isExpected).map((each) => target.trace(each).path));
  const own = target.claims.filter((claim) => claim.endsWith('/'));
  const halves = target.valuePaths(entries).filter((path) => !isKeyPath(path, target));
  const lying = own.flatMap((folder) => below(directory, folder.slice(0, -1)));
  const half = halves.filter((path) => openedFile(join(directory, path)) !== 'no');
  return [...new Set([...lying, ...half])]
    .filter((path) => !written.has(path))
    .map((path): Drift => {
      const place = `${shown}/${shownName(path)}`;
      const fix = place.endsWith(')')
        ? `look into ${shown}, and remove what is not yours`
        : `rm ${place}, after a look at whose it is`;
      const about = { target: name, place, fix };
      if (halves.includes(path)) {
        return {
          kind: 'stale',
          ...about,
          expected: 'no such file',
          found: 'what a killed run left',
          cause: 'a run of npm start was killed while it wrote',
          fix: `rm ${place}, then npm start -- --stack ${stack}`,
        };
      }
      const known = isKeyPath(path, target);
      return {
        kind: known ? 'stale' : 'unknown',
        ...about,
        expected: 'no such file',
        found: known
          ? 'a file of a key that the stack does not use'
          : 'a file that the stack does not know',
        cause: known
          ? 'it was left behind, or put back, after the stack stopped using the key'
          : 'somebody put it there',
      };
    });
}

function isKeyPath(path: string, target: FilesCase['target']): boolean {
  return catalogKeys.some((each) => target.trace(each).path === path);
}

function below(directory: string, folder: string): readonly string[] {
  try {
    return readdirSync(join(directory, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? below(directory, path) : [path];
    });
  } catch {
    return [];
  }
}
