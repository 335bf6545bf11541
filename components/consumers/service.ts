/** Who uses it: the hummingbot service of a Compose file. */
import * as pulumi from '@pulumi/pulumi';
import { stringify } from 'yaml';
import { File } from '../../plugins/hummingbot/resources.ts';
import type { ConsumerName } from '../catalog.ts';
import type { FileDelivery, Reference } from '../delivery/delivery.ts';

export interface HummingbotServiceArgs {
  /** What the bot's secrets were delivered by; the service asks it for references and tags. */
  readonly delivery: FileDelivery;
  /** The bot's image, pinned. A change recreates the container. */
  readonly image: string;
  /**
   * Compose project. Every target of a stack uses the same project and service, so that two
   * Compose files never run two bots.
   */
  readonly project: string;
  /**
   * Owner of the files, `uid:gid`: Compose ignores the modes it is told for file secrets, so the
   * container must be the one who may read them.
   */
  readonly user: string;
}

const consumer: ConsumerName = 'hummingbot';
const home = '/home/hummingbot';
/** What the bot writes, kept on the host: without these a recreated bot forgets its trades. */
const keptDirectories = ['conf', 'data', 'logs'] as const;

/**
 * One bot and what it needs to never run twice and never forget: a fixed container name's worth
 * of identity (project and service), time to cancel its orders, and its data outside.
 */
export class HummingbotService extends pulumi.ComponentResource {
  constructor(name: string, args: HummingbotServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:consumers:HummingbotService', name, {}, opts);
    const { root, stack } = args.delivery.place;
    const content = pulumi
      .all(args.delivery.tags(consumer))
      .apply((tags) => render(args, args.delivery.references(consumer), tags));
    new File(
      `${name}-file`,
      { root, path: `${stack}/${args.delivery.composeFile}`, content, mode: '0600' },
      { parent: this, dependsOn: [args.delivery] },
    );
    this.registerOutputs({});
  }
}

/** The directories that the bot writes; made by us, because Docker would make them for root. */
export class HummingbotDirectories extends pulumi.ComponentResource {
  constructor(
    name: string,
    args: { readonly root: string; readonly stack: string },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('hummingbot-secrets:consumers:HummingbotDirectories', name, {}, opts);
    for (const directory of keptDirectories) {
      new File(
        `${name}-${directory}`,
        { root: args.root, path: `${args.stack}/${directory}/.keep`, content: '', mode: '0600' },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}

/** The Compose file, after https://docs.docker.com/reference/compose-file/ (no `version:`). */
export function render(
  args: Pick<HummingbotServiceArgs, 'image' | 'project' | 'user'>,
  references: readonly Reference[],
  tags: Readonly<Record<string, string>>,
): string {
  const files = references.flatMap(({ key, file }) => (file === undefined ? [] : [{ key, file }]));
  const environment = Object.assign({ HOME: '/tmp' }, ...references.map((r) => r.environment));
  const service = {
    image: args.image,
    user: args.user,
    init: true,
    restart: 'unless-stopped',
    // Time to cancel open orders.
    stop_grace_period: '2m',
    stdin_open: true,
    tty: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    labels: Object.fromEntries(
      Object.entries(tags).map(([group, tag]) => [`hummingbot-secrets.${group}-tag`, tag]),
    ),
    environment,
    ...(files.length > 0 && {
      secrets: files.map(({ key, file }) => ({ source: key, target: file.target })),
    }),
    volumes: keptDirectories.map((directory) => ({
      type: 'bind',
      source: `./${directory}`,
      target: `${home}/${directory}`,
      bind: { create_host_path: false },
    })),
    tmpfs: ['/tmp:mode=1777'],
  };
  const document = {
    name: args.project,
    services: { [consumer]: service },
    ...(files.length > 0 && {
      secrets: Object.fromEntries(files.map(({ key, file }) => [key, { file: file.source }])),
    }),
  };
  const header =
    '# Written by npm start (pulumi up); changes are overwritten, compose.override.yaml is yours. It holds no value.\n';
  return header + stringify(document, { lineWidth: 0 });
}
