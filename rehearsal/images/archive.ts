/**
 * OCI archives out of root file systems. Their bytes depend on their contents alone, so an image has
 * the same digest each time. Layers are not compressed: they are read more often than carried.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../operations/engine/command-error.ts';
import { programOf } from '../debian-packages.ts';

export interface ImageSpec {
  /** With a tag. */
  readonly name: string;
  readonly environment: readonly string[];
  readonly command: readonly string[];
  readonly workingDirectory: string;
}

export interface ImageArchive {
  readonly path: string;
  readonly name: string;
  /** The name with the digest instead of the tag. */
  readonly reference: string;
}

/** A domain that cannot exist (RFC 2606): nobody can be asked for these. */
export const registry = 'rehearsal.invalid';

const media = 'application/vnd.oci.image';

/** @throws CommandError with the last that the program said */
export function run(...[program = '', ...args]: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new CommandError(
    `${args.find((arg) => !arg.startsWith('-')) ?? program}: got "${stderr.trim().split('\n').at(-1)}" from ${program}; allowed: an image that is made and imported`,
  );
}

function pack(target: string, folder: string): void {
  // Order, times and owners would otherwise be this machine's.
  const plain = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  run(programOf('tar', 'tar'), ...plain, '--format=gnu', '-C', folder, '-cf', target, '.');
}

/** In parts: a layer may be larger than a string or a buffer can be. */
function sha256Of(path: string): string {
  const hash = createHash('sha256');
  const part = Buffer.alloc(1 << 20);
  const file = openSync(path, 'r');
  for (let size = readSync(file, part); size > 0; size = readSync(file, part)) {
    hash.update(part.subarray(0, size));
  }
  closeSync(file);
  return hash.digest('hex');
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/**
 * Makes an archive that containerd and Docker import.
 * @param root folder of the root file system
 * @param work folder for it, made if it is not there
 */
export function makeArchive(spec: ImageSpec, root: string, work: string): ImageArchive {
  const layout = join(work, 'layout');
  const blobs = join(layout, 'blobs', 'sha256');
  rmSync(layout, { recursive: true, force: true });
  mkdirSync(blobs, { recursive: true });
  const layerFile = join(work, 'layer.tar');
  pack(layerFile, root);
  const layer = { digest: `sha256:${sha256Of(layerFile)}`, size: statSync(layerFile).size };
  renameSync(layerFile, join(layout, pathOf(layer)));
  const blob = (content: object): Blob => {
    const bytes = json(content);
    const hash = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, hash), bytes);
    return { digest: `sha256:${hash}`, size: bytes.length };
  };
  const config = blob({
    architecture: { x64: 'amd64' }[process.arch as string] ?? process.arch,
    os: 'linux',
    config: { Env: spec.environment, Cmd: spec.command, WorkingDir: spec.workingDirectory },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = blob({
    schemaVersion: 2,
    mediaType: `${media}.manifest.v1+json`,
    config: { mediaType: `${media}.config.v1+json`, ...config },
    layers: [{ mediaType: `${media}.layer.v1.tar`, ...layer }],
  });
  const reference = `${spec.name.slice(0, spec.name.lastIndexOf(':'))}@${manifest.digest}`;
  const manifests = [spec.name, reference].map((name) => ({
    mediaType: `${media}.manifest.v1+json`,
    ...manifest,
    annotations: { 'io.containerd.image.name': name },
  }));
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests }));
  // What an older `docker load` reads.
  const docker = { Config: pathOf(config), RepoTags: [spec.name], Layers: [pathOf(layer)] };
  writeFileSync(join(layout, 'manifest.json'), json([docker]));
  writeFileSync(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  const path = join(work, 'image.tar');
  pack(path, layout);
  rmSync(layout, { recursive: true });
  return { path, name: spec.name, reference };
}

const json = (content: object): Buffer => Buffer.from(JSON.stringify(content));

/** Below the layout. */
const pathOf = ({ digest }: Blob): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;
