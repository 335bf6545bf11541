/** What the program asks of Vault. That Vault takes it is proven by the rehearsal. */
import assert from 'node:assert/strict';
import { groupNames, type SecretKey } from '../../../components/catalog.ts';
import { vaultRules } from '../../../components/delivery/vault-rules.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { canaryValues } from '../../canary-values.ts';
import { guideKeysOf } from '../../guide-keys.ts';
import { type Run, runProgram, token, vaultIds } from '../../program-run.ts';
import { Recorder, secretOf } from '../../recorder.ts';

const canaries = canaryValues();
const searched = new Map([...canaries, ['kubeconfig', token] as const]);
const secret = 'vault:kv/secretV2:SecretV2';
const externalSecret = 'kubernetes:external-secrets.io/v1:ExternalSecret';
const store = 'kubernetes:external-secrets.io/v1:SecretStore';

interface Store {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly provider: unknown };
}

interface Reference {
  readonly remoteRef: { readonly key: string; readonly version?: string };
}

function referencesOf(inputs: Readonly<Record<string, unknown>>): readonly Reference[] {
  return (inputs as { spec: { data: readonly Reference[] } }).spec.data;
}

async function inVault(
  settings: Readonly<Record<string, unknown>> = {},
  { values = canaries, recorder = new Recorder(), preview = false } = {},
): Promise<Run> {
  return await runProgram('prod', preview, values, recorder, { ...vaultIds, ...settings });
}

describe('Vault', () => {
  let run: Run;
  before(async () => {
    run = await inVault();
  });

  for (const preview of [true, false]) {
    it(`${preview ? 'previews' : 'brings up'} prod with no value outside of secret marks`, async () => {
      const { recorder, tags, delivered } = await inVault({}, { preview });
      assert.deepEqual(leaks(recorder.public(), searched), []);
      assert.deepEqual(leaks(JSON.stringify([tags, delivered]), searched), []);
      // Positive control: inside of the marks the search finds them.
      const everything = leaks(JSON.stringify(recorder.registrations), searched);
      for (const key of ['kubeconfig', 'kraken_api_key', 'grafana_api_key']) {
        assert.ok(
          everything.some((hit) => hit.startsWith(`${key} as`)),
          key,
        );
      }
      assert.deepEqual(Object.keys(delivered), ['vault']);
    });
  }

  it('has one secret a group, whose values are one JSON object, as a secret', () => {
    assert.equal(run.recorder.of(secret).length, 3);
    for (const group of groupNames) {
      const { inputs } = run.recorder.one(secret, `${group}-kv`);
      assert.equal(inputs.mount, 'secret');
      assert.equal(inputs.name, `hummingbot/${group}`);
      const written = JSON.parse(secretOf(inputs.dataJson)) as Record<SecretKey, string>;
      assert.deepEqual(
        Object.entries(written),
        guideKeysOf(group).map((each) => [each, canaries.get(each)]),
      );
    }
  });

  it('names with each write the version that it follows, and what it is known by', () => {
    const { inputs } = run.recorder.one(secret, 'infrastructure-kv');
    assert.deepEqual(inputs.options, { cas: '4' });
    assert.equal(inputs.cas, undefined);
    assert.deepEqual(inputs.customMetadata, {
      casRequired: true,
      data: {
        stack: 'prod',
        owner: 'platform',
        'max-age-days': '90',
        'on-delete': 'versions are kept',
        tag: run.tags.infrastructure?.group,
        cas: '4',
      },
    });
  });

  it('pins what reads a versioned group to the one version that its write can make', () => {
    const { inputs, options } = run.recorder.one(externalSecret, 'trading-external-secret');
    for (const { remoteRef } of referencesOf(inputs)) {
      assert.equal(remoteRef.key, 'hummingbot/trading');
      assert.equal(remoteRef.version, '5');
    }
    assert.ok(options.dependencies.includes(`${secret} trading-kv`));
    const fixed = run.recorder.one(externalSecret, 'monitoring-external-secret');
    for (const { remoteRef } of referencesOf(fixed.inputs))
      assert.equal(remoteRef.version, undefined);
    assert.equal(run.recorder.one('hummingbot:index:Sync', 'monitoring-sync').inputs.version, '5');
  });

  it('is read by the operator with a token of one service account, made for Vault', () => {
    const { inputs } = run.recorder.one(store);
    const { metadata, spec } = inputs as unknown as Store;
    assert.equal(metadata.name, 'vault');
    assert.deepEqual(spec.provider, {
      vault: {
        server: 'https://vault.example.org:8200',
        path: 'secret',
        version: 'v2',
        auth: {
          kubernetes: {
            mountPath: 'kubernetes',
            role: 'hummingbot-prod-secrets-reader',
            serviceAccountRef: { name: 'hummingbot-secrets-reader', audiences: ['vault'] },
          },
        },
      },
    });
    const component = run.recorder.one(
      'hummingbot-secrets:delivery:ExternalSecrets',
      'external-secrets',
    );
    for (const before of [
      'vault:kubernetes/authBackendRole:AuthBackendRole vault-reader-role',
      'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding hummingbot-secrets-reader-token',
    ])
      assert.ok(component.options.dependencies.includes(before), before);
  });

  it('holds no token: whoever deploys brings one', () => {
    const { inputs } = run.recorder.one('pulumi:providers:vault');
    assert.equal(inputs.address, 'https://vault.example.org:8200');
    assert.equal(inputs.skipChildToken, 'true');
    assert.deepEqual(
      Object.keys(inputs).filter((each) => /token$|auth/iu.test(each)),
      ['skipChildToken'],
    );
    for (const { type, name } of run.recorder.registrations) {
      if (!type.startsWith('vault:')) continue;
      assert.equal(run.recorder.one(type, name).options.provider, 'vault', name);
    }
  });

  it('keeps the secrets of a protected stack, and all versions of what is deleted anyway', async () => {
    for (const { inputs, name } of run.recorder.of(secret)) {
      assert.equal(run.recorder.one(secret, name).options.protect, true);
      assert.equal(inputs.deleteAllVersions, false);
    }
    const { recorder } = await inVault({ protect: false });
    for (const { inputs, name } of recorder.of(secret)) {
      assert.equal(recorder.one(secret, name).options.protect, false);
      assert.equal(inputs.deleteAllVersions, true);
    }
  });

  it('changes with one key its secret, what reads it, the bot, and nothing else', async () => {
    const contents = ({ recorder }: Run) =>
      new Map(
        recorder.registrations.map(({ type, name, inputs }) => [
          `${type} ${name}`,
          JSON.stringify(inputs).replaceAll(/\/program-\w+\//gu, '/program/'),
        ]),
      );
    const values = new Map(canaries).set('kraken_api_key', makeCanary('changed'));
    const [before, after] = [contents(await inVault()), contents(await inVault({}, { values }))];
    assert.deepEqual(
      [...after.keys()].filter((name) => before.get(name) !== after.get(name)).toSorted(),
      [
        'hummingbot:index:Preflight hummingbot-preflight',
        'kubernetes:apps/v1:Deployment hummingbot',
        'kubernetes:external-secrets.io/v1:ExternalSecret trading-external-secret',
        'random:index/randomId:RandomId trading-suffix',
        'vault:kv/secretV2:SecretV2 trading-kv',
      ],
    );
  });

  it('makes no secret of a group that somebody else writes, and lets it be read', async () => {
    const values = new Map(
      [...canaries].filter(([each]) => !guideKeysOf('monitoring').includes(each)),
    );
    const groups = { monitoring: { source: 'external' } };
    const { recorder } = await inVault({ groups }, { values });
    assert.deepEqual(
      recorder
        .of(secret)
        .map(({ name }) => name)
        .toSorted(),
      ['infrastructure-kv', 'trading-kv'],
    );
    const { inputs } = recorder.one('vault:index/policy:Policy');
    assert.match(String(inputs.policy), /path "secret\/data\/hummingbot\/monitoring"/u);
    assert.equal(recorder.of(externalSecret).length, 3);
  });

  it('refuses what does not fit into its smallest storage, and a NUL, without a character of it', () => {
    const group = new Map([['kraken_api_key', 'x'.repeat(500_000)]]);
    assert.deepEqual(vaultRules.refusesGroup(group), {
      got: '500021 bytes as JSON',
      allowed: 'at most 500000 bytes',
    });
    assert.equal(vaultRules.refusesGroup(new Map([['kraken_api_key', 'x']])), undefined);
    assert.equal(vaultRules.refuses('a\0b'), 'a NUL byte');
    assert.equal(vaultRules.refuses('a b'), undefined);
  });

  it('does not feed a namespace beside another target', async () => {
    await assert.rejects(
      inVault({ targets: ['vault', 'kubernetes'] }),
      /targets: got vault and kubernetes, which both own the namespace; allowed: one of them/u,
    );
  });
});
