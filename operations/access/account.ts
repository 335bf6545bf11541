/**
 * What an AWS account says of who may do what: its users, groups and roles with their policies in a
 * few calls (GetAccountAuthorizationDetails), and of each secret its policy, its key's and the key's
 * grants. No value is asked for.
 */
import type {
  GetAccountAuthorizationDetailsResponse,
  ManagedPolicyDetail,
} from '@aws-sdk/client-iam';
import type { AwsAsked } from './aws-api.ts';
import type { Holder } from './iam-decision.ts';
import { type Policy, parsePolicy } from './iam-policy.ts';

/** A role or a user, with what is attached to it. */
export interface Identity extends Holder {
  /** Who may become it; a role's own. */
  readonly trust?: Policy;
  /** ARNs of a user's groups. */
  readonly groups?: readonly string[];
  /** Policies of the account's own that are attached, also by a group. */
  readonly managed?: readonly ManagedPolicy[];
}

/** One that may be changed. */
export interface ManagedPolicy {
  readonly arn: string;
  /** How many of its versions are kept. */
  readonly versions: number;
}

export interface UserGroup {
  readonly arn: string;
  readonly policies: readonly Policy[];
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
  /** Undefined: it could not be had. */
  readonly policy: Policy | undefined;
  /** Principals that a grant lets decrypt, with the grant's id. */
  readonly grants: readonly { readonly grantee: string; readonly id: string }[];
}

export interface AccountRights {
  readonly identities: readonly Identity[];
  readonly groups: readonly UserGroup[];
  readonly secrets: readonly StoredSecret[];
  readonly keys: readonly KeyRights[];
}

/** What was not answered, and why. */
export class Refused extends Error {
  /** What it takes. */
  readonly fix: string;

  constructor(what: string, reason: string, fix = `credentials with ${what} (docs/access.md)`) {
    super(`${what}: ${reason}`);
    this.fix = fix;
  }
}

/** What is refused is left out and named; the rest is there. */
export interface Account {
  readonly rights: AccountRights;
  readonly refused: readonly Refused[];
}

/**
 * @param stack whose secrets these are
 * @throws Refused when AWS does not answer, or for another account
 */
export async function readAccount(
  api: AwsAsked,
  { account, names, stack }: { account: string; names: readonly string[]; stack: string },
): Promise<Account> {
  const asked = await ask('sts:GetCallerIdentity', async () => await api.account());
  if (asked !== account) {
    const fix = `credentials of account ${account} (docs/access.md)`;
    throw new Refused('account', 'credentials of another account', fix);
  }
  const refused: Refused[] = [];
  const orNone = async <T>(part: Promise<T>): Promise<T | undefined> => {
    try {
      return await part;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused.push(error);
      return undefined;
    }
  };
  const [details, secrets] = await Promise.all([
    orNone(detailsOf(api)),
    Promise.all(names.map(async (name) => await orNone(secretOf(api, name, stack)))),
  ]);
  const found = secrets.filter((secret) => secret !== undefined);
  const arns = [...new Set(found.map(({ keyArn }) => keyArn))].filter(Boolean);
  const keys = await Promise.all(
    arns.map(async (arn): Promise<KeyRights> => {
      const [policy, grants] = await Promise.all([
        orNone(keyPolicyOf(api, arn)),
        orNone(grantsOf(api, arn)),
      ]);
      return { arn, policy, grants: grants ?? [] };
    }),
  );
  const rights = { ...identitiesOf(account, details ?? []), secrets: found, keys };
  return {
    rights,
    refused: refused.toSorted((one, other) => (one.message < other.message ? -1 : 1)),
  };
}

async function detailsOf(
  api: AwsAsked,
): Promise<readonly GetAccountAuthorizationDetailsResponse[]> {
  const pages: GetAccountAuthorizationDetailsResponse[] = [];
  let marker: string | undefined;
  do {
    const from = marker;
    const call = async () => await api.identities(from);
    const page = await ask('iam:GetAccountAuthorizationDetails', call);
    pages.push(page);
    marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (marker !== undefined);
  return pages;
}

async function secretOf(api: AwsAsked, name: string, stack: string): Promise<StoredSecret> {
  const what = `secret ${name}`;
  const described = await ask(
    `secretsmanager:DescribeSecret of ${name}`,
    async () => await api.secret(name),
    (reason) =>
      reason === 'ResourceNotFoundException'
        ? new Refused(what, 'not there', `npm start -- --stack ${stack}`)
        : undefined,
  );
  const leaving = new Refused(
    what,
    'waits for its deletion',
    `npm run restore -- --stack ${stack}`,
  );
  if (described.DeletedDate !== undefined) throw leaving;
  const policy = await ask(
    `secretsmanager:GetResourcePolicy of ${name}`,
    async () => await api.secretPolicy(name),
    (reason) => (reason === 'InvalidRequestException' ? leaving : undefined),
  );
  return {
    name,
    arn: described.ARN ?? '',
    tags: Object.fromEntries(
      (described.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]),
    ),
    policy: policy === undefined ? undefined : parsePolicy(`resource policy of ${name}`, policy),
    keyArn: described.KmsKeyId ?? '',
  };
}

async function keyPolicyOf(api: AwsAsked, arn: string): Promise<Policy> {
  const text = await ask('kms:GetKeyPolicy', async () => await api.keyPolicy(arn));
  return parsePolicy('key policy', text ?? '{}');
}

async function grantsOf(api: AwsAsked, arn: string): Promise<KeyRights['grants']> {
  const grants: { readonly grantee: string; readonly id: string }[] = [];
  let marker: string | undefined;
  do {
    const from = marker;
    const page = await ask('kms:ListGrants', async () => await api.grants(arn, from));
    for (const { GranteePrincipal = '', GrantId = '', Operations = [] } of page.Grants ?? []) {
      if (Operations.includes('Decrypt')) grants.push({ grantee: GranteePrincipal, id: GrantId });
    }
    marker = page.Truncated === true ? page.NextMarker : undefined;
  } while (marker !== undefined);
  return grants;
}

/** Joins what is attached by name with the documents, each read once. */
export function identitiesOf(
  account: string,
  pages: readonly GetAccountAuthorizationDetailsResponse[],
): Pick<AccountRights, 'identities' | 'groups'> {
  const managed = new Map<string, Policy>();
  const versions = new Map<string, number>();
  for (const each of pages.flatMap(({ Policies = [] }) => Policies)) {
    versions.set(each.Arn ?? '', each.PolicyVersionList?.length ?? 0);
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
  // AWS's own nobody changes.
  const own = (list: readonly { PolicyArn?: string | undefined }[] = []) =>
    list
      .filter(({ PolicyArn = '' }) => PolicyArn.split(':')[4] === account)
      .map(({ PolicyArn: arn = '' }) => ({ arn, versions: versions.get(arn) ?? 0 }));
  const groups = new Map(
    pages
      .flatMap(({ GroupDetailList = [] }) => GroupDetailList)
      .map((group) => [
        group.GroupName ?? '',
        {
          arn: group.Arn ?? '',
          managed: own(group.AttachedManagedPolicies),
          policies: [
            ...inline(group.GroupPolicyList),
            ...attached(group.AttachedManagedPolicies),
          ].map((policy) => ({ ...policy, name: `${policy.name} of group ${group.GroupName}` })),
        },
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
      managed: own(role.AttachedManagedPolicies),
      ...bounded(role.PermissionsBoundary),
    }));
  const users = pages
    .flatMap(({ UserDetailList = [] }) => UserDetailList)
    .map((user) => {
      const joined = (user.GroupList ?? []).flatMap((name) => groups.get(name) ?? []);
      return {
        arn: user.Arn ?? '',
        account,
        policies: [
          ...inline(user.UserPolicyList),
          ...attached(user.AttachedManagedPolicies),
          ...joined.flatMap(({ policies }) => policies),
        ],
        groups: joined.map(({ arn }) => arn),
        managed: [
          ...own(user.AttachedManagedPolicies),
          ...joined.flatMap((group) => group.managed),
        ],
        ...bounded(user.PermissionsBoundary),
      };
    });
  return { identities: [...roles, ...users], groups: [...groups.values()] };
}

function documentOf({ PolicyVersionList = [] }: ManagedPolicyDetail): string | undefined {
  const { Document } = PolicyVersionList.find(({ IsDefaultVersion }) => IsDefaultVersion) ?? {};
  return Document === undefined ? undefined : decoded(Document);
}

/**
 * A service's message may quote the request: of it there is the code alone.
 * @param other says what a code means that is no missing right
 */
async function ask<T>(
  right: string,
  call: () => Promise<T>,
  other: (reason: string) => Refused | undefined = () => undefined,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { name } = error as Error;
    const reason = /^\w{1,60}$/u.test(name) ? name : 'no answer';
    throw other(reason) ?? new Refused(right, reason);
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
