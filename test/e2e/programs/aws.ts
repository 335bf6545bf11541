/** Every type of the rehearsal plugin for aws, through the official SDK. */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

const config = new pulumi.Config();
const swapped = config.getBoolean('swapped') ?? false;
const region = 'eu-west-1';
const provider = new aws.Provider('aws', {
  region,
  allowedAccountIds: [config.require('account')],
  defaultTags: { tags: { project: 'e2e' } },
});
const opts = { provider };
const identity = aws.getCallerIdentityOutput({}, opts);
const swap = <T>(list: T[]): T[] => (swapped ? list.toReversed() : list);

const key = new aws.kms.Key(
  'key',
  {
    description: 'for the e2e',
    enableKeyRotation: true,
    deletionWindowInDays: 7,
    policy: identity.accountId.apply((account) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: swap([
          {
            Sid: 'administration',
            Effect: 'Allow',
            Principal: { AWS: `arn:aws:iam::${account}:root` },
            Action: 'kms:*',
            Resource: '*',
          },
          {
            Sid: 'use',
            Effect: 'Allow',
            Principal: { AWS: '*' },
            Action: swap(['kms:Decrypt', 'kms:GenerateDataKey']),
            Resource: '*',
            Condition: {
              StringEquals: {
                'kms:CallerAccount': account,
                'kms:ViaService': `secretsmanager.${region}.amazonaws.com`,
              },
            },
          },
        ]),
      }),
    ),
    tags: { owner: 'e2e' },
  },
  opts,
);
new aws.kms.Alias('alias', { name: 'alias/e2e-secrets', targetKeyId: key.keyId }, opts);

const role = new aws.iam.Role(
  'role',
  {
    name: 'e2e-reader',
    maxSessionDuration: 3600,
    assumeRolePolicy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: swap(['ec2.amazonaws.com', 'lambda.amazonaws.com']) },
          Action: 'sts:AssumeRole',
        },
      ],
    }),
  },
  opts,
);

const secret = new aws.secretsmanager.Secret(
  'secret',
  {
    name: 'e2e/trading',
    description: config.get('description') ?? 'first',
    kmsKeyId: key.arn,
    recoveryWindowInDays: 7,
    tags: { owner: 'e2e', environment: 'test' },
  },
  opts,
);
new aws.secretsmanager.SecretPolicy(
  'policy',
  {
    secretArn: secret.arn,
    policy: pulumi.all([role.arn]).apply(([arn]) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Deny',
            Principal: '*',
            Action: swap(['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue']),
            Resource: '*',
            Condition: { ArnNotEquals: { 'aws:PrincipalArn': [arn] } },
          },
        ],
      }),
    ),
  },
  opts,
);
new aws.iam.RolePolicy(
  'read',
  {
    role: role.name,
    name: 'read-secrets',
    policy: secret.arn.apply((arn) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: swap(['secretsmanager:GetSecretValue', 'kms:Decrypt']),
            Resource: arn,
          },
        ],
      }),
    ),
  },
  opts,
);
const version = new aws.secretsmanager.SecretVersion(
  'version',
  { secretId: secret.id, secretString: config.requireSecret('value') },
  opts,
);

export const versionId = version.versionId;
export const secretArn = secret.arn;
export const keyId = key.keyId;
