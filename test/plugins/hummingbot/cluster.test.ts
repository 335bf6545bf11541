import assert from 'node:assert/strict';
import { getCluster } from '../../../plugins/hummingbot/cluster.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { call } from '../calls.ts';

const canary = makeCanary('cluster');

describe('getCluster', () => {
  let server: KubernetesServer;
  const path = '/api/v1/namespaces/kube-system';

  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
  });
  afterEach(async () => await server.stop());

  const refuses = async (kubeconfig: string, reason: RegExp): Promise<void> => {
    await assert.rejects(getCluster({ kubeconfig }, call()), (error: Error) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /\n/u);
      assert.deepEqual(leaks(error.message, new Map([['cluster', canary]])), []);
      return true;
    });
  };

  it('names a cluster by the UID of kube-system', async () => {
    const { uid } = server.put(path, { metadata: {} }).metadata;
    const found = await getCluster({ kubeconfig: server.kubeconfig() }, call());
    assert.deepEqual(found, { uid, server: server.url });
    assert.equal(server.requests.length, 1);
  });

  it('says what is missing when it may not look', async () => {
    server.onRequest = () => ({ code: 403, body: { reason: 'Forbidden', message: canary } });
    await refuses(
      server.kubeconfig(canary),
      /its UID cannot be read: got 403 Forbidden; allowed:/u,
    );
  });

  it('does not blame the rights of its user for a server that stumbles', async function () {
    this.timeout(10_000);
    for (const [code, reason] of [
      [500, 'InternalError'],
      [429, 'TooManyRequests'],
    ] as const) {
      server.requests.length = 0;
      server.onRequest = () => ({ code, body: { reason, message: canary } });
      await refuses(
        server.kubeconfig(canary),
        new RegExp(
          `^API server ${server.url}: got ${code} ${reason}; fix: see that it is well`,
          'u',
        ),
      );
      assert.equal(server.requests.length, 3);
    }
  });

  it('does not quote what stands in place of a reason', async () => {
    server.onRequest = () => ({ code: 403, body: { reason: `because ${canary}` } });
    await refuses(server.kubeconfig(canary), /its UID cannot be read: got 403 ; allowed:/u);
  });

  it('tries again when the server hangs up', async function () {
    this.timeout(10_000);
    server.put(path, { metadata: {} });
    let requests = 0;
    server.onRequest = () => (++requests === 1 ? 'hang up' : undefined);
    await getCluster({ kubeconfig: server.kubeconfig() }, call());
    assert.equal(requests, 2);
  });

  it('refuses what is no kubeconfig, without quoting it', async () => {
    await refuses('', /got nothing/u);
    await refuses(`{"users: ${canary}`, /kubeconfig: got what cannot be read/u);
    await refuses(`users: ${canary}`, /kubeconfig: /u);
    await refuses(
      'clusters: []\ncontexts: []\nusers: []\ncurrent-context: none',
      /has no cluster/u,
    );
  });

  it('knows nothing while the kubeconfig is not known', async () => {
    const kubeconfig = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
    assert.deepEqual(await getCluster({ kubeconfig }, call()), {});
  });
});
