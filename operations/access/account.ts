/**
 * What an AWS account says of who may do what: its users, groups and roles with their policies in a
 * few calls (GetAccountAuthorizationDetails), and of each secret its policy, its key's and the key's
 * grants. No value is asked for.
 */
import type {
  GetAccountAuthorizationDetailsResponse,
  ManagedPolicyDetail,
} from '@aws-sdk/client-iam';
import type { AwsAccount } from '../../components/systems.ts';
import type { Holder } from './iam-decision.ts';
import { type Policy, parsePolicy } from './iam-policy.ts';

/** A role or a user, with what is attached to it. */
export interface Identity extends Holder {
  /** Who may become it; a role's own. */
  readonly trust?: Policy;
}

export interface StoredSecret {
  /** `<prefix>/<group>` */
  readonly name: string;
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Undefined: it has none. */
  readonly policy: Policy | undefined;
  readonly keyArn: string;
}

export interface KeyRights {
  readonly arn: string;
  readonly policy: Policy;
  /** Principals that a grant lets decrypt, with the grant's id. */
  readonly grants: readonly { readonly grantee: string; readonly id: string }[];
}

export interface AccountRights {
  readonly identities: readonly Identity[];
  readonly secrets: readonly StoredSecret[];
  readonly keys: readonly KeyRights[];
}

/** Who is asked, and the right that it takes; the first that is refused is named. */
export class Refused extends Error {
  readonly right: string;

  constructor(right: string, reason: string) {
    super(`${right}: ${reason}`);
    this.right = right;
  }
}

/** @throws Refused naming the right that is missing, or why there is no answer */
export async function readAccount(
  { account, region }: AwsAccount,
  names: readonly string[],
): Promise<AccountRights> {
  const [iam, secrets, kms] = await Promise.all([
    import('@aws-sdk/client-iam'),
    import('@aws-sdk/client-secrets-manager'),
    import('@aws-sdk/client-kms'),
  ]);
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const options = { region };
  const who = await ask(
    'sts:GetCallerIdentity',
    async () => await new STSClient(options).send(new GetCallerIdentityCommand({})),
  );
  if (who.Account !== account) throw new Refused('account', 'credentials of another account');
  const identityApi = new iam.IAMClient(options);
  const details: GetAccountAuthorizationDetailsResponse[] = [];
  let Marker: string | undefined;
  do {
    const page = await ask(
      'iam:GetAccountAuthorizationDetails',
      async () =>
        await identityApi.send(
          new iam.GetAccountAuthorizationDetailsCommand({
            MaxItems: 1000,
            ...(Marker && { Marker }),
          }),
        ),
    );
    details.push(page);
    Marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (Marker !== undefined);
  const store = new secrets.SecretsManagerClient(options);
  const found = await Promise.all(
    names.map(async (SecretId): Promise<StoredSecret> => {
      const described = await ask(
        `secretsmanager:DescribeSecret of ${SecretId}`,
        async () => await store.send(new secrets.DescribeSecretCommand({ SecretId })),
      );
      const { ResourcePolicy } = await ask(
        `secretsmanager:GetResourcePolicy of ${SecretId}`,
        async () => await store.send(new secrets.GetResourcePolicyCommand({ SecretId })),
      );
      return {
        name: SecretId,
        arn: described.ARN ?? '',
        tags: Object.fromEntries(
          (described.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]),
        ),
        policy:
          ResourcePolicy === undefined
            ? undefined
            : parsePolicy(`resource policy of ${SecretId}`, ResourcePolicy),
        keyArn: described.KmsKeyId ?? '',
      };
    }),
  );
  const keyApi = new kms.KMSClient(options);
  const keys = await Promise.all(
    [...new Set(found.map(({ keyArn }) => keyArn))].filter(Boolean).map(async (KeyId) => {
      const { Policy: text } = await ask(
        'kms:GetKeyPolicy',
        async () =>
          await keyApi.send(new kms.GetKeyPolicyCommand({ KeyId, PolicyName: 'default' })),
      );
      const { Grants = [] } = await ask(
        'kms:ListGrants',
        async () => await keyApi.send(new kms.ListGrantsCommand({ KeyId, Limit: 100 })),
      );
      return {
        arn: KeyId,
        policy: parsePolicy('key policy', text ?? '{}'),
        grants: Grants.filter(({ Operations = [] }) => Operations.includes('Decrypt')).map(
          ({ GranteePrincipal = '', GrantId = '' }) => ({ grantee: GranteePrincipal, id: GrantId }),
        ),
      };
    }),
  );
  return { identities: identitiesOf(account, details), secrets: found, keys };
}

/** Joins what is attached by name with the documents, each read once. */
export function identitiesOf(
  account: string,
  pages: readonly GetAccountAuthorizationDetailsResponse[],
): readonly Identity[] {
  const managed = new Map<string, Policy>();
  for (const each of pages.flatMap(({ Policies = [] }) => Policies)) {
    const document = documentOf(each);
    if (document !== undefined)
      managed.set(each.Arn ?? '', parsePolicy(`policy ${each.PolicyName}`, document));
  }
  const attached = (list: readonly { PolicyArn?: string | undefined }[] = []): readonly Policy[] =>
    list.flatMap(({ PolicyArn = '' }) => managed.get(PolicyArn) ?? []);
  const inline = (
    list: readonly { PolicyName?: string | undefined; PolicyDocument?: string | undefined }[] = [],
  ): readonly Policy[] =>
    list.map(({ PolicyName, PolicyDocument = '' }) =>
      parsePolicy(`inline policy ${PolicyName}`, decoded(PolicyDocument)),
    );
  const bounded = (boundary: { PermissionsBoundaryArn?: string | undefined } | undefined) => {
    const policy = managed.get(boundary?.PermissionsBoundaryArn ?? '');
    return policy && { boundary: policy };
  };
  const groups = new Map(
    pages
      .flatMap(({ GroupDetailList = [] }) => GroupDetailList)
      .map((group) => [
        group.GroupName ?? '',
        [...inline(group.GroupPolicyList), ...attached(group.AttachedManagedPolicies)].map(
          (policy) => ({ ...policy, name: `${policy.name} of group ${group.GroupName}` }),
        ),
      ]),
  );
  const roles = pages
    .flatMap(({ RoleDetailList = [] }) => RoleDetailList)
    .map((role) => ({
      arn: role.Arn ?? '',
      account,
      policies: [...inline(role.RolePolicyList), ...attached(role.AttachedManagedPolicies)],
      trust: parsePolicy(
        `trust policy of ${role.RoleName}`,
        decoded(role.AssumeRolePolicyDocument ?? '{}'),
      ),
      ...bounded(role.PermissionsBoundary),
    }));
  const users = pages
    .flatMap(({ UserDetailList = [] }) => UserDetailList)
    .map((user) => ({
      arn: user.Arn ?? '',
      account,
      policies: [
        ...inline(user.UserPolicyList),
        ...attached(user.AttachedManagedPolicies),
        ...(user.GroupList ?? []).flatMap((name) => groups.get(name) ?? []),
      ],
      ...bounded(user.PermissionsBoundary),
    }));
  return [...roles, ...users];
}

function documentOf({ PolicyVersionList = [] }: ManagedPolicyDetail): string | undefined {
  const { Document } = PolicyVersionList.find(({ IsDefaultVersion }) => IsDefaultVersion) ?? {};
  return Document === undefined ? undefined : decoded(Document);
}

/** A service's message may quote the request: of it there is the code alone. */
async function ask<T>(right: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { name } = error as Error;
    throw new Refused(right, /^\w{1,60}$/u.test(name) ? name : 'no answer');
  }
}

/** IAM gives documents as parts of a URL. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
