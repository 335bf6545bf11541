/**
 * The review's own reading of IAM's policies, beside the evaluator that the tests keep: on thousands of
 * random policies it may never say "no" where that one says "allowed".
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Context } from '../../../operations/access/iam-condition.ts';
import { hold, isLike } from '../../../operations/access/iam-condition.ts';
import { decide } from '../../../operations/access/iam-decision.ts';
import { parsePolicy } from '../../../operations/access/iam-policy.ts';
import { type Answer, ask, type Document } from '../../aws-authority.ts';

const account = '210987654321';
const role = `arn:aws:iam::${account}:role/ci/reader`;
const secret = `arn:aws:secretsmanager:us-east-1:${account}:secret:hummingbot/trading-AbCdEf`;
const key = `arn:aws:kms:us-east-1:${account}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const viaService = 'secretsmanager.us-east-1.amazonaws.com';

const context: Context = (name) =>
  ({
    'aws:principalarn': [role],
    'aws:principalaccount': [account],
    'kms:calleraccount': [account],
    'kms:viaservice': [viaService],
  })[name.toLowerCase()] ?? 'unknown';

const actions = [
  'secretsmanager:GetSecretValue',
  'secretsmanager:Get*',
  'secretsmanager:*',
  '*',
  'kms:Decrypt',
  'kms:*',
  's3:GetObject',
  'SecretsManager:getsecretvalue',
  'secretsmanager:?etSecretValue',
];
const resources = [
  '*',
  secret,
  `${secret.slice(0, -6)}*`,
  `${secret.slice(0, -6)}??????`,
  key,
  'arn:aws:kms:*:*:key/*',
  'arn:aws:s3:::x',
  `arn:aws:secretsmanager:*:${account}:secret:*`,
];
const principals = [
  '*',
  { AWS: '*' },
  { AWS: role },
  { AWS: `arn:aws:iam::${account}:root` },
  { AWS: account },
  { AWS: 'arn:aws:iam::111111111111:root' },
  { AWS: [`arn:aws:iam::${account}:role/other`, role] },
];
const arns = [
  role,
  `arn:aws:iam::${account}:role/*`,
  `arn:aws:iam::${account}:role/other`,
  'arn:aws:iam::*:role/ci/*',
];

const condition = fc.oneof(
  fc.constant(undefined),
  fc
    .record({
      operator: fc.constantFrom(
        'ArnLike',
        'ArnNotLike',
        'ArnEquals',
        'ArnNotEquals',
        'StringLike',
        'StringNotLike',
        'StringEquals',
        'StringNotEquals',
        'StringEqualsIfExists',
      ),
      values: fc.subarray(arns, { minLength: 1 }),
    })
    .map(({ operator, values }) => ({ [operator]: { 'aws:PrincipalArn': values } })),
  fc.constantFrom(
    { StringEquals: { 'aws:PrincipalAccount': account } },
    { StringNotEquals: { 'aws:PrincipalAccount': account } },
    { Null: { 'aws:PrincipalArn': 'false' } },
    { Null: { 'aws:PrincipalArn': 'true' } },
  ),
);
const some = (words: readonly string[]) =>
  fc.oneof(fc.constantFrom(...words), fc.subarray([...words], { minLength: 1, maxLength: 2 }));

function statement(ofResource: boolean) {
  return fc
    .record({
      Effect: fc.constantFrom('Allow', 'Allow', 'Deny'),
      action: some(actions),
      notAction: fc.integer({ min: 0, max: 9 }),
      resource: some(resources),
      notResource: fc.integer({ min: 0, max: 9 }),
      Condition: condition,
      Principal: fc.constantFrom(...principals),
    })
    .map(({ Effect, action, notAction, resource, notResource, Condition, Principal }) => ({
      Sid: 'S',
      Effect,
      [notAction === 0 ? 'NotAction' : 'Action']: action,
      [notResource === 0 && !ofResource ? 'NotResource' : 'Resource']: resource,
      ...(Condition && { Condition }),
      ...(ofResource && { Principal }),
    }));
}
function document(ofResource: boolean) {
  return fc
    .array(statement(ofResource), { minLength: 1, maxLength: 3 })
    .map((Statement) => ({ Version: '2012-10-17', Statement }) as unknown as Document);
}

describe("the review's reading of IAM", function () {
  this.timeout(60_000);

  for (const [action, resource, delegates] of [
    ['secretsmanager:GetSecretValue', secret, false],
    ['kms:Decrypt', key, true],
  ] as const) {
    it(`agrees with the evaluator on ${action}, of 500 random policies`, async () => {
      const counts: Record<string, number> = {};
      await fc.assert(
        fc.asyncProperty(
          fc.array(document(false), { maxLength: 2 }),
          document(true),
          async (identity, policy) => {
            const theirs: Answer = await ask({
              principal: { arn: role, identity },
              action,
              resource,
              policy,
              context: delegates ? { 'kms:ViaService': viaService } : {},
            });
            const holder = {
              arn: role,
              account,
              policies: identity.map((each, at) => parsePolicy(`p${at}`, JSON.stringify(each))),
            };
            const asked = { action, resource, context };
            const ours = decide(holder, asked, parsePolicy('r', JSON.stringify(policy)), delegates);
            counts[`${theirs}${ours.allowed}`] = (counts[`${theirs}${ours.allowed}`] ?? 0) + 1;
            if (theirs === '+') assert.notEqual(ours.allowed, 'no');
            else assert.notEqual(ours.allowed, 'yes');
            assert.equal(ours.denied === 'yes', theirs === 'x');
          },
        ),
        { numRuns: 500, seed: 20_261_127 },
      );
      // The control: both answers came up, and were not evaded.
      assert.ok(
        (counts['+yes'] ?? 0) > 20 && (counts['-no'] ?? 0) > 20 && (counts.xno ?? 0) > 20,
        JSON.stringify(counts),
      );
    });
  }

  it('says maybe of what a request alone knows, and never no', () => {
    for (const conditions of [
      { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
      { StringEquals: { 'aws:SourceVpce': 'vpce-1' } },
      { 'ForAnyValue:StringEquals': { 'aws:PrincipalOrgPaths': 'x' } },
      { StringEquals: { 'aws:PrincipalArn': '${aws:PrincipalTag/x}' } },
      { DateLessThan: { 'aws:CurrentTime': '2027-01-01T00:00:00Z' } },
    ]) {
      assert.equal(hold(conditions, context), 'maybe');
    }
    assert.equal(
      hold({ StringEquals: { 'aws:PrincipalArn': 'x', 'aws:SourceVpce': 'y' } }, context),
      'no',
    );
  });

  it('takes a boundary into account, and another account for one that must be let in', () => {
    const all = parsePolicy('all', '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}');
    const none = parsePolicy(
      'none',
      '{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}',
    );
    const asked = { action: 'secretsmanager:GetSecretValue', resource: secret, context };
    const holder = { arn: role, account, policies: [all] };
    assert.equal(decide(holder, asked, undefined, false).allowed, 'yes');
    assert.equal(decide({ ...holder, boundary: none }, asked, undefined, false).allowed, 'no');
    const other = {
      arn: 'arn:aws:iam::111111111111:role/x',
      account: '111111111111',
      policies: [all],
    };
    assert.equal(decide(other, asked, undefined, false).allowed, 'no');
    const open = parsePolicy(
      'open',
      '{"Statement":{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}',
    );
    const decision = decide(other, asked, open, false);
    assert.deepEqual([decision.allowed, decision.cause], ['yes', 'open, statement Open']);
  });

  it('matches long patterns in time that grows with their length', () => {
    const start = performance.now();
    assert.equal(isLike('a'.repeat(5000), `${'a*'.repeat(2000)}b`), false);
    assert.equal(isLike('arn:aws:x', 'arn:*:?'), true);
    assert.ok(performance.now() - start < 1000);
  });
});
