/**
 * The systems that a stack delivers to or by, as the settings name them and as the guards (guards.ts)
 * have found them to be. Types alone, so that both ends may import them.
 */
import type * as pulumi from '@pulumi/pulumi';
import type { GroupName } from './catalog.ts';
import type { Kinds } from './kinds.ts';

/** Where the store is, and who may read it. */
export interface AwsAccount {
  /** 12 digits; any other account is refused. */
  readonly account: string;
  readonly region: string;
  /** URL of the cluster's OIDC issuer, without a slash at the end. */
  readonly issuer: string;
  /** Name of the IAM role of the External Secrets Operator. */
  readonly readerRole: string;
  /** ARNs of the roles that deploy. */
  readonly deployRoles: readonly string[];
  /** ARNs of the roles that may read in an emergency. */
  readonly breakGlassRoles: readonly string[];
  /** Days in which a deleted secret can be restored. */
  readonly recoveryWindowDays: number;
  /** ARN of the SNS topic that is told of reads by others and of changed policies. */
  readonly alertTopic?: string;
}

/** The Vault server that keeps the values. */
export interface VaultServer {
  /** URL, the same from this machine and from the cluster, without a slash at the end. */
  readonly address: string;
  /** Its cluster id; any other Vault is refused. */
  readonly id: string;
  /** Where its secrets engine KV, version 2, is mounted. */
  readonly mount: string;
  /** Where its auth method kubernetes is mounted, configured for the stack's cluster. */
  readonly auth: string;
  /** Name of the role, and of the policy, of the External Secrets Operator. */
  readonly readerRole: string;
}

/** Who may read a Kubernetes Secret, as RBAC names it. */
export interface Reader {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: string;
  /** Of a service account. */
  readonly namespace?: string;
}

/** Who may do everything in a system, as it names them. */
export interface Administrators {
  /** In a cluster; a user is one of the machine's too, where files and Docker are looked at. */
  readonly subjects: readonly Reader[];
  /** ARNs of IAM roles and users. */
  readonly principals: readonly string[];
}

/** A namespace, whatever cluster it is in. */
export interface Place {
  readonly namespace: string;
  readonly readers: Readonly<Partial<Record<GroupName, readonly Reader[]>>>;
  /** Undefined: the bot's data goes with its pod. */
  readonly storage: { readonly className: string; readonly size: string } | undefined;
}

/** A namespace, and how what stands in it comes there. */
export interface Ground extends Place {
  readonly kinds: Kinds;
  /** Of the cluster, when it is reached from here. Secret. */
  readonly kubeconfig?: pulumi.Output<string>;
}

/** Where the bot runs. */
export interface Cluster extends Place {
  /** UID of its kube-system namespace; any other cluster is refused. */
  readonly uid: string;
  /** A kubeconfig of one context. Secret: it may hold credentials. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly context: string;
  /** Service account of the External Secrets Operator. */
  readonly operator: { readonly namespace: string; readonly name: string };
}

/** The swarm that the bot runs in, by a manager of it. */
export interface SwarmManager {
  /** Cluster id of the swarm; any other is refused. */
  readonly id: string;
  /** `unix:///PATH`, `ssh://[USER@]HOST[:PORT]` or `tcp://HOST:PORT`. */
  readonly host: string;
  /** Directory of ca.pem, cert.pem and key.pem; empty without TLS. */
  readonly certPath: string;
  /** ID of the node that the bot runs on, and on no other: its volumes are there. */
  readonly node: string;
  /** Name of the bot's service, and first part of its volumes' names. */
  readonly service: string;
  /** Who makes the service: Pulumi, or whoever runs `docker stack deploy` on what is written. */
  readonly deploy: 'pulumi' | 'stack';
}

/** What is sealed for, as the settings name it. */
export interface Sealing {
  /** A file, a URL, `controller` or `controller:NAMESPACE/NAME`. */
  readonly certificate: string;
  /** SHA-256, as openssl prints it. */
  readonly fingerprint: string;
}

/** The same, found and checked. */
export interface SealingCertificate {
  /** PEM. */
  readonly certificate: string;
  readonly fingerprint: string;
}

/** A system with its explicit provider, checked to be the stack's own. */
export type Connected<System> = System & { readonly provider: pulumi.ProviderResource };

/** What the targets of a stack need; absent is what none of them does. */
export interface Systems {
  readonly aws?: Connected<AwsAccount>;
  readonly vault?: Connected<VaultServer>;
  readonly cluster?: Connected<Cluster>;
  /** The user's own program, with its version. */
  readonly sops?: { readonly version: string };
  readonly manager?: Connected<SwarmManager>;
  readonly sealing?: SealingCertificate;
}

/** What a target needs. */
export type SystemName = keyof Systems;
