/**
 * How it travels: the interface that every target shares. A target is one file in this folder and
 * one line in targets.ts; nothing else knows its name.
 */
import * as pulumi from '@pulumi/pulumi';
import type { ConsumerName } from '../catalog.ts';
import type { Secret, SecretGroup, ValueSpec } from '../values.ts';

export interface DeliveryArgs {
  /** What is delivered. */
  readonly groups: readonly SecretGroup[];
  /**
   * Directory that file targets write below: relative to the project, or absolute. A change
   * writes everything anew there and removes it from the old place.
   */
  readonly root: string;
  /** The stack's name, the first folder below the root. */
  readonly stack: string;
}

/** How a consumer finds one delivered secret. */
export interface Reference {
  readonly key: string;
  /** Environment variables of the consumer; they hold paths or interpolations, never a value. */
  readonly environment: Readonly<Record<string, string>>;
  /** The file to mount, for targets that deliver files; `source` is relative to the stack's folder. */
  readonly file?: { readonly source: string; readonly target: string };
}

/** Groups that a target delivered: a consumer asks it for references and tags. */
export abstract class Delivery extends pulumi.ComponentResource {
  readonly name: string;
  readonly #args: DeliveryArgs;

  constructor(
    type: string,
    name: string,
    args: DeliveryArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(`hummingbot-secrets:delivery:${type}`, name, {}, opts);
    this.name = name;
    this.#args = args;
  }

  /** Root and stack of the delivered files. */
  get place(): Pick<DeliveryArgs, 'root' | 'stack'> {
    return this.#args;
  }

  /** Name of the Compose file of the consumer that goes with this target. */
  abstract readonly composeFile: string;

  /** What a person runs after `up`; starts or updates the consumers, and only what changed. */
  abstract readonly next: string;

  protected abstract reference(secret: Secret): Reference;

  /** What a consumer needs to use what the catalog gives it. */
  references(consumer: ConsumerName): readonly Reference[] {
    return this.#args.groups.flatMap((group) =>
      group.secretsFor(consumer).map((secret) => this.reference(secret)),
    );
  }

  /** Tags of the groups that a consumer uses; it restarts when one of them changes. */
  tags(consumer: ConsumerName): Readonly<Record<string, pulumi.Output<string>>> {
    const used = this.#args.groups.filter((group) => group.secretsFor(consumer).length > 0);
    return Object.fromEntries(used.map((group) => [group.name, group.tag]));
  }
}

/** A place that values can go to, as settings and index.ts see it. */
export interface Target {
  /**
   * Paths below the stack's folder that hold values, also for the moment of writing; git must
   * ignore them.
   */
  valuePaths(entries: ReadonlyMap<string, ValueSpec>): readonly string[];
  /** What only one target of a stack may own; two that share a claim fight. */
  readonly claims: readonly string[];
  /** Why a value cannot travel; never repeats it. @returns undefined when it can */
  refuses(value: string): string | undefined;
  deliver(name: string, args: DeliveryArgs, opts?: pulumi.ComponentResourceOptions): Delivery;
}
