import assert from 'node:assert/strict';
import { botsInCluster, type ScalingApi } from '../../../operations/rotation/cluster-bot.ts';
import { type KubernetesObject, UnreachableError } from '../../../plugins/kubernetes-api.ts';

const place = { target: 'kubernetes', namespace: 'hummingbot' };
const pod = (phase: string): KubernetesObject => ({
  metadata: { name: 'hummingbot-1' },
  spec: { nodeName: 'node-a' },
  status: { phase },
});

/**
 * A namespace with one Deployment.
 * @param looks pods of one look after another, the last one for ever; undefined is no answer
 */
function namespace(replicas: number, looks: readonly (readonly KubernetesObject[] | undefined)[]) {
  const sent: unknown[] = [];
  let at = 0;
  const spec = { replicas, template: { spec: { terminationGracePeriodSeconds: -59 } } };
  const api = {
    async list(path: string, details: object) {
      assert.deepEqual(details, { query: { labelSelector: 'app.kubernetes.io/name=hummingbot' } });
      if (path.endsWith('/deployments')) return { items: [{ metadata: { name: 'bot' }, spec }] };
      const items = looks[Math.min(at, looks.length - 1)];
      at += 1;
      if (items === undefined) throw new UnreachableError('https://x', 'ECONNREFUSED');
      return { items };
    },
    async send(...words: unknown[]) {
      sent.push(words);
      return {};
    },
  } as unknown as ScalingApi;
  return { api, sent };
}

describe('the bot of a cluster', () => {
  it('is scaled to 0, by the name whose changes Pulumi takes over, until its pod is gone', async () => {
    const running = pod('Running');
    const { api, sent } = namespace(1, [[running], [running], undefined, [pod('Succeeded')]]);
    const [bot, ...more] = await botsInCluster(api, place, 1);
    assert.deepEqual(more, []);
    assert.equal(bot?.name, 'Deployment hummingbot/bot');
    assert.deepEqual(sent, []);
    await bot?.stop();
    assert.deepEqual(sent, [
      [
        'PATCH',
        '/apis/apps/v1/namespaces/hummingbot/deployments/bot',
        {
          contentType: 'application/merge-patch+json',
          query: { fieldManager: 'pulumi-kubernetes' },
          body: { spec: { replicas: 0 } },
        },
      ],
    ]);
  });

  it('is none where the Deployment wants none and no pod is left', async () => {
    assert.deepEqual(await botsInCluster(namespace(0, [[]]).api, place), []);
    assert.equal((await botsInCluster(namespace(0, [[pod('Running')]]).api, place)).length, 1);
  });

  it('has not stopped while its pod is there, on a node that is away, or nobody answers', async () => {
    for (const [looks, line] of [
      [[[pod('Running')]], /: pod hummingbot-1 on node node-a, still after 1 s$/u],
      [[[pod('Running')], undefined], /: no answer, still after 1 s$/u],
    ] as const) {
      const [bot] = await botsInCluster(namespace(1, looks).api, place, 1);
      await assert.rejects(bot?.stop() ?? Promise.resolve(), line);
    }
  });
});
