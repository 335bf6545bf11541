/** Whether containers may share the files of their image, or each has to get a copy of them all. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { programOf } from '../debian-packages.ts';

const trial = `
cd "$1" && mkdir lower upper work merged &&
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged && touch merged/file
`;

/** Tried, in a namespace whose end is the mount's: overlay itself is among the file systems that refuse. */
export function overlayWorks(folder: string): boolean {
  const place = join(folder, 'overlay-trial');
  mkdirSync(place, { recursive: true });
  const args = ['--mount', 'sh', '-c', trial, 'trial', place];
  const { status } = spawnSync(programOf('unshare', 'util-linux'), args, { stdio: 'ignore' });
  rmSync(place, { recursive: true, force: true });
  return status === 0;
}
