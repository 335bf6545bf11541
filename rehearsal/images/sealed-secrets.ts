/** The sealed-secrets controller as its vendor's image has it: one static program. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageArchive, type ImageSpec, makeArchive, registry } from './archive.ts';

export const controllerImage: ImageSpec = {
  name: `${registry}/sealed-secrets-controller:rehearsal`,
  environment: ['PATH=/usr/local/bin'],
  command: ['/usr/local/bin/controller'],
  workingDirectory: '/',
};

/**
 * @param binary path of the built controller
 * @param work folder for it, made if it is not there
 */
export function makeControllerImage(binary: string, work: string): ImageArchive {
  const root = join(work, 'root');
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  mkdirSync(join(root, 'tmp'), { recursive: true });
  copyFileSync(binary, join(root, 'usr/local/bin/controller'));
  const image = makeArchive(controllerImage, root, work);
  rmSync(root, { recursive: true });
  return image;
}
