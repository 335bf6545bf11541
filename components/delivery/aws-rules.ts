/**
 * What AWS Secrets Manager takes, and the policies around a secret, as plain documents: settings
 * ask here before any resource exists, without loading an SDK.
 *
 * Limits: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
 */
import type { AwsAccount } from '../systems.ts';
import { groupJson } from './group-json.ts';

/** Bytes of one secret. */
const maxSecretBytes = 65_536;
/** Characters of one resource policy. */
const maxPolicyCharacters = 20_480;
/** Bytes of a key policy: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const maxKeyPolicyBytes = 32_768;

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  /** Absent in a trust policy. */
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** An IAM policy document. */
export function policy(statements: readonly PolicyStatement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

export function roleArn(account: string, name: string): string {
  return `arn:aws:iam::${account}:role/${name}`;
}

/** Who may read values: who deploys, who breaks the glass, and the operator. */
export function readingRoles(aws: AwsAccount): readonly string[] {
  const roles = [...aws.deployRoles, ...aws.breakGlassRoles, roleArn(aws.account, aws.readerRole)];
  return [...new Set(roles)];
}

/**
 * The resource policy of a secret: nobody else reads. Reads alone, so that whoever administers the
 * account can mend a policy that locks out the right ones.
 */
export function denyOtherReaders(aws: AwsAccount): string {
  return policy([
    {
      Sid: 'DenyReadsByOthers',
      Effect: 'Deny',
      Principal: '*',
      Action: ['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue'],
      Resource: '*',
      Condition: { ArnNotLike: { 'aws:PrincipalArn': readingRoles(aws) } },
    },
  ]);
}

/** The service that may use the key for somebody. */
export function viaService(region: string): string {
  return `secretsmanager.${region}.amazonaws.com`;
}

/**
 * The key policy: the account administers the key, which keeps a lock-out repairable; those who may
 * read values decrypt by it, and those who deploy encrypt too, both through Secrets Manager alone.
 */
export function keyPolicy(aws: AwsAccount): string {
  const throughStore = (
    Sid: string,
    Action: string | readonly string[],
    roles: readonly string[],
  ) =>
    ({
      Sid,
      Effect: 'Allow',
      // By condition and not as principals: KMS refuses a policy that names a role that is not
      // there yet.
      Principal: { AWS: '*' },
      Action,
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:CallerAccount': aws.account,
          'kms:ViaService': viaService(aws.region),
        },
        ArnLike: { 'aws:PrincipalArn': roles },
      },
    }) as const;
  return policy([
    {
      Sid: 'AccountAdministration',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${aws.account}:root` },
      Action: 'kms:*',
      Resource: '*',
    },
    throughStore('ReadThroughSecretsManager', 'kms:Decrypt', readingRoles(aws)),
    // None of a stack that is not complete yet; a condition without a value is no policy.
    ...(aws.deployRoles.length === 0
      ? []
      : [
          throughStore(
            'WriteThroughSecretsManager',
            ['kms:DescribeKey', 'kms:GenerateDataKey*'],
            [...new Set(aws.deployRoles)],
          ),
        ]),
  ]);
}

/** What the target refuses, as settings ask it. */
export const awsRules = {
  kind: 'cluster',
  synced: true,
  needs: ['aws', 'cluster'],
  valuePaths: (): readonly string[] => [],
  // One target feeds a namespace.
  claims: ['the namespace'],
  refuses: (value: string): string | undefined => (value.includes('\0') ? 'a NUL byte' : undefined),
  refusesGroup: (values: ReadonlyMap<string, string>) => {
    const bytes = Buffer.byteLength(groupJson(values));
    if (bytes <= maxSecretBytes) return undefined;
    return { got: `${bytes} bytes as JSON`, allowed: `at most ${maxSecretBytes} bytes` };
  },
  refusesAccount: (aws: AwsAccount) => {
    const limits = [
      ['a resource policy', denyOtherReaders(aws).length, maxPolicyCharacters],
      ['a key policy', keyPolicy(aws).length, maxKeyPolicyBytes],
    ] as const;
    const [name, length, most] = limits.find((each) => each[1] > each[2]) ?? [];
    if (name === undefined) return undefined;
    return {
      got: `roles that make ${name} of ${length} characters`,
      allowed: `at most ${most} characters`,
    };
  },
  kept: (stack: string): string =>
    `What the stack stored waits for its deletion; npm run restore -- --stack ${stack} has it back.`,
} as const;
