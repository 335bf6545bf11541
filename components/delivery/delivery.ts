/**
 * How it travels: what every target shares, and what file targets and cluster targets share below
 * it. A target is one file in this folder and one line in list.ts; nothing else knows its name.
 */
import * as pulumi from '@pulumi/pulumi';
import {
  type ConsumerName,
  groups as catalogGroups,
  environmentName,
  fileEnvironmentName,
} from '../catalog.ts';
import type { Outside } from '../outside.ts';
import type { AwsAccount, SystemName, Systems } from '../systems.ts';
import {
  type DeliveredGroup,
  type Key,
  keysFor,
  type Manner,
  SecretGroup,
  type ValueSpec,
} from '../values.ts';

export interface DeliveryArgs {
  /** What is delivered. */
  readonly groups: readonly DeliveredGroup[];
  /**
   * Directory that file targets write below: relative to the project, or absolute. A change
   * writes everything anew there and removes it from the old place.
   */
  readonly root: string;
  /** The stack's name, the first folder below the root. */
  readonly stack: string;
}

/** What stores and clusters need to know beside. */
export interface ClusterDeliveryArgs extends DeliveryArgs {
  readonly systems: Systems;
  /** First part of a secret's path in a store. A change makes new secrets. */
  readonly prefix: string;
  readonly environment: string;
  /** Whether what holds values is kept from deletion. */
  readonly protect: boolean;
  /** How soon a store is asked again for what somebody else writes. */
  readonly outside: Outside | undefined;
  /** What must exist before anything of the cluster: the namespace. */
  readonly dependsOn: readonly pulumi.Resource[];
}

/** What targets that write for git need to know. */
export interface GitDeliveryArgs extends Pick<DeliveryArgs, 'groups' | 'stack'> {
  /** Directory that they write below: relative to the project, or absolute. A change moves all. */
  readonly gitopsDirectory: string;
  /** Namespace of the Secrets. */
  readonly namespace: string;
  /** Who can decrypt: age public keys and ARNs of KMS keys. A change wraps the data keys anew. */
  readonly recipients: readonly string[];
}

/** What a target needs that writes for git, or brings the same into a cluster itself. */
export interface GitTargetArgs
  extends GitDeliveryArgs,
    Pick<ClusterDeliveryArgs, 'systems' | 'dependsOn'> {
  /** Whether Secrets shall outlive what makes them in the cluster: another target takes them over. */
  readonly handOver: boolean;
}

/** How a consumer finds one delivered secret. */
export interface Reference {
  readonly key: string;
  /** Environment variables of the consumer; they hold paths or interpolations, never a value. */
  readonly environment: Readonly<Record<string, string>>;
  /** The file to mount, for targets that deliver files; `source` is relative to the stack's folder. */
  readonly file?: { readonly source: string; readonly target: string };
  /** The environment variable that a cluster fills from a Kubernetes Secret. */
  readonly variable?: { readonly name: string; readonly secretName: pulumi.Input<string> };
}

/** Groups that a target delivered: a consumer asks it for references and tags. */
export abstract class Delivery extends pulumi.ComponentResource {
  readonly name: string;
  protected readonly groups: readonly DeliveredGroup[];

  constructor(
    type: string,
    name: string,
    args: Pick<DeliveryArgs, 'groups'>,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(`hummingbot-secrets:delivery:${type}`, name, {}, opts);
    this.name = name;
    this.groups = args.groups;
  }

  /** What a person runs after `up`; for files it starts or updates the consumers. */
  abstract readonly next: string;

  /** The place, as the stack's outputs show it. */
  abstract readonly where: Readonly<Record<string, string>>;

  protected abstract reference(key: Key, group: DeliveredGroup): Reference;

  /** What a consumer needs to use what the catalog gives it. */
  references(consumer: ConsumerName): readonly Reference[] {
    return this.groups.flatMap((group) =>
      keysFor(group, consumer).map((key) => this.reference(key, group)),
    );
  }

  /** Tags of the groups that a consumer uses; it restarts when one of them changes. */
  tags(consumer: ConsumerName): Readonly<Record<string, pulumi.Output<string>>> {
    const used = this.groups
      .filter((group) => group instanceof SecretGroup)
      .filter((group) => keysFor(group, consumer).length > 0);
    return Object.fromEntries(used.map((group) => [group.name, group.tag]));
  }

  /** Keys that a consumer reads from files which somebody else changes while it runs. */
  keysFromOutside(consumer: ConsumerName): readonly string[] {
    return this.groups
      .filter((group) => !(group instanceof SecretGroup) && group.manner.env === 'files')
      .flatMap((group) => keysFor(group, consumer).map(({ key }) => key));
  }
}

/** What arrives as files in a folder of this machine, whoever reads them. */
export abstract class FolderDelivery extends Delivery {
  /** Root and stack of the delivered files. */
  readonly place: Pick<DeliveryArgs, 'root' | 'stack'>;
  readonly where: { readonly directory: string };

  constructor(
    type: string,
    name: string,
    args: DeliveryArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, args, opts);
    this.place = { root: args.root, stack: args.stack };
    this.where = { directory: `${args.root}/${args.stack}` };
  }
}

/** The same for the bot, which Docker Compose runs. */
export abstract class FileDelivery extends FolderDelivery {
  /** Name of the Compose file of the bot that goes with this target. */
  abstract readonly composeFile: string;
}

/** One Kubernetes Secret as a consumer mounts it. */
export interface Mount {
  readonly group: string;
  readonly secretName: pulumi.Output<string>;
  /** Directory of its files in a pod. */
  readonly mountPath: string;
  /** The keys that the consumer may see, and no other. */
  readonly keys: readonly string[];
  readonly env: Manner['env'];
}

/**
 * What ends as Kubernetes Secrets in a namespace, however it gets there. A versioned group's has a
 * suffix: a new value makes a new one beside the old, which goes when the consumer runs on the new.
 * A fixed group's has the guide's exact name.
 */
export abstract class NamespaceDelivery extends Delivery {
  /** Names of the Kubernetes Secrets, by group. */
  readonly secretNames: ReadonlyMap<string, pulumi.Output<string>>;

  constructor(
    type: string,
    name: string,
    { groups }: Pick<DeliveryArgs, 'groups'>,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, { groups }, opts);
    this.secretNames = new Map(groups.map((group) => [group.name, nameOf(group)]));
  }

  /** What must be there, awaited, before a consumer moves. */
  abstract readonly delivered: readonly pulumi.Resource[];

  /** What a consumer mounts: the groups that the catalog gives it, with its keys alone. */
  mounts(consumer: ConsumerName): readonly Mount[] {
    return this.groups.flatMap((group) => {
      const keys = keysFor(group, consumer).map(({ key }) => key);
      if (keys.length === 0) return [];
      return [
        {
          group: group.name,
          secretName: this.secretNameOf(group),
          mountPath: catalogGroup(group.name).mountPath,
          keys,
          env: group.manner.env,
        },
      ];
    });
  }

  protected override reference({ key }: Key, group: DeliveredGroup): Reference {
    if (group.manner.env === 'values') {
      const variable = { name: environmentName(key), secretName: this.secretNameOf(group) };
      return { key, environment: {}, variable };
    }
    const path = `${catalogGroup(group.name).mountPath}/${key}`;
    return { key, environment: { [fileEnvironmentName(key)]: path } };
  }

  protected secretNameOf(group: DeliveredGroup): pulumi.Output<string> {
    const name = this.secretNames.get(group.name);
    if (name === undefined) throw new Error(`${this.name} did not deliver group ${group.name}`);
    return name;
  }
}

export interface SecretsPlace {
  readonly groups: readonly DeliveredGroup[];
  readonly namespace: string;
  /** Context of the kubeconfig, for the command that a person runs next. */
  readonly context: string;
}

/** What arrives in a cluster in the same `up`. */
export abstract class ClusterDelivery extends NamespaceDelivery {
  readonly next: string;
  readonly where: { readonly namespace: string };

  /** @param kinds that a person looks at after `up`, as kubectl names them */
  constructor(
    type: string,
    name: string,
    { groups, namespace, context }: SecretsPlace,
    kinds: string,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, { groups }, opts);
    this.next = `kubectl --context ${context} --namespace ${namespace} get ${kinds}`;
    this.where = { namespace };
  }
}

/** What is written, encrypted, to a directory that git holds; a GitOps controller does the rest. */
export abstract class GitDelivery extends NamespaceDelivery {
  readonly next = 'git add --all . && git commit --message "Hummingbot" . && git push';
  readonly where: { readonly manifests: string };

  constructor(
    type: string,
    name: string,
    args: GitDeliveryArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, args, opts);
    this.where = { manifests: `${args.gitopsDirectory}/${args.stack}` };
  }
}

/** One Docker secret as a service of a swarm uses it. */
export interface SwarmSecret {
  readonly key: string;
  readonly id: pulumi.Output<string>;
  readonly name: pulumi.Output<string>;
}

/** What arrives as Docker secrets of a swarm. */
export abstract class SwarmDelivery extends Delivery {
  /** What a consumer mounts: the keys that the catalog gives it, and no other. */
  abstract secretsOf(consumer: ConsumerName): readonly SwarmSecret[];
}

function catalogGroup(name: string): (typeof catalogGroups)[keyof typeof catalogGroups] {
  if (!Object.hasOwn(catalogGroups, name)) throw new Error(`group ${name} is not in the catalog`);
  return catalogGroups[name as keyof typeof catalogGroups];
}

/** Whether a group's Secret has a new name at each change; nobody could follow somebody else's. */
export function isVersioned(group: DeliveredGroup): group is SecretGroup {
  return group instanceof SecretGroup && group.manner.naming === 'versioned';
}

function nameOf(group: DeliveredGroup): pulumi.Output<string> {
  const { secretName } = catalogGroup(group.name);
  return isVersioned(group)
    ? pulumi.interpolate`${secretName}-${group.suffix}`
    : pulumi.output(secretName);
}

/** A place that values can go to, as settings see it. */
interface TargetRules {
  /** Systems that it delivers to or by; none for files. The settings may say which. */
  readonly needs:
    | readonly SystemName[]
    | ((config: Readonly<Record<string, unknown>>) => readonly SystemName[]);
  /** The setting that says who can open what it encrypts; absent: it encrypts nothing. */
  readonly encryptsFor?: 'recipients' | 'certificate';
  /**
   * Paths below the stack's folder that hold values, also for the moment of writing; git must
   * ignore them.
   */
  valuePaths(entries: ReadonlyMap<string, ValueSpec>): readonly string[];
  /** What only one target of a stack may own; two that share a claim fight. */
  readonly claims: readonly string[];
  /** Why a value cannot travel; never repeats it. @returns undefined when it can */
  refuses(value: string): string | undefined;
  /** Why the values of a whole group cannot travel together. */
  refusesGroup?(values: ReadonlyMap<string, string>): Refusal | undefined;
  /** Why the account cannot be used as the settings say. */
  refusesAccount?(aws: AwsAccount): Refusal | undefined;
  /** What it keeps of a stack that is destroyed, and the command that has it back. */
  kept?(stack: string): string;
}

/** What was got and what is allowed, without a value. */
interface Refusal {
  readonly got: string;
  readonly allowed: string;
}

/** What a target wrote for a key, for whoever looks afterwards whether it is there. */
export interface Trace {
  /** Below the stack's folder. */
  readonly path: string;
  readonly mode: '0400' | '0600';
  /** Whether a file's content has the key with this value; without one, with any. */
  holds(content: string, value?: string): boolean;
  /** What the file has of the key, where it is nothing but that of each key in the catalog's order. */
  part?(value: string): string;
}

/** A target that writes files. */
export interface FileTarget extends TargetRules {
  readonly kind: 'files';
  trace(secret: Key): Trace;
  deliver(name: string, args: DeliveryArgs, opts?: pulumi.ComponentResourceOptions): FolderDelivery;
}

/** A target that ends in a cluster; its SDKs are loaded when it delivers. */
export interface ClusterTarget extends TargetRules {
  readonly kind: 'cluster';
  /** Whether an operator brings the values from a store; otherwise Pulumi writes the Secrets. */
  readonly synced: boolean;
  deliver(name: string, args: ClusterDeliveryArgs): Promise<ClusterDelivery>;
}

/** What a target wrote to git for a group, for whoever looks afterwards whether it is there. */
export interface Manifest {
  /** Below the stack's folder. */
  readonly path: string;
  /** What it shows of itself; undefined when it is not encrypted as it should be. */
  look(text: string): Looked | undefined;
}

/** What an encrypted Secret shows of itself. */
export interface Looked {
  /** As it stands there: it may be anything. */
  readonly tag: string;
  readonly keys: readonly string[];
  /** Whom it is encrypted for, sorted, where it says so. */
  readonly recipients?: readonly string[];
}

/** A target that writes what a GitOps controller applies; one may also apply it itself. */
export interface GitTarget extends TargetRules {
  readonly kind: 'git';
  manifest(group: string): Manifest;
  /**
   * Whether the Secret in the cluster outlives what was written for its group: another target can take
   * it over. Absent where the Secret itself is written.
   */
  isHandedOver?(text: string): boolean;
  deliver(name: string, args: GitTargetArgs): Promise<NamespaceDelivery>;
}

/** A target that ends in a swarm; its SDK is loaded when it delivers. */
export interface SwarmTarget extends TargetRules {
  readonly kind: 'swarm';
  deliver(name: string, args: ClusterDeliveryArgs): Promise<SwarmDelivery>;
}

export type Target = FileTarget | ClusterTarget | GitTarget | SwarmTarget;
