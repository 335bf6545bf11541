/** The gate against an API server that a test plays the controllers of. */
import assert from 'node:assert/strict';
import { Rollout } from '../../../plugins/hummingbot/rollout.ts';
import { isSecret, type Properties, unwrap } from '../../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { call } from '../calls.ts';

const apps = '/apis/apps/v1/namespaces/bots';
const pods = '/api/v1/namespaces/bots/pods';
const canary = makeCanary('rollout');
const revision = 'deployment.kubernetes.io/revision';

describe('Rollout', () => {
  let server: KubernetesServer;
  const rollout = new Rollout(5);
  const inputs = (more: Properties = {}) => ({
    kubeconfig: server.kubeconfig(canary),
    namespace: 'bots',
    name: 'hummingbot',
    generation: 2,
    deadlineSeconds: 2,
    ...more,
  });

  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
  });
  afterEach(async () => await server.stop());

  const deployment = (status: Properties, more: Properties = {}) => {
    const { uid } = server.put(`${apps}/deployments/hummingbot`, {
      metadata: { generation: 2, annotations: { [revision]: '2' } },
      spec: { replicas: 1, selector: { matchLabels: { app: 'hummingbot' } } },
      status: { observedGeneration: 2, ...status },
      ...more,
    }).metadata;
    for (const number of ['1', '2']) {
      server.put(`${apps}/replicasets/hummingbot-${number}`, {
        metadata: {
          annotations: { [revision]: number },
          labels: { app: 'hummingbot', 'pod-template-hash': number },
          ownerReferences: [{ uid, kind: 'Deployment' }],
        },
      });
    }
  };
  const pod = (hash: string, status: Properties, more: Properties = {}) =>
    server.put(`${pods}/hummingbot-${hash}`, {
      metadata: { labels: { app: 'hummingbot', 'pod-template-hash': hash }, ...more },
      status,
    });
  const ready = { conditions: [{ type: 'Ready', status: 'True' }], phase: 'Running' };
  const done = { replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  const container = (state: Properties, more: Properties = {}) => ({
    containerStatuses: [{ name: 'hummingbot', state, ...more }],
  });
  const crashed = (restartCount: number) => {
    const ended = { terminated: { exitCode: 3, reason: 'Error', message: `log: ${canary}` } };
    const waiting = { reason: 'CrashLoopBackOff', message: canary };
    pod('2', container({ waiting }, { restartCount, lastState: ended }));
  };
  const fails = async (reason: RegExp, more: Properties = {}): Promise<number> => {
    const start = performance.now();
    await assert.rejects(rollout.create(inputs(more), call()), (error: Error) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /\n/u);
      assert.deepEqual(leaks(error.message, new Map([['rollout', canary]])), []);
      return true;
    });
    return performance.now() - start;
  };

  it('is done when the new pod is Ready and no old one is left', async () => {
    deployment(done);
    pod('2', ready);
    const { id, outs } = await rollout.create(inputs(), call());
    assert.equal(id, 'bots/hummingbot');
    assert.ok(isSecret(outs.kubeconfig));
    assert.deepEqual(unwrap(outs), { ...inputs(), pod: 'hummingbot-2' });
  });

  it('waits through a whole Recreate, and says what for', async () => {
    // What the official await takes for done: the old replicas are 0, the conditions say complete.
    deployment({ observedGeneration: 1, ...done });
    pod('1', ready, { deletionTimestamp: 'now' });
    const steps = [
      () =>
        deployment(
          { replicas: 0 },
          { metadata: { generation: 2, annotations: { [revision]: '1' } } },
        ),
      () => server.remove(`${pods}/hummingbot-1`),
      () => deployment({ replicas: 1, updatedReplicas: 1 }),
      () => pod('2', { ...container({ running: {} }), phase: 'Running' }),
      () => deployment(done),
      () => pod('2', ready),
    ];
    let looks = 0;
    server.onRequest = ({ path }) => {
      if (path.endsWith('/deployments/hummingbot') && looks++ % 3 === 2) steps.shift()?.();
      return undefined;
    };
    const recorded = call();
    const { outs } = await rollout.update('', {}, inputs({ deadlineSeconds: 10 }), recorded);
    assert.equal(outs.pod, 'hummingbot-2');
    assert.equal(steps.length, 0);
    assert.deepEqual(recorded.lines, [
      'waiting: the controller has not seen the change yet',
      'waiting: the old pod hummingbot-1 still ends',
      'waiting: no new pod yet',
      'waiting: the new pod is not ready yet',
      'waiting: pod hummingbot-2: runs and is not ready',
      '',
    ]);
  });

  it('does not take a deployment of an older generation for done', async () => {
    deployment(done, {
      metadata: { generation: 1, annotations: { [revision]: '2' } },
      status: { observedGeneration: 1, ...done },
    });
    pod('2', ready);
    await fails(/not ready after 0\.1 s: the controller has not seen/u, { deadlineSeconds: 0.1 });
  });

  it('does not count a second bot as done', async () => {
    deployment(done);
    pod('2', ready);
    pod('1', ready, { deletionTimestamp: 'now' });
    await fails(/the old pod hummingbot-1 still ends/u, { deadlineSeconds: 0.1 });
    pod('1', { phase: 'Failed' });
    assert.equal((await rollout.create(inputs(), call())).outs.pod, 'hummingbot-2');
  });

  it('does not mind a pod that was evicted once another has taken its place', async () => {
    deployment(done);
    pod('2', { phase: 'Failed', reason: 'Evicted' });
    server.put(`${pods}/hummingbot-2b`, {
      metadata: { labels: { app: 'hummingbot', 'pod-template-hash': '2' } },
      status: ready,
    });
    assert.equal((await rollout.create(inputs(), call())).outs.pod, 'hummingbot-2b');
  });

  it("waits for the Deployment's minReadySeconds", async () => {
    deployment({ replicas: 1, updatedReplicas: 1 });
    pod('2', ready);
    await fails(/the new pod is ready since just now/u, { deadlineSeconds: 0.1 });
  });

  it('fails early on a pod that crashes again and again, with its exit code', async () => {
    deployment({ replicas: 1, updatedReplicas: 1 });
    crashed(2);
    let looks = 0;
    server.onRequest = ({ path }) => {
      if (path === pods && looks++ === 1) crashed(3);
      return undefined;
    };
    const took = await fails(
      /^Deployment bots\/hummingbot: pod hummingbot-2: container hummingbot: CrashLoopBackOff, exit code 3, 3 restarts; nothing old is deleted; fix: kubectl /u,
      { deadlineSeconds: 60 },
    );
    assert.ok(took < 1500, `${took} ms`);
  });

  it('gives a pod that had crashed before one more try, and no second one', async () => {
    deployment({ replicas: 1, updatedReplicas: 1 });
    crashed(7);
    await fails(/not ready after 0\.2 s: .*CrashLoopBackOff, exit code 3, 7 restarts;/u, {
      deadlineSeconds: 0.2,
    });
    let looks = 0;
    server.onRequest = ({ path }) => {
      if (path === pods && looks++ === 3) crashed(8);
      return undefined;
    };
    const line = /hummingbot-2: container hummingbot: CrashLoopBackOff, exit code 3, 8 restarts;/u;
    assert.ok((await fails(line, { deadlineSeconds: 60 })) < 1500);
    server.onRequest = ({ path }) => {
      if (path === pods && looks++ === 6) {
        deployment(done);
        pod('2', ready);
      }
      return undefined;
    };
    assert.equal((await rollout.create(inputs(), call())).outs.pod, 'hummingbot-2');
  });

  it("says what our own program said last, without that line's fix", async () => {
    deployment({ replicas: 1, updatedReplicas: 1 });
    const message = `strategy a.yml: got exit code 1; allowed: one that starts; fix: ${canary}\n${canary}`;
    const terminated = { exitCode: 1, reason: 'Error', message };
    pod('2', container({ terminated }, { restartCount: 3 }));
    await fails(
      /: crashes, exit code 1, 3 restarts: strategy a\.yml: got exit code 1; allowed: one that starts; nothing old/u,
    );
  });

  it('does not wait for another try of what our own program refuses', async () => {
    deployment({ replicas: 1, updatedReplicas: 1 });
    const message = 'image: got none; allowed: one; fix: the setting image';
    const terminated = { exitCode: 65, reason: 'Error', message };
    pod('2', { initContainerStatuses: [{ name: 'materialise', state: { terminated } }] });
    const took = await fails(
      /container materialise: crashes, exit code 65, 0 restarts: image: got none; allowed: one; nothing old/u,
      { deadlineSeconds: 60 },
    );
    assert.ok(took < 1500, `${took} ms`);
  });

  it('has one more try of a pod that was refused before: its cause may be mended', async () => {
    deployment({ replicas: 1, updatedReplicas: 1 });
    const message = 'a: got b; allowed: c; fix: d';
    const terminated = { exitCode: 65, reason: 'Error', message };
    pod('2', {
      initContainerStatuses: [{ name: 'materialise', state: { terminated }, restartCount: 1 }],
    });
    await fails(/not ready after 0\.2 s: .*exit code 65, 1 restart: a: got b/u, {
      deadlineSeconds: 0.2,
    });
  });

  it('gives a crash another chance, up to the deadline', async () => {
    deployment({ replicas: 1, updatedReplicas: 1 });
    const terminated = { exitCode: 137, reason: 'OOMKilled' };
    pod('2', container({ terminated }, { restartCount: 1 }));
    await fails(
      /not ready after 0\.2 s: pod hummingbot-2: container hummingbot: crashes, exit code 137, OOMKilled, 1 restart;/u,
      { deadlineSeconds: 0.2 },
    );
  });

  for (const [what, status, reason] of [
    [
      'an image that cannot be had',
      container({ waiting: { reason: 'ErrImageNeverPull', message: 'image is not\npresent' } }),
      /container hummingbot: ErrImageNeverPull: image is not present/u,
    ],
  ] as const) {
    it(`fails at once on ${what}`, async () => {
      deployment({ replicas: 1, updatedReplicas: 1 });
      pod('2', status);
      const took = await fails(reason, { deadlineSeconds: 60 });
      assert.ok(took < 1500, `${took} ms`);
    });
  }

  for (const [what, status, reason] of [
    [
      'a Secret that is missing',
      container({
        waiting: { reason: 'CreateContainerConfigError', message: 'secret "keys-abc" not found' },
      }),
      /CreateContainerConfigError: secret "keys-abc" not found/u,
    ],
    [
      'a runtime that cannot start it, without its words',
      container({ waiting: { reason: 'RunContainerError', message: `exec ${canary}` } }),
      /container hummingbot: RunContainerError; nothing/u,
    ],
    [
      'a pod that was evicted and not replaced',
      { phase: 'Failed', reason: 'Evicted' },
      /pod hummingbot-2: failed: Evicted/u,
    ],
    [
      'no node for it',
      {
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' },
        ],
      },
      /pod hummingbot-2: Unschedulable: 0\/1 nodes/u,
    ],
  ] as const) {
    it(`says at the deadline: ${what}`, async () => {
      deployment({ replicas: 1, updatedReplicas: 1 });
      pod('2', status);
      await fails(reason, { deadlineSeconds: 0.1 });
    });
  }

  it('says which volume keeps a pod from starting, from its last event', async () => {
    deployment({ replicas: 1, updatedReplicas: 1 });
    pod('2', { phase: 'Pending' });
    for (const [name, reason, lastTimestamp, message] of [
      ['one', 'FailedMount', '2026-01-01T00:00:01Z', 'old words'],
      ['two', 'FailedMount', '2026-01-01T00:00:02Z', 'secret "keys-abc" not found'],
      ['three', 'Unhealthy', '2026-01-01T00:00:03Z', canary],
    ] as const) {
      server.put(`/api/v1/namespaces/bots/events/${name}`, {
        metadata: {},
        type: 'Warning',
        reason,
        message,
        lastTimestamp,
        involvedObject: { name: 'hummingbot-2' },
      });
    }
    await fails(/pod hummingbot-2: FailedMount: secret "keys-abc" not found;/u, {
      deadlineSeconds: 0.1,
    });
  });

  it('says what keeps the ReplicaSet from making a pod', async () => {
    const message = 'pods "x" is forbidden: violates PodSecurity';
    const condition = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message };
    deployment({ conditions: [condition] });
    await fails(/no pod can be made: FailedCreate: pods "x" is forbidden/u, {
      deadlineSeconds: 0.1,
    });
  });

  it('names an ended old pod that holds Recreate up (kubernetes#128798)', async () => {
    deployment({ replicas: 0 }, { metadata: { generation: 2, annotations: { [revision]: '1' } } });
    server.remove(`${apps}/replicasets/hummingbot-1`);
    pod('1', { phase: 'Failed' });
    await fails(/no new pod yet; the old pod hummingbot-1 has ended and may hold it up/u, {
      deadlineSeconds: 0.1,
    });
  });

  it('fails at once when it is paused or gone', async () => {
    await fails(/Deployment bots\/hummingbot: not found/u);
    deployment(done, { spec: { replicas: 1, paused: true } });
    await fails(/it is paused/u);
  });

  it('survives a server that hangs up, stumbles and starts anew', async () => {
    deployment(done);
    pod('2', ready);
    let requests = 0;
    server.onRequest = () => {
      requests++;
      if (requests <= 4) return 'hang up';
      const busy = { code: requests % 2 === 0 ? 503 : 500, body: { message: canary } };
      return requests <= 12 ? busy : undefined;
    };
    assert.equal((await rollout.create(inputs(), call())).outs.pod, 'hummingbot-2');
    server.onRequest = () => 'hang up';
    await fails(/not ready after 0\.1 s: API server http:\S+: ECONNRESET/u, {
      deadlineSeconds: 0.1,
    });
  });

  it('ends when it is asked to', async () => {
    deployment({});
    const stop = new AbortController();
    const waiting = rollout.create(inputs({ deadlineSeconds: 60 }), call({ signal: stop.signal }));
    setTimeout(() => stop.abort(), 50);
    await assert.rejects(waiting, /stopped/u);
  });

  it('waits again for another generation, and not for another kubeconfig', async () => {
    const state = { ...inputs(), pod: 'hummingbot-2' };
    const diff = async (olds: Properties, news: Properties) => await rollout.diff('', olds, news);
    const same = await diff(state, inputs({ kubeconfig: 'another' }));
    assert.deepEqual([same.changes, same.replaces], [false, []]);
    const next = await diff(state, inputs({ generation: 3 }));
    assert.deepEqual([next.changes, next.replaces, next.diffs], [true, [], ['generation']]);
    const other = await diff(state, inputs({ name: 'other' }));
    assert.deepEqual([other.changes, other.replaces], [true, ['name']]);
  });

  it('makes the next up wait again after a refresh that found the bot down', async () => {
    deployment(done);
    pod('2', ready);
    const { id, outs } = await rollout.create(inputs(), call());
    const state = unwrap(outs) as Properties;
    const up = await rollout.read(id, state, call({ oldInputs: inputs() }));
    assert.equal((await rollout.diff(id, unwrap(up.props) as Properties, inputs())).changes, false);
    pod('2', container({ waiting: { reason: 'CrashLoopBackOff' } }));
    const down = await rollout.read(id, state, call({ oldInputs: inputs() }));
    const diff = await rollout.diff(id, unwrap(down.props) as Properties, inputs());
    assert.deepEqual([diff.changes, diff.diffs, diff.replaces], [true, ['pod'], []]);
    server.remove(`${apps}/deployments/hummingbot`);
    assert.deepEqual(await rollout.read(id, state, call({ oldInputs: inputs() })), {});
  });

  it('looks with the newest kubeconfig, which an update without a difference saved', async () => {
    deployment(done);
    pod('2', ready);
    const state = { ...inputs({ kubeconfig: 'no: kubeconfig' }), pod: 'hummingbot-2' };
    const read = await rollout.read('id', state, call({ oldInputs: inputs() }));
    assert.equal(read.props.pod, 'hummingbot-2');
  });

  it('checks its inputs, with a deadline of ten minutes', async () => {
    const { deadlineSeconds: _, ...rest } = inputs();
    const checked = await rollout.check({}, rest);
    assert.deepEqual(checked.failures, []);
    assert.equal(checked.inputs.deadlineSeconds, 600);
    assert.ok(isSecret(checked.inputs.kubeconfig));
    // As in a preview that cannot be made: the Deployment has no generation yet.
    const { generation: __, ...early } = rest;
    assert.deepEqual((await rollout.check({}, early)).failures, []);
    await assert.rejects(rollout.create({ ...inputs(), generation: undefined }, call()), {
      message: /generation: got nothing/u,
    });
    const wrong = await rollout.check({}, { ...rest, generation: '2', deadlineSeconds: -1 });
    assert.deepEqual(
      wrong.failures?.map(({ property }) => property),
      ['generation', 'deadlineSeconds'],
    );
  });
});
