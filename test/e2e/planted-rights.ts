/** Rights too many, as somebody would give them by hand in a cluster and in AWS. */
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { apply } from '../../rehearsal/servers/kubernetes-client.ts';
import type { RehearsedStack } from './rehearsed-stack.ts';

export const rbac = 'rbac.authorization.k8s.io';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** @param resource of the core group */
export const core = (verb: string, resource: string): Rule => ({
  apiGroups: [''],
  resources: [resource],
  verbs: [verb],
});

export const everything: Rule = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };

/** A ClusterRole of one rule, bound to a user of its name in the stack's namespace, or everywhere. */
export async function grant(
  { access, namespace }: RehearsedStack,
  name: string,
  rule: Rule,
  everywhere = false,
): Promise<void> {
  const at = everywhere ? {} : { namespace };
  await apply(access, [
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name }, rules: [rule] },
    {
      apiVersion: `${rbac}/v1`,
      kind: everywhere ? 'ClusterRoleBinding' : 'RoleBinding',
      metadata: { name, ...at },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', name, apiGroup: rbac }],
    },
  ]);
}

export const policyOf = (...Statement: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement });

/** A role `wide` that may read every secret of the account. @returns its ARN */
export async function wideRole({ environment }: RehearsedStack): Promise<string> {
  const { AWS_ENDPOINT_URL: endpoint = '', ...own } = environment;
  const iam = new IAMClient({
    region: 'us-east-1',
    endpoint,
    credentials: {
      accessKeyId: own.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: own.AWS_SECRET_ACCESS_KEY ?? '',
      sessionToken: own.AWS_SESSION_TOKEN ?? '',
    },
  });
  const RoleName = 'wide';
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: policyOf() }),
  );
  const PolicyDocument = policyOf({
    Sid: 'Wide',
    Effect: 'Allow',
    Action: ['secretsmanager:Get*', 'kms:Decrypt'],
    Resource: '*',
  });
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument }));
  return Role?.Arn ?? '';
}

/** A resource policy that denies nobody and lets a principal do all. */
export const openTo = (principal: string): string =>
  policyOf({
    Sid: 'Open',
    Effect: 'Allow',
    Principal: { AWS: principal },
    Action: '*',
    Resource: '*',
  });
