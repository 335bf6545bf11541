/** What the program hands to kubeseal, and where it goes. That a controller opens it is proven by test/e2e. */
import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { keysOf } from '../../../components/catalog.ts';
import { isHandedOver, lookAtSealed } from '../../../components/delivery/sealed-rules.ts';
import { leaks } from '../../canary.ts';
import { canaryValues } from '../../canary-values.ts';
import { ids, type Run, runProgram } from '../../program-run.ts';
import { mocked, mockedCertificate, Recorder, secretOf, withoutSecrets } from '../../recorder.ts';

const canaries = canaryValues();
const type = 'hummingbot:index:SealedData';
const object = 'kubernetes:bitnami.com/v1alpha1:SealedSecret';
const gate = 'hummingbot:index:Unsealed';
const settings = {
  targets: ['sealed-secrets'],
  certificateFingerprint: mocked.fingerprint,
  image: ids.image,
};
const applied = { ...ids, ...settings };
const written = { ...settings, sealedInto: 'git', certificate: 'prod.pem' };
const groups = ['trading', 'infrastructure', 'monitoring'] as const;

async function run(
  more: Readonly<Record<string, unknown>> = applied,
  recorder = new Recorder(),
): Promise<Run> {
  return await runProgram('prod', false, canaries, recorder, more);
}

interface Sealed {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly encryptedData: Readonly<Record<string, string>>;
    readonly template: {
      readonly metadata: object;
      readonly type: string;
      readonly immutable: boolean;
    };
  };
}

describe('the SealedSecrets', () => {
  let run1: Run;
  let files: Run;
  before(async () => {
    run1 = await run();
    files = await run(written);
  });

  it('are sealed for one certificate, from the values of their group and no other', () => {
    for (const group of groups) {
      const { inputs } = run1.recorder.one(type, `${group}-sealed`);
      assert.equal(inputs.certificate, mocked.certificate);
      assert.equal(inputs.namespace, 'hummingbot');
      const data = JSON.parse(JSON.stringify(secretOf(inputs.data)));
      const keys = keysOf(group).filter((key) => Object.hasOwn(run1.tags[group]?.keys ?? {}, key));
      assert.deepEqual(Object.keys(data).toSorted(), keys.toSorted());
      for (const key of keys) {
        assert.ok(Buffer.from(data[key], 'base64').toString() === canaries.get(key), key);
      }
    }
    assert.equal(run1.recorder.of(type).length, 3);
  });

  it('hold no value outside of a secret mark, applied or written', () => {
    for (const { recorder } of [run1, files]) {
      const shown = JSON.stringify(withoutSecrets(recorder.registrations));
      assert.deepEqual(leaks(shown, canaries), []);
    }
  });

  it('say what the controller shall make of them, under the same name, with the tag', () => {
    const { inputs } = run1.recorder.one(object, 'trading-sealed-secret');
    const { metadata, spec } = inputs as unknown as Sealed;
    assert.match(metadata.name, /^hummingbot-trading-keys-[0-9a-f]{8}$/u);
    assert.deepEqual(spec.template, { metadata, type: 'Opaque', immutable: true });
    assert.equal(metadata.annotations['hummingbot-secrets/tag'], run1.tags.trading?.group);
    assert.equal(run1.recorder.one(type, 'trading-sealed').inputs.name, metadata.name);
    const fixed = run1.recorder.one(object, 'monitoring-sealed-secret').inputs as unknown as Sealed;
    assert.equal(fixed.metadata.name, 'hummingbot-monitoring');
    assert.equal(fixed.spec.template.immutable, false);
    // Strict: the wider scopes are annotations.
    assert.doesNotMatch(JSON.stringify(withoutSecrets(run1.recorder.registrations)), /-wide/u);
  });

  it('are awaited by the bot, each by a gate', () => {
    for (const group of groups) {
      const { inputs, options } = run1.recorder.one(gate, `${group}-unsealed`);
      assert.equal(inputs.tag, run1.tags[group]?.group);
      assert.ok(options.dependencies.some((each) => each.includes(`${group}-sealed-secret`)));
    }
    const { options } = run1.recorder.one('hummingbot:index:Preflight');
    assert.ok(options.dependencies.includes(`${gate} trading-unsealed`));
    assert.deepEqual(run1.delivered['sealed-secrets'], {
      namespace: 'hummingbot',
      next: 'kubectl --context ours --namespace hummingbot get pods,sealedsecrets',
    });
  });

  it('are files for git, which Kustomize builds, with all that stands around them and no cluster', () => {
    const { recorder, delivered } = files;
    const texts = new Map(
      recorder
        .of('hummingbot:index:GitFile')
        .map(({ inputs }) => [String(inputs.path), String(inputs.content)]),
    );
    const paths = ['trading-keys', 'infrastructure', 'monitoring'].map(
      (name) => `sealed/hummingbot-${name}.yaml`,
    );
    assert.deepEqual(parse(texts.get('prod/kustomization.yaml') ?? '').resources, [
      ...paths,
      'manifests',
    ]);
    for (const [at, path] of paths.entries()) {
      const looked = lookAtSealed(texts.get(`prod/${path}`) ?? '');
      assert.equal(looked?.tag, files.tags[groups[at] ?? 'trading']?.group);
      assert.ok((looked?.keys.length ?? 0) > 0);
    }
    assert.ok([...texts.keys()].includes('prod/manifests/deployment-hummingbot.yaml'));
    assert.deepEqual(
      recorder.registrations.filter((each) => /kubernetes|aws|Unsealed/u.test(each.type)),
      [],
    );
    assert.deepEqual(delivered['sealed-secrets'], {
      manifests: 'gitops/prod',
      next: 'git add --all . && git commit --message "Hummingbot" . && git push',
    });
  });

  it('let go of their Secrets for a move; what is sealed stays as it is', async () => {
    const before = new Map(
      files.recorder.of(type).map(({ name, inputs }) => [name, withoutSecrets(inputs)]),
    );
    const { recorder } = await run({ ...written, handOver: true });
    const sealed = recorder
      .of('hummingbot:index:GitFile')
      .filter(({ inputs }) => /\/sealed\//u.test(String(inputs.path)));
    assert.equal(sealed.length, 3);
    for (const { inputs } of sealed) {
      const text = String(inputs.content);
      assert.ok(isHandedOver(text));
      // It is still looked at as what it is: of strict scope, with its tag.
      assert.match(lookAtSealed(text)?.tag ?? '', /^[a-z2-7]{10}$/u);
    }
    for (const { name, inputs } of recorder.of(type)) {
      assert.deepEqual(withoutSecrets(inputs), before.get(name));
    }
    for (const { inputs } of files.recorder.of('hummingbot:index:GitFile')) {
      assert.ok(!isHandedOver(String(inputs.content)));
    }
  });

  it('are not made for a group that somebody else writes', async () => {
    const values = new Map([...canaries].filter(([key]) => !keysOf('trading').includes(key)));
    const external = { ...applied, groups: { trading: { source: 'external' } } };
    const { recorder } = await runProgram('prod', false, values, new Recorder(), external);
    assert.deepEqual(
      recorder
        .of(type)
        .map(({ name }) => name)
        .toSorted(),
      ['infrastructure-sealed', 'monitoring-sealed'],
    );
  });

  for (const [what, answers, line] of [
    [
      'there is no kubeseal',
      { getKubeseal: new Error('x: kubeseal: got no kubeseal on the PATH; allowed: y; fix: z') },
      /^kubeseal: got no kubeseal on the PATH; allowed: y; fix: z; nothing was changed$/u,
    ],
    [
      'the certificate cannot be had',
      { getCertificate: new Error('x: certificate: got ENOENT of its file; allowed: y; fix: z') },
      /^certificate: got ENOENT of its file; allowed: y; fix: z; nothing was changed$/u,
    ],
    [
      'it is another one than the settings pin',
      { getCertificate: { ...mockedCertificate, fingerprint: 'FF:FF' } },
      /^certificate: got SHA-256 FF:FF from prod\.pem; allowed: certificateFingerprint .*; nothing was changed$/u,
    ],
    [
      'it has ended',
      { getCertificate: { ...mockedCertificate, notAfter: '2026-01-01T00:00:00.000Z' } },
      /^certificate: got one that ended on 2026-01-01; .*; nothing was changed$/u,
    ],
  ] as const) {
    it(`are refused in one line when ${what}, before anything is registered`, async () => {
      const named = Object.fromEntries(
        Object.entries(answers).map(([name, answer]) => [`hummingbot:index:${name}`, answer]),
      );
      const recorder = new Recorder('seed', named);
      await assert.rejects(run(written, recorder), (error: Error) => {
        assert.match(error.message, line);
        return true;
      });
      assert.deepEqual(recorder.registrations, []);
    });
  }
});

describe('what a SealedSecret shows of itself', () => {
  const ciphertext = 'Ag'.repeat(200);
  const text = (more: object = {}, spec: object = {}): string =>
    JSON.stringify({
      kind: 'SealedSecret',
      metadata: {},
      spec: {
        encryptedData: { key: ciphertext },
        template: { metadata: { annotations: { 'hummingbot-secrets/tag': 'abcdefghij' } } },
        ...spec,
      },
      ...more,
    });

  it('is its keys and its tag', () => {
    assert.deepEqual(lookAtSealed(text()), { keys: ['key'], tag: 'abcdefghij' });
  });

  it('is nothing for a wider scope, for what is in the clear, and for what is none', () => {
    const wide = { annotations: { 'sealedsecrets.bitnami.com/namespace-wide': 'true' } };
    for (const other of [
      text({ metadata: wide }),
      text({}, { template: { metadata: wide } }),
      text({}, { encryptedData: { key: 'in the clear' } }),
      text({}, { encryptedData: {} }),
      text({}, { template: { data: { key: 'in the clear' } } }),
      text({ kind: 'Secret' }),
      '{',
      '',
    ]) {
      assert.equal(lookAtSealed(other), undefined, other);
    }
  });
});
