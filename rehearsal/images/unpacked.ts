/**
 * The bot's image as containerd and Docker keep it, unpacked: made once, in the cache, by the same
 * programs. A rehearsal links its files instead of unpacking a gigabyte anew; containers write to
 * layers of their own, never to these files.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { workspace } from '../../operations/engine/workspace.ts';
import { programOf } from '../debian-packages.ts';
import { overlayWorks } from '../servers/overlay.ts';
import { run } from './archive.ts';
import { botArchive, cache } from './hummingbot.ts';
import { made, type Stage } from './stage.ts';

export interface Keeper {
  readonly name: 'containerd' | 'docker';
  /** Program whose version says how it keeps images, and its Debian package. */
  readonly program: readonly [name: string, debian: string];
  /** Shell that has the image at `$1` unpacked below `$2` when it ends; `$3` is the client. */
  readonly unpack: string;
  readonly client: readonly [name: string, debian: string];
  /** What of it is linked, and whatever is written in place, which is copied. */
  readonly linked: readonly string[];
  readonly copied: readonly string[];
}

/** In namespaces whose end is the server's, with a /run of its own. */
const server = (start: string, answers: string): string => `
set -e
mount -t tmpfs tmpfs /run
${start} >"$2.log" 2>&1 &
tries=0
until ${answers} >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ $tries -lt 300 ] || { tail -n 1 "$2.log" >&2; exit 1; }
  sleep 0.1
done
`;

export const containerd: Keeper = {
  name: 'containerd',
  program: ['containerd', 'containerd'],
  client: ['ctr', 'containerd'],
  unpack: `${server('"$0" --config "$2.toml"', '"$3" version')}
"$3" --namespace k8s.io images import --snapshotter overlayfs "$1"
kill $! && wait $!
`,
  linked: ['io.containerd.content.v1.content', 'io.containerd.snapshotter.v1.overlayfs'],
  copied: [
    'io.containerd.metadata.v1.bolt',
    join('io.containerd.snapshotter.v1.overlayfs', 'metadata.db'),
  ],
};

export const docker: Keeper = {
  name: 'docker',
  program: ['dockerd', 'docker.io'],
  client: ['docker', 'docker.io'],
  unpack: `${server(
    '"$0" --data-root "$2" --exec-root /run/docker --pidfile /run/docker.pid --iptables=false --ip6tables=false --bridge=none --storage-driver=overlay2',
    '"$3" version',
  )}
"$3" load --input "$1"
kill $! && wait $!
`,
  linked: ['overlay2'],
  copied: ['image'],
};

/** containerd's root with the image in it; its namespace is Kubernetes'. */
export async function linkIntoContainerd(root: string): Promise<boolean> {
  return await link(containerd, root);
}

/** Docker's data root with the image in it. */
export async function linkIntoDocker(root: string): Promise<boolean> {
  return await link(docker, root);
}

/**
 * @param root folder that is not there yet
 * @returns false where the image has to be unpacked as usual: links end at a file system's border
 */
async function link(keeper: Keeper, root: string): Promise<boolean> {
  const parent = dirname(root);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  if (statSync(parent).dev !== statSync(cache).dev || !overlayWorks(parent)) return false;
  const from = join(await unpacked(keeper), 'root');
  for (const name of keeper.linked) {
    mkdirSync(join(root, dirname(name)), { recursive: true });
    run('cp', '--archive', '--link', join(from, name), join(root, dirname(name)));
  }
  for (const name of keeper.copied) {
    mkdirSync(join(root, dirname(name)), { recursive: true });
    rmSync(join(root, name), { recursive: true, force: true });
    run('cp', '--archive', join(from, name), join(root, dirname(name)));
  }
  return true;
}

/** Makes it unless it is cached; Docker's and containerd's, for whoever makes all ahead. */
export async function unpackBot(): Promise<void> {
  if (!overlayWorks(workspace.cache)) return;
  for (const keeper of [containerd, docker]) await unpacked(keeper);
}

/**
 * Folder of the cache with `root`, made unless it is there.
 * @throws CommandError when the program cannot be had or does not unpack
 */
export async function unpacked({ name, program, client, unpack }: Keeper): Promise<string> {
  const image = await botArchive();
  const binary = programOf(...program);
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  const stage: Stage = {
    name: `bot-in-${name}`,
    files: [],
    of: [image.reference, stdout, unpack],
    estimate: 'about 30 seconds',
    lines: 1,
  };
  return await made(stage, cache, async (work, step) => {
    const root = join(work, 'root');
    writeFileSync(`${root}.toml`, containerdConfig(root));
    const apart = [programOf('unshare', 'util-linux'), '--fork', '--kill-child', '--pid'];
    const words = [...apart, '--mount', '--net', '--mount-proc', 'sh', '-c', unpack];
    await step([...words, binary, image.path, root, programOf(...client)]);
    for (const each of readdirSync(work).filter((each) => each !== 'root'))
      rmSync(join(work, each));
  });
}

function containerdConfig(root: string): string {
  return `version = 2
root = "${root}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
`;
}
