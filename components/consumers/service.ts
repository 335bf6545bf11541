/** Who uses it: the hummingbot service of a Compose file. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import { stringify } from 'yaml';
import { File } from '../../plugins/hummingbot/resources.ts';
import type { ConsumerName } from '../catalog.ts';
import type { FileDelivery, Reference } from '../delivery/delivery.ts';
import type { Strategy } from '../strategy.ts';
import {
  commandOf,
  environmentOf,
  home,
  keptDirectories,
  programDirectory,
  programFiles,
  readyFile,
  runDirectory,
  scriptPath,
} from './container.ts';

export interface HummingbotServiceArgs {
  /** What the bot's secrets were delivered by; the service asks it for references and tags. */
  readonly delivery: FileDelivery;
  /** The bot's image, pinned. A change recreates the container. */
  readonly image: string;
  /** A change recreates the container. @default - the bot logs in and does not trade */
  readonly strategy?: Strategy | undefined;
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
/** What the bot reads, made anew at each start: in memory, above this directory of the host. */
const connectorsDirectory = 'conf/connectors';
/** Below the stack's folder: the files that every Compose file of the stack mounts. */
const programFolder = 'bot';

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
      .apply((tags) => render(args, args.delivery.references(consumer), tags, digestOf(args)));
    new File(
      `${name}-file`,
      { root, path: `${stack}/${args.delivery.composeFile}`, content, mode: '0600' },
      { parent: this, dependsOn: [args.delivery] },
    );
    this.registerOutputs({});
  }
}

export interface HummingbotFolderArgs {
  /** Any that the bot's secrets were delivered by: all of a stack carry the same keys. */
  readonly delivery: FileDelivery;
  readonly strategy?: Strategy | undefined;
}

/**
 * What every Compose file of a stack mounts: the programs that make the bot's own files, and the
 * directories that the bot writes; made by us, because Docker would make them for root.
 */
export class HummingbotFolder extends pulumi.ComponentResource {
  constructor(name: string, args: HummingbotFolderArgs, opts?: pulumi.ComponentResourceOptions) {
    // As it was called before it held the programs (docs/decisions/0013-the-bot-materialises.md).
    const before = 'hummingbot-secrets:consumers:HummingbotDirectories';
    const aliases = [{ type: before, name: 'hummingbot-directory' }];
    const merged = pulumi.mergeOptions(opts, { aliases });
    super('hummingbot-secrets:consumers:HummingbotFolder', name, {}, merged);
    const { root, stack } = args.delivery.place;
    const put = (child: string, path: string, content = ''): File =>
      new File(
        `${name}-${child}`,
        { root, path: `${stack}/${path}`, content, mode: '0600' },
        { parent: this },
      );
    for (const directory of keptDirectories) put(directory, `${directory}/.keep`);
    put('connectors', `${connectorsDirectory}/.keep`);
    for (const [file, content] of Object.entries(filesFor(args))) {
      put(file, `${programFolder}/${file}`, content);
    }
    this.registerOutputs({});
  }
}

function filesFor({ delivery, strategy }: HummingbotFolderArgs): Readonly<Record<string, string>> {
  const keys = delivery.references(consumer).map(({ key }) => key);
  return programFiles(keys, strategy);
}

/** Says whether a container has the programs and the strategy of now: Compose does not look into them. */
function digestOf(args: HummingbotFolderArgs): string {
  return createHash('sha256')
    .update(JSON.stringify(filesFor(args)))
    .digest('hex')
    .slice(0, 10);
}

function bound(source: string, target: string): object {
  return { type: 'bind', source: `./${source}`, target, bind: { create_host_path: false } };
}

/** The Compose file, after https://docs.docker.com/reference/compose-file/ (no `version:`). */
export function render(
  args: Pick<HummingbotServiceArgs, 'image' | 'project' | 'strategy' | 'user'>,
  references: readonly Reference[],
  tags: Readonly<Record<string, string>>,
  program: string,
): string {
  const files = references.flatMap(({ key, file }) => (file === undefined ? [] : [{ key, file }]));
  const environment = environmentOf(references);
  const [uid, gid] = args.user.split(':');
  const memory = `mode=0700,uid=${uid},gid=${gid}`;
  const script = scriptPath(args.strategy);
  const service = {
    image: args.image,
    // Compose reads a dollar sign as the start of a variable.
    entrypoint: commandOf('both').map((word) => word.replaceAll('$', '$$$$')),
    working_dir: home,
    user: args.user,
    init: true,
    restart: 'unless-stopped',
    // Time to cancel open orders.
    stop_grace_period: '2m',
    // The mark that launch.py makes: `docker compose up --wait` waits for it.
    healthcheck: {
      test: ['CMD', 'test', '-e', readyFile],
      interval: '2s',
      start_period: '2m',
    },
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    labels: {
      ...Object.fromEntries(
        Object.entries(tags).map(([group, tag]) => [`hummingbot-secrets.${group}-tag`, tag]),
      ),
      'hummingbot-secrets.program': program,
    },
    environment,
    ...(files.length > 0 && {
      secrets: files.map(({ key, file }) => ({ source: key, target: file.target })),
    }),
    volumes: [
      ...keptDirectories.map((directory) => bound(directory, `${home}/${directory}`)),
      { ...bound(programFolder, programDirectory), read_only: true },
      ...(script === undefined
        ? []
        : [{ ...bound(`${programFolder}/${basename(script)}`, script), read_only: true }]),
    ],
    tmpfs: [
      '/tmp:mode=1777',
      `${runDirectory}:${memory}`,
      `${home}/${connectorsDirectory}:${memory}`,
    ],
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
