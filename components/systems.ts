/**
 * The systems beside this machine that a stack delivers to, as the settings name them and as the
 * guards (guards.ts) have found them to be. Types alone, so that both ends may import them.
 */
import type * as pulumi from '@pulumi/pulumi';
import type { GroupName } from './catalog.ts';

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
}

/** Who may read a Kubernetes Secret, as RBAC names it. */
export interface Reader {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: string;
  /** Of a service account. */
  readonly namespace?: string;
}

/** Where the bot runs. */
export interface Cluster {
  /** UID of its kube-system namespace; any other cluster is refused. */
  readonly uid: string;
  /** A kubeconfig of one context. Secret: it may hold credentials. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly context: string;
  readonly namespace: string;
  /** Service account of the External Secrets Operator. */
  readonly operator: { readonly namespace: string; readonly name: string };
  readonly readers: Readonly<Partial<Record<GroupName, readonly Reader[]>>>;
  /** Undefined: the bot's data goes with its pod. */
  readonly storage: { readonly className: string; readonly size: string } | undefined;
}

/** A system with its explicit provider, checked to be the stack's own. */
export type Connected<System> = System & { readonly provider: pulumi.ProviderResource };

/** What the targets of a stack need; absent is what none of them does. */
export interface Systems {
  readonly aws?: Connected<AwsAccount>;
  readonly cluster?: Connected<Cluster>;
}

/** What a target needs. */
export type SystemName = keyof Systems;
