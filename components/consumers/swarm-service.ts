/** Who uses it: the hummingbot service of a swarm, made by Pulumi or by `docker stack deploy`. */
import { createHash } from 'node:crypto';
import { Service } from '@pulumi/docker/service.js';
import { ServiceConfig } from '@pulumi/docker/serviceConfig.js';
import * as pulumi from '@pulumi/pulumi';
import { RandomId } from '@pulumi/random/randomId.js';
import { Convergence, File } from '../../plugins/hummingbot/resources.ts';
import type { ConsumerName } from '../catalog.ts';
import type { SwarmDelivery } from '../delivery/delivery.ts';
import type { Strategy } from '../strategy.ts';
import type { SwarmManager } from '../systems.ts';
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
import { type NamedFile, renderStack } from './swarm-stack.ts';

export interface SwarmServiceArgs {
  /** What the bot's secrets were delivered by; the service asks it for secrets and tags. */
  readonly delivery: SwarmDelivery;
  readonly manager: SwarmManager;
  /** The bot's image, pinned. A change restarts the bot. */
  readonly image: string;
  /** A change restarts the bot. @default - the bot logs in and does not trade */
  readonly strategy?: Strategy | undefined;
  /** Where `stack.yaml` is written, when somebody deploys it. */
  readonly root: string;
  readonly stack: string;
}

const consumer: ConsumerName = 'hummingbot';
const readByOwner = 0o400;
/** Root of the container, without capabilities: new volumes and tmpfs of a swarm are root's. */
const user = '0';
const ownerAlone = 0o700;
/** Directories in memory. */
const memory = ['/tmp', runDirectory, `${home}/conf/connectors`] as const;

/** A program of the bot as a Docker config. */
interface Program {
  readonly config: ServiceConfig;
  readonly paths: readonly string[];
}

/**
 * One bot, which is stopped before the next one starts. All changed secrets come in one update, and
 * the secrets of before are removed only when the bot runs on the new ones: Pulumi deletes what
 * it replaced after everything else.
 *
 * Durations are spelled, and modes chosen, as the provider reads them back: `2m0s` or a sticky bit
 * would be a difference for ever (kreuzwerker/terraform-provider-docker, shortDur and
 * flattenServiceMounts).
 */
export class SwarmService extends pulumi.ComponentResource {
  constructor(name: string, args: SwarmServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:consumers:SwarmService', name, {}, opts);
    const programs = this.#programs(name, args);
    if (args.manager.deploy === 'stack') this.#stack(name, args, programs);
    else this.#service(name, args, programs);
    this.registerOutputs({});
  }

  #service(name: string, args: SwarmServiceArgs, programs: readonly Program[]): void {
    const { delivery, manager, image } = args;
    const environment = environmentOf(delivery.references(consumer));
    const owner = { fileUid: user, fileGid: user, fileMode: readByOwner };
    const secrets = delivery.secretsOf(consumer);
    const service = new Service(
      name,
      {
        name: manager.service,
        mode: { replicated: { replicas: 1 } },
        taskSpec: {
          containerSpec: {
            image,
            commands: [...commandOf('both')],
            dir: home,
            user: `${user}:${user}`,
            init: true,
            env: environment,
            capDrops: ['ALL'],
            // Time to cancel open orders.
            stopGracePeriod: '2m',
            // The mark that launch.py makes: a swarm calls a task running when it is there.
            healthcheck: {
              tests: ['CMD', 'test', '-e', readyFile],
              interval: '2s',
              timeout: '5s',
              retries: 3,
              startPeriod: '2m',
            },
            labels: Object.entries(delivery.tags(consumer)).map(([group, tag]) => ({
              label: `hummingbot-secrets.${group}-tag`,
              value: tag,
            })),
            secrets: secrets.map((secret) => ({
              secretId: secret.id,
              secretName: secret.name,
              fileName: secret.key,
              ...owner,
            })),
            configs: programs.flatMap(({ config, paths }) =>
              paths.map((fileName) => ({
                configId: config.id,
                configName: config.name,
                fileName,
                ...owner,
              })),
            ),
            mounts: [
              ...keptDirectories.map((directory) => ({
                type: 'volume',
                source: `${manager.service}-${directory}`,
                target: `${home}/${directory}`,
              })),
              ...memory.map((target) => ({
                type: 'tmpfs',
                target,
                tmpfsOptions: { mode: ownerAlone },
              })),
            ],
          },
          placement: { constraints: [constraintOf(manager)], maxReplicas: 1 },
          restartPolicy: { condition: 'any', delay: '10s' },
        },
        updateConfig: { parallelism: 1, order: 'stop-first', failureAction: 'pause' },
      },
      { parent: this },
    );
    new Convergence(
      `${name}-convergence`,
      {
        host: manager.host,
        certPath: manager.certPath,
        service: service.id,
        content: [
          image,
          ...secrets.map(({ id }) => id),
          ...programs.map(({ config }) => config.id),
        ],
      },
      { parent: this },
    );
  }

  /** For `docker stack deploy`: names of secrets and programs, and no value. */
  #stack(name: string, args: SwarmServiceArgs, programs: readonly Program[]): void {
    const { delivery, manager, image, root, stack } = args;
    const named = <T extends object>(of: T, given: pulumi.Output<string>) =>
      given.apply((full): T & { name: string } => ({ ...of, name: full }));
    const secrets = pulumi.all(
      delivery.secretsOf(consumer).map((secret) => named({ key: secret.key }, secret.name)),
    );
    const configs = pulumi.all(
      programs.map(({ config, paths }) => named({ paths }, config.name)),
    ) as pulumi.Output<readonly NamedFile[]>;
    const environment = environmentOf(delivery.references(consumer));
    const content = pulumi
      .all([secrets, configs, pulumi.all(delivery.tags(consumer))])
      .apply(([keys, files, tags]) =>
        renderStack({ manager, image, environment, secrets: keys, configs: files, tags }),
      );
    new File(
      `${name}-stack`,
      { root, path: `${stack}/stack.yaml`, content, mode: '0600' },
      { parent: this, dependsOn: [delivery] },
    );
  }

  /** The programs as Docker configs: as immutable as secrets, so with a suffix of their content. */
  #programs(name: string, args: SwarmServiceArgs): readonly Program[] {
    const keys = args.delivery.references(consumer).map(({ key }) => key);
    const files = programFiles(keys, args.strategy);
    const script = scriptPath(args.strategy);
    return Object.entries(files).map(([file, content], index) => {
      const digest = createHash('sha256').update(content).digest('hex');
      const suffix = new RandomId(
        `${name}-${file}-suffix`,
        { byteLength: 4, keepers: { digest } },
        { parent: this },
      ).hex;
      const config = new ServiceConfig(
        `${name}-${file}`,
        {
          // No name of a file: Docker allows 64 characters.
          name: pulumi.interpolate`hummingbot-program-${index}-${suffix}`,
          data: Buffer.from(content).toString('base64'),
          labels: [{ label: 'hummingbot-secrets.stack', value: args.stack }],
        },
        { parent: this, retainOnDelete: args.manager.deploy === 'stack' },
      );
      const isScript = script?.endsWith(`/scripts/${file}`) ?? false;
      return {
        config,
        paths: [`${programDirectory}/${file}`, ...(isScript && script ? [script] : [])],
      };
    });
  }
}

/** The one node that has the bot's volumes: a manager that loses sight of it starts no second bot. */
export function constraintOf({ node }: Pick<SwarmManager, 'node'>): string {
  return `node.id==${node}`;
}
