import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oldPlaces } from '../../../operations/rotation/old-places.ts';
import { StackState } from '../../../operations/rotation/stack-state.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { DockerServer } from '../../docker-server.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';

const stack = 'prod';
const groups = ['trading'];
const form = /^[^\n]+: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/u;

function stateOf(delivered: Readonly<Record<string, object>>): StackState {
  const outputs = { tags: { trading: { group: 'now' } }, delivered };
  const resources = [{ urn: 'urn:stack', type: 'pulumi:pulumi:Stack', outputs }];
  return new StackState({ version: 3, deployment: { resources } });
}

describe('what an up should have taken away', () => {
  const directory = mkdtempSync(join(tmpdir(), 'old-places-'));
  const docker = new DockerServer();
  const kubernetes = new KubernetesServer();
  const { KUBECONFIG: own } = process.env;
  before(async () => {
    await docker.start();
    await kubernetes.start();
    process.env.KUBECONFIG = join(directory, 'kubeconfig');
    writeFileSync(process.env.KUBECONFIG, kubernetes.kubeconfig());
  });
  after(async () => {
    await docker.stop();
    await kubernetes.stop();
    if (own === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = own;
    rmSync(directory, { recursive: true });
  });

  it('is a file with an older value of the group, of which nothing is shown', async () => {
    const [old, now] = [makeCanary('old-places').slice(-64), makeCanary('old-places-2').slice(-64)];
    const settings = {
      exchanges: ['binance'],
      services: [],
      trading: { binance_api_key: now, binance_secret_key: now },
    };
    const folder = join(directory, 'secrets', 'trading');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'binance_api_key'), old, { mode: 0o400 });
    writeFileSync(join(folder, 'binance_secret_key'), now, { mode: 0o400 });
    const state = stateOf({ compose: { directory, next: '' } });
    const found = await oldPlaces({ stack, groups, state, settings });
    assert.equal(found.length, 1);
    assert.match(found[0]?.line ?? '', form);
    assert.match(found[0]?.line ?? '', /secrets\/trading\/binance_api_key: got an older value/u);
    assert.deepEqual(
      leaks(
        JSON.stringify(found),
        new Map([
          ['old', old],
          ['now', now],
        ]),
      ),
      [],
    );
    assert.deepEqual(await oldPlaces({ stack, groups: ['monitoring'], state, settings }), []);
  });

  it('is a Swarm secret of another tag than the one that was delivered', async () => {
    const secret = (Name: string, tag: string) => ({
      Spec: { Name, Labels: { 'hummingbot-secrets.stack': stack, 'hummingbot-secrets.tag': tag } },
    });
    docker.answers.set('GET /secrets', [
      200,
      [
        secret('kraken_api_key-0000000a', 'now'),
        secret('kraken_api_key-0000000b', 'old'),
        secret('redis_password-0000000c', 'old'),
        secret('of_somebody_else-0000000d', 'old'),
      ],
    ]);
    const args = { stack, groups, state: stateOf({ swarm: { service: 'x' } }) };
    const found = await oldPlaces({ ...args, settings: { dockerHost: docker.host } });
    assert.deepEqual(
      found.map(({ group }) => group),
      ['trading'],
    );
    assert.match(
      found[0]?.line ?? '',
      /^swarm secret kraken_api_key-0000000b: got .*secret rm kraken/u,
    );
    const silent = await oldPlaces({ ...args, settings: { dockerHost: 'unix:///nowhere' } });
    assert.match(silent[0]?.line ?? '', form);
  });

  it('is a versioned Secret of another tag, once its controller has had its time', async () => {
    const put = (name: string, tag: string): unknown =>
      kubernetes.put(`/api/v1/namespaces/hummingbot/secrets/${name}`, {
        metadata: { name, annotations: { 'hummingbot-secrets/tag': tag } },
      });
    put('hummingbot-trading-keys-0000000a', 'now');
    put('hummingbot-trading-keys-0000000b', 'old');
    put('hummingbot-trading-keys-of-mine', 'old');
    put('hummingbot-monitoring-0000000c', 'old');
    const state = stateOf({ kubernetes: { namespace: 'hummingbot' } });
    const args = { stack, groups, state, settings: { kubeContext: 'test' } };
    const found = await oldPlaces({ ...args, patience: 0 });
    assert.equal(found.length, 1);
    assert.match(
      found[0]?.line ?? '',
      /^Secret hummingbot\/hummingbot-trading-keys-0000000b: got /u,
    );
    assert.match(found[0]?.line ?? '', form);
    // No value is asked for.
    assert.match(kubernetes.requests.at(-1)?.accept ?? '', /PartialObjectMetadata/u);
    const gone = '/api/v1/namespaces/hummingbot/secrets/hummingbot-trading-keys-0000000b';
    setTimeout(() => kubernetes.remove(gone), 200);
    assert.deepEqual(await oldPlaces(args), []);
  });
});
