/** Folders and files whose maker was killed; each carries its maker's pid at the end of its name. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from './process.ts';

/**
 * Removes what a killed process left behind.
 * @param prefix all of the name before the pid
 */
export function removeAbandoned(directory: string, prefix: string): void {
  for (const name of readdirSync(directory)) {
    const pid = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    if (/^\d+$/u.test(pid) && !isAlive(Number(pid))) {
      rmSync(join(directory, name), { recursive: true, force: true });
    }
  }
}
