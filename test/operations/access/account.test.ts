import assert from 'node:assert/strict';
import type { DescribeSecretResponse } from '@aws-sdk/client-secrets-manager';
import { type Account, Refused, readAccount } from '../../../operations/access/account.ts';
import type { AwsAsked } from '../../../operations/access/aws-api.ts';
import { makeCanary } from '../../canary.ts';

const account = '210987654321';
const names = ['hummingbot/trading', 'hummingbot/monitoring'];
const key = `arn:aws:kms:us-east-1:${account}:key/k`;
const policy = '{"Statement":[]}';
/** A service's message may quote what it was sent. */
const canary = makeCanary('message');

function failing(name: string): () => Promise<never> {
  return async () => {
    throw Object.assign(new Error(canary), { name });
  };
}

function fake(more: Partial<AwsAsked> = {}): AwsAsked {
  return {
    account: async () => account,
    identities: async () => ({ RoleDetailList: [{ Arn: 'arn:role' }], IsTruncated: false }),
    secret: async (name) => ({ ARN: `arn:${name}`, KmsKeyId: key }),
    secretPolicy: async () => policy,
    keyPolicy: async () => policy,
    grants: async () => ({ Grants: [], Truncated: false }),
    ...more,
  };
}

const read = async (more: Partial<AwsAsked> = {}): Promise<Account> =>
  await readAccount(fake(more), { account, names, stack: 'prod' });
const linesOf = ({ refused }: Account): readonly string[] =>
  refused.map(({ message, fix }) => `${message}; ${fix}`);

describe('what an account says', () => {
  it('is all of it, where nothing is refused', async () => {
    const { rights, refused } = await read();
    assert.deepEqual(refused, []);
    assert.deepEqual(
      rights.secrets.map(({ name }) => name),
      names,
    );
    assert.deepEqual([rights.identities.length, rights.keys.length], [1, 1]);
  });

  const right = (what: string): string => `credentials with ${what} (docs/access.md)`;
  const one = 'hummingbot/trading';
  const only =
    <T>(name: string, bad: () => Promise<T>, good: T) =>
    async (asked: string): Promise<T> =>
      asked === name ? await bad() : good;
  for (const [title, more, line] of [
    [
      'a secret that may not be described',
      { secret: only(one, failing('AccessDeniedException'), { ARN: 'arn:x', KmsKeyId: key }) },
      `secretsmanager:DescribeSecret of ${one}: AccessDeniedException; ${right(`secretsmanager:DescribeSecret of ${one}`)}`,
    ],
    [
      'a secret that is not there',
      { secret: only(one, failing('ResourceNotFoundException'), { ARN: 'arn:x', KmsKeyId: key }) },
      `secret ${one}: not there; npm start -- --stack prod`,
    ],
    [
      'a secret that is scheduled for deletion',
      {
        secret: only<DescribeSecretResponse>(one, async () => ({ DeletedDate: new Date() }), {
          ARN: 'arn:x',
          KmsKeyId: key,
        }),
      },
      `secret ${one}: waits for its deletion; npm run restore -- --stack prod`,
    ],
    [
      'a secret that is deleted meanwhile',
      { secretPolicy: only(one, failing('InvalidRequestException'), policy) },
      `secret ${one}: waits for its deletion; npm run restore -- --stack prod`,
    ],
  ] as const) {
    it(`is the rest, and one line for ${title}`, async () => {
      const found = await read(more as Partial<AwsAsked>);
      assert.deepEqual(linesOf(found), [line]);
      assert.deepEqual(
        found.rights.secrets.map(({ name }) => name),
        ['hummingbot/monitoring'],
      );
      assert.equal(found.rights.identities.length, 1);
      assert.equal(found.rights.keys.length, 1);
      assert.ok(!JSON.stringify(linesOf(found)).includes(canary));
    });
  }

  it('is the rest where the account, the key policy or its grants are refused', async () => {
    const denied = failing('AccessDenied');
    const found = await read({ identities: denied, keyPolicy: denied });
    assert.deepEqual(linesOf(found), [
      `iam:GetAccountAuthorizationDetails: AccessDenied; ${right('iam:GetAccountAuthorizationDetails')}`,
      `kms:GetKeyPolicy: AccessDenied; ${right('kms:GetKeyPolicy')}`,
    ]);
    const { identities, secrets, keys } = found.rights;
    assert.deepEqual([identities.length, secrets.length, keys[0]?.policy], [0, 2, undefined]);
    const grants = await read({ grants: denied });
    assert.deepEqual(linesOf(grants), [`kms:ListGrants: AccessDenied; ${right('kms:ListGrants')}`]);
    assert.notEqual(grants.rights.keys[0]?.policy, undefined);
  });

  it('is every page of a list', async () => {
    const grant = (id: string) => ({
      GrantId: id,
      GranteePrincipal: `arn:${id}`,
      Operations: ['Decrypt' as const],
    });
    const { rights } = await read({
      identities: async (marker) =>
        marker === undefined
          ? { RoleDetailList: [{ Arn: 'arn:1' }], IsTruncated: true, Marker: 'next' }
          : { RoleDetailList: [{ Arn: 'arn:2' }], IsTruncated: false },
      grants: async (_, marker) =>
        marker === undefined
          ? { Grants: [grant('1')], Truncated: true, NextMarker: 'next' }
          : { Grants: [grant('2'), { GrantId: '3', Operations: ['Encrypt'] }], Truncated: false },
    });
    assert.deepEqual(
      rights.identities.map(({ arn }) => arn),
      ['arn:1', 'arn:2'],
    );
    assert.deepEqual(
      rights.keys[0]?.grants.map(({ id }) => id),
      ['1', '2'],
    );
  });

  it('is nothing of another account, or without an answer', async () => {
    for (const bad of [async () => '000000000000', failing('ExpiredToken')]) {
      await assert.rejects(
        read({ account: bad }),
        (error: Error) => error instanceof Refused && !error.message.includes(canary),
      );
    }
  });
});
