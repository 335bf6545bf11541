/** Rights too many, as somebody would give them by hand in a cluster and in AWS, and use. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { apply } from '../../rehearsal/servers/kubernetes-client.ts';
import type { Result } from './checkout.ts';
import type { RehearsedStack } from './rehearsed-stack.ts';

const rbac = 'rbac.authorization.k8s.io';

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

/**
 * A service account in a namespace of its own.
 * @param role a ClusterRole that it has in the stack's namespace. @default - none
 */
export async function makeAccount(
  { access, namespace }: RehearsedStack,
  at: string,
  name: string,
  role?: string,
): Promise<void> {
  await apply(access, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: at } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: at } },
  ]);
  if (role === undefined) return;
  await apply(access, [
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name, namespace },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name, namespace: at }],
    },
  ]);
}

/** A command of kubectl in the stack's namespace, by a token of a service account and nothing else. */
export async function asAccount(
  stack: RehearsedStack,
  at: string,
  name: string,
  ...words: readonly string[]
): Promise<Result> {
  const { status } = await stack.access.core.createNamespacedServiceAccountToken({
    name,
    namespace: at,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [], expirationSeconds: 600 },
    },
  });
  const cluster = stack.access.config.getCurrentCluster();
  const authority = cluster?.caData ?? readFileSync(cluster?.caFile ?? '').toString('base64');
  const folder = mkdtempSync(join(stack.checkout.temporary, 'account-'));
  const path = join(folder, 'kubeconfig');
  const file = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    clusters: [
      {
        name: 'x',
        cluster: { server: cluster?.server, 'certificate-authority-data': authority },
      },
    ],
    users: [{ name: 'x', user: { token: status?.token } }],
  };
  writeFileSync(path, JSON.stringify(file), { mode: 0o600 });
  const all = ['--kubeconfig', path, '--namespace', stack.namespace, ...words];
  const result = await stack.run('kubectl', all);
  rmSync(folder, { recursive: true });
  return result;
}

const policyOf = (...Statement: readonly object[]): string =>
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
