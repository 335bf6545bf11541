/**
 * When something was last tried that takes the network, kept as the time of a file. Where there
 * is a way without it, one try a day finds out that it can be reached again.
 */
import { closeSync, futimesSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const day = 24 * 60 * 60_000;

export function triedLately(path: string): boolean {
  const tried = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  // A clock that was set back is no reason to wait for longer than a day.
  return tried !== undefined && Math.abs(Date.now() - tried) < day;
}

/** Keeps what is in the file, if there is one. */
export function rememberTry(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'a', 0o600);
  const now = new Date();
  futimesSync(file, now, now);
  closeSync(file);
}
