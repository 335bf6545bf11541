import assert from 'node:assert/strict';
import {
  normalized,
  policiesAreEquivalent,
  policyToKeep,
} from '../../../../rehearsal/plugins/aws/policy.ts';

const policy = (...Statement: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement });
const allow = { Effect: 'Allow', Action: ['a:Get', 'a:Put'], Resource: 'arn:x' };
const deny = { Effect: 'Deny', Principal: '*', Action: 'a:Delete', Resource: '*' };

describe('two policies', () => {
  const same: readonly (readonly [string, string, string])[] = [
    ['in another order of statements', policy(allow, deny), policy(deny, allow)],
    [
      'in another order of actions',
      policy(allow),
      policy({ ...allow, Action: ['a:Put', 'a:Get'] }),
    ],
    ['with a list of one', policy(deny), policy({ ...deny, Action: ['a:Delete'] })],
    [
      'with one statement as no list',
      policy(deny),
      policy(deny).replace('[{', '{').replace('}]', '}'),
    ],
    ['with white space', policy(allow), JSON.stringify(JSON.parse(policy(allow)), null, 2)],
    [
      'with an account by its id',
      policy({ ...allow, Principal: { AWS: '123456789012' } }),
      policy({ ...allow, Principal: { AWS: ['arn:aws:iam::123456789012:root'] } }),
    ],
    [
      'with a condition as a list',
      policy({ ...allow, Condition: { StringEquals: { k: 'v' } } }),
      policy({ ...allow, Condition: { StringEquals: { k: ['v'] } } }),
    ],
    ['in another case of the effect', policy(allow), policy({ ...allow, Effect: 'allow' })],
  ];
  for (const [how, one, other] of same) {
    it(`are the same ${how}`, () => {
      assert.equal(policiesAreEquivalent(one, other), true);
      assert.equal(policiesAreEquivalent(other, one), true);
      assert.equal(policyToKeep(one, other), one);
    });
  }

  const different: readonly (readonly [string, string, string])[] = [
    ['another action', policy(allow), policy({ ...allow, Action: ['a:Get'] })],
    ['another statement', policy(allow), policy(allow, deny)],
    ['a statement twice for two', policy(allow, allow), policy(allow, deny)],
    ['another principal', policy({ ...deny, Principal: { AWS: '1' } }), policy(deny)],
    ['another version', policy(allow), policy(allow).replace('2012-10-17', '2008-10-17')],
    ['another Sid', policy({ ...allow, Sid: 'a' }), policy({ ...allow, Sid: 'b' })],
    [
      'another operator',
      policy({ ...allow, Condition: { StringEquals: { k: 'v' } } }),
      policy({ ...allow, Condition: { StringLike: { k: 'v' } } }),
    ],
    ['no JSON', policy(allow), 'policy'],
  ];
  for (const [how, one, other] of different) {
    it(`differ by ${how}`, () => {
      assert.equal(policiesAreEquivalent(one, other), false);
      assert.equal(policyToKeep(one, other), normalized(other));
    });
  }
});
