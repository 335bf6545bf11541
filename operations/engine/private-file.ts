/** Files that their owner alone may read, and that nobody ever sees half written. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  type WriteFileOptions,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Makes the folders above it, too. A file that is as it should be is left alone. */
export function writePrivate(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeWhole(path, text);
}

/** @param mode of the file. @default - its owner's alone */
export function writeWhole(path: string, text: string, mode = 0o600): void {
  writeBeside(path, text, { mode });
}

/**
 * As `writeWhole`, and when it returns, the file outlives a loss of power.
 * @param mode of the file. @default - its owner's alone
 */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true, mode: mode | ((mode & 0o444) >> 2) });
  writeBeside(path, text, { mode, flush: true });
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function writeBeside(path: string, text: string, options: WriteFileOptions): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, options);
  renameSync(temporary, path);
}
