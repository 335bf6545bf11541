/**
 * `stack.yaml`, for those who run `docker stack deploy`: the same service, its secrets `external: true`.
 * The format is Compose's version 3, which is what the command reads
 * (https://docs.docker.com/reference/cli/docker/stack/deploy/).
 */
import { stringify } from 'yaml';
import type { SwarmManager } from '../systems.ts';
import { commandOf, home, readyFile } from './container.ts';

/** A Docker config and where the container sees it. */
export interface NamedFile {
  readonly name: string;
  readonly paths: readonly string[];
}

export interface StackArgs {
  readonly manager: Pick<SwarmManager, 'service' | 'node'>;
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Keys, and names of their Docker secrets. */
  readonly secrets: readonly { readonly key: string; readonly name: string }[];
  readonly configs: readonly NamedFile[];
  /** By group. */
  readonly tags: Readonly<Record<string, string>>;
}

const header = [
  '# Written by npm start (pulumi up); changes are overwritten. It holds no value.',
  '# Numbers are decimal: mode 256 is 0400.',
  '',
].join('\n');

export function renderStack(args: StackArgs): string {
  const { manager, image, environment, secrets, configs, tags } = args;
  const owner = { uid: '0', gid: '0', mode: 0o400 };
  const kept = ['conf', 'data', 'logs'];
  const service = {
    image,
    // The command reads a dollar sign as the start of a variable.
    entrypoint: commandOf('both').map((word) => word.replaceAll('$', '$$$$')),
    working_dir: home,
    user: '0:0',
    init: true,
    stop_grace_period: '2m',
    healthcheck: {
      test: ['CMD', 'test', '-e', readyFile],
      interval: '2s',
      timeout: '5s',
      retries: 3,
      start_period: '2m',
    },
    cap_drop: ['ALL'],
    labels: Object.fromEntries(
      Object.entries(tags).map(([group, tag]) => [`hummingbot-secrets.${group}-tag`, tag]),
    ),
    environment,
    secrets: secrets.map(({ key }) => ({ source: key, target: key, ...owner })),
    configs: configs.flatMap(({ name, paths }) =>
      paths.map((target) => ({ source: name, target, ...owner })),
    ),
    volumes: [
      ...kept.map((name) => ({ type: 'volume', source: name, target: `${home}/${name}` })),
      ...['/tmp', '/run/hummingbot', `${home}/conf/connectors`].map((target) => ({
        type: 'tmpfs',
        target,
      })),
    ],
    deploy: {
      replicas: 1,
      placement: { constraints: [`node.id==${manager.node}`], max_replicas_per_node: 1 },
      restart_policy: { condition: 'any', delay: '10s' },
      update_config: { parallelism: 1, order: 'stop-first', failure_action: 'pause' },
    },
  };
  const document = {
    version: '3.9',
    services: { hummingbot: service },
    secrets: Object.fromEntries(secrets.map(({ key, name }) => [key, { external: true, name }])),
    configs: Object.fromEntries(configs.map(({ name }) => [name, { external: true, name }])),
    // Those of the service that Pulumi makes: the bot's trades stay when the one takes over.
    volumes: Object.fromEntries(kept.map((name) => [name, { name: `${manager.service}-${name}` }])),
    // As any container: no overlay, which the bot has no use for.
    networks: { default: { external: true, name: 'bridge' } },
  };
  return header + stringify(document, { lineWidth: 0 });
}
