import assert from 'node:assert/strict';
import { awsRules, denyOtherReaders, keyPolicy } from '../../../components/delivery/aws-rules.ts';
import type { AwsAccount } from '../../../components/systems.ts';

const account: AwsAccount = {
  account: '210987654321',
  region: 'eu-central-1',
  issuer: 'https://issuer.example',
  readerRole: 'reader',
  deployRoles: ['arn:aws:iam::210987654321:role/a'],
  breakGlassRoles: ['arn:aws:iam::210987654321:role/a'],
  recoveryWindowDays: 30,
};

describe('what AWS Secrets Manager takes', () => {
  it('is 64 KiB a group as JSON, which is longer than its values', () => {
    // {"k":""} is 8 bytes.
    const of = (length: number) => awsRules.refusesGroup(new Map([['k', 'x'.repeat(length)]]));
    assert.equal(of(65_528), undefined);
    assert.deepEqual(of(65_529), { got: '65537 bytes as JSON', allowed: 'at most 65536 bytes' });
    const quotes = awsRules.refusesGroup(new Map([['k', '"'.repeat(40_000)]]));
    assert.equal(quotes?.got, '80008 bytes as JSON');
  });

  it('is 20,480 characters of policy', () => {
    assert.equal(awsRules.refusesAccount(account), undefined);
    const deployRoles = Array.from(
      { length: 300 },
      (_, at) => `arn:aws:iam::210987654321:role/${'r'.repeat(50)}${at}`,
    );
    const refused = awsRules.refusesAccount({ ...account, deployRoles });
    assert.match(refused?.got ?? '', /^roles that make a resource policy of \d{5} characters$/);
    assert.equal(refused?.allowed, 'at most 20480 characters');
  });

  it('is 32 KiB of key policy, where whoever deploys stands twice', () => {
    const deployRoles = Array.from(
      { length: 230 },
      (_, at) => `arn:aws:iam::210987654321:role/${'r'.repeat(50)}${at}`,
    );
    const refused = awsRules.refusesAccount({ ...account, deployRoles });
    assert.match(refused?.got ?? '', /^roles that make a key policy of \d{5} characters$/);
    assert.equal(refused?.allowed, 'at most 32768 characters');
    assert.equal(
      awsRules.refusesAccount({ ...account, deployRoles: deployRoles.slice(60) }),
      undefined,
    );
  });

  it('names a role once a statement, and no role by a pattern', () => {
    for (const text of [denyOtherReaders(account), keyPolicy(account)]) {
      const { Statement } = JSON.parse(text) as { Statement: object[] };
      for (const each of Statement.map((statement) => JSON.stringify(statement)))
        assert.ok(each.split('role/a"').length <= 2, each);
      assert.ok(text.includes('role/a"'));
      assert.doesNotMatch(text, /role\/[^"]*\*/u);
    }
  });

  it('has no condition without a value where nobody deploys yet', () => {
    const { Statement } = JSON.parse(keyPolicy({ ...account, deployRoles: [] })) as {
      Statement: { Sid: string }[];
    };
    assert.deepEqual(
      Statement.map(({ Sid }) => Sid),
      ['AccountAdministration', 'ReadThroughSecretsManager'],
    );
  });
});
