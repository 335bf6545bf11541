/** Who may read, in AWS: the role of the External Secrets Operator. */
import { Role } from '@pulumi/aws/iam/role.js';
import { RolePolicy } from '@pulumi/aws/iam/rolePolicy.js';
import * as pulumi from '@pulumi/pulumi';
import { policy, viaService } from '../delivery/aws-rules.ts';
import type { AwsAccount } from '../systems.ts';
import { operatorAccountName } from './rbac.ts';

export interface ReaderRoleArgs {
  readonly aws: AwsAccount;
  /** Namespace of the service account that takes the role. */
  readonly namespace: string;
  /** The secrets it may read, and no other. */
  readonly secretArns: readonly pulumi.Output<string>[];
  /** The key that they are encrypted with. */
  readonly keyArn: pulumi.Output<string>;
}

/**
 * Taken by IRSA: the operator asks the cluster for a token of one service account, and AWS takes
 * it for this role alone, pinned to that subject and to its own audience.
 */
export class ReaderRole extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: ReaderRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:access:ReaderRole', name, {}, opts);
    const role = new Role(
      name,
      {
        name: args.aws.readerRole,
        description: 'External Secrets Operator reads the secrets of Hummingbot',
        assumeRolePolicy: trust(args.aws, args.namespace),
      },
      { parent: this },
    );
    new RolePolicy(
      `${name}-policy`,
      {
        name: 'read-secrets',
        role: role.name,
        policy: pulumi
          .all([pulumi.all([...args.secretArns]), args.keyArn])
          .apply(([secrets, key]) => permissions(args.aws, secrets, key)),
      },
      { parent: this },
    );
    this.arn = role.arn;
    this.registerOutputs({});
  }
}

/** Who may take the role: one service account, with a token made for AWS. */
export function trust({ account, issuer }: AwsAccount, namespace: string): string {
  const provider = issuer.replace('https://', '');
  return policy([
    {
      Sid: 'OperatorByWebIdentity',
      Effect: 'Allow',
      Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${provider}` },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: {
          [`${provider}:aud`]: 'sts.amazonaws.com',
          [`${provider}:sub`]: `system:serviceaccount:${namespace}:${operatorAccountName}`,
        },
      },
    },
  ]);
}

/** What the role may do: read the catalog's groups, and decrypt them through the store. */
export function permissions(aws: AwsAccount, secrets: readonly string[], key: string): string {
  return policy([
    {
      Sid: 'ReadSecrets',
      Effect: 'Allow',
      Action: 'secretsmanager:GetSecretValue',
      Resource: secrets,
    },
    {
      Sid: 'DecryptSecrets',
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: key,
      Condition: { StringEquals: { 'kms:ViaService': viaService(aws.region) } },
    },
  ]);
}
