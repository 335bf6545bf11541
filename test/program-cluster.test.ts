/**
 * Runs index.ts, whole, for stacks that deliver into a cluster: what is secret stays so, and a
 * change changes what it must and nothing else.
 */
import assert from 'node:assert/strict';
import type { SecretKey } from '../components/catalog.ts';
import { keysOf } from '../components/catalog.ts';
import { leaks, makeCanary } from './canary.ts';
import { canaryValues } from './canary-values.ts';
import { ids, type Run, runProgram, type Stack, token } from './program-run.ts';
import { Recorder, withoutSecrets } from './recorder.ts';

const canaries = canaryValues();
const searched = new Map([...canaries, ['kubeconfig', token] as const]);
const without = (group: 'trading' | 'monitoring') =>
  new Map([...canaries].filter(([key]) => !keysOf(group).includes(key)));

interface Variant {
  readonly name: string;
  readonly stack: Stack;
  readonly settings?: Record<string, unknown>;
  readonly values?: ReadonlyMap<SecretKey, string>;
}

const variants: readonly Variant[] = [
  { name: 'prod', stack: 'prod' },
  { name: 'staging', stack: 'staging' },
  {
    name: 'prod with values in the environment',
    stack: 'prod',
    settings: { groups: { trading: { env: 'values' } } },
  },
  {
    name: 'prod with trading written by somebody else',
    stack: 'prod',
    settings: { groups: { trading: { source: 'external' } } },
    values: without('trading'),
  },
  {
    name: 'prod with fixed names',
    stack: 'prod',
    settings: { groups: { trading: { naming: 'fixed' } } },
  },
  {
    name: 'prod with everything versioned',
    stack: 'prod',
    settings: {
      groups: { infrastructure: { naming: 'versioned' }, monitoring: { naming: 'versioned' } },
    },
  },
];

/** Everything that is registered, by type and name, as text; what is secret in the clear. */
function contents(run: Run, sight: (value: unknown) => unknown = (value) => value) {
  const entries = run.recorder.registrations.map(
    // Each run has its own directory, with its own kubeconfig.
    ({ type, name, inputs }) => {
      const text = JSON.stringify(sight(inputs)).replaceAll(/\/program-\w+\//gu, '/program/');
      return [`${type} ${name}`, text] as const;
    },
  );
  return new Map(entries);
}

function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort();
}

async function prod(
  values: ReadonlyMap<SecretKey, string>,
  settings: Record<string, unknown> = {},
): Promise<Run> {
  return await runProgram('prod', false, values, new Recorder(), { ...ids, ...settings });
}

describe('the program in a cluster', () => {
  for (const { name, stack, settings, values = canaries } of variants) {
    for (const preview of [true, false]) {
      it(`${preview ? 'previews' : 'brings up'} ${name}, with no value outside of secret marks`, async () => {
        const recorder = new Recorder();
        const run = await runProgram(stack, preview, values, recorder, { ...ids, ...settings });
        assert.deepEqual(leaks(recorder.public(), searched), []);
        assert.deepEqual(leaks(JSON.stringify([run.tags, run.delivered]), searched), []);
        assert.equal(recorder.of('kubernetes:apps/v1:Deployment').length, 1);
        assert.equal(recorder.of('kubernetes:external-secrets.io/v1:ExternalSecret').length, 3);
        // Positive control: inside of the marks the search finds every value of a group.
        const everything = leaks(JSON.stringify(recorder.registrations), searched);
        for (const key of [
          'kubeconfig',
          ...Object.values(run.tags).flatMap((t) => Object.keys(t.keys)),
        ])
          assert.ok(
            everything.some((hit) => hit.startsWith(`${key} as`)),
            key,
          );
        const names = recorder.registrations.map((each) => `${each.type} ${each.name}`);
        assert.equal(new Set(names).size, names.length);
        assert.deepEqual(Object.keys(run.delivered), ['aws-secrets-manager']);
        assert.equal(run.delivered['aws-secrets-manager']?.namespace, 'hummingbot');
      });
    }
  }

  it('changes with one key its version, its Secret, the bot, and nothing else', async () => {
    const before = await prod(canaries);
    const after = await prod(new Map(canaries).set('kraken_api_key', makeCanary('changed')));
    const changed = changes(contents(before), contents(after));
    assert.deepEqual(changed, [
      'aws:secretsmanager/secretVersion:SecretVersion trading-version',
      'hummingbot:index:Preflight hummingbot-preflight',
      'kubernetes:apps/v1:Deployment hummingbot',
      'kubernetes:external-secrets.io/v1:ExternalSecret trading-external-secret',
      'random:index/randomId:RandomId trading-suffix',
    ]);
    const keys = Object.keys(before.tags.trading?.keys ?? {});
    assert.deepEqual(
      keys.filter((key) => before.tags.trading?.keys[key] !== after.tags.trading?.keys[key]),
      ['kraken_api_key'],
    );
  });

  it('touches no bot for a key that no bot uses', async () => {
    const before = await prod(canaries);
    const url = `https://hooks.slack.com/services/T00000000/${makeCanary('changed')}`;
    const after = await prod(new Map(canaries).set('slack_webhook_url', url));
    assert.deepEqual(changes(contents(before), contents(after)), [
      'aws:secretsmanager/secretVersion:SecretVersion monitoring-version',
      'hummingbot:index:Sync monitoring-sync',
      'kubernetes:external-secrets.io/v1:ExternalSecret monitoring-external-secret',
      'random:index/randomId:RandomId monitoring-suffix',
    ]);
  });

  it('never reuses the name of a versioned Secret, and always the name of a fixed one', async () => {
    const names = async (naming: string, seed: string) => {
      const settings = { ...ids, groups: { trading: { naming } } };
      const run = await runProgram('prod', false, canaries, new Recorder(seed), settings);
      const type = 'kubernetes:external-secrets.io/v1:ExternalSecret';
      return JSON.stringify(run.recorder.one(type, 'trading-external-secret').inputs.metadata);
    };
    const first = await names('versioned', 'one');
    assert.equal(await names('versioned', 'one'), first);
    assert.notEqual(await names('versioned', 'two'), first);
    assert.match(await names('fixed', 'two'), /"name":"hummingbot-trading-keys"/);
  });

  it('adds with an exchange its keys and ports, and no object', async () => {
    const before = await prod(canaries, { exchanges: ['kraken'] });
    const after = await prod(canaries, { exchanges: ['kraken', 'binance'] });
    assert.deepEqual([...contents(after).keys()].sort(), [...contents(before).keys()].sort());
    assert.deepEqual(changes(contents(before, withoutSecrets), contents(after, withoutSecrets)), [
      'aws:secretsmanager/secret:Secret trading',
      'hummingbot:index:Preflight hummingbot-preflight',
      'kubernetes:apps/v1:Deployment hummingbot',
      'kubernetes:core/v1:ConfigMap hummingbot-program',
      'kubernetes:external-secrets.io/v1:ExternalSecret trading-external-secret',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy namespace-network-hummingbot',
      'random:index/randomId:RandomId trading-suffix',
    ]);
  });

  it('makes as many objects a group as groups, and none a key', async () => {
    const count = async (services: readonly string[]) => {
      const run = await prod(canaries, { exchanges: ['kraken'], services });
      const made = run.recorder.registrations.filter(({ type }) =>
        /^(?:aws|kubernetes):/u.test(type),
      );
      return made.length;
    };
    const one = await count([]);
    const two = await count(['slack']);
    const three = await count(['slack', 'postgres']);
    assert.equal(three - two, two - one);
    assert.equal(
      await count(['slack', 'telegram', 'email', 'grafana', 'postgres', 'redis']),
      three,
    );
  });

  it('says where it delivered and what to look at', async () => {
    const { delivered } = await prod(canaries);
    assert.deepEqual(delivered, {
      'aws-secrets-manager': {
        namespace: 'hummingbot',
        next: 'kubectl --context ours --namespace hummingbot get pods,externalsecrets',
      },
    });
  });
});
