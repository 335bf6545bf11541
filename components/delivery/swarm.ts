/**
 * Target `swarm`: a Docker secret a key, in the Raft log of the swarm's managers. Docker secrets
 * are immutable and cannot be removed while a service uses them, so each has a suffix in its name:
 * a change makes new ones beside the old, which go when the service has moved.
 */
import type { SecretArgs } from '@pulumi/docker/secret.js';
import * as pulumi from '@pulumi/pulumi';
import { type ConsumerName, fileEnvironmentName, runPath } from '../catalog.ts';
import type { SwarmManager } from '../systems.ts';
import { type Key, keysFor, SecretGroup } from '../values.ts';
import {
  type DeliveryArgs,
  type Reference,
  SwarmDelivery,
  type SwarmSecret,
  type SwarmTarget,
} from './delivery.ts';

/** What a Docker secret becomes: its id is the engine's, its name ours. */
interface MadeSecret extends pulumi.Resource {
  readonly id: pulumi.Output<string>;
  readonly name: pulumi.Output<string>;
}

/** Makes a Docker secret: the SDK's class, which is loaded when it is needed. */
export type MakeDockerSecret = (
  name: string,
  args: SecretArgs,
  opts: pulumi.CustomResourceOptions,
) => MadeSecret;

export interface SwarmSecretsArgs extends Pick<DeliveryArgs, 'groups' | 'stack'> {
  readonly manager: Pick<SwarmManager, 'host' | 'service' | 'deploy'>;
  /** Path of the stack file that somebody deploys; relative to the project, or absolute. */
  readonly stackFile: string;
}

/** Label of every secret and config: which stack it is of. */
export const stackLabel = 'hummingbot-secrets.stack';
/** Label of every secret: the tag of its group's values. */
export const tagLabel = 'hummingbot-secrets.tag';

/** `<key>-<suffix>`; the guide's `/run/secrets/<key>` in the container. */
export class SwarmSecrets extends SwarmDelivery {
  readonly next: string;
  readonly where: { readonly service: string };
  readonly #secrets: ReadonlyMap<string, MadeSecret>;

  constructor(
    name: string,
    args: SwarmSecretsArgs,
    make: MakeDockerSecret,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('SwarmSecrets', name, args, opts);
    const { host, service, deploy } = args.manager;
    const byStack = `docker --host ${host} stack deploy -c ${args.stackFile} ${service}`;
    this.next = deploy === 'stack' ? byStack : `docker --host ${host} service ps ${service}`;
    // The name that `docker stack deploy` gives a service of a stack.
    this.where = { service: deploy === 'stack' ? `${service}_hummingbot` : service };
    // Somebody else moves the service when this is over: what it uses until then has to stay.
    const options = { parent: this, retainOnDelete: deploy === 'stack' };
    const made = args.groups
      .filter((group) => group instanceof SecretGroup)
      .flatMap((group) =>
        group.secrets.map(({ key, value }) => {
          const secret = {
            name: pulumi.interpolate`${key}-${group.suffix}`,
            data: pulumi.secret(value.apply((text) => Buffer.from(text).toString('base64'))),
            labels: [
              { label: stackLabel, value: args.stack },
              // Only what changes with the suffix: the engine has no other secret of that name.
              { label: tagLabel, value: group.tag },
            ],
          };
          return [key, make(`${name}-${key}`, secret, options)] as const;
        }),
      );
    this.#secrets = new Map(made);
    this.registerOutputs({});
  }

  override secretsOf(consumer: ConsumerName): readonly SwarmSecret[] {
    return this.groups
      .filter((group) => group instanceof SecretGroup)
      .flatMap((group) => keysFor(group, consumer))
      .map(({ key }) => {
        const secret = this.#secrets.get(key);
        if (secret === undefined) throw new Error(`${this.name} did not deliver ${key}`);
        return { key, id: secret.id, name: secret.name };
      });
  }

  protected override reference({ key }: Key): Reference {
    return { key, environment: { [fileEnvironmentName(key)]: runPath(key) } };
  }
}

export const swarm: SwarmTarget = {
  kind: 'swarm',
  needs: ['manager'],
  valuePaths: () => [],
  // The bot: a second one would run beside that of a cluster.
  claims: ['the namespace'],
  refuses: (value) => (value.includes('\0') ? 'a NUL byte' : undefined),
  kept: () => "The bot's volumes stay on its node; docker volume ls lists them.",
  async deliver(name, { groups, root, stack, systems: { manager } }) {
    if (manager === undefined) throw new Error(`${name}: not connected`);
    const { Secret } = await import('@pulumi/docker/secret.js');
    return new SwarmSecrets(
      name,
      { groups, stack, manager, stackFile: `${root}/${stack}/stack.yaml` },
      (...args) => new Secret(...args),
      { provider: manager.provider },
    );
  },
};
