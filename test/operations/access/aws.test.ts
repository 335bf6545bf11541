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

  describe('by a trust policy of a role that reads, or administers,', () => {
    const provider = `arn:aws:iam::${account}:oidc-provider/token.example.com`;
    const foreign = 'arn:aws:iam::333333333333:root';
    const web = (Condition?: object): object => ({
      Principal: { Federated: provider },
      Action: 'sts:AssumeRoleWithWebIdentity',
      ...(Condition && { Condition }),
    });
    const aws = (AWS: unknown, Condition?: object): object => ({
      Principal: { AWS },
      Action: 'sts:AssumeRole',
      ...(Condition && { Condition }),
    });
    const trustedBy = (name: string, statement: object): readonly Finding[] => {
      const rights = clean();
      const trust = parsePolicy(
        `trust policy of ${name}`,
        JSON.stringify({ Statement: [{ Sid: 'T', Effect: 'Allow', ...statement }] }),
      );
      const identities = rights.identities.map((each) =>
        each.arn === role(name) ? { ...each, trust } : each,
      );
      return differencesOf({ ...rights, identities }).filter(({ way }) => way.startsWith('be '));
    };
    for (const [title, statement, way] of [
      ['another account', aws(foreign), `be taken by ${foreign}`],
      ['another account by its number', aws(['333333333333']), 'be taken by 333333333333'],
      [
        'another account under a condition',
        aws(foreign, { StringEquals: { 'sts:ExternalId': 'x' } }),
        `be taken by ${foreign}, under a condition`,
      ],
      ['everybody', aws('*'), 'be taken by anybody, of any account'],
      [
        'everybody but somebody',
        { NotPrincipal: { AWS: foreign }, Action: 'sts:*' },
        'be taken by anybody, of any account',
      ],
      [
        'every identity of a provider',
        web({ StringEquals: { 'token.example.com:aud': 'sts.amazonaws.com' } }),
        'be taken by anybody whom token.example.com knows, under a condition',
      ],
      [
        'a pattern of subjects',
        web({ StringLike: { 'token.example.com:sub': 'repo:*' } }),
        'be taken by anybody whom token.example.com knows, under a condition',
      ],
      [
        'a subject only if there is one',
        web({ StringEqualsIfExists: { 'token.example.com:sub': 'x' } }),
        'be taken by anybody whom token.example.com knows, under a condition',
      ],
    ] as const) {
      it(`finds ${title}`, () => {
        for (const name of ['deploy', 'glass', 'admin']) {
          const found = trustedBy(name, statement);
          assert.deepEqual(
            found.map(({ who, way: each, cause }) => [who, each, cause]),
            [[role(name), way, `trust policy of ${name}, statement T`]],
          );
          assert.match(found[0]?.fix ?? '', /take it out of trust policy of \w+$/);
        }
      });
    }
    for (const [title, statement] of [
      ['its own account', aws(`arn:aws:iam::${account}:root`)],
      [
        'everybody of its own account',
        aws('*', { StringEquals: { 'aws:PrincipalAccount': account } }),
      ],
      ['a subject', web({ StringEquals: { 'token.example.com:sub': 'repo:x/y:ref:main' } })],
      [
        'a login by SAML',
        {
          Principal: { Federated: `arn:aws:iam::${account}:saml-provider/sso` },
          Action: 'sts:AssumeRoleWithSAML',
        },
      ],
      ['a service', { Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    ] as const) {
      it(`takes ${title} for no difference`, () => {
        assert.deepEqual(trustedBy('deploy', statement), []);
      });
    }
  });

  describe('by rights that widen its own', () => {
    const user = `arn:aws:iam::${account}:user/dev`;
    const ownPolicy = `arn:aws:iam::${account}:policy/own`;
    const wide = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
    const [readers, plain] = ['readers', 'plain'].map(
      (name) => `arn:aws:iam::${account}:group/${name}`,
    ) as [string, string];
    const groups = [
      { arn: readers, policies: [parsePolicy('g', JSON.stringify({ Statement: wide }))] },
      { arn: plain, policies: [] },
    ];
    const may = (action: string, more: Partial<Identity> = {}): readonly string[] => {
      const policy = { Statement: [{ Sid: 'S', Effect: 'Allow', Action: action, Resource: '*' }] };
      const dev: Identity = {
        arn: user,
        account,
        policies: [parsePolicy('p', JSON.stringify(policy))],
        ...more,
      };
      const found = differencesOf({ ...clean([dev]), groups }).filter(({ who }) => who === user);
      return found.map(({ way }) => way);
    };
    const managed = [{ arn: ownPolicy, versions: 2 }];

    it('finds who may change a policy, or a group, that it has', () => {
      assert.deepEqual(may('iam:CreatePolicyVersion', { managed }), [
        `iam:CreatePolicyVersion of ${ownPolicy}`,
      ]);
      assert.deepEqual(may('iam:SetDefaultPolicyVersion', { managed }), [
        `iam:SetDefaultPolicyVersion of ${ownPolicy}`,
      ]);
      for (const action of ['PutGroupPolicy', 'AttachGroupPolicy']) {
        assert.deepEqual(may(`iam:${action}`, { groups: [plain] }), [`iam:${action} of ${plain}`]);
      }
    });

    it('finds who may join a group that reads, or lift a boundary that keeps it from reading', () => {
      assert.deepEqual(may('iam:AddUserToGroup'), [`iam:AddUserToGroup of ${readers}`]);
      const bound = [{ Effect: 'Allow', Action: 'iam:*', Resource: '*' }];
      const lifted = may('*', {
        boundary: parsePolicy('b', JSON.stringify({ Statement: bound })),
      });
      assert.ok(lifted.includes('iam:DeleteUserPermissionsBoundary'), lifted.join());
    });

    it('takes for no difference what gives nothing', () => {
      assert.deepEqual(may('iam:CreatePolicyVersion'), []);
      const once = { managed: [{ arn: ownPolicy, versions: 1 }] };
      assert.deepEqual(may('iam:SetDefaultPolicyVersion', once), []);
      assert.deepEqual(may('iam:PutGroupPolicy'), []);
      assert.deepEqual(may('iam:AddUserToGroup', { groups: [readers] }), []);
      assert.deepEqual(may('iam:DeleteUserPermissionsBoundary'), []);
    });

    it('finds who may become an administrator', () => {
      const admin = identity(
        'admin',
        [],
        [{ Effect: 'Allow', Principal: { AWS: user }, Action: 'sts:AssumeRole' }],
      );
      const rights = clean([{ arn: user, account, policies: [] }]);
      const identities = rights.identities.map((each) => (each.arn === admin.arn ? admin : each));
      assert.deepEqual(
        differencesOf({ ...rights, identities }).map(({ who, way }) => [who, way]),
        [[user, `sts:AssumeRole of ${role('admin')}`]],
      );
    });
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
    const wide = `arn:aws:iam::${account}:policy/Wide`;
    const ofAws = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
    const encoded = (statement: object): string =>
      encodeURIComponent(JSON.stringify({ Statement: [statement] }));
    const {
      identities: [user],
    } = identitiesOf(account, [
      {
        Policies: [
          {
            PolicyName: 'Wide',
            Arn: wide,
            PolicyVersionList: [
              { IsDefaultVersion: false, Document: 'old' },
              { IsDefaultVersion: true, Document: encoded({ Effect: 'Allow' }) },
            ],
          },
        ],
        GroupDetailList: [
          {
            GroupName: 'ops',
            Arn: 'arn:group',
            AttachedManagedPolicies: [{ PolicyArn: wide }, { PolicyArn: ofAws }],
          },
        ],
      },
      {
        UserDetailList: [
          {
            Arn: 'arn:user',
            GroupList: ['ops'],
            UserPolicyList: [{ PolicyName: 'own', PolicyDocument: encoded({ Effect: 'Deny' }) }],
            PermissionsBoundary: { PermissionsBoundaryArn: wide },
          },
        ],
      },
    ] as Parameters<typeof identitiesOf>[1]);
    assert.deepEqual(
      user?.policies.map(({ name }) => name),
      ['inline policy own', 'policy Wide of group ops'],
    );
    assert.equal(user?.boundary?.name, 'policy Wide');
    // Whoever may change these has more; AWS's own nobody changes.
    assert.deepEqual(user?.groups, ['arn:group']);
    assert.deepEqual(user?.managed, [{ arn: wide, versions: 2 }]);
  });
});
