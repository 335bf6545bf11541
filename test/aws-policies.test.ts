/**
 * Who gets what from AWS, by every policy that the program renders: identity, trust, key and
 * resource policies, one answer a cell. Then each statement and each condition is taken away, and
 * some cell must notice.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { denyOtherReaders, keyPolicy } from '../components/delivery/aws-rules.ts';
import type { AwsAccount } from '../components/systems.ts';
import {
  type Answer,
  ask,
  type Document,
  type Narrowing,
  type Policies,
  type Principal,
  policiesOf,
  type Request,
} from './aws-authority.ts';
import { canaryValues } from './canary-values.ts';
import { deployRole, ids, runProgram, type Stack } from './program-run.ts';
import { mocked, Recorder } from './recorder.ts';

const { account } = mocked;
const elsewhere = '999999999999';
/** iam-simulate knows the tokens of a few issuers by name. The policy takes any as its data. */
const issuer = 'accounts.google.com';
const otherIssuer = 'cognito-identity.amazonaws.com';
const glass = `arn:aws:iam::${account}:role/glass`;

async function policiesOfStack(stack: Stack, settings: object): Promise<Policies> {
  const whole = { ...ids, issuer: `https://${issuer}`, ...settings };
  const { recorder } = await runProgram(stack, false, canaryValues(), new Recorder(), whole);
  // Under mocks every stack's key has the same id.
  const text = JSON.stringify(policiesOf(recorder)).replaceAll(':key/', `:key/${stack}-`);
  return JSON.parse(text) as Policies;
}

const allow = (Action: string | readonly string[], Resource: string | readonly string[] = '*') =>
  ({
    Version: '2012-10-17',
    Statement: [{ Sid: 'Test', Effect: 'Allow', Action, Resource }],
  }) as const satisfies Document;
const everything = allow('*');

const keyAdministration = ['kms:PutKeyPolicy', 'kms:DisableKey', 'kms:ScheduleKeyDeletion'];

/** Both stacks' policies; cells may be asked with a part of them changed. */
interface World {
  readonly prod: Policies;
  readonly staging: Policies;
}

/**
 * `deploy` administers secrets, roles and keys, and uses no key but by the key's policy. `glass`
 * reads secrets. `admin`, `user`: all that IAM can give. `reads`: may read every secret and decrypt. `alike`: an
 * administrator whose role's name begins as the reader's. `stage`: the reader of staging. `other`,
 * `twin`: administrators of another account, the twin with the reader's name. `lambda`: a service.
 */
const principals: Readonly<Record<string, (world: World) => Principal>> = {
  reader: ({ prod }) => ({ arn: prod.reader.arn, identity: [prod.reader.permissions] }),
  deploy: () => ({
    arn: deployRole,
    identity: [allow(['secretsmanager:*', 'iam:*', ...keyAdministration])],
  }),
  glass: () => ({ arn: glass, identity: [allow('secretsmanager:GetSecretValue')] }),
  admin: () => ({ arn: `arn:aws:iam::${account}:role/admin`, identity: [everything] }),
  reads: () => ({
    arn: `arn:aws:iam::${account}:role/app/reads`,
    identity: [
      allow(['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue', 'kms:Decrypt']),
    ],
  }),
  user: () => ({ arn: `arn:aws:iam::${account}:user/admin`, identity: [everything] }),
  root: () => ({ arn: `arn:aws:iam::${account}:root`, identity: [everything] }),
  alike: ({ prod }) => ({ arn: `${prod.reader.arn}-2`, identity: [everything] }),
  stage: ({ staging }) => ({ arn: staging.reader.arn, identity: [staging.reader.permissions] }),
  other: () => ({ arn: `arn:aws:iam::${elsewhere}:role/admin`, identity: [everything] }),
  twin: ({ prod }) => ({
    arn: prod.reader.arn.replace(account, elsewhere),
    identity: [everything],
  }),
  nobody: () => ({ arn: undefined, identity: [] }),
  lambda: () => ({ arn: 'lambda.amazonaws.com', identity: [] }),
};

const via = { 'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com' };

/** What is asked about, with the context that its word brings. */
const objects: Readonly<
  Record<string, (world: World) => Pick<Request, 'resource' | 'policy' | 'context'>>
> = {
  trading: ({ prod }) => secretOf(prod, 'hummingbot/trading'),
  infrastructure: ({ prod }) => secretOf(prod, 'hummingbot/infrastructure'),
  monitoring: ({ prod }) => secretOf(prod, 'hummingbot/monitoring'),
  "staging's": ({ staging }) => secretOf(staging, 'staging/trading'),
  // Its ARN begins as one of ours; it has no policy of its own, as the next.
  'trading-2': ({ prod }) => ({
    resource: `${secretOf(prod, 'hummingbot/trading').resource}-GhIjKl`,
    policy: undefined,
  }),
  "app's": () => ({
    resource: `arn:aws:secretsmanager:us-east-1:${account}:secret:app-AbCdEf`,
    policy: undefined,
  }),
  // By a list of names: the policy of one of them is asked.
  'batch:trading': ({ prod }) => batchOf(prod, 'trading'),
  'batch:infrastructure': ({ prod }) => batchOf(prod, 'infrastructure'),
  'batch:monitoring': ({ prod }) => batchOf(prod, 'monitoring'),
  'key-by-store': ({ prod }) => ({ ...keyOf(prod), context: via }),
  key: ({ prod }) => keyOf(prod),
  'key-by-s3': ({ prod }) => ({
    ...keyOf(prod),
    context: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' },
  }),
  'key-by-store-of-eu': ({ prod }) => ({
    ...keyOf(prod),
    context: { 'kms:ViaService': 'secretsmanager.eu-west-1.amazonaws.com' },
  }),
  "staging's-key-by-store": ({ staging }) => ({ ...keyOf(staging), context: via }),
  "reader's-role": ({ prod }) => ({ resource: prod.reader.arn, policy: prod.reader.trust }),
  // IAM asks no policy of the role's own about its administration.
  "reader's-policies": ({ prod }) => ({ resource: prod.reader.arn, policy: undefined }),
};

function secretOf({ secrets }: Policies, name: string) {
  const [resource, policy] =
    Object.entries(secrets).find(([arn]) => arn.includes(`:secret:${name}-`)) ?? [];
  assert.ok(resource !== undefined, name);
  return { resource, policy };
}

const batchOf = (policies: Policies, group: string) => ({
  ...secretOf(policies, `hummingbot/${group}`),
  resource: '*',
});

const keyOf = ({ key }: Policies) => ({ resource: key.arn, policy: key.policy });

/** `+` allowed; `x` refused in words; `-` allowed by none; `.` not asked. */
const matrix = `
                                                            reader deploy glass admin reads user root alike stage other twin nobody lambda
secretsmanager:GetSecretValue           trading                +      +     +     x     x    x    x     x     x     x    x     x      x
secretsmanager:GetSecretValue           infrastructure         +      +     +     x     x    x    x     x     x     x    x     x      x
secretsmanager:GetSecretValue           monitoring             +      +     +     x     x    x    x     x     x     x    x     x      x
secretsmanager:GetSecretValue           staging's              x      +     x     x     x    x    x     x     +     x    x     x      x
secretsmanager:GetSecretValue           trading-2              -      +     +     +     +    +    +     +     -     -    -     -      -
secretsmanager:GetSecretValue           app's                  -      +     +     +     +    +    +     +     -     -    -     -      -
secretsmanager:BatchGetSecretValue      batch:trading          -      +     -     x     x    x    x     x     x     x    x     x      x
secretsmanager:BatchGetSecretValue      batch:infrastructure   -      +     -     x     x    x    x     x     x     x    x     x      x
secretsmanager:BatchGetSecretValue      batch:monitoring       -      +     -     x     x    x    x     x     x     x    x     x      x
secretsmanager:DescribeSecret           trading                -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:PutSecretValue           trading                -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:UpdateSecret             trading                -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:UpdateSecretVersionStage trading                -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:DeleteSecret             trading                -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:RestoreSecret            trading                -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:GetResourcePolicy        trading                -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:PutResourcePolicy        trading                -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:PutResourcePolicy        infrastructure         -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:PutResourcePolicy        monitoring             -      +     -     +     -    +    +     +     -     -    -     -      -
secretsmanager:DeleteResourcePolicy     trading                -      +     -     +     -    +    +     +     -     -    -     -      -
kms:Decrypt                             key-by-store           +      +     +     +     +    +    +     +     -     -    -     -      -
kms:Decrypt                             key                    -      -     -     +     +    +    +     +     -     -    -     -      -
kms:Decrypt                             key-by-s3              -      -     -     +     +    +    +     +     -     -    -     -      -
kms:Decrypt                             key-by-store-of-eu     -      -     -     +     +    +    +     +     -     -    -     -      -
kms:Decrypt                             staging's-key-by-store -      +     -     +     +    +    +     +     +     -    -     -      -
kms:DescribeKey                         key-by-store           -      +     -     +     -    +    +     +     -     -    -     -      -
kms:GenerateDataKey                     key-by-store           -      +     -     +     -    +    +     +     -     -    -     -      -
kms:GenerateDataKey                     key                    -      -     -     +     -    +    +     +     -     -    -     -      -
kms:Encrypt                             key-by-store           -      -     -     +     -    +    +     +     -     -    -     -      -
kms:CreateGrant                         key-by-store           -      -     -     +     -    +    +     +     -     -    -     -      -
kms:PutKeyPolicy                        key                    -      +     -     +     -    +    +     +     -     -    -     -      -
kms:DisableKey                          key                    -      +     -     +     -    +    +     +     -     -    -     -      -
kms:ScheduleKeyDeletion                 key                    -      +     -     +     -    +    +     +     -     -    -     -      -
sts:AssumeRole                          reader's-role          -      -     -     -     -    -    -     -     -     -    -     -      -
iam:UpdateAssumeRolePolicy              reader's-policies      -      +     -     +     -    +    +     +     -     -    -     -      -
iam:PutRolePolicy                       reader's-policies      -      +     -     +     -    +    +     +     -     -    -     -      -
`;

/** What is otherwise than usual. */
interface Circumstance {
  /** Of requests to either service. */
  readonly context?: Request['context'];
  readonly store?: Request['context'];
  readonly key?: Request['context'];
  readonly narrowed?: Readonly<Partial<Record<Narrowing, Document>>>;
  /** Sids of statements that are not there. */
  readonly without?: readonly string[];
}

const deny = (
  Action: string | readonly string[],
  Condition?: Record<string, Record<string, string>>,
): Document => ({
  Version: '2012-10-17',
  Statement: [
    { Sid: 'Test', Effect: 'Deny', Action, Resource: '*', ...(Condition && { Condition }) },
  ],
});
const denyToAll = (...given: Parameters<typeof deny>): Document => {
  const { Version, Statement } = deny(...given);
  return { Version, Statement: Statement.map((each) => ({ ...each, Principal: '*' })) };
};
const allowToAll = (Action: string): Document => ({
  Version: '2012-10-17',
  Statement: [{ Sid: 'Test', Effect: 'Allow', Principal: '*', Action, Resource: '*' }],
});
const outsiders = { StringNotEquals: { 'aws:PrincipalOrgID': 'o-ours' } };
const ours = { 'aws:PrincipalOrgID': 'o-ours' };

const circumstances: Readonly<Record<string, Circumstance>> = {
  'as usual': {},
  'by a VPC endpoint': { context: { 'aws:SourceVpce': 'vpce-1', 'aws:SourceVpc': 'vpc-1' } },
  'from a public address': { context: { 'aws:SourceIp': '203.0.113.7' } },
  // No policy asks for TLS: neither service answers without.
  'without TLS': { context: { 'aws:SecureTransport': 'false' } },
  'without MFA': { context: { 'aws:MultiFactorAuthPresent': 'false' } },
  'of another organisation': { context: { 'aws:PrincipalOrgID': 'o-theirs' } },
  'with the tags of ours': { context: { 'aws:PrincipalTag/group': 'trading' } },
  'with other tags of the object': { context: { 'aws:ResourceTag/group': 'app' } },
  'called by a service': { context: { 'aws:CalledVia': ['cloudformation.amazonaws.com'] } },
  'of the current version': { store: { 'secretsmanager:VersionStage': 'AWSCURRENT' } },
  'of the version before': { store: { 'secretsmanager:VersionStage': 'AWSPREVIOUS' } },
  'of one version': {
    store: { 'secretsmanager:VersionId': 'e0c1d2b3-0000-4000-8000-000000000001' },
  },
  'a session for all': { narrowed: { session: everything } },
  'a session for secrets': { narrowed: { session: allow('secretsmanager:*') } },
  'a session for S3': { narrowed: { session: allow('s3:*') } },
  'a boundary of S3': { narrowed: { boundary: allow('s3:*') } },
  'a boundary that denies': { narrowed: { boundary: deny('*') } },
  'an endpoint for all': { narrowed: { endpoint: allowToAll('*') } },
  'an endpoint for S3': { narrowed: { endpoint: allowToAll('s3:*') } },
  'an organisation without KMS': { narrowed: { scp: deny('kms:*') } },
  'an organisation that allows S3': { narrowed: { scp: allow('s3:*') } },
  'for its own alone': {
    context: ours,
    narrowed: { rcp: denyToAll(['secretsmanager:*', 'kms:*'], outsiders) },
  },
  'for others alone': { context: ours, narrowed: { rcp: denyToAll('secretsmanager:*') } },
  // AWS would never say so of a role of ours: the barrier behind the barrier.
  'with an account of nobody': { key: { 'kms:CallerAccount': elsewhere } },
  'with no account': { key: { 'kms:CallerAccount': undefined } },
  // Two doors to the key, each enough for the reader.
  'the key names no reader': { without: ['ReadThroughSecretsManager'] },
  'the reader names no key': { without: ['DecryptSecrets'] },
  'neither names the other': { without: ['ReadThroughSecretsManager', 'DecryptSecrets'] },
  'the key has no account': { without: ['AccountAdministration'] },
};

const asked: Readonly<
  Record<string, readonly [principal: string, action: string, object: string]>
> = {
  'reader reads': ['reader', 'secretsmanager:GetSecretValue', 'trading'],
  'deploy reads': ['deploy', 'secretsmanager:GetSecretValue', 'trading'],
  'admin reads': ['admin', 'secretsmanager:GetSecretValue', 'trading'],
  'other reads': ['other', 'secretsmanager:GetSecretValue', 'trading'],
  'reader decrypts': ['reader', 'kms:Decrypt', 'key-by-store'],
  'glass decrypts': ['glass', 'kms:Decrypt', 'key-by-store'],
  'deploy encrypts': ['deploy', 'kms:GenerateDataKey', 'key-by-store'],
  'other decrypts': ['other', 'kms:Decrypt', 'key-by-store'],
};

const underCircumstances = `
                                 reader-reads deploy-reads admin-reads other-reads reader-decrypts glass-decrypts other-decrypts deploy-encrypts
as usual                              +            +            x           x             +              +              -              +
by a VPC endpoint                     +            +            x           x             +              +              -              +
from a public address                 +            +            x           x             +              +              -              +
without TLS                           +            +            x           x             +              +              -              +
without MFA                           +            +            x           x             +              +              -              +
of another organisation               +            +            x           x             +              +              -              +
with the tags of ours                 +            +            x           x             +              +              -              +
with other tags of the object         +            +            x           x             +              +              -              +
called by a service                   +            +            x           x             +              +              -              +
of the current version                +            +            x           x             .              .              .              .
of the version before                 +            +            x           x             .              .              .              .
of one version                        +            +            x           x             .              .              .              .
a session for all                     +            +            x           x             +              +              -              +
a session for secrets                 +            +            x           x             -              -              -              -
a session for S3                      -            -            x           x             -              -              -              -
a boundary of S3                      -            -            x           x             .              .              -              .
a boundary that denies                x            x            x           x             x              x              x              x
an endpoint for all                   +            +            x           x             +              +              -              +
an endpoint for S3                    -            -            x           x             -              -              -              -
an organisation without KMS           .            .            .           .             x              x              x              x
an organisation that allows S3        -            -            x           x             -              -              -              -
for its own alone                     +            +            x           x             +              +              -              +
for others alone                      x            x            x           x             .              .              .              .
with an account of nobody             .            .            .           .             +              -              -              -
with no account                       .            .            .           .             +              -              -              -
the key names no reader               +            +            x           x             +              -              -              +
the reader names no key               +            +            x           x             +              +              -              +
neither names the other               +            +            x           x             -              -              -              +
the key has no account                +            +            x           x             +              +              -              +
`;

const audience = 'sts.amazonaws.com';
const subject = 'system:serviceaccount:hummingbot:hummingbot-secrets-reader';
const provider = `arn:aws:iam::${account}:oidc-provider/${issuer}`;

/**
 * Who takes the reader's role with a token: provider, its audience and subject; `.` is none. The
 * last is none that AWS would pass on: the barrier behind the barrier.
 */
const tokens = `
${provider}                                       ${audience}         ${subject}                                                +
${provider}                                       ${audience}         ${subject}-2                                              -
${provider}                                       ${audience}         ${subject.toUpperCase()}                                  -
${provider}                                       ${audience}         system:serviceaccount:hummingbot:*                        -
${provider}                                       ${audience}         system:serviceaccount:hummingbot:hummingbot               -
${provider}                                       ${audience}         system:serviceaccount:hummingbot:default                  -
${provider}                                       ${audience}         system:serviceaccount:other:hummingbot-secrets-reader     -
${provider}                                       ${audience}         system:serviceaccount:external-secrets:external-secrets   -
${provider}                                       ${audience}         system:anonymous                                          -
${provider}                                       ${audience}         .                                                         -
${provider}                                       .                   ${subject}                                                -
${provider}                                       .                   .                                                         -
${provider}                                       https://${issuer}   ${subject}                                                -
${provider}                                       STS.amazonaws.com   ${subject}                                                -
${provider.replace(account, elsewhere)}           ${audience}         ${subject}                                                -
arn:aws:iam::${account}:oidc-provider/${otherIssuer} ${audience}       ${subject}                                                -
arn:aws:iam::${account}:saml-provider/${issuer}     ${audience}       ${subject}                                                -
`;

interface Cell {
  readonly name: string;
  readonly expected: string;
  readonly request: (world: World) => Request;
}

/** Rows of a table, with what stands before the cells, and the columns' names. */
function rowsOf(
  table: string,
): readonly (readonly [
  label: string,
  cells: readonly (readonly [column: string, mark: string])[],
])[] {
  const [head = '', ...rows] = table.split('\n').filter((line) => line.trim() !== '');
  const columns = head.trim().split(/\s+/u);
  return rows.map((row) => {
    const words = row.trim().split(/\s+/u);
    const marks = words.splice(-columns.length);
    assert.ok(
      marks.every((mark) => /^[+x.-]$/u.test(mark)),
      row,
    );
    return [words.join(' '), columns.map((column, at) => [column, marks[at] ?? ''] as const)];
  });
}

function requestOf(world: World, principal: string, action: string, object: string): Request {
  const who = principals[principal];
  const what = objects[object];
  assert.ok(who !== undefined && what !== undefined, `${principal} ${object}`);
  return { principal: who(world), action, ...what(world) };
}

const cells: readonly Cell[] = [
  ...rowsOf(matrix).flatMap(([label, marks]) => {
    const [action = '', object = ''] = label.split(' ');
    return marks.map(([principal, expected]) => ({
      name: `${principal} ${label}`,
      expected,
      request: (world: World) => requestOf(world, principal, action, object),
    }));
  }),
  ...rowsOf(underCircumstances).flatMap(([label, marks]) =>
    marks.map(([column, expected]) => ({
      name: `${column} ${label}`,
      expected,
      request: (world: World) => {
        const found = circumstances[label];
        const words = asked[column.replace('-', ' ')];
        assert.ok(found !== undefined && words !== undefined, `${column} ${label}`);
        const prod = withoutStatements(world.prod, found.without ?? []);
        const request = requestOf({ ...world, prod }, ...words);
        const own = request.action.startsWith('kms:') ? found.key : found.store;
        return {
          ...request,
          context: { ...request.context, ...found.context, ...own },
          ...(found.narrowed && { narrowed: found.narrowed }),
        };
      },
    })),
  ),
  ...tokens
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [arn = '', aud = '', sub = '', expected = ''] = line.split(/\s+/u);
      const url = arn.split('-provider/')[1];
      const claims = { [`${url}:aud`]: aud, [`${url}:sub`]: sub };
      return {
        name: `token of ${arn} for ${aud} as ${sub}`,
        expected,
        request: ({ prod }: World): Request => ({
          principal: { arn, identity: [] },
          action: 'sts:AssumeRoleWithWebIdentity',
          resource: prod.reader.arn,
          policy: prod.reader.trust,
          context: Object.fromEntries(Object.entries(claims).filter(([, claim]) => claim !== '.')),
        }),
      };
    }),
].filter(({ expected }) => expected !== '.');

/** The same policies, each document changed, one after another where it makes a difference. */
function changed(policies: Policies, change: (document: Document) => Document): Policies {
  const { secrets, key, reader } = policies;
  return {
    secrets: Object.fromEntries(
      Object.entries(secrets).map(([arn, document]) => [arn, change(document)]),
    ),
    key: { ...key, policy: change(key.policy) },
    reader: { ...reader, trust: change(reader.trust), permissions: change(reader.permissions) },
  };
}

function withoutStatements(policies: Policies, sids: readonly string[]): Policies {
  return sids.length === 0
    ? policies
    : changed(policies, ({ Version, Statement }) => ({
        Version,
        Statement: Statement.filter(({ Sid }) => !sids.includes(Sid)),
      }));
}

async function disagreements(world: World): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name, expected, request } of cells) {
    const got: Answer = await ask(request(world));
    if (got !== expected) found.push(`${name}: ${got}, expected ${expected}`);
  }
  return found;
}

/** Whether one of the cells that see a difference between two worlds is answered otherwise. */
async function isNoticed(before: World, after: World): Promise<boolean> {
  for (const { expected, request } of cells) {
    const [old, now] = [request(before), request(after)];
    const seen = [old, now].map(({ policy, principal }) => [policy, ...principal.identity]);
    if (seen[0]?.every((document, at) => document === seen[1]?.[at])) continue;
    if ((await ask(now)) !== expected) return true;
  }
  return false;
}

/** Each part of a document taken away or widened, by what it is. */
function* mutantsOf({ Version, Statement }: Document): Generator<readonly [string, Document]> {
  for (const [at, statement] of Statement.entries()) {
    const { Sid, Condition = {} } = statement;
    const instead = (part: object): Document => ({
      Version,
      Statement: Statement.with(at, { ...statement, ...part }),
    });
    yield [Sid, { Version, Statement: Statement.filter((each) => each !== statement) }];
    for (const [operator, keys] of Object.entries(Condition)) {
      for (const key of Object.keys(keys)) {
        const { [key]: value, ...rest } = keys;
        yield [
          `${Sid} ${operator} ${key}`,
          instead({ Condition: { ...Condition, [operator]: rest } }),
        ];
        for (const each of listed(value)) {
          const less = { ...rest, [key]: listed(value).filter((other) => other !== each) };
          yield [
            `${Sid} ${operator} ${key} ${each}`,
            instead({ Condition: { ...Condition, [operator]: less } }),
          ];
        }
      }
    }
    for (const part of ['Action', 'Resource'] as const) {
      const value = statement[part];
      for (const each of listed(value)) {
        yield [
          `${Sid} ${part} ${each}`,
          instead({ [part]: listed(value).filter((other) => other !== each) }),
        ];
      }
    }
    const { Principal, Resource, Action } = statement;
    const all = `${String([Action].flat()[0]).split(':')[0]}:*`;
    if (Resource !== undefined && Resource !== '*')
      yield [`${Sid} Resource *`, instead({ Resource: '*' })];
    // With a token one asks for nothing else of STS.
    if (Action !== all && all !== 'sts:*') yield [`${Sid} Action ${all}`, instead({ Action: all })];
    if (
      Principal !== undefined &&
      JSON.stringify(Principal).replace('{"AWS":"*"}', '"*"') !== '"*"'
    )
      yield [`${Sid} Principal *`, instead({ Principal: '*' })];
  }
}

/** Members of a list of several: what may go without the whole going. */
function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) && value.length > 1 ? value : [];
}

/** Every document of a stack, one of them changed at a time. */
function* mutants(policies: Policies): Generator<readonly [string, Policies]> {
  const { secrets, key, reader } = policies;
  for (const [arn, document] of Object.entries(secrets)) {
    for (const [name, mutant] of mutantsOf(document)) {
      yield [`${arn}: ${name}`, { ...policies, secrets: { ...secrets, [arn]: mutant } }];
    }
  }
  for (const [name, mutant] of mutantsOf(key.policy)) {
    yield [`key: ${name}`, { ...policies, key: { ...key, policy: mutant } }];
  }
  for (const part of ['trust', 'permissions'] as const) {
    for (const [name, mutant] of mutantsOf(reader[part])) {
      yield [`${part}: ${name}`, { ...policies, reader: { ...reader, [part]: mutant } }];
    }
  }
}

describe('what AWS answers by the policies of prod', () => {
  let world: World;

  before(async () => {
    world = {
      prod: await policiesOfStack('prod', { breakGlassRoles: [glass] }),
      staging: await policiesOfStack('staging', { prefix: 'staging' }),
    };
  });

  it(`is as the tables say, in ${cells.length} cells`, async () => {
    assert.ok(cells.length >= 200);
    assert.deepEqual(await disagreements(world), []);
  });

  it('changes somewhere when any statement, condition or name of a policy goes or widens', async () => {
    const unnoticed: string[] = [];
    let count = 0;
    for (const [name, prod] of mutants(world.prod)) {
      count += 1;
      if (!(await isNoticed(world, { ...world, prod }))) unnoticed.push(name);
    }
    assert.ok(count >= 50, `${count}`);
    assert.equal(await isNoticed(world, world), false);
    assert.deepEqual(unnoticed, []);
  });

  it('locks out none who deploys, and none who mends, whatever roles are listed', async () => {
    const name = fc.stringMatching(/^[\w+=,.@-]{1,20}$/u);
    const role = fc
      .array(name, { minLength: 1, maxLength: 3 })
      .map((path) => `arn:aws:iam::${account}:role/${path.join('/')}`);
    const roles = fc.array(role, { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(role, roles, roles, async (deployer, deployRoles, breakGlassRoles) => {
        const aws: AwsAccount = {
          account,
          region: 'us-east-1',
          issuer: `https://${issuer}`,
          readerRole: 'reader',
          deployRoles: [deployer, ...deployRoles],
          breakGlassRoles,
          recoveryWindowDays: 30,
        };
        const { resource } = secretOf(world.prod, 'hummingbot/trading');
        const secret = { resource, policy: JSON.parse(denyOtherReaders(aws)) as Document };
        const key = {
          resource: world.prod.key.arn,
          policy: JSON.parse(keyPolicy(aws)) as Document,
        };
        for (const arn of aws.deployRoles) {
          const principal = { arn, identity: [allow('secretsmanager:*')] };
          const reads = { principal, ...secret, action: 'secretsmanager:GetSecretValue' };
          const decrypts = { principal, ...key, action: 'kms:Decrypt', context: via };
          assert.deepEqual([await ask(reads), await ask(decrypts)], ['+', '+'], arn);
        }
        for (const arn of [`arn:aws:iam::${account}:root`, `arn:aws:iam::${account}:user/admin`]) {
          const principal = { arn, identity: [everything] };
          for (const action of ['PutResourcePolicy', 'DeleteResourcePolicy']) {
            const mends = { principal, ...secret, action: `secretsmanager:${action}` };
            assert.equal(await ask(mends), '+', arn);
          }
          assert.equal(await ask({ principal, ...key, action: 'kms:PutKeyPolicy' }), '+', arn);
          const reads = { principal, ...secret, action: 'secretsmanager:GetSecretValue' };
          assert.equal(await ask(reads), 'x', arn);
        }
      }),
      { numRuns: 50 },
    );
  });
});
