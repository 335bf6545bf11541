/** Reads a tree with a file a key: the guide's `secrets/`, or a mounted Kubernetes Secret. */
import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs';
import { basename, join as joinPath } from 'node:path';
import { shown } from '../../settings/mistake.ts';
import { join, keyOf, only, type Reading, shownPath, textOf } from './reading.ts';

/** Larger files hold no value of the catalog. */
const maxFileBytes = 64 * 1024;
const maxDepth = 4;

/** What Kubernetes keeps beside the links of a mounted Secret (its atomic writer). */
const machinery = /^\.\.(?:data|data_tmp|\d{4}(?:_\d\d){5}\.\d+)$/u;

export function readTree(directory: string, depth = 1): Reading {
  const entries = readdirSync(directory, { withFileTypes: true })
    .filter(({ name }) => !machinery.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return join(entries.map((entry) => readEntry(joinPath(directory, entry.name), entry, depth)));
}

function readEntry(path: string, entry: Dirent, depth: number): Reading {
  const skip = (reason: string): Reading => only({ skipped: [`${shownPath(path)}: ${reason}`] });
  if (entry.name.startsWith('.')) {
    return skip(entry.isDirectory() ? 'hidden' : 'hidden; an env file is imported by its own path');
  }
  if (entry.isDirectory()) {
    return depth < maxDepth ? readTree(path, depth + 1) : skip(`deeper than ${maxDepth} folders`);
  }
  const stat = targetOf(path);
  if (stat === undefined) return skip('a link to nothing');
  if (stat.isDirectory()) return skip('a link to a directory');
  if (!stat.isFile()) return skip('not a regular file');
  if (stat.size > maxFileBytes) return skip(`larger than ${maxFileBytes / 1024} KiB`);
  const name = basename(path, '.txt');
  const key = keyOf(name);
  if (key === undefined) return only({ unknown: [`${shown(name)} in ${shownPath(path)}`] });
  // `echo` and editors end a file with a newline that is not part of the value: exactly one.
  const value = textOf(path, false).replace(/\n$/u, '');
  return only({ found: [{ key, value, where: shownPath(path) }] });
}

function targetOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
