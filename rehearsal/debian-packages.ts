/** Programs that Debian packages: found where they are, installed where that can be done. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CommandError } from '../operations/engine/command-error.ts';
import { startProgress } from '../operations/engine/progress.ts';

/** Daemons lie in the sbin folders, which are not on everybody's PATH. */
const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  '/sbin',
  '/usr/local/sbin',
];

function find(program: string): string | undefined {
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/**
 * Path of a program, from a package that is installed if need be (root on Debian only).
 * @throws CommandError when it is not there and cannot be installed
 */
export function programOf(program: string, debianPackage: string): string {
  return installedBy(program, debianPackage, () => find(program));
}

/**
 * Something that a package brings, installed if need be (root on Debian only).
 * @param what names it in errors
 * @param look finds it
 * @throws CommandError when it is not there and cannot be installed
 */
export function installedBy<T>(what: string, debianPackage: string, look: () => T | undefined): T {
  const found = look();
  if (found !== undefined) return found;
  const apt = find('apt-get');
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || apt === undefined) {
    throw new CommandError(
      `${what}: got none; allowed: the one of Debian's package ${debianPackage}; fix: apt-get install ${debianPackage}, as root`,
    );
  }
  const progress = startProgress(`installing Debian's ${debianPackage}`, 'about 1 minute');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync(apt, ['update'], { env, stdio: 'ignore' });
  const install = ['install', '-y', '--no-install-recommends', debianPackage];
  const { status } = spawnSync(apt, install, { env, stdio: 'ignore' });
  const installed = look();
  if (status !== 0 || installed === undefined) {
    progress.fail(`installing ${debianPackage} failed`);
    throw new CommandError(
      `${what}: got exit code ${status} from apt-get; allowed: an installed ${debianPackage}; fix: apt-get ${install.join(' ')}`,
    );
  }
  progress.succeed(`installed ${debianPackage}`);
  return installed;
}
