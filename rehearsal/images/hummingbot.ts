/**
 * The bot's image: Hummingbot from PyPI in Debian, with the paths of the official image. What it does
 * not have in common with that one: docs/rehearsal.md.
 *
 * Made in three stages, each a folder of the cache whose name changes with what it is made of: the
 * builder (Debian, a compiler, Python's packages), Hummingbot compiled in it, and the image.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { workspace } from '../../operations/engine/workspace.ts';
import { type ImageArchive, type ImageSpec, makeArchive, registry, run } from './archive.ts';
import { debianRelease, debootstrap, within } from './debian.ts';
import { identityOf, made, type Stage, type Step } from './stage.ts';

/** Releases on PyPI, pinned by `hummingbot-<release>.txt`; dev-2.18.0 and 2.16.0 by their own name. */
export const newestRelease = '20260922';
export const olderRelease = '20260729';
export type Release = typeof newestRelease | typeof olderRelease;

const home = '/home/hummingbot';
const venv = `${home}/.venv`;
export const pythonOfBot = `${venv}/bin/python`;

/** Name, working directory, variables and command are the official image's, 2.17 and later. */
export const botImage: ImageSpec = {
  name: `${registry}/hummingbot:rehearsal`,
  environment: [
    `PATH=${venv}/bin:/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    'INSTALLATION_TYPE=docker',
    `VIRTUAL_ENV=${venv}`,
  ],
  command: ['/bin/sh', '-c', './bin/hummingbot_quickstart.py 2>> ./logs/errors.log'],
  workingDirectory: home,
};

const source = (file: string): string => join(import.meta.dirname, 'hummingbot', file);
/** Folder of all stages. */
export const cache = join(workspace.cache, 'hummingbot');

const packages = [
  ...['python3', 'ca-certificates', 'libusb-1.0-0'],
  ...['python3-venv', 'python3-dev', 'gcc', 'g++'],
];

const builder: Stage = {
  name: 'bot-builder',
  files: ['builder.sh', 'build-requirements.txt', 'requirements.txt'].map(source),
  of: [debianRelease, packages, process.arch],
  estimate: 'about 2 minutes on 2 cores',
  lines: 1100,
};

function packageOf(release: Release): Stage {
  return {
    name: `hummingbot-${release}`,
    files: ['package.sh', `hummingbot-${release}.txt`].map(source),
    of: [identityOf(builder)],
    estimate: 'about 1 minute on 2 cores',
    lines: 9,
  };
}

function imageStage(): Stage {
  return {
    name: 'bot-image',
    files: [source('release.sh')],
    of: [identityOf(packageOf(newestRelease)), botImage],
    estimate: 'about 1 minute on 2 cores',
    lines: 3,
  };
}

/** Debian with a compiler and all that Hummingbot asks for: its root file system. */
export async function botBuilder(): Promise<string> {
  const folder = await made(builder, cache, async (work, step) => {
    const root = join(work, 'root');
    await step(debootstrap(root, packages));
    const mounted = join(work, 'mounted');
    mkdirSync(mounted);
    for (const file of builder.files) copyFileSync(file, join(mounted, basename(file)));
    writeFileSync(join(root, 'etc', 'pip.conf'), '');
    const inside = { root, access: 'write', fetches: true, work: mounted } as const;
    await step(within(inside, ['sh', '/mnt/builder.sh']));
    rmSync(mounted, { recursive: true });
  });
  return join(folder, 'root');
}

/** Hummingbot, compiled for the builder's Python: folder with the package `hummingbot`. */
export async function botPackage(release: Release): Promise<string> {
  const stage = packageOf(release);
  const there = join(cache, identityOf(stage), 'package');
  if (existsSync(there)) return there;
  const root = await botBuilder();
  const folder = await made(stage, cache, async (work, step) => {
    copyFileSync(source(`hummingbot-${release}.txt`), join(work, 'hummingbot.txt'));
    copyFileSync(source('package.sh'), join(work, 'package.sh'));
    const inside = { root, access: 'read', fetches: true, work } as const;
    await step(within(inside, ['sh', '/mnt/package.sh']));
    rmSync(join(work, 'tmp'), { recursive: true });
  });
  return join(folder, 'package');
}

/**
 * The bot's image, made unless it is cached.
 * @throws CommandError when something of it cannot be had, with what was said last
 */
export async function botArchive(): Promise<ImageArchive> {
  const stage = imageStage();
  const folder = join(cache, identityOf(stage));
  if (!existsSync(folder)) {
    const compiled = await botPackage(newestRelease);
    const base = await botBuilder();
    await made(stage, cache, async (work, step) => await makeImage({ base, compiled, work, step }));
  }
  const image = JSON.parse(readFileSync(join(folder, 'image.json'), 'utf8')) as ImageArchive;
  return { ...image, path: join(folder, 'image.tar') };
}

interface Making {
  readonly base: string;
  readonly compiled: string;
  readonly work: string;
  readonly step: Step;
}

async function makeImage({ base, compiled, work, step }: Making): Promise<void> {
  const root = join(work, 'root');
  const mounted = join(work, 'mounted');
  mkdirSync(mounted);
  await step(['cp', '--archive', '--reflink=auto', base, root]);
  await step(['cp', '--archive', compiled, join(mounted, 'package')]);
  copyFileSync(source('release.sh'), join(mounted, 'release.sh'));
  const inside = { root, fetches: false, work: mounted } as const;
  await step(within({ ...inside, access: 'write' }, ['sh', '/mnt/release.sh']));
  // As a pod has it: what it imports has to work where nothing can be written.
  const all =
    'from hummingbot.client.settings import AllConnectorSettings as a; a.get_connector_settings()';
  await step(
    within({ ...inside, access: 'read' }, [
      pythonOfBot,
      '-c',
      `${all}; import hummingbot.cli.engine`,
    ]),
  );
  rmSync(mounted, { recursive: true });
  for (const name of ['dev', 'proc', 'run', 'sys', 'tmp', 'mnt']) {
    run('find', join(root, name), '-mindepth', '1', '-delete');
  }
  const { name, reference } = makeArchive(botImage, root, work);
  rmSync(root, { recursive: true });
  writeFileSync(join(work, 'image.json'), JSON.stringify({ name, reference }));
}
