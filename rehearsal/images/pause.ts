/** The image that holds a pod's namespaces: Debian's static busybox, asleep. */
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { programOf } from '../debian-packages.ts';
import { type ImageArchive, type ImageSpec, makeArchive, registry } from './archive.ts';

export const pauseImage: ImageSpec = {
  name: `${registry}/pause:rehearsal`,
  environment: ['PATH=/bin'],
  command: ['/bin/sleep', '2147483647'],
  workingDirectory: '/',
};

/** @param work folder for it, made if it is not there */
export function makePauseImage(work: string): ImageArchive {
  const root = join(work, 'root');
  mkdirSync(join(root, 'bin'), { recursive: true });
  copyFileSync(programOf('busybox', 'busybox-static'), join(root, 'bin', 'busybox'));
  symlinkSync('busybox', join(root, 'bin', 'sleep'));
  const image = makeArchive(pauseImage, root, work);
  rmSync(root, { recursive: true });
  return image;
}
