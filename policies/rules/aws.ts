/** What guards the values in AWS. */
import type { Context } from '../context.ts';
import type { Resource } from '../resource.ts';
import type { Finding, Rule, StackFinding } from '../rule.ts';
import { at, differs, numberOf, unknown } from '../sight/fields.ts';
import { type Statement, statementsOf } from '../sight/statements.ts';

const types = {
  key: 'aws:kms/key:Key',
  secret: 'aws:secretsmanager/secret:Secret',
  version: 'aws:secretsmanager/secretVersion:SecretVersion',
  policy: 'aws:secretsmanager/secretPolicy:SecretPolicy',
  role: 'aws:iam/role:Role',
  rolePolicy: 'aws:iam/rolePolicy:RolePolicy',
} as const;

export const ownKey: Rule = {
  name: 'own-key',
  what: 'Secrets are encrypted with a key of their own, which AWS rotates',
  why: 'the account’s default key lets everybody decrypt whom IAM lets read',
  practice: 'rotation',
  severity: 'high',
  allowed: 'kmsKeyId of a key with enableKeyRotation',
  fix: 'make the secret with AwsSecretsManager',
  *judge({ type, props }) {
    if (type === types.key && differs(props.enableKeyRotation, true))
      yield { at: 'KMS key', got: 'enableKeyRotation not true' };
    if (type === types.key && props.isEnabled === false)
      yield { at: 'KMS key', got: 'isEnabled false' };
    if (type === types.secret && props.kmsKeyId === undefined)
      yield { at: 'secret', got: 'no kmsKeyId' };
  },
};

const shortestWindow = 7;

export const recoveryWindow: Rule = {
  name: 'recovery-window',
  what: 'What is deleted can be had back for a week at least',
  why: 'a destroy by mistake would be the end of values that nobody has elsewhere',
  practice: 'rotation',
  severity: 'high',
  allowed: `at least ${shortestWindow} days`,
  fix: 'set recoveryWindowDays',
  *judge({ type, props }) {
    const [name, days] =
      type === types.key
        ? ['deletionWindowInDays', props.deletionWindowInDays ?? 30]
        : type === types.secret
          ? ['recoveryWindowInDays', props.recoveryWindowInDays ?? 30]
          : ['', unknown];
    if (days !== unknown && (numberOf(days) ?? 0) < shortestWindow)
      yield { at: name, got: `${numberOf(days) ?? 0} days` };
  },
};

const reads = ['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue'] as const;
const unlessListed = /^(?:ForAnyValue:|ForAllValues:)?(?:Arn|String)Not(?:Like|Equals)$/u;

function denies({ allows, actions, principals, conditions }: Statement): boolean {
  const [condition, ...others] = conditions;
  if (allows || condition === undefined || others.length > 0) return false;
  const [operator, key, values] = condition;
  return (
    principals.includes('*') &&
    (actions.some((each) => ['*', 'secretsmanager:*'].includes(each)) ||
      reads.every((each) => actions.includes(each))) &&
    unlessListed.test(operator) &&
    key === 'aws:PrincipalArn' &&
    values.length > 0 &&
    values.every((each) => !/[*?]/u.test(each))
  );
}

export const readersDenied: Rule = {
  name: 'readers-denied',
  what: 'A secret denies its value to everybody but the roles that are listed',
  why: 'an administrator’s wide policy elsewhere in the account would read it too',
  practice: 'readers',
  severity: 'critical',
  allowed:
    'a resource policy that denies reads unless aws:PrincipalArn is listed; blockPublicPolicy',
  fix: 'make the secret with AwsSecretsManager, and list readers in deployRoles and breakGlassRoles',
  *judge({ type, props }) {
    if (type !== types.policy) return;
    const statements = statementsOf(props.policy);
    if (props.policy !== unknown && !statements?.some(denies))
      yield { at: 'resource policy', got: 'no denial of reads by others' };
    if (statements?.some(({ allows, principals }) => allows && principals.includes('*')))
      yield { at: 'resource policy', got: 'something that everybody may' };
    if (differs(props.blockPublicPolicy, true))
      yield { at: 'resource policy', got: 'blockPublicPolicy not true' };
  },
  *judgeStack(resources): Generator<StackFinding> {
    const count = (type: string): number => resources.filter((each) => each.type === type).length;
    const open = count(types.secret) - count(types.policy);
    if (open > 0) yield { at: 'secrets', got: `${open} without a resource policy` };
  },
};

function* judgeGrants(statements: readonly Statement[]): Generator<Finding> {
  for (const { allows, actions, resources, conditions } of statements) {
    if (!allows) continue;
    if (actions.some((each) => each.includes('*')))
      yield { at: 'role policy', got: 'a wildcard among the actions' };
    if (resources.some((each) => each.includes('*')))
      yield { at: 'role policy', got: 'a wildcard among the resources' };
    const decrypts = actions.some((each) => each.startsWith('kms:'));
    if (decrypts && !conditions.some(([, key]) => key === 'kms:ViaService'))
      yield { at: 'role policy', got: 'a key without kms:ViaService' };
  }
}

function* judgeKey(statements: readonly Statement[]): Generator<Finding> {
  for (const { allows, actions, principals, conditions } of statements) {
    if (!allows) continue;
    const keys = conditions.map(([, key]) => key);
    const bounded = keys.includes('kms:CallerAccount') && keys.includes('aws:PrincipalArn');
    const administers = principals.every((each) => each.endsWith(':root'));
    if (principals.includes('*') && !bounded)
      yield { at: 'key policy', got: 'everybody, without kms:CallerAccount and aws:PrincipalArn' };
    if (!administers && !keys.includes('kms:ViaService'))
      yield { at: 'key policy', got: 'a use that is not through Secrets Manager' };
    if (!administers && actions.some((each) => ['kms:*', '*'].includes(each)))
      yield { at: 'key policy', got: 'all of its actions for others than the account' };
  }
  if (
    !statements.some(
      ({ allows, principals }) => allows && principals.some((each) => each.endsWith(':root')),
    )
  )
    yield { at: 'key policy', got: 'no administration by the account, which mends a lock-out' };
}

function* judgeTrust(statements: readonly Statement[]): Generator<Finding> {
  for (const { allows, actions, principals, conditions } of statements) {
    if (!allows) continue;
    if (principals.includes('*')) yield { at: 'trust policy', got: 'everybody' };
    if (!actions.includes('sts:AssumeRoleWithWebIdentity')) continue;
    for (const claim of [':aud', ':sub']) {
      const exact = conditions.some(
        ([operator, key, values]) =>
          operator === 'StringEquals' &&
          key.endsWith(claim) &&
          values.length > 0 &&
          values.every((each) => !/[*?]/u.test(each)),
      );
      if (!exact) yield { at: 'trust policy', got: `no exact ${claim.slice(1)}` };
    }
  }
}

export const narrowIam: Rule = {
  name: 'narrow-iam',
  what: 'Roles and keys are for named secrets, by named service accounts, through Secrets Manager',
  why: 'a wildcard reads what is stored beside, and another pod of the cluster could take the role',
  practice: 'privilege',
  severity: 'critical',
  allowed: 'named actions on named ARNs; StringEquals on sub and aud; kms:ViaService',
  fix: 'take the documents from access/iam.ts and delivery/aws-rules.ts',
  *judge({ type, props }) {
    const judged = {
      [types.rolePolicy]: [props.policy, judgeGrants],
      [types.key]: [props.policy, judgeKey],
      [types.role]: [props.assumeRolePolicy, judgeTrust],
    } as const;
    const found = Object.entries(judged).find(([each]) => each === type);
    if (found === undefined) return;
    const [document, judge] = found[1];
    if (document === unknown) return;
    const statements = statementsOf(document);
    if (statements === undefined || statements.length === 0)
      yield { at: 'policy', got: 'nothing that is a policy' };
    else yield* judge(statements);
  },
};

export const ownAccount: Rule = {
  name: 'own-account',
  what: 'The provider of AWS takes one account, and that of Kubernetes one cluster',
  why: 'with the wrong profile the stack would be made in, and deleted from, somebody else’s',
  practice: 'environments',
  severity: 'high',
  allowed: 'allowedAccountIds with one account; clusterIdentifier; a kubeconfig of the stack',
  fix: 'make the providers with guards.ts',
  *judge({ type, props }) {
    if (type === 'pulumi:providers:aws' && listed(props.allowedAccountIds) !== 1)
      yield { at: 'provider', got: 'no one account in allowedAccountIds' };
    if (type === 'pulumi:providers:kubernetes') {
      for (const name of ['clusterIdentifier', 'kubeconfig']) {
        if (at(props, name) === undefined) yield { at: 'provider', got: `no ${name}` };
      }
    }
  },
};

/** Providers get lists as JSON. */
function listed(value: unknown): number {
  if (value === unknown) return 1;
  if (Array.isArray(value)) return value.length;
  try {
    const parsed: unknown = JSON.parse(String(value));
    return Array.isArray(parsed) ? parsed.length : 0;
  } catch {
    return 0;
  }
}

/** What holds the values, or opens them. */
const kept = new Set<string>([
  types.key,
  types.secret,
  'kubernetes:core/v1:Namespace',
  'vault:kv/secretV2:SecretV2',
]);

export const keptFromDeletion: Rule = {
  name: 'kept-from-deletion',
  what: 'A protected stack keeps its stores, its key and its namespace from deletion',
  why: 'a destroy, or a renamed resource, would take the values and the bot’s trades with it',
  practice: 'rotation',
  severity: 'high',
  allowed: 'protect: true in a protected stack',
  fix: 'hand the setting protect on to the resource',
  *judge(resource: Resource, context: Context) {
    if (context.protected && kept.has(resource.type) && !resource.protect)
      yield { at: resource.type.split(':').at(-1) ?? '', got: 'no protect' };
  },
};
