/** Whether containers may share the files of their image, or each has to get a copy. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { programOf } from '../debian-packages.ts';

const trial = `
cd "$1" && mkdir lower upper work merged &&
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged && touch merged/file
`;

/** Mounts one, in a namespace that ends with the trial. Some file systems refuse, overlay itself among them. */
export function overlayWorks(folder: string): boolean {
  const place = join(folder, 'overlay-trial');
  mkdirSync(place, { recursive: true });
  const unshare = [
    programOf('unshare', 'util-linux'),
    '--mount',
    'sh',
    '-c',
    trial,
    'trial',
    place,
  ];
  const [program = '', ...args] = unshare;
  const { status } = spawnSync(program, args, { stdio: 'ignore' });
  rmSync(place, { recursive: true, force: true });
  return status === 0;
}
