import assert from 'node:assert/strict';
import { askSwarm, type SwarmCase } from '../../../operations/census/swarm.ts';
import { leaks, makeCanary } from '../../canary.ts';

const canary = makeCanary('swarm');
const tag = 'aaaaaaaaaa';
const about: SwarmCase = {
  target: 'x',
  stack: 'prod',
  host: 'unix:///d',
  groups: [{ group: 'trading', keys: ['kraken_api_key', 'kraken_secret_key'], tag }],
};

function secret(name: string, of: string | null = 'prod', its = tag): object {
  const Labels =
    of === null ? {} : { 'hummingbot-secrets.stack': of, 'hummingbot-secrets.tag': its };
  return { ID: `id-${name}`, CreatedAt: '2026-11-20T00:00:00Z', Spec: { Name: name, Labels } };
}

const right = [secret('kraken_api_key-00000001'), secret('kraken_secret_key-00000001')];

async function asked(secrets: readonly object[]) {
  const mounts = [{ SecretID: 'id-kraken_api_key-00000001' }];
  const service = { Name: 'hummingbot', TaskTemplate: { ContainerSpec: { Secrets: mounts } } };
  const list = async (path: string) => (path === '/secrets' ? secrets : [{ Spec: service }]);
  const found = await askSwarm({ list }, about);
  assert.deepEqual(leaks(JSON.stringify(found), new Map([['canary', canary]])), []);
  for (const { cause, fix } of found.drifts) assert.ok(cause !== '' && fix !== '');
  return { ...found, kinds: found.drifts.map(({ kind, place }) => `${kind} ${place}`) };
}

describe('what is asked of a swarm', () => {
  it('is a secret a key, its tag, since when, and which service mounts it', async () => {
    const { sightings, kinds } = await asked([
      ...right,
      secret('kraken_api_key-00000009', 'staging', 'cccccccccc'),
      secret('registry', null),
    ]);
    assert.deepEqual(kinds, []);
    assert.deepEqual(
      sightings.map(({ keys, tag: each, since, readers }) => [
        keys[0],
        each,
        since,
        readers[0]?.who,
      ]),
      [
        ['kraken_api_key', tag, '2026-11-20T00:00:00Z', 'service hummingbot'],
        ['kraken_secret_key', tag, '2026-11-20T00:00:00Z', undefined],
      ],
    );
  });

  it('finds what is missing, stale, of another tag, and unknown by label or by name', async () => {
    const { kinds } = await asked([
      secret('kraken_api_key-00000001'),
      secret('kraken_api_key-00000000', 'prod', 'bbbbbbbbbb'),
      secret('kucoin_api_key-00000000'),
      secret('anything'),
      secret('binance_api_key-deadbeef', null),
      secret(canary),
    ]);
    assert.deepEqual(kinds, [
      'stale Docker secret kraken_api_key-00000000',
      'missing Docker secret kraken_secret_key-*',
      'unknown Docker secret kucoin_api_key-00000000',
      'unknown Docker secret anything',
      'unknown Docker secret binance_api_key-deadbeef',
      `unknown Docker secret a name that is not shown (${canary.length} characters)`,
    ]);
    const other = await asked([secret('kraken_api_key-00000000', 'prod', canary), right[1] ?? {}]);
    assert.deepEqual(other.kinds, ['other tag Docker secret kraken_api_key-00000000']);
    assert.equal(other.drifts[0]?.found, 'no tag of ours');
  });
});
