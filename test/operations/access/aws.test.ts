import assert from 'node:assert/strict';
import { permissions, trust } from '../../../components/access/iam.ts';
import { denyOtherReaders, keyPolicy } from '../../../components/delivery/aws-rules.ts';
import {
  type AccountRights,
  type Identity,
  identitiesOf,
} from '../../../operations/access/account.ts';
import { lookAtAccount } from '../../../operations/access/aws.ts';
import type { Finding } from '../../../operations/access/finding.ts';
import { parsePolicy } from '../../../operations/access/iam-policy.ts';

const account = '210987654321';
const role = (name: string): string => `arn:aws:iam::${account}:role/${name}`;
const aws = {
  account,
  region: 'us-east-1',
  issuer: 'https://issuer.example',
  readerRole: 'hummingbot-prod-secrets-reader',
  deployRoles: [role('deploy')],
  breakGlassRoles: [role('glass')],
  recoveryWindowDays: 30,
};
const names = ['hummingbot/trading', 'hummingbot/monitoring'];
const arnOf = (name: string): string =>
  `arn:aws:secretsmanager:us-east-1:${account}:secret:${name}-AbCdEf`;
const key = `arn:aws:kms:us-east-1:${account}:key/k`;
const scope = { aws, stack: 'prod', namespace: 'hummingbot', administrators: [role('admin')] };

function identity(
  name: string,
  statements: readonly object[] = [],
  trusted: readonly object[] = [],
): Identity {
  const policies =
    statements.length === 0
      ? []
      : [parsePolicy(`policy ${name}`, JSON.stringify({ Statement: statements }))];
  return {
    arn: role(name),
    account,
    policies,
    trust: parsePolicy(`trust policy of ${name}`, JSON.stringify({ Statement: trusted })),
  };
}

/** As the program leaves it. */
function clean(more: readonly Identity[] = []): AccountRights {
  const reader: Identity = {
    arn: role(aws.readerRole),
    account,
    policies: [parsePolicy('inline policy read-secrets', permissions(aws, names.map(arnOf), key))],
    trust: parsePolicy('trust', trust(aws, 'hummingbot')),
  };
  const all = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
  return {
    identities: [
      reader,
      identity('deploy', all),
      identity('glass', [
        {
          Effect: 'Allow',
          Action: ['secretsmanager:GetSecretValue', 'kms:Decrypt'],
          Resource: '*',
        },
      ]),
      identity('admin', all),
      identity('app', [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }]),
      ...more,
    ],
    groups: [],
    secrets: names.map((name) => ({
      name,
      arn: arnOf(name),
      tags: {},
      policy: parsePolicy(`resource policy of ${name}`, denyOtherReaders(aws)),
      keyArn: key,
    })),
    keys: [{ arn: key, policy: parsePolicy('key policy', keyPolicy(aws)), grants: [] }],
  };
}

const differencesOf = (rights: AccountRights): readonly Finding[] =>
  lookAtAccount(rights, scope).filter(({ expected }) => expected === undefined);

describe('who may read in AWS', () => {
  it('is, in a clean account, the roles of the settings alone', () => {
    const rights = clean();
    assert.deepEqual(differencesOf(rights), []);
    const readers = lookAtAccount(rights, scope).filter(({ way }) => way === 'GetSecretValue');
    assert.deepEqual(
      new Set(readers.map(({ who, expected }) => `${who.split('/').at(-1)}: ${expected}`)),
      new Set([
        `${aws.readerRole}: the operator's role`,
        'deploy: deployRoles',
        'glass: breakGlassRoles',
      ]),
    );
  });

  it('names the statement of an over-wide grant, also while the resource policy stops it', () => {
    const wide = identity('wide', [
      {
        Sid: 'Wide',
        Effect: 'Allow',
        Action: ['secretsmanager:Get*', 'kms:Decrypt'],
        Resource: '*',
      },
    ]);
    const found = differencesOf(clean([wide])).filter(({ who }) => who === wide.arn);
    assert.deepEqual(
      [...new Set(found.map(({ way }) => way))],
      ['GetSecretValue, which the resource policy alone denies'],
    );
    assert.match(
      found[0]?.cause ?? '',
      /^policy wide, statement Wide; kms:Decrypt by policy wide, statement Wide$/,
    );
    assert.match(found[0]?.fix ?? '', /^take it out of policy wide, or list /);
  });

  it('finds a loosened resource policy once, and who reads by it', () => {
    const wide = identity('wide', [{ Sid: 'Wide', Effect: 'Allow', Action: '*', Resource: '*' }]);
    const rights = clean([wide]);
    const [first, ...rest] = rights.secrets;
    assert.ok(first);
    const loose = {
      ...rights,
      secrets: [{ ...first, policy: parsePolicy('resource policy', '{"Statement":[]}') }, ...rest],
    };
    const found = differencesOf(loose);
    const open = found.filter(({ who }) => who === 'whoever of the account IAM lets read');
    assert.deepEqual(
      open.map(({ secrets, fix }) => [...secrets, fix]),
      [['hummingbot/trading', 'npm start -- --stack prod']],
    );
    assert.ok(
      found.some(
        ({ who, way, secrets }) =>
          who === wide.arn && way === 'GetSecretValue' && secrets[0] === 'hummingbot/trading',
      ),
    );
  });

  it('finds an exemption from the deny', () => {
    const rights = clean([identity('exempt')]);
    const policy = parsePolicy(
      'resource policy',
      denyOtherReaders({ ...aws, breakGlassRoles: [role('glass'), role('exempt')] }),
    );
    const found = differencesOf({
      ...rights,
      secrets: rights.secrets.map((each) => ({ ...each, policy })),
    });
    const one = found.find(({ who }) => who === role('exempt'));
    assert.match(one?.cause ?? '', /exempt from its deny/);
  });

  it('finds a policy that lets anybody in', () => {
    const rights = clean();
    const open = {
      Statement: [
        {
          Sid: 'Open',
          Effect: 'Allow',
          Principal: '*',
          Action: 'secretsmanager:GetSecretValue',
          Resource: '*',
        },
      ],
    };
    const secrets = rights.secrets.map((each) => ({
      ...each,
      policy: parsePolicy('resource policy', JSON.stringify(open)),
    }));
    const found = differencesOf({ ...rights, secrets });
    const anybody = found.filter(({ who }) => who === 'anybody, of any account');
    assert.equal(anybody.length, names.length);
    assert.match(anybody[0]?.cause ?? '', /statement Open/);
  });

  for (const [name, action, way] of [
    [
      'change the resource policy',
      'secretsmanager:PutResourcePolicy',
      /^secretsmanager:PutResourcePolicy$/,
    ],
    [
      'take the resource policy away',
      'secretsmanager:DeleteResourcePolicy',
      /DeleteResourcePolicy$/,
    ],
    ['change the key policy', 'kms:PutKeyPolicy', /^kms:PutKeyPolicy$/],
    ['grant the key', 'kms:CreateGrant', /^kms:CreateGrant$/],
    ['give itself policies', 'iam:AttachRolePolicy', /^iam:AttachRolePolicy$/],
    [
      'say who takes a reading role',
      'iam:UpdateAssumeRolePolicy',
      /^iam:UpdateAssumeRolePolicy of arn:aws:iam::210987654321:role\/hummingbot-prod-secrets-reader$/,
    ],
  ] as const) {
    it(`finds who may ${name}`, () => {
      const other = identity('other', [
        { Sid: 'S', Effect: 'Allow', Action: action, Resource: '*' },
      ]);
      const found = differencesOf(clean([other])).filter(({ who }) => who === other.arn);
      assert.ok(
        found.some((each) => way.test(each.way)),
        found.map((each) => each.way).join(),
      );
      assert.ok(found.every(({ cause }) => cause === 'policy other, statement S'));
    });
  }

  it('finds who may become a reading role, if that role trusts', () => {
    const other = identity('other', [
      { Sid: 'S', Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' },
    ]);
    const trusting = {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${account}:root` },
      Action: 'sts:AssumeRole',
    };
    const rights = clean([other]);
    const found = (identities: readonly Identity[]): readonly string[] =>
      differencesOf({ ...rights, identities })
        .filter(({ who }) => who === other.arn)
        .map(({ way }) => way);
    assert.deepEqual(found(rights.identities), []);
    const glass = identity('glass', [], [trusting]);
    const trusted = rights.identities.map((each) => (each.arn === glass.arn ? glass : each));
    assert.deepEqual(found(trusted), [`sts:AssumeRole of ${glass.arn}`]);
  });

  it("finds grants of the key, and a trust policy that is not the program's", () => {
    const rights = clean();
    const [reader, ...others] = rights.identities;
    assert.ok(reader);
    const trusting = {
      Sid: 'Mine',
      Effect: 'Allow',
      Principal: { AWS: role('eve') },
      Action: 'sts:AssumeRole',
    };
    const found = differencesOf({
      ...rights,
      keys: rights.keys.map((each) => ({
        ...each,
        grants: [{ grantee: role('granted'), id: 'g1' }],
      })),
      identities: [
        {
          ...reader,
          trust: parsePolicy(
            'trust',
            JSON.stringify({ Statement: [...(reader.trust?.statements ?? []), trusting] }),
          ),
        },
        ...others,
      ],
    });
    assert.ok(
      found.some(({ who, fix }) => who === role('granted') && fix.includes('revoke-grant')),
    );
    assert.ok(
      found.some(
        ({ way, cause }) => way.includes('eve') && cause === 'trust policy, statement Mine',
      ),
    );
  });

  it('takes a key policy that was not answered for a condition, and no clean role for a difference', () => {
    const rights = clean([
      identity('wide', [
        { Sid: 'W', Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' },
      ]),
    ]);
    const silent = { ...rights, keys: [{ arn: key, policy: undefined, grants: [] }] };
    const found = differencesOf(silent);
    assert.deepEqual([...new Set(found.map(({ who }) => who))], [role('wide')]);
    assert.match(found[0]?.cause ?? '', /kms:Decrypt by a key policy that was not answered$/);
  });

  it('joins inline, managed and group policies with boundaries, each document read once', () => {
    const encoded = (statement: object): string =>
      encodeURIComponent(JSON.stringify({ Statement: [statement] }));
    const {
      identities: [user],
    } = identitiesOf(account, [
      {
        Policies: [
          {
            PolicyName: 'Wide',
            Arn: 'arn:wide',
            PolicyVersionList: [
              { IsDefaultVersion: false, Document: 'old' },
              { IsDefaultVersion: true, Document: encoded({ Effect: 'Allow' }) },
            ],
          },
        ],
        GroupDetailList: [
          { GroupName: 'ops', AttachedManagedPolicies: [{ PolicyArn: 'arn:wide' }] },
        ],
      },
      {
        UserDetailList: [
          {
            Arn: 'arn:user',
            GroupList: ['ops'],
            UserPolicyList: [{ PolicyName: 'own', PolicyDocument: encoded({ Effect: 'Deny' }) }],
            PermissionsBoundary: { PermissionsBoundaryArn: 'arn:wide' },
          },
        ],
      },
    ] as Parameters<typeof identitiesOf>[1]);
    assert.deepEqual(
      user?.policies.map(({ name }) => name),
      ['inline policy own', 'policy Wide of group ops'],
    );
    assert.equal(user?.boundary?.name, 'policy Wide');
  });
});
