import assert from 'node:assert/strict';
import { canaryValues } from '../../canary-values.ts';
import { type Run, runProgram } from '../../program-run.ts';
import { mocked } from '../../recorder.ts';

const issuer = 'oidc.eks.us-east-1.amazonaws.com/id/0A1B2C';

describe("the operator's role", () => {
  let run: Run;
  before(async () => {
    run = await runProgram('staging', false, canaryValues());
  });

  it('is trusted to one service account of one cluster, with a token made for AWS', () => {
    const { inputs } = run.recorder.one('aws:iam/role:Role');
    assert.equal(inputs.name, 'hummingbot-staging-secrets-reader');
    assert.deepEqual(JSON.parse(String(inputs.assumeRolePolicy)).Statement, [
      {
        Sid: 'OperatorByWebIdentity',
        Effect: 'Allow',
        Principal: { Federated: `arn:aws:iam::${mocked.account}:oidc-provider/${issuer}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: {
            [`${issuer}:aud`]: 'sts.amazonaws.com',
            [`${issuer}:sub`]: 'system:serviceaccount:hummingbot:hummingbot-secrets-reader',
          },
        },
      },
    ]);
  });

  it("may read the catalog's groups and decrypt them, and nothing by a pattern", () => {
    const { inputs } = run.recorder.one('aws:iam/rolePolicy:RolePolicy');
    const text = String(inputs.policy);
    const [read, decrypt, ...more] = JSON.parse(text).Statement;
    assert.deepEqual(more, []);
    assert.equal(read.Action, 'secretsmanager:GetSecretValue');
    assert.deepEqual(
      read.Resource,
      ['trading', 'infrastructure', 'monitoring'].map(
        (group) =>
          `arn:aws:secretsmanager:us-east-1:${mocked.account}:secret:hummingbot/${group}-AbCdEf`,
      ),
    );
    assert.equal(decrypt.Action, 'kms:Decrypt');
    assert.match(decrypt.Resource, /:key\/aws-secrets-manager-store-key$/);
    assert.ok(!text.includes('*'));
  });
});
