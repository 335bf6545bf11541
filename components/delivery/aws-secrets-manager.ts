/**
 * Target `aws-secrets-manager`: one JSON secret a group, encrypted with a key of its own, and from
 * there by External Secrets into the namespace.
 */
import { Alias } from '@pulumi/aws/kms/alias.js';
import { Key as KmsKey } from '@pulumi/aws/kms/key.js';
import { Secret } from '@pulumi/aws/secretsmanager/secret.js';
import { SecretPolicy } from '@pulumi/aws/secretsmanager/secretPolicy.js';
import { SecretVersion } from '@pulumi/aws/secretsmanager/secretVersion.js';
import * as pulumi from '@pulumi/pulumi';
import { ReaderRole } from '../access/iam.ts';
import { OperatorAccount } from '../access/rbac.ts';
import { kinds } from '../live-kinds.ts';
import type { AwsAccount } from '../systems.ts';
import { type DeliveredGroup, SecretGroup } from '../values.ts';
import { denyOtherReaders, keyPolicy } from './aws-rules.ts';
import type { ClusterDelivery, ClusterDeliveryArgs } from './delivery.ts';
import { ExternalSecrets, type Stored } from './external-secret.ts';
import { groupJson } from './group-json.ts';

export interface AwsSecretsManagerArgs {
  readonly groups: readonly DeliveredGroup[];
  /** First part of every name, as in `<prefix>/trading`. A change makes new secrets. */
  readonly prefix: string;
  /** Which environment the tags say. */
  readonly environment: string;
  readonly aws: AwsAccount;
  /** Whether secrets and key are kept from deletion. */
  readonly protect: boolean;
}

/**
 * The store. $0.40 a secret a month and $1 for the key; one secret a group, because a key and its
 * secret half must never be mixed, and because one a key would cost eight times as much.
 */
export class AwsSecretsManager extends pulumi.ComponentResource {
  /** Where each group is, by the group's name. */
  readonly stored: ReadonlyMap<string, Stored>;
  readonly secretArns: readonly pulumi.Output<string>[];
  readonly keyArn: pulumi.Output<string>;

  constructor(name: string, args: AwsSecretsManagerArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:delivery:AwsSecretsManager', name, {}, opts);
    const { aws, prefix, protect } = args;
    const key = new KmsKey(
      `${name}-key`,
      {
        description: `Encrypts the secrets below ${prefix}/`,
        enableKeyRotation: true,
        deletionWindowInDays: aws.recoveryWindowDays,
        policy: keyPolicy(aws),
        tags: { environment: args.environment },
      },
      { parent: this, protect },
    );
    new Alias(
      `${name}-alias`,
      // An alias has fewer letters than a secret's name.
      {
        name: `alias/${prefix.replaceAll(/[^\w-]/gu, '-')}-secrets`,
        targetKeyId: key.keyId,
      },
      { parent: this },
    );
    this.keyArn = key.arn;
    const made = args.groups.map(
      (group) => [group.name, this.#store(group, key.arn, args)] as const,
    );
    this.stored = new Map(made.map(([group, { stored }]) => [group, stored]));
    this.secretArns = made.map(([, { arn }]) => arn);
    this.registerOutputs({});
  }

  #store(
    group: DeliveredGroup,
    keyArn: pulumi.Output<string>,
    { aws, prefix, environment, protect }: AwsSecretsManagerArgs,
  ): { readonly stored: Stored; readonly arn: pulumi.Output<string> } {
    const secret = new Secret(
      group.name,
      {
        name: `${prefix}/${group.name}`,
        description: `Hummingbot, group ${group.name}: ${group.keys.map(({ key }) => key).join(', ')}`,
        kmsKeyId: keyArn,
        recoveryWindowInDays: aws.recoveryWindowDays,
        tags: {
          environment,
          group: group.name,
          owner: [...new Set(group.keys.map(({ entry }) => entry.owner))].join(' '),
          'max-age-days': String(Math.min(...group.keys.map(({ entry }) => entry.maxAgeDays))),
          ...(group instanceof SecretGroup && group.rotation && { rotation: group.rotation }),
        },
      },
      { parent: this, protect },
    );
    const policy = new SecretPolicy(
      `${group.name}-policy`,
      { secretArn: secret.arn, policy: denyOtherReaders(aws), blockPublicPolicy: true },
      { parent: this },
    );
    const remoteKey = `${prefix}/${group.name}`;
    const { arn } = secret;
    // Somebody else writes: two writers of one secret would take each other's versions away.
    if (!(group instanceof SecretGroup)) return { arn, stored: { remoteKey, resources: [policy] } };
    const values = pulumi.all(group.secrets.map(({ value }) => value));
    const version = new SecretVersion(
      `${group.name}-version`,
      {
        secretId: secret.id,
        secretString: pulumi.secret(
          values.apply((all) =>
            groupJson(group.secrets.map((each, at) => [each.key, all[at] ?? ''] as const)),
          ),
        ),
      },
      // Closed before it holds anything. The old version is AWSPREVIOUS: nobody takes it away.
      { parent: this, dependsOn: [policy], retainOnDelete: true },
    );
    const { versionId } = version;
    const pin = pulumi.interpolate`uuid/${versionId}`;
    return { arn, stored: { remoteKey, version: versionId, pin, resources: [version] } };
  }
}

/** The whole way: the store, the operator's own access to it, and what the operator makes. */
export async function deliver(name: string, args: ClusterDeliveryArgs): Promise<ClusterDelivery> {
  const { aws, cluster } = args.systems;
  if (aws === undefined || cluster === undefined) throw new Error(`${name}: not connected`);
  const inAws = { provider: aws.provider };
  const inCluster = { provider: cluster.provider, dependsOn: [...args.dependsOn] };
  const store = new AwsSecretsManager(`${name}-store`, { ...args, aws }, inAws);
  if (aws.alertTopic !== undefined) {
    const { AuditAlerts } = await import('../access/audit.ts');
    new AuditAlerts(
      'audit-alerts',
      {
        aws,
        topic: aws.alertTopic,
        name: `${cluster.namespace}-${args.stack}`,
        secretNames: args.groups.map((group) => `${args.prefix}/${group.name}`),
        keyArn: store.keyArn,
        environment: args.environment,
      },
      inAws,
    );
  }
  const role = new ReaderRole(
    'reader-role',
    { aws, namespace: cluster.namespace, secretArns: store.secretArns, keyArn: store.keyArn },
    inAws,
  );
  const account = new OperatorAccount(
    'operator-account',
    { kinds, cluster, stack: args.stack, annotations: { 'eks.amazonaws.com/role-arn': role.arn } },
    inCluster,
  );
  return new ExternalSecrets(
    name,
    {
      groups: args.groups,
      namespace: cluster.namespace,
      stack: args.stack,
      store: {
        name: 'aws-secrets-manager',
        provider: {
          aws: {
            service: 'SecretsManager',
            region: aws.region,
            auth: { jwt: { serviceAccountRef: { name: account.name } } },
          },
        },
      },
      stored: store.stored,
      outside: args.outside,
      kubeconfig: cluster.kubeconfig,
      context: cluster.context,
    },
    { ...inCluster, dependsOn: [...args.dependsOn, role, account] },
  );
}
