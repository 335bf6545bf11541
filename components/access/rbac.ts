/** Who may read, in the cluster: service accounts, and the few rights that somebody needs. */
import * as pulumi from '@pulumi/pulumi';
import type { NamespaceDelivery } from '../delivery/delivery.ts';
import type { Kinds } from '../kinds.ts';
import { labelsOf } from '../labels.ts';
import type { Cluster, Ground, Reader } from '../systems.ts';

/** Service account whose tokens the operator asks for; no pod runs as it. */
export const operatorAccountName = 'hummingbot-secrets-reader';

const apiGroup = 'rbac.authorization.k8s.io';

interface Grant {
  readonly kinds: Kinds;
  readonly namespace: string;
  readonly stack: string;
  readonly rule: {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames: readonly pulumi.Input<string>[];
    readonly verbs: readonly string[];
  };
  readonly subjects: readonly Reader[];
}

/** A Role and its binding of the same name. */
function grant(name: string, args: Grant, opts: pulumi.CustomResourceOptions): void {
  const { namespace, rule, kinds } = args;
  const metadata = { name, namespace, labels: labelsOf(args.stack, 'access') };
  const role = new kinds.Role(
    name,
    {
      metadata,
      rules: [
        {
          apiGroups: [...rule.apiGroups],
          resources: [...rule.resources],
          resourceNames: [...rule.resourceNames],
          verbs: [...rule.verbs],
        },
      ],
    },
    opts,
  );
  new kinds.RoleBinding(
    name,
    {
      metadata,
      roleRef: { apiGroup, kind: 'Role', name },
      subjects: args.subjects.map(({ kind, name: subject, namespace: of }) =>
        kind === 'ServiceAccount'
          ? { kind, name: subject, namespace: of ?? namespace }
          : { kind, name: subject, apiGroup },
      ),
    },
    { ...opts, dependsOn: [role] },
  );
}

export interface OperatorAccountArgs {
  readonly kinds: Kinds;
  readonly cluster: Cluster;
  readonly stack: string;
  /** What ties the account to a role of a cloud. */
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * The account that the External Secrets Operator reads the store as, and the operator's right to
 * a token of it and of no other.
 */
export class OperatorAccount extends pulumi.ComponentResource {
  readonly name = operatorAccountName;

  constructor(name: string, args: OperatorAccountArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:access:OperatorAccount', name, {}, opts);
    const { namespace, operator } = args.cluster;
    new args.kinds.ServiceAccount(
      operatorAccountName,
      {
        metadata: {
          name: operatorAccountName,
          namespace,
          labels: labelsOf(args.stack, 'secret-store'),
          annotations: { ...args.annotations },
        },
        automountServiceAccountToken: false,
      },
      { parent: this },
    );
    grant(
      `${operatorAccountName}-token`,
      {
        kinds: args.kinds,
        namespace,
        stack: args.stack,
        rule: {
          apiGroups: [''],
          resources: ['serviceaccounts/token'],
          resourceNames: [operatorAccountName],
          verbs: ['create'],
        },
        subjects: [{ kind: 'ServiceAccount', ...operator }],
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

export interface ReadersArgs {
  readonly ground: Ground;
  readonly stack: string;
  /** What they may read: it knows the names of the Secrets of today. */
  readonly delivery: NamespaceDelivery;
}

/**
 * Those whom the settings list may `get` the Secrets of a group by name. Never `list` or `watch`:
 * both show every Secret of the namespace, whatever their names
 * (https://kubernetes.io/docs/concepts/security/rbac-good-practices/).
 */
export class Readers extends pulumi.ComponentResource {
  constructor(name: string, args: ReadersArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:access:Readers', name, {}, opts);
    const listed: Readonly<Record<string, readonly Reader[] | undefined>> = args.ground.readers;
    for (const [group, secretName] of args.delivery.secretNames) {
      const subjects = listed[group] ?? [];
      if (subjects.length === 0) continue;
      grant(
        `hummingbot-${group}-reader`,
        {
          kinds: args.ground.kinds,
          namespace: args.ground.namespace,
          stack: args.stack,
          rule: {
            apiGroups: [''],
            resources: ['secrets'],
            resourceNames: [secretName],
            verbs: ['get'],
          },
          subjects,
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
