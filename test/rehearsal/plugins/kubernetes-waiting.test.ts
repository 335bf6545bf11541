import assert from 'node:assert/strict';
import { KubernetesApi, type KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import { judge } from '../../../rehearsal/plugins/kubernetes/conditions.ts';
import { DeploymentProgress } from '../../../rehearsal/plugins/kubernetes/deployment.ts';
import { type Kind, kinds } from '../../../rehearsal/plugins/kubernetes/kinds.ts';
import { untilGone, untilReady } from '../../../rehearsal/plugins/kubernetes/waiting.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { call } from '../../plugins/calls.ts';

const revision = 'deployment.kubernetes.io/revision';
const kindOf = (type: string): Kind => {
  const kind = kinds[`kubernetes:${type}`];
  assert.ok(kind !== undefined);
  return kind;
};

describe('the wait for a Deployment, as the official provider does it', () => {
  const deployment = (number: string, generation: number, observed = generation) => ({
    metadata: { name: 'bot', uid: 'd', generation, annotations: { [revision]: number } },
    status: {
      observedGeneration: observed,
      conditions: [
        { type: 'Available', status: 'True' },
        { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
      ],
    },
  });
  const replicaSet = (number: string, replicas: number, readyReplicas?: number) => ({
    metadata: {
      name: `bot-${number}`,
      annotations: { [revision]: number },
      ownerReferences: [{ uid: 'd', kind: 'Deployment' }],
    },
    spec: { replicas },
    status: { ...(readyReplicas !== undefined && { readyReplicas }) },
  });
  const present = (object: KubernetesObject) => ({ type: 'present' as const, object });

  it('is done for a new one when its ReplicaSet is ready', () => {
    const progress = new DeploymentProgress(deployment('1', 1, 0), undefined);
    progress.replicaSetChanged(present(replicaSet('1', 1, 1)));
    assert.equal(progress.isDone, false, 'the controller has not seen it');
    progress.deploymentChanged(present(deployment('1', 1, 0)));
    assert.equal(progress.isDone, false);
    progress.deploymentChanged(present(deployment('1', 1)));
    assert.equal(progress.isDone, true);
  });

  it('takes a Recreate for done when the old replicas are 0: the defect is reproduced', () => {
    const last = deployment('1', 1);
    const progress = new DeploymentProgress(deployment('1', 2, 1), last);
    progress.replicaSetChanged(present(replicaSet('1', 1, 1)));
    progress.deploymentChanged(present(deployment('1', 2)));
    assert.equal(progress.isDone, true, 'the old ReplicaSet still is the one of its revision');
    progress.replicaSetChanged(present(replicaSet('1', 1)));
    assert.equal(progress.isDone, false);
    progress.replicaSetChanged(present(replicaSet('1', 0)));
    assert.equal(progress.isDone, true);
  });

  it('waits for the new revision once there is one, and for its claims', () => {
    const progress = new DeploymentProgress(deployment('1', 2, 1), deployment('1', 1));
    const spec = {
      template: { spec: { volumes: [{ persistentVolumeClaim: { claimName: 'data' } }] } },
    };
    progress.deploymentChanged(present({ ...deployment('2', 2), spec }));
    progress.replicaSetChanged(present(replicaSet('2', 1)));
    assert.equal(progress.isDone, false);
    progress.claimChanged(present({ metadata: { name: 'data' }, status: { phase: 'Pending' } }));
    progress.replicaSetChanged(present(replicaSet('2', 1, 1)));
    assert.equal(progress.isDone, false);
    assert.deepEqual(progress.reasons, ['Failed to bind PersistentVolumeClaim(s): "data"']);
    progress.claimChanged(present({ metadata: { name: 'data' }, status: { phase: 'Bound' } }));
    assert.equal(progress.isDone, true);
  });

  it('heeds no other object', () => {
    const progress = new DeploymentProgress(deployment('1', 1), undefined);
    progress.deploymentChanged(present({ ...deployment('1', 1), metadata: { name: 'other' } }));
    progress.replicaSetChanged(present(replicaSet('1', 1, 1)));
    assert.equal(progress.isDone, false);
  });
});

describe('pulumi.com/waitFor', () => {
  const object = {
    metadata: { generation: 2 },
    status: {
      phase: 'Bound',
      list: [{ 'a.b': 'x' }],
      conditions: [
        { type: 'Ready', status: 'False', reason: 'SecretSyncedError', message: 'no\nsuch key' },
        { type: 'Stale', status: 'True', observedGeneration: 1 },
      ],
    },
  };
  it('does not pass on what the External Secrets Operator says of a store', () => {
    const apiVersion = 'external-secrets.io/v1';
    const { text } = judge({ ...object, apiVersion }, 'condition=Ready');
    assert.equal(text, 'condition Ready is False: SecretSyncedError');
  });

  for (const [expression, isMet, text] of [
    ['condition=Ready', false, 'condition Ready is False: SecretSyncedError: no such key'],
    ['condition=Ready=False', true, undefined],
    ['condition=Other', false, 'no condition Other yet'],
    ['condition=Stale', false, 'condition Stale is True'],
    ['jsonpath={.status.phase}=Bound', true, undefined],
    ['jsonpath={.status.phase}', true, undefined],
    ['jsonpath={.status.list[0].a\\.b}=x', true, undefined],
    ['jsonpath={.status.none}', false, 'no status.none yet'],
  ] as const) {
    it(`${expression} is ${isMet ? '' : 'not '}met`, () => {
      const verdict = judge(object, expression);
      assert.equal(verdict.isMet, isMet);
      if (text !== undefined) assert.equal(verdict.text, text);
    });
  }

  it('refuses what is neither form', () => {
    assert.throws(() => judge(object, 'Ready'), /allowed: condition=TYPE/u);
    assert.throws(() => judge(object, 'jsonpath={.items[*]}'), /a path of names and indices/u);
  });
});

describe('the wait for other objects', () => {
  let server: KubernetesServer;
  let api: KubernetesApi;
  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
    api = await KubernetesApi.connect(server.kubeconfig());
  });
  afterEach(async () => await server.stop());

  const place = '/apis/external-secrets.io/v1/namespaces/bots/externalsecrets/keys';
  const external = (status: string, annotations = {}) => ({
    kind: 'ExternalSecret',
    metadata: {
      namespace: 'bots',
      annotations: { 'pulumi.com/waitFor': 'condition=Ready', ...annotations },
    },
    status: { conditions: [{ type: 'Ready', status, reason: 'SecretSynced' }] },
  });
  const wait = async (live: KubernetesObject, type: string, seconds = 5) => {
    const written = { kind: kindOf(type), inputs: live, live, last: undefined };
    return await untilReady(api, written, call({ timeoutSeconds: seconds }));
  };

  it('ends when the condition is met, over a connection that breaks', async () => {
    const live = server.put(place, external('False'));
    let requests = 0;
    server.onRequest = () => (++requests === 1 ? 'hang up' : undefined);
    setTimeout(() => server.put(place, external('True')), 100);
    const ready = await wait(live, 'external-secrets.io/v1:ExternalSecret');
    assert.equal(ready.metadata?.name, 'keys');
    assert.equal(ready.kind, 'ExternalSecret');
    assert.ok(requests > 1);
  });

  it('fails at the timeout with the last words of the condition, or when it is deleted', async () => {
    const live = server.put(place, external('False'));
    await assert.rejects(wait(live, 'external-secrets.io/v1:ExternalSecret', 0.2), {
      message: 'timed out after 0.2 s: condition Ready is False: SecretSynced',
    });
    setTimeout(() => server.remove(place), 100);
    await assert.rejects(wait(live, 'external-secrets.io/v1:ExternalSecret'), /it was deleted/u);
  });

  it('is left out by pulumi.com/skipAwait', async () => {
    const live = server.put(place, external('False', { 'pulumi.com/skipAwait': 'true' }));
    await wait(live, 'external-secrets.io/v1:ExternalSecret');
    assert.equal(server.requests.length, 0);
  });

  it('takes a claim for ready when it is Bound, or Pending where it binds late', async () => {
    const claims = '/api/v1/namespaces/bots/persistentvolumeclaims';
    const claim = (phase: string, storageClassName: string) => ({
      kind: 'PersistentVolumeClaim',
      metadata: { namespace: 'bots' },
      spec: { storageClassName },
      status: { phase },
    });
    server.put('/apis/storage.k8s.io/v1/storageclasses/late', {
      metadata: {},
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    const late = server.put(`${claims}/late`, claim('Pending', 'late'));
    await wait(late, 'core/v1:PersistentVolumeClaim');
    const early = server.put(`${claims}/early`, claim('Pending', 'early'));
    setTimeout(() => server.put(`${claims}/early`, claim('Bound', 'early')), 50);
    const bound = await wait(early, 'core/v1:PersistentVolumeClaim');
    assert.deepEqual(bound.status, { phase: 'Bound' });
  });

  it('ends when a deleted object is gone, also when it went between two looks', async () => {
    const path = '/api/v1/namespaces/bots/secrets/keys';
    const kind = kindOf('core/v1:Secret');
    const live = server.put(path, { kind: 'Secret', metadata: { namespace: 'bots' } });
    let looks = 0;
    server.onRequest = () => {
      if (++looks === 2) server.remove(path);
      return undefined;
    };
    await untilGone(api, { kind, inputs: {}, live }, call({ timeoutSeconds: 5 }));
    await untilGone(api, { kind, inputs: {}, live }, call({ timeoutSeconds: 5 }));
    const finalizers = ['example.org/hold'];
    const held = server.put(path, { metadata: { namespace: 'bots', finalizers } });
    const waiting = untilGone(api, { kind, inputs: {}, live: held }, call({ timeoutSeconds: 0.2 }));
    await assert.rejects(
      waiting,
      /finalizers might be preventing deletion \(example\.org\/hold\)/u,
    );
  });
});
