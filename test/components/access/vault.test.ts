/** Who may read in Vault. That Vault holds to it is proven by the rehearsal. */
import assert from 'node:assert/strict';
import { readPolicy } from '../../../components/access/vault.ts';
import { canaryValues } from '../../canary-values.ts';
import { type Run, runProgram, vaultIds } from '../../program-run.ts';
import { Recorder } from '../../recorder.ts';

describe("the operator's access to Vault", () => {
  let run: Run;
  before(async () => {
    run = await runProgram('prod', false, canaryValues(), new Recorder(), vaultIds);
  });

  it('is a policy of the paths of the groups, each to be read, and its own token', () => {
    const { inputs } = run.recorder.one('vault:index/policy:Policy');
    assert.equal(inputs.name, 'hummingbot-prod-secrets-reader');
    const rules = [
      ...String(inputs.policy).matchAll(/path "(.+)" \{\n {2}capabilities = (.+)\n\}/gu),
    ];
    assert.deepEqual(
      rules.map(([, path, capabilities]) => `${path} ${capabilities}`),
      [
        'secret/data/hummingbot/trading ["read"]',
        'secret/data/hummingbot/infrastructure ["read"]',
        'secret/data/hummingbot/monitoring ["read"]',
        'auth/token/lookup-self ["read"]',
        'auth/token/revoke-self ["update"]',
      ],
    );
  });

  it('has no pattern in a path', () => {
    assert.doesNotMatch(readPolicy('kv/team', ['hb/trading', 'hb/monitoring']), /[*+]/u);
  });

  it('is taken by one service account of one namespace, with a token made for Vault', () => {
    const { inputs, options } = run.recorder.one(
      'vault:kubernetes/authBackendRole:AuthBackendRole',
    );
    assert.deepEqual(inputs, {
      backend: 'kubernetes',
      roleName: 'hummingbot-prod-secrets-reader',
      boundServiceAccountNames: ['hummingbot-secrets-reader'],
      boundServiceAccountNamespaces: ['hummingbot'],
      audience: 'vault',
      tokenPolicies: ['hummingbot-prod-secrets-reader'],
      tokenNoDefaultPolicy: true,
      tokenTtl: 300,
      tokenMaxTtl: 300,
    });
    assert.equal(options.provider, 'vault');
  });

  it('needs of the cluster no tie to a role of a cloud', () => {
    const { inputs } = run.recorder.one(
      'kubernetes:core/v1:ServiceAccount',
      'hummingbot-secrets-reader',
    );
    const { annotations } = inputs.metadata as { annotations: unknown };
    assert.deepEqual(annotations, {});
  });
});
