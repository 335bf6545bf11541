/**
 * What AWS would answer, by the policies that the program renders. The judge is iam-simulate, a
 * re-implementation of IAM's rules by people who are not AWS; what it leaves unproven stands in
 * docs/security.md.
 */
import { strict as assert } from 'node:assert';
import { anonymousPrincipal, runSimulation, type Simulation } from '@cloud-copilot/iam-simulate';
import type { PolicyStatement } from '../components/delivery/aws-rules.ts';
import type { Recorder } from './recorder.ts';

export interface Document {
  readonly Version: string;
  readonly Statement: readonly PolicyStatement[];
}

/** Everything that a stack says to AWS about who may do what. */
export interface Policies {
  /** Resource policy by the secret's ARN. */
  readonly secrets: Readonly<Record<string, Document>>;
  readonly key: { readonly arn: string; readonly policy: Document };
  readonly reader: {
    readonly arn: string;
    readonly trust: Document;
    readonly permissions: Document;
  };
}

/** The policies of a run under mocks, as they were registered. */
export function policiesOf(recorder: Recorder): Policies {
  const parsed = (text: unknown): Document => JSON.parse(String(text)) as Document;
  const secrets = recorder
    .of('aws:secretsmanager/secretPolicy:SecretPolicy')
    .map(({ inputs }) => [String(inputs.secretArn), parsed(inputs.policy)] as const);
  const [decrypt] = parsed(recorder.one('aws:iam/rolePolicy:RolePolicy').inputs.policy)
    .Statement.flatMap(({ Resource = [] }) => Resource)
    .filter((arn) => arn.includes(':key/'));
  const role = recorder.one('aws:iam/role:Role').inputs;
  const [listed] = secrets;
  return {
    secrets: Object.fromEntries(secrets),
    key: {
      arn: String(decrypt),
      policy: parsed(recorder.one('aws:kms/key:Key').inputs.policy),
    },
    reader: {
      arn: `arn:aws:iam::${accountOf(listed?.[0] ?? '')}:role/${role.name}`,
      trust: parsed(role.assumeRolePolicy),
      permissions: parsed(recorder.one('aws:iam/rolePolicy:RolePolicy').inputs.policy),
    },
  };
}

export function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

/** Whoever asks. */
export interface Principal {
  /** ARN of a role, a user, a root or an identity provider, name of a service, or nobody's. */
  readonly arn: string | undefined;
  /** What is attached to it. */
  readonly identity: readonly Document[];
}

/** An ARN of a role as its session has it; the path is not in it. */
function sessionOf(role: string): string {
  return `arn:aws:sts::${accountOf(role)}:assumed-role/${role.split('/').at(-1)}/session`;
}

export interface Request {
  readonly principal: Principal;
  /** Such as `kms:Decrypt`. */
  readonly action: string;
  /** ARN, or `*` of an action that knows no resource. */
  readonly resource: string;
  /** Policy of the resource. */
  readonly policy: Document | undefined;
  /** Condition keys beside those that AWS makes of the principal; undefined takes one away. */
  readonly context?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What else narrows: by its kind. */
  readonly narrowed?: Readonly<Partial<Record<Narrowing, Document>>>;
}

export type Narrowing = 'session' | 'boundary' | 'endpoint' | 'scp' | 'rcp';

/** `+` allowed; `x` refused by a statement that says so; `-` allowed by none. */
export type Answer = '+' | 'x' | '-';

const answers = { Allowed: '+', ExplicitlyDenied: 'x', ImplicitlyDenied: '-' } as const;

/** Context that AWS makes of the principal itself. */
function ownContext({ arn }: Principal, action: string): Record<string, string> {
  if (arn === undefined) return {};
  if (!arn.startsWith('arn:')) return { 'aws:PrincipalIsAWSService': 'true' };
  if (arn.includes(':oidc-provider/')) return {};
  return {
    'aws:PrincipalArn': arn,
    'aws:PrincipalAccount': accountOf(arn),
    ...(action.startsWith('kms:') && { 'kms:CallerAccount': accountOf(arn) }),
  };
}

/**
 * Asks what AWS would answer.
 * @throws AssertionError when the request or a policy is none that AWS would take
 */
export async function ask(request: Request): Promise<Answer> {
  const { principal, action, resource, policy, context = {}, narrowed = {} } = request;
  const { arn } = principal;
  const named = (kind: Narrowing) =>
    narrowed[kind] === undefined ? [] : [{ name: kind, policy: narrowed[kind] }];
  const ofOrganisation = (kind: 'scp' | 'rcp') =>
    named(kind).map((each) => ({ orgIdentifier: 'r-root', policies: [each] }));
  const simulation: Simulation = {
    request: {
      principal:
        arn === undefined ? anonymousPrincipal : /:role\//u.test(arn) ? sessionOf(arn) : arn,
      action,
      resource: {
        resource,
        accountId: request.resource === '*' ? accountOf(arn ?? '') : accountOf(resource),
      },
      contextVariables: Object.fromEntries(
        Object.entries({ ...ownContext(principal, action), ...context }).filter(
          (entry): entry is [string, string | string[]] => entry[1] !== undefined,
        ),
      ),
    },
    identityPolicies: principal.identity.map((each, at) => ({
      name: `identity ${at}`,
      policy: each,
    })),
    serviceControlPolicies: ofOrganisation('scp'),
    resourceControlPolicies: ofOrganisation('rcp'),
    ...(policy && { resourcePolicy: policy }),
    ...(narrowed.session && { sessionPolicy: narrowed.session }),
    ...(narrowed.boundary && { permissionBoundaryPolicies: named('boundary') }),
    ...(narrowed.endpoint && { vpcEndpointPolicies: named('endpoint') }),
  };
  const result = await runSimulation(simulation, {});
  assert.equal(result.resultType, 'single', JSON.stringify(result));
  // A key that the action does not have would be left out in silence.
  assert.deepEqual(result.result.ignoredContextKeys, []);
  return answers[result.overallResult];
}
