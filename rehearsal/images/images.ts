/**
 * Images that are made here, because no image registry is asked: the bot's stand-in and the pause
 * image, both of Debian's static busybox. They are OCI archives whose bytes depend on their contents
 * alone, so an image has the same digest each time.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../operations/engine/command-error.ts';
import { programOf } from '../debian-packages.ts';

export interface LocalImage {
  readonly name: string;
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** Commands of busybox that it has in /bin. */
  readonly applets: readonly string[];
  readonly folders: readonly string[];
  /** Files of this folder: path in the image to name here. */
  readonly files: Readonly<Record<string, string>>;
}

/** A domain that cannot exist (RFC 2606): nobody can be asked for these. */
const registry = 'rehearsal.invalid';

/** What holds a pod's namespaces. */
export const pauseImage: LocalImage = {
  name: `${registry}/pause:rehearsal`,
  command: ['/bin/sleep', '2147483647'],
  workingDirectory: '/',
  applets: ['sleep'],
  folders: [],
  files: {},
};

/** Stands in for the bot, see bot.sh. Has no path that the official image lacks but that script. */
export const botImage: LocalImage = {
  name: `${registry}/hummingbot:rehearsal`,
  command: ['/bin/sh', '/rehearsal/bot.sh'],
  workingDirectory: '/home/hummingbot',
  applets: [
    ...['cat', 'date', 'echo', 'env', 'grep', 'head', 'id', 'kill', 'ls', 'mkdir', 'mount', 'mv'],
    ...['printf', 'ps', 'rm', 'sed', 'sh', 'sleep', 'stat', 'tail', 'test', 'touch', 'tr', 'wc'],
  ],
  folders: ['etc', 'home/hummingbot', 'tmp', 'proc', 'sys', 'dev'],
  files: { 'rehearsal/bot.sh': 'bot.sh' },
};

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

function run(...[program = '', ...args]: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new CommandError(
    `${args.find((arg) => !arg.startsWith('-')) ?? program}: got "${stderr.trim().split('\n').at(-1)}" from ${program}; allowed: an image that is made and imported`,
  );
}

function archive(target: string, folder: string): void {
  // Order, times and owners would otherwise be this machine's.
  const plain = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  run(programOf('tar', 'tar'), ...plain, '--format=ustar', '-C', folder, '-cf', target, '.');
}

/**
 * Makes an OCI archive.
 * @param work folder for it, made if it is not there
 * @returns path of the archive, and the image's name with its digest
 */
export function makeImage(
  image: LocalImage,
  work: string,
): { readonly path: string; readonly reference: string } {
  const root = join(work, 'root');
  const layout = join(work, 'layout');
  for (const folder of [root, layout]) rmSync(folder, { recursive: true, force: true });
  for (const folder of ['bin', ...image.folders]) {
    mkdirSync(join(root, folder), { recursive: true });
    chmodSync(join(root, folder), folder === 'tmp' ? 0o1777 : 0o755);
  }
  copyFileSync(programOf('busybox', 'busybox-static'), join(root, 'bin', 'busybox'));
  for (const applet of image.applets) symlinkSync('busybox', join(root, 'bin', applet));
  for (const [path, name] of Object.entries(image.files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    copyFileSync(join(import.meta.dirname, name), join(root, path));
    chmodSync(join(root, path), 0o755);
  }
  const layer = join(work, 'layer.tar');
  archive(layer, root);
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true });
  const blob = (content: Buffer): { readonly digest: string; readonly size: number } => {
    const hash = sha256(content);
    writeFileSync(join(layout, 'blobs', 'sha256', hash), content);
    return { digest: `sha256:${hash}`, size: content.length };
  };
  const json = (content: object): Buffer => Buffer.from(JSON.stringify(content));
  const layerBlob = blob(readFileSync(layer));
  const media = 'application/vnd.oci.image';
  const config = blob(
    json({
      architecture: { x64: 'amd64' }[process.arch as string] ?? process.arch,
      os: 'linux',
      config: {
        Env: ['PATH=/bin'],
        Cmd: image.command,
        WorkingDir: image.workingDirectory,
      },
      rootfs: { type: 'layers', diff_ids: [layerBlob.digest] },
    }),
  );
  const manifest = blob(
    json({
      schemaVersion: 2,
      mediaType: `${media}.manifest.v1+json`,
      config: { mediaType: `${media}.config.v1+json`, ...config },
      layers: [{ mediaType: `${media}.layer.v1.tar`, ...layerBlob }],
    }),
  );
  const reference = `${image.name.slice(0, image.name.lastIndexOf(':'))}@${manifest.digest}`;
  const named = [image.name, reference].map((name) => ({
    mediaType: `${media}.manifest.v1+json`,
    ...manifest,
    annotations: { 'io.containerd.image.name': name },
  }));
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: named }));
  // What an older `docker load` reads.
  const pathOf = (digest: string): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;
  const docker = { Config: pathOf(config.digest), RepoTags: [image.name] };
  writeFileSync(
    join(layout, 'manifest.json'),
    json([{ ...docker, Layers: [pathOf(layerBlob.digest)] }]),
  );
  writeFileSync(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  const path = join(work, `${sha256(Buffer.from(image.name)).slice(0, 8)}.tar`);
  archive(path, layout);
  for (const each of [root, layout, layer]) rmSync(each, { recursive: true, force: true });
  return { path, reference };
}

/**
 * Imports images into containerd.
 * @param ctr command of containerd's client, with its socket and namespace
 * @returns name with digest of each
 */
export function importImages(
  folder: string,
  ctr: (archive: string) => readonly string[],
  images: readonly LocalImage[],
): readonly string[] {
  return images.map((image) => {
    const { path, reference } = makeImage(image, join(folder, 'images'));
    run(...ctr(path));
    rmSync(path);
    return reference;
  });
}
