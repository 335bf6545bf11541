/** Native Secrets as the program registers them. That pods get them is proven by the rehearsal. */
import assert from 'node:assert/strict';
import { keysOf } from '../../../components/catalog.ts';
import { leaks } from '../../canary.ts';
import { canaryValues } from '../../canary-values.ts';
import { ids, type Run, runProgram } from '../../program-run.ts';
import { Recorder, secretOf, withoutSecrets } from '../../recorder.ts';

const canaries = canaryValues();
const type = 'kubernetes:core/v1:Secret';
const targets = ['kubernetes'];

interface Native {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly type: string;
  readonly immutable: boolean;
  readonly data: unknown;
}

async function native(
  settings: Readonly<Record<string, unknown>> = {},
  recorder = new Recorder(),
  values = canaries,
): Promise<Run> {
  return await runProgram('prod', false, values, recorder, { ...ids, targets, ...settings });
}

function inputsOf(run: Run, group: string): Native {
  return run.recorder.one(type, `${group}-secret`).inputs as unknown as Native;
}

describe('the native Secrets', () => {
  let run: Run;
  before(async () => {
    run = await native();
  });

  it('are one a group, whose data are its values and nothing else', () => {
    assert.equal(run.recorder.of(type).length, 3);
    for (const group of ['trading', 'infrastructure', 'monitoring'] as const) {
      const { data, type: kind } = inputsOf(run, group);
      assert.equal(kind, 'Opaque');
      const texts = secretOf(data) as unknown as Readonly<Record<string, string>>;
      const keys = keysOf(group).filter((key) => Object.hasOwn(run.tags[group]?.keys ?? {}, key));
      assert.deepEqual(Object.keys(texts).toSorted(), keys.toSorted());
      for (const key of keys) {
        const decoded = Buffer.from(String(texts[key]), 'base64').toString();
        assert.ok(decoded === canaries.get(key), key);
      }
    }
  });

  it('hold no value outside of a secret mark', () => {
    const shown = JSON.stringify(withoutSecrets(run.recorder.registrations));
    assert.deepEqual(leaks(shown, canaries), []);
    // The control: inside, each is there.
    const whole = leaks(JSON.stringify(run.recorder.of(type)), canaries);
    for (const key of canaries.keys()) {
      if (key in (run.tags.trading?.keys ?? {}))
        assert.ok(whole.some((hit) => hit.startsWith(key)));
    }
  });

  it('of a versioned group are immutable and have a suffix that never comes back', async () => {
    const { metadata, immutable } = inputsOf(run, 'trading');
    assert.match(metadata.name, /^hummingbot-trading-keys-[0-9a-f]{8}$/u);
    assert.equal(metadata.annotations['hummingbot-secrets/tag'], run.tags.trading?.group);
    assert.equal(immutable, true);
    const other = await native({}, new Recorder('other'));
    assert.notEqual(inputsOf(other, 'trading').metadata.name, metadata.name);
  });

  it("of a fixed group have the guide's name, and can be changed in place", () => {
    const { metadata, immutable } = inputsOf(run, 'monitoring');
    assert.equal(metadata.name, 'hummingbot-monitoring');
    assert.equal(metadata.annotations['hummingbot-secrets/tag'], run.tags.monitoring?.group);
    assert.equal(immutable, false);
  });

  it('come into a namespace that is closed, and before what looks at them', () => {
    const { inputs } = run.recorder.one(type, 'trading-secret');
    assert.equal((inputs as unknown as Native).metadata.namespace, 'hummingbot');
    const component = run.recorder.one(
      'hummingbot-secrets:delivery:KubernetesSecrets',
      'kubernetes',
    );
    assert.ok(component.options.dependencies.includes('kubernetes:core/v1:Namespace namespace'));
    for (const [kind, name] of [
      ['hummingbot:index:Preflight', 'hummingbot-preflight'],
      ['kubernetes:apps/v1:Deployment', 'hummingbot'],
    ] as const) {
      const { dependencies } = run.recorder.one(kind, name).options;
      assert.ok(dependencies.includes(`${type} trading-secret`), name);
    }
  });

  it('are forgotten by Pulumi and removed by what they depend on, unless another owns them', () => {
    for (const group of ['trading', 'infrastructure', 'monitoring']) {
      const { options } = run.recorder.one(type, `${group}-secret`);
      assert.equal(options.retainOnDelete, true);
      const removal = 'hummingbot:index:SecretRemoval';
      assert.ok(options.dependencies.includes(`${removal} ${group}-removal`));
      const { inputs } = run.recorder.one(removal, `${group}-removal`);
      assert.equal(inputs.name, inputsOf(run, group).metadata.name);
      assert.equal(inputs.namespace, 'hummingbot');
      assert.equal(secretOf(inputs.kubeconfig) !== undefined, true);
    }
  });

  it('need no AWS and no operator: neither is asked for, nothing of them is made', async () => {
    const { account, issuer, deployRoles, ...others } = ids;
    assert.ok(account && issuer && deployRoles);
    const alone = await native({ account: '', issuer: '', deployRoles: [], ...others });
    const made = alone.recorder.registrations.map((each) => each.type);
    assert.deepEqual(
      made.filter((each) => /aws|external-secrets|hummingbot:index:Sync/u.test(each)),
      [],
    );
    assert.deepEqual(Object.keys(alone.delivered), ['kubernetes']);
    assert.equal(
      alone.delivered.kubernetes?.next,
      'kubectl --context ours --namespace hummingbot get pods,secrets',
    );
  });

  it('are not made for a group that somebody else writes, which the bot still mounts', async () => {
    const values = new Map([...canaries].filter(([key]) => !keysOf('trading').includes(key)));
    const groups = { trading: { source: 'external' } };
    const foreign = await native({ groups }, new Recorder(), values);
    assert.deepEqual(
      foreign.recorder.of(type).map(({ name }) => name),
      ['infrastructure-secret', 'monitoring-secret'],
    );
    const bot = JSON.stringify(foreign.recorder.of('kubernetes:apps/v1:Deployment'));
    assert.match(bot, /"secretName":"hummingbot-trading-keys"/u);
  });

  it('share their namespace with no other target that feeds one', async () => {
    await assert.rejects(
      native({ targets: ['kubernetes', 'aws-secrets-manager'] }),
      /targets: got kubernetes and aws-secrets-manager, which both own the namespace; allowed: one of them; fix: /u,
    );
  });
});
