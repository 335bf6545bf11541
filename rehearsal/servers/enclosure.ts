/**
 * Namespaces of this rehearsal alone: processes, mounts and network. All servers of the cluster live
 * in them, and so do the containers, so that the end of one process, the enclosure's first, is the
 * end of every process, mount and interface in it: the kernel sees to it, whatever happened before.
 * Linux and root.
 *
 * Inside, /run, /var/lib and /var/log are empty and vanish with it; the rehearsal's folder is
 * /run/rehearsal (paths of sockets may have 108 bytes) and the cache of tools /run/tools.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { CommandError } from '../../operations/engine/command-error.ts';
import { programOf } from '../debian-packages.ts';
import { isRunning, type ServerRecord, type Servers } from './process.ts';

/** The name of the enclosure's first process among the servers. */
export const enclosureName = 'enclosure';

/** What its first process does: mounts, then wait, and reap those whose parents are gone. */
const first = `
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/rehearsal /run/tools
mount --bind "$1" /run/rehearsal
mount --bind "$2" /run/tools
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /var/log
touch /run/ready
while :; do sleep 3600 & wait $!; done
`;

export interface Enclosure {
  /** This machine's address towards it, and its own. */
  readonly hostAddress: string;
  readonly address: string;
  readonly record: ServerRecord;
  /** Command that runs another inside; it forks. */
  enter(command: readonly string[]): readonly string[];
}

/** Folder of the rehearsal as it is seen inside. */
export const inside = '/run/rehearsal';
export const toolsInside = '/run/tools';

/** Name of the interface towards a folder's enclosure; it may have 15 letters. */
export function nameOf(folder: string): string {
  return `rehearsal-${createHash('sha256').update(folder).digest('hex').slice(0, 5)}`;
}

/**
 * @param folder of the rehearsal
 * @param tools folder of the built tools
 * @throws CommandError when the kernel refuses one of the namespaces
 */
export async function openEnclosure(
  servers: Servers,
  folder: string,
  tools: string,
): Promise<Enclosure> {
  for (const path of [folder, tools]) {
    if (/^\/(?:run|var\/lib|var\/log)\//u.test(path)) {
      throw new CommandError(
        `rehearse: got ${path}; allowed: a folder outside /run, /var/lib and /var/log; fix: move the checkout or set XDG_CACHE_HOME`,
      );
    }
  }
  const unshare = programOf('unshare', 'util-linux');
  const flags = ['--fork', '--kill-child', '--pid', '--mount', '--net', '--mount-proc'];
  const record = await servers.start({
    name: enclosureName,
    command: [unshare, ...flags, 'sh', '-c', first, 'rehearsal', folder, tools],
    forks: true,
    healthy: async () => existsSync(`/proc/${servers.running(enclosureName)?.pid}/root/run/ready`),
    seconds: 10,
  });
  const [hostAddress, address] = freeAddresses(folder);
  const name = nameOf(folder);
  const ip = programOf('ip', 'iproute2');
  const nsenter = programOf('nsenter', 'util-linux');
  const within = [nsenter, '--target', `${record.pid}`, '--net'];
  const link = ['link', 'add', name, 'type', 'veth', 'peer', 'name', 'outside'];
  run([ip, ...link, 'netns', `${record.pid}`]);
  run([ip, 'addr', 'add', `${hostAddress}/30`, 'dev', name]);
  run([ip, 'link', 'set', name, 'up']);
  run([...within, ip, 'addr', 'add', `${address}/30`, 'dev', 'outside']);
  run([...within, ip, 'link', 'set', 'outside', 'up']);
  run([...within, ip, 'link', 'set', 'lo', 'up']);
  return enclosureOf(record, { hostAddress, address });
}

export function enclosureOf(
  record: ServerRecord,
  addresses: Pick<Enclosure, 'hostAddress' | 'address'>,
): Enclosure {
  const target = [programOf('nsenter', 'util-linux'), '--target', `${record.pid}`];
  return {
    ...addresses,
    record,
    enter: (command) => [...target, '--mount', '--net', '--pid', ...command],
  };
}

/** Ends everything inside. */
export async function closeEnclosure(servers: Servers, folder: string): Promise<void> {
  const record = servers.list().find(({ name }) => name === enclosureName);
  // The first process of a pid namespace takes no signal but this one.
  if (record !== undefined && isRunning(record)) process.kill(record.pid, 'SIGKILL');
  await servers.stop(enclosureName);
  const name = nameOf(folder);
  // Goes with its other end as soon as the namespace does, which the kernel takes its time for.
  if (existsSync(`/sys/class/net/${name}`)) {
    spawnSync(programOf('ip', 'iproute2'), ['link', 'delete', name], { stdio: 'ignore' });
  }
}

/** Two neighbours of a network of four that no interface of this machine has. */
function freeAddresses(folder: string): readonly [host: string, node: string] {
  const taken = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const hash = createHash('sha256').update(folder).digest().readUInt16BE(0);
  for (let at = 0; at < 0x4000; at += 1) {
    const network = (hash + at) % 0x4000;
    const base = `10.213.${network >> 6}`;
    const host = (network % 64) * 4;
    if (!taken.some(({ address }) => address === `${base}.${host + 1}`)) {
      return [`${base}.${host + 1}`, `${base}.${host + 2}`];
    }
  }
  throw new CommandError('rehearse: got no free network in 10.213.0.0/16; allowed: one of 16384');
}

function run([program = '', ...args]: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new CommandError(
    `${program}: got "${stderr.trim().split('\n')[0]}"; allowed: namespaces and veth interfaces, as root on Linux; ` +
      'fix: use a machine of your own, or --kubeconfig FILE with a cluster that is there',
  );
}
