/** What the program asks of AWS. That AWS takes it is proven by the rehearsal. */
import assert from 'node:assert/strict';
import { groupNames, type SecretKey } from '../../../components/catalog.ts';
import { canaryValues } from '../../canary-values.ts';
import { guideKeysOf } from '../../guide-keys.ts';
import { deployRole, ids, type Run, runProgram } from '../../program-run.ts';
import { mocked, Recorder, secretOf } from '../../recorder.ts';

const canaries = canaryValues();
const secret = 'aws:secretsmanager/secret:Secret';
const version = 'aws:secretsmanager/secretVersion:SecretVersion';
const policy = 'aws:secretsmanager/secretPolicy:SecretPolicy';
const key = 'aws:kms/key:Key';
const readers = [
  deployRole,
  `arn:aws:iam::${mocked.account}:role/break-glass`,
  `arn:aws:iam::${mocked.account}:role/hummingbot-prod-secrets-reader`,
];

describe('AWS Secrets Manager', () => {
  let run: Run;
  before(async () => {
    const breakGlassRoles = [`arn:aws:iam::${mocked.account}:role/break-glass`];
    const settings = { ...ids, breakGlassRoles, recoveryWindowDays: 7 };
    run = await runProgram('prod', false, canaries, new Recorder(), settings);
  });

  it('has one secret a group, with who owns it and how old it may grow', () => {
    assert.equal(run.recorder.of(secret).length, 3);
    const { inputs } = run.recorder.one(secret, 'infrastructure');
    assert.deepEqual(inputs, {
      name: 'hummingbot/infrastructure',
      description:
        'Hummingbot, group infrastructure: postgres_user, postgres_password, postgres_db, redis_password, gateway_passphrase',
      kmsKeyId: `arn:aws:kms:us-east-1:${mocked.account}:key/aws-secrets-manager-store-key`,
      recoveryWindowInDays: 7,
      tags: {
        environment: 'prod',
        group: 'infrastructure',
        owner: 'platform',
        'max-age-days': '90',
      },
    });
  });

  it('writes all values of a group as one JSON object, as a secret', () => {
    for (const group of groupNames) {
      const { inputs } = run.recorder.one(version, `${group}-version`);
      const written = JSON.parse(secretOf(inputs.secretString)) as Record<SecretKey, string>;
      const expected = guideKeysOf(group).map((each) => [each, canaries.get(each)]);
      assert.deepEqual(Object.entries(written), expected);
    }
  });

  it('closes a secret before it holds anything, and takes no old version away', () => {
    for (const group of groupNames) {
      const { options } = run.recorder.one(version, `${group}-version`);
      assert.ok(options.dependencies.includes(`${policy} ${group}-policy`));
      assert.equal(options.retainOnDelete, true);
    }
  });

  it('denies reads, and nothing else, to everybody but those who deploy, mend or carry', () => {
    for (const { inputs } of run.recorder.of(policy)) {
      assert.equal(inputs.blockPublicPolicy, true);
      assert.deepEqual(JSON.parse(String(inputs.policy)).Statement, [
        {
          Sid: 'DenyReadsByOthers',
          Effect: 'Deny',
          Principal: '*',
          Action: ['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue'],
          Resource: '*',
          Condition: { ArnNotLike: { 'aws:PrincipalArn': readers } },
        },
      ]);
    }
  });

  it('has a key that rotates, that the account administers, and that only the store uses', () => {
    const { inputs } = run.recorder.one(key);
    assert.equal(inputs.enableKeyRotation, true);
    assert.equal(inputs.deletionWindowInDays, 7);
    const [administration, read, write, ...more] = JSON.parse(String(inputs.policy)).Statement;
    assert.deepEqual(more, []);
    assert.deepEqual(administration, {
      Sid: 'AccountAdministration',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${mocked.account}:root` },
      Action: 'kms:*',
      Resource: '*',
    });
    const StringEquals = {
      'kms:CallerAccount': mocked.account,
      'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com',
    };
    const ArnLike = { 'aws:PrincipalArn': readers };
    assert.deepEqual([read.Action, read.Condition], ['kms:Decrypt', { StringEquals, ArnLike }]);
    assert.deepEqual(
      [write.Action, write.Condition],
      [
        ['kms:DescribeKey', 'kms:GenerateDataKey*'],
        { StringEquals, ArnLike: { 'aws:PrincipalArn': [deployRole] } },
      ],
    );
  });

  it('protects secrets, key and namespace, and nothing that a rotation replaces', () => {
    const guarded = [...run.recorder.options].filter(([, options]) => options.protect);
    assert.deepEqual(guarded.map(([name]) => name).sort(), [
      `${key} aws-secrets-manager-store-key`,
      ...['infrastructure', 'monitoring', 'trading'].map((group) => `${secret} ${group}`),
      'kubernetes:core/v1:Namespace namespace',
    ]);
  });

  it('protects nothing in a stack that is not protected', async () => {
    const { recorder } = await runProgram('staging', false, canaries);
    assert.deepEqual(
      [...recorder.options.values()].filter(({ protect }) => protect),
      [],
    );
  });

  it('uses the explicit provider for everything, which refuses other accounts', () => {
    const provider = run.recorder.one('pulumi:providers:aws');
    assert.equal(provider.inputs.allowedAccountIds, JSON.stringify([mocked.account]));
    for (const { type, name } of run.recorder.registrations.filter((r) =>
      r.type.startsWith('aws:'),
    ))
      assert.equal(run.recorder.one(type, name).options.provider, 'aws', name);
  });

  it('makes an alias of a prefix that has letters an alias cannot have', async () => {
    const settings = { ...ids, prefix: 'team/hb.eu' };
    const { recorder } = await runProgram('prod', false, canaries, new Recorder(), settings);
    assert.equal(recorder.one('aws:kms/alias:Alias').inputs.name, 'alias/team-hb-eu-secrets');
    assert.equal(recorder.one(secret, 'trading').inputs.name, 'team/hb.eu/trading');
  });

  it('makes container and policy, and no version, of a group that somebody else writes', async () => {
    const settings = { ...ids, groups: { monitoring: { source: 'external' } } };
    const values = new Map(
      [...canaries].filter(([each]) => !guideKeysOf('monitoring').includes(each)),
    );
    const { recorder, tags } = await runProgram('prod', false, values, new Recorder(), settings);
    assert.equal(recorder.of(secret).length, 3);
    assert.equal(recorder.of(policy).length, 3);
    assert.deepEqual(
      recorder
        .of(version)
        .map(({ name }) => name)
        .sort(),
      ['infrastructure-version', 'trading-version'],
    );
    assert.deepEqual(Object.keys(tags).sort(), ['infrastructure', 'trading']);
    assert.ok(
      !recorder
        .of('random:index/randomPassword:RandomPassword')
        .some(({ name }) => name.startsWith('monitoring')),
    );
  });
});
