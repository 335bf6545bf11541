/**
 * Programs of Debian packages without an installation: downloaded by apt-get, unpacked into the cache.
 * Their libraries come with them, because a machine need not have them.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { workspace } from '../../operations/engine/workspace.ts';

/** @returns a folder like `/`, with what the packages hold; undefined without apt-get and its archive */
export function unpacked(packages: readonly string[]): string | undefined {
  const digest = createHash('sha256').update(packages.join()).digest('hex').slice(0, 12);
  const folder = join(workspace.cache, 'debian');
  const root = join(folder, digest);
  return existsSync(root) || unpack(packages, folder, root) ? root : undefined;
}

/** Where programs of such a folder find their libraries. */
export function librariesOf(root: string): Readonly<Record<string, string>> {
  const libraries = join(root, 'usr', 'lib');
  const triplets = readdirSync(libraries).filter((name) => name.endsWith('-linux-gnu'));
  return { LD_LIBRARY_PATH: triplets.map((name) => join(libraries, name)).join(':') };
}

/** By one rename, so that a kill leaves no half of it. */
function unpack(packages: readonly string[], folder: string, root: string): boolean {
  mkdirSync(folder, { recursive: true });
  const aside = mkdtempSync(join(folder, 'new-'));
  const apt = (...words: readonly string[]): boolean =>
    spawnSync('apt-get', words, { cwd: aside, stdio: 'ignore' }).status === 0;
  try {
    const isThere = apt('download', ...packages) || (apt('update') && apt('download', ...packages));
    if (!isThere) return false;
    const files = readdirSync(aside).filter((name) => name.endsWith('.deb'));
    const all = files.every(
      (name) =>
        spawnSync('dpkg', ['-x', name, 'root'], { cwd: aside, stdio: 'ignore' }).status === 0,
    );
    if (all) renameSync(join(aside, 'root'), root);
    return all;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
