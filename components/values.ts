/**
 * What it is worth: turns the keys of a group into secret values, and says of them only whether
 * they are the same as before.
 *
 * This is the one place where something derived from a value becomes public (`pulumi.unsecret`):
 * the tag, an HMAC whose key is random, unknown outside the state, and different for every stack.
 */
import { createHmac } from 'node:crypto';
import * as pulumi from '@pulumi/pulumi';
// Their own modules: the whole package costs 20 ms more at each evaluation.
import { RandomId } from '@pulumi/random/randomId.js';
import { RandomPassword } from '@pulumi/random/randomPassword.js';
import { base32 } from '@scure/base';
import type { CatalogEntry } from './catalog.ts';
import { placeholderOf } from './shape.ts';

/** Version of what is delivered; a change of the format is a change of every tag. */
const formatVersion = 1;
const tagLength = 10;

/** The part of a catalog entry that a value depends on. */
export type ValueSpec = Pick<
  CatalogEntry,
  'source' | 'shape' | 'consumers' | 'directory' | 'optional' | 'owner' | 'maxAgeDays'
>;

/** A key of a group; whether a value is known here is another question. */
export interface Key {
  readonly key: string;
  readonly entry: ValueSpec;
}

/** One secret of a stack: its name is data, its value is a secret output. */
export interface Secret extends Key {
  /** Always secret. */
  readonly value: pulumi.Output<string>;
}

/** How a group travels to a cluster. File targets know one way only. */
export interface Manner {
  /**
   * `versioned`: immutable, with a suffix in its name, for what our own consumers mount. `fixed`:
   * the guide's exact name, changed in place, for what others read.
   */
  readonly naming: 'versioned' | 'fixed';
  /** Whether the bot gets paths of files in its environment, or the values themselves. */
  readonly env: 'files' | 'values';
}

/** What a target carries. */
export type DeliveredGroup = SecretGroup | ExternalGroup;

export interface Tags {
  /** Of all keys and values of the group. */
  readonly group: string;
  /** Of each key, so that a preview names the changed one. */
  readonly keys: Readonly<Record<string, string>>;
}

export interface SecretGroupArgs {
  /** Keys that the stack uses, with their catalog entries. A new key changes the tag. */
  readonly entries: ReadonlyMap<string, ValueSpec>;
  /**
   * Values from the stack's config, secret; a key of source `generated` may be among them, and
   * then nothing is generated. A new value changes the tag and the suffix.
   */
  readonly values: ReadonlyMap<string, pulumi.Output<string>>;
  /** Whether keys without a value get a placeholder; otherwise optional ones are left out. */
  readonly placeholders: boolean;
  /** The stack's tag key, `TagKey.value`. */
  readonly tagKey: pulumi.Output<string>;
  /** @default fixed, files */
  readonly manner?: Manner;
  /** The group's last rotation as its ledger has it: names and a hash; public. @default - none */
  readonly rotation?: string;
}

/**
 * The random key of a stack's tags. It lives in the state, encrypted, and nowhere else. A new one
 * changes every tag, which rolls every consumer once.
 *
 * A RandomPassword and not RandomBytes: the id of RandomBytes is its own value in base64, and ids
 * are neither encrypted nor masked (pulumi-random, provider/resources.go, `computeRandomBytesID`).
 */
export class TagKey extends pulumi.ComponentResource {
  readonly value: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:values:TagKey', name, {}, opts);
    // 48 of 62 characters: 285 bits, more than the 256 that HMAC-SHA256 can use.
    const key = new RandomPassword(`${name}-key`, { length: 48, special: false }, { parent: this });
    this.value = pulumi.secret(key.result);
    this.registerOutputs({});
  }
}

/** The keys of a group with their values, their tag and their suffix. */
export class SecretGroup extends pulumi.ComponentResource {
  readonly name: string;
  readonly manner: Manner;
  /** In the order of the catalog. */
  readonly secrets: readonly Secret[];
  /** Says "the same values or not the same" and nothing else. Public. */
  readonly tag: pulumi.Output<string>;
  /** The same for each key alone. Public. */
  readonly keyTags: pulumi.Output<Readonly<Record<string, string>>>;
  /**
   * Random part of the names of versioned objects: new at every change of the tag, also at a
   * return to an older value, so that a name is never used twice.
   */
  readonly suffix: pulumi.Output<string>;
  /** What stores say of its last rotation. Public. */
  readonly rotation: string | undefined;

  constructor(name: string, args: SecretGroupArgs, opts?: pulumi.ComponentResourceOptions) {
    // Inputs of a component are saved in the state: none is handed over.
    super('hummingbot-secrets:values:SecretGroup', name, {}, opts);
    this.name = name;
    this.manner = args.manner ?? { naming: 'fixed', env: 'files' };
    this.rotation = args.rotation;
    this.secrets = [...args.entries].flatMap(([key, entry]) => {
      const value = this.#valueOf(key, entry, args);
      return value === undefined ? [] : [{ key, entry, value }];
    });
    const tags = tagsOf(args.tagKey, this.secrets);
    this.tag = tags.apply((all) => all.group);
    this.keyTags = tags.apply((all) => all.keys);
    this.suffix = new RandomId(
      `${name}-suffix`,
      { byteLength: 4, keepers: { tag: this.tag } },
      { parent: this },
    ).hex;
    this.registerOutputs({});
  }

  get keys(): readonly Key[] {
    return this.secrets;
  }

  /** What the stack's outputs say of it. */
  get shown() {
    const { tag: group, keyTags: keys, rotation } = this;
    return { group, keys, ...(rotation && { rotation }) };
  }

  #valueOf(
    key: string,
    entry: ValueSpec,
    args: SecretGroupArgs,
  ): pulumi.Output<string> | undefined {
    const configured = args.values.get(key);
    if (configured !== undefined) return pulumi.secret(configured);
    if (entry.source === 'generated') {
      const password = new RandomPassword(
        `${this.name}-${key}`,
        { length: 32, special: false },
        { parent: this },
      );
      return pulumi.secret(password.result);
    }
    if (args.placeholders) return pulumi.secret(placeholderOf(entry.shape, key));
    if (entry.optional) return undefined;
    throw new pulumi.RunError(
      `${this.name}.${key}: got no value; allowed: a value from the config`,
    );
  }
}

/**
 * A group that somebody else writes: we make its container and carry it, and never see a value.
 * So it has no tag, and a fixed name.
 */
export class ExternalGroup {
  readonly name: string;
  readonly manner: Manner;
  readonly keys: readonly Key[];
  readonly secrets: readonly Secret[] = [];

  /** Keys that a stack can do without are not expected of whoever writes. */
  constructor(
    name: string,
    args: { readonly entries: ReadonlyMap<string, ValueSpec>; readonly env: Manner['env'] },
  ) {
    this.name = name;
    this.manner = { naming: 'fixed', env: args.env };
    this.keys = [...args.entries].flatMap(([key, entry]) =>
      entry.optional ? [] : [{ key, entry }],
    );
  }
}

/** The keys that a consumer may see. */
export function keysFor(
  group: DeliveredGroup,
  consumer: CatalogEntry['consumers'][number],
): readonly Key[] {
  return group.keys.filter(({ entry }) => entry.consumers.includes(consumer));
}

/** HMAC-SHA256 over what is delivered, in base32, 50 bits of it. */
export function tag(tagKey: string, delivered: ReadonlyArray<readonly [string, string]>): string {
  const sorted = [...delivered].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const mac = createHmac('sha256', tagKey).update(JSON.stringify([formatVersion, sorted]));
  return base32.encode(mac.digest()).slice(0, tagLength).toLowerCase();
}

function tagsOf(tagKey: pulumi.Output<string>, secrets: readonly Secret[]): pulumi.Output<Tags> {
  const values = pulumi.all(secrets.map(({ value }) => value));
  const tags = pulumi.all([tagKey, values]).apply(([key, all]): Tags => {
    const pairs = secrets.map((secret, index) => [secret.key, all[index] ?? ''] as const);
    return {
      group: tag(key, pairs),
      keys: Object.fromEntries(pairs.map((pair) => [pair[0], tag(key, [pair])])),
    };
  });
  return pulumi.unsecret(tags);
}
