/** What the program asks of the External Secrets Operator. That it syncs is proven by the rehearsal. */
import assert from 'node:assert/strict';
import { keysOf } from '../../../components/catalog.ts';
import { canaryValues } from '../../canary-values.ts';
import { guideKeysOf } from '../../guide-keys.ts';
import { ids, type Run, runProgram, token } from '../../program-run.ts';
import { Recorder, secretOf } from '../../recorder.ts';

const canaries = canaryValues();
const type = 'kubernetes:external-secrets.io/v1:ExternalSecret';
const storeType = 'kubernetes:external-secrets.io/v1:SecretStore';
const sync = 'hummingbot:index:Sync';
const version = 'aws:secretsmanager/secretVersion:SecretVersion';

interface ExternalSecret {
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly annotations: Record<string, string> };
  readonly spec: {
    readonly target: Record<string, unknown>;
    readonly data: readonly { secretKey: string; remoteRef: Record<string, string> }[];
    readonly [other: string]: unknown;
  };
}

function externalSecret(run: Run, group: string): ExternalSecret {
  const { inputs } = run.recorder.one(type, `${group}-external-secret`);
  return inputs as unknown as ExternalSecret;
}

describe('the ExternalSecrets', () => {
  let run: Run;
  before(async () => {
    run = await runProgram('prod', false, canaries);
  });

  it('of a versioned group have a suffix, are pinned, immutable and awaited', () => {
    const { apiVersion, metadata, spec } = externalSecret(run, 'trading');
    assert.equal(apiVersion, 'external-secrets.io/v1');
    assert.match(metadata.name, /^hummingbot-trading-keys-[0-9a-f]{8}$/);
    assert.equal(metadata.annotations['pulumi.com/waitFor'], 'condition=Ready');
    assert.equal(metadata.annotations['hummingbot-secrets/tag'], run.tags.trading?.group);
    const { data, ...rest } = spec;
    assert.deepEqual(rest, {
      refreshPolicy: 'OnChange',
      secretStoreRef: { name: 'aws-secrets-manager', kind: 'SecretStore' },
      target: {
        name: metadata.name,
        creationPolicy: 'Owner',
        deletionPolicy: 'Retain',
        immutable: true,
      },
    });
    assert.deepEqual(
      data.map(({ secretKey }) => secretKey),
      guideKeysOf('trading'),
    );
    for (const { secretKey, remoteRef } of data) {
      assert.match(remoteRef.version ?? '', /^uuid\/version-seed-trading-version-\d+$/);
      assert.equal(remoteRef.key, 'hummingbot/trading');
      assert.equal(remoteRef.property, secretKey);
    }
  });

  it('of a fixed group have the name of the guide and follow the newest version', () => {
    const { metadata, spec } = externalSecret(run, 'monitoring');
    assert.equal(metadata.name, 'hummingbot-monitoring');
    assert.equal(metadata.annotations['hummingbot-secrets/tag'], run.tags.monitoring?.group);
    assert.equal(spec.refreshPolicy, 'Periodic');
    assert.equal(spec.refreshInterval, '1h0m0s');
    assert.equal(spec.target.immutable, undefined);
    for (const { remoteRef } of spec.data) assert.equal(remoteRef.version, undefined);
  });

  it('of a fixed group are awaited by the tag that their Secret has to carry', () => {
    const { inputs, options } = run.recorder.one(sync, 'monitoring-sync');
    const { kubeconfig, version: stored, ...rest } = inputs as Record<string, unknown>;
    assert.deepEqual(rest, {
      namespace: 'hummingbot',
      name: 'hummingbot-monitoring',
      annotation: 'hummingbot-secrets/tag',
      tag: run.tags.monitoring?.group,
      deadlineSeconds: 180,
    });
    assert.match(String(stored), /^version-seed-monitoring-version-/u);
    assert.ok(secretOf(kubeconfig).includes(token));
    assert.ok(options.dependencies.includes(`${type} monitoring-external-secret`));
    // A versioned one's `Ready` is of the one sync that there is.
    assert.deepEqual(
      run.recorder
        .of(sync)
        .map(({ name }) => name)
        .sort(),
      ['infrastructure-sync', 'monitoring-sync'],
    );
  });

  it('come after the version that they read, and after the right to read it', () => {
    const { options } = run.recorder.one(type, 'trading-external-secret');
    for (const before of [
      `${version} trading-version`,
      `${storeType} external-secrets-secret-store`,
    ])
      assert.ok(options.dependencies.includes(before), before);
    assert.equal(options.createTimeout, '3m');
    const component = run.recorder.one(
      'hummingbot-secrets:delivery:ExternalSecrets',
      'external-secrets',
    );
    for (const before of [
      'aws:iam/rolePolicy:RolePolicy reader-role-policy',
      'kubernetes:core/v1:Namespace namespace',
      'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding hummingbot-secrets-reader-token',
    ])
      assert.ok(component.options.dependencies.includes(before), before);
  });

  it('read through a store of the namespace, by a token of a service account of its own', () => {
    const { inputs } = run.recorder.one(storeType);
    const { metadata, spec } = inputs as unknown as {
      metadata: { name: string; namespace: string };
      spec: object;
    };
    assert.equal(metadata.name, 'aws-secrets-manager');
    assert.equal(metadata.namespace, 'hummingbot');
    assert.deepEqual(spec, {
      provider: {
        aws: {
          service: 'SecretsManager',
          region: 'us-east-1',
          auth: { jwt: { serviceAccountRef: { name: 'hummingbot-secrets-reader' } } },
        },
      },
    });
  });

  it('hold no template, no reference to another namespace and no cluster-wide store', () => {
    const everything = JSON.stringify([...run.recorder.of(type), ...run.recorder.of(storeType)]);
    assert.doesNotMatch(everything, /template|ClusterSecretStore|"namespace":"(?!hummingbot")/u);
  });

  it('of trading have a fixed name on request', async () => {
    const settings = { ...ids, groups: { trading: { naming: 'fixed' } } };
    const fixed = await runProgram('prod', false, canaries, new Recorder(), settings);
    const { metadata, spec } = externalSecret(fixed, 'trading');
    assert.equal(metadata.name, 'hummingbot-trading-keys');
    assert.equal(spec.refreshPolicy, 'Periodic');
    // The bot moves when its Secret has the new values, and not before.
    const { options } = fixed.recorder.one('kubernetes:apps/v1:Deployment');
    assert.ok(options.dependencies.includes(`${sync} trading-sync`), options.dependencies.join());
  });

  it('of a group that somebody else writes have no tag, and do not wait for optional keys', async () => {
    const settings = { ...ids, groups: { trading: { source: 'external' } } };
    const values = new Map([...canaries].filter(([key]) => !keysOf('trading').includes(key)));
    const other = await runProgram('prod', false, values, new Recorder(), settings);
    const { metadata, spec } = externalSecret(other, 'trading');
    assert.equal(metadata.name, 'hummingbot-trading-keys');
    assert.equal(metadata.annotations['hummingbot-secrets/tag'], undefined);
    assert.deepEqual([spec.refreshPolicy, spec.refreshInterval], ['Periodic', '3m10s']);
    // Of those that the stack writes, each change is told to the operator.
    assert.equal(externalSecret(other, 'monitoring').spec.refreshInterval, '1h0m0s');
    assert.ok(!other.recorder.of(sync).some(({ name }) => name === 'trading-sync'));
    assert.deepEqual(
      spec.data.map(({ secretKey }) => secretKey),
      guideKeysOf('trading').filter((key) => key !== 'coinbase_passphrase'),
    );
  });
});
