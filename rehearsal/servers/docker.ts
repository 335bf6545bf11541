/**
 * A Docker Engine of its own, inside the enclosure: its containers, mounts and interfaces end with
 * it. Without iptables, so its containers talk to each other and to nobody else.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../operations/engine/command-error.ts';
import { workspace } from '../../operations/engine/workspace.ts';
import { DockerApi } from '../../plugins/docker-api.ts';
import { programOf } from '../debian-packages.ts';
import { botArchive } from '../images/hummingbot.ts';
import { linkIntoDocker } from '../images/unpacked.ts';
import { openEnclosure } from './enclosure.ts';
import type { Servers } from './process.ts';
import { fileInside } from './site.ts';

/** A swarm of one node, which is its manager. */
export interface Swarm {
  /** Cluster id. */
  readonly id: string;
  readonly node: string;
}

export interface Docker {
  /** For its clients. */
  readonly environment: { readonly DOCKER_HOST: string };
  /** Name of the bot's image. */
  readonly image: string;
  readonly swarm?: Swarm;
}

/**
 * @param swarm whether it is made the manager of a swarm of its own, whose services have the bridge
 * network of the enclosure
 * @throws CommandError when it cannot be had or does not start
 */
export async function startDocker(
  servers: Servers,
  folder: string,
  swarm = false,
): Promise<Docker> {
  const dockerd = programOf('dockerd', 'docker.io');
  const image = await botArchive();
  mkdirSync(join(folder, 'logs'), { recursive: true, mode: 0o700 });
  const linked = await linkIntoDocker(join(folder, 'docker'));
  const enclosure = await openEnclosure(servers, folder, join(workspace.cache, 'tools'));
  // Seen from outside by the first process's root: a short path, whatever the checkout's is.
  const host = `unix:///proc/${enclosure.record.pid}/root/run/docker.sock`;
  const options = {
    host: 'unix:///run/docker.sock',
    'data-root': fileInside('docker'),
    'exec-root': '/run/docker',
    pidfile: '/run/docker.pid',
    iptables: 'false',
    ip6tables: 'false',
    ...(!swarm && { bridge: 'none' }),
  };
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const docker = (seconds: number, ...args: readonly string[]): boolean => {
    const env = { ...process.env, DOCKER_HOST: host };
    const client = programOf('docker', 'docker.io');
    return spawnSync(client, args, { env, stdio: 'ignore', timeout: seconds * 1000 }).status === 0;
  };
  await servers.start({
    name: 'dockerd',
    command: enclosure.enter([dockerd, ...flags]),
    forks: true,
    healthy: async () => docker(10, 'version'),
    seconds: 60,
  });
  if (!linked && !docker(300, 'load', '--input', image.path)) {
    throw new CommandError(
      `docker load: got an error; allowed: an image; fix: see ${servers.log('dockerd')}`,
    );
  }
  const started = { environment: { DOCKER_HOST: host }, image: image.name };
  if (!swarm) return started;
  if (!docker(60, 'swarm', 'init', '--advertise-addr', '127.0.0.1')) {
    throw new CommandError(
      `docker swarm init: got an error; allowed: a swarm; fix: see ${servers.log('dockerd')}`,
    );
  }
  const { Swarm: info } = (await new DockerApi({ host }).get('/info')) as {
    Swarm?: { readonly NodeID?: string; readonly Cluster?: { readonly ID?: string } };
  };
  return { ...started, swarm: { id: info?.Cluster?.ID ?? '', node: info?.NodeID ?? '' } };
}
