/**
 * The preflight against an API server that a test plays the Job controller of. That a real one
 * takes the Job, fails it at exit code 65 and makes no second pod is not proven here.
 */
import assert from 'node:assert/strict';
import { Preflight } from '../../../plugins/hummingbot/preflight.ts';
import { isSecret, type Properties, secret, unwrap } from '../../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { KubernetesServer, type Stored } from '../../kubernetes-server.ts';
import { call, type RecordedCall } from '../calls.ts';

const jobs = '/apis/batch/v1/namespaces/bots/jobs';
const pods = '/api/v1/namespaces/bots/pods';
const events = '/api/v1/namespaces/bots/events';
const name = 'hummingbot-preflight';
const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const wrongKey =
  'binance_api_key: got a value with a blank; allowed: letters and digits; fix: npm run import';
const canaries = new Map([
  ['kubeconfig', makeCanary('kubeconfig')],
  ['value', makeCanary('value')],
]);
const canary = canaries.get('value') ?? '';

describe('Preflight', () => {
  let server: KubernetesServer;
  /** What the Job controller does with a Job that was made. */
  let plays: (job: string) => void;
  const preflight = new Preflight(5);
  const job = {
    template: {
      metadata: { labels: { app: 'preflight' } },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ name: 'materialise', image: 'hummingbot' }],
        volumes: [{ name: 'keys', secret: { secretName: 'keys-abc' } }],
      },
    },
  };
  const inputs = (more: Properties = {}) => ({
    kubeconfig: server.kubeconfig(canaries.get('kubeconfig')),
    namespace: 'bots',
    name,
    job,
    labels: { 'app.kubernetes.io/part-of': 'hummingbot' },
    deadlineSeconds: 2,
    ...more,
  });

  beforeEach(async () => {
    plays = complete;
    server = new KubernetesServer();
    await server.start();
    server.onWrite = (path, object) => {
      if (path.startsWith(jobs)) plays(object.metadata.name);
    };
  });
  afterEach(async () => {
    await server.stop();
  });

  const judge = (made: string, ...types: readonly string[]) => {
    const at = `${jobs}/${made}`;
    const conditions = types.map((type) => ({ type, status: 'True', reason: 'PodFailurePolicy' }));
    server.put(at, { ...(server.get(at) as Stored), status: { conditions } });
  };
  const complete = (made: string) => judge(made, 'SuccessCriteriaMet', 'Complete');
  const pod = (made: string, status: Properties, id = 'a', spec: Properties = {}) =>
    server.put(`${pods}/${made}-${id}`, {
      metadata: {
        labels: { 'batch.kubernetes.io/job-name': made },
        creationTimestamp: `2026-01-01T00:00:0${id}Z`,
      },
      spec,
      status,
    });
  const exited = (exitCode: number, message?: string, more: Properties = {}) => ({
    phase: 'Failed',
    initContainerStatuses: [{ name: 'before', state: { terminated: { exitCode: 0 } } }],
    containerStatuses: [
      {
        name: 'materialise',
        state: { terminated: { exitCode, reason: 'Error', message, ...more } },
      },
    ],
  });
  const waitingFor = (reason: string, message: string) => ({
    phase: 'Pending',
    containerStatuses: [{ name: 'materialise', state: { waiting: { reason, message } } }],
  });
  const made = () => server.requests.filter(({ method }) => method === 'POST');

  async function fails(
    reason: RegExp,
    more: Properties = {},
    recorded: RecordedCall = call(),
  ): Promise<number> {
    const start = performance.now();
    await assert.rejects(preflight.create(inputs(more), recorded), (error: Error) => {
      assert.match(error.message, reason);
      assert.match(
        error.message,
        /; nothing was changed and the old bot, if any, still runs; fix/u,
      );
      assert.equal(error.message.split('; fix: ').length, 2, error.message);
      assert.doesNotMatch(error.message, /\n/u);
      assert.deepEqual(leaks(error.message + recorded.lines.join('\n'), canaries), []);
      return true;
    });
    assert.deepEqual(server.all(jobs), [], 'a Job is left');
    return performance.now() - start;
  }

  it('makes a Job, waits for its end and removes it with its pods', async () => {
    const recorded = call();
    const { id, outs } = await preflight.create(inputs(), recorded);
    assert.equal(id, `bots/${name}`);
    assert.ok(isSecret(outs.kubeconfig));
    const { passed, ...rest } = unwrap(outs) as Properties;
    assert.match(String(passed), /^hummingbot-preflight-\w{5}$/u);
    assert.deepEqual(rest, inputs());
    assert.equal(made().length, 1);
    assert.deepEqual(server.all(jobs), []);
    const removed = server.requests.filter(({ method }) => method === 'DELETE');
    assert.deepEqual(
      removed.map(({ path, query }) => [path, query.get('propagationPolicy')]),
      [[`${jobs}/${passed}`, 'Background']],
    );
    assert.deepEqual(leaks(JSON.stringify(recorded.lines), canaries), []);
  });

  it('has the Job tried again, but not after exit code 65, and ended by the cluster', async () => {
    await preflight.create(inputs({ deadlineSeconds: 1.5 }), call());
    const own = { 'hummingbot-secrets/preflight': name };
    assert.deepEqual(made()[0]?.body, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        generateName: `${name}-`,
        labels: { 'app.kubernetes.io/part-of': 'hummingbot', ...own },
      },
      spec: {
        completions: 1,
        parallelism: 1,
        backoffLimit: 2,
        podFailurePolicy: {
          rules: [
            { action: 'FailJob', onExitCodes: { operator: 'In', values: [65] } },
            { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          ],
        },
        activeDeadlineSeconds: 302,
        ttlSecondsAfterFinished: 300,
        template: {
          metadata: { labels: { app: 'preflight', ...own } },
          spec: { ...job.template.spec, restartPolicy: 'Never' },
        },
      },
    });
  });

  for (const condition of ['FailureTarget', 'Failed']) {
    it(`fails with the materialiser's own line, and its fix, at ${condition}`, async () => {
      plays = (job) => {
        pod(job, exited(65, `${wrongKey}\nTraceback: ${canary}`));
        judge(job, condition);
      };
      const took = await fails(
        /^Preflight bots\/hummingbot-preflight: container materialise: exit code 65: binance_api_key: got a value with a blank; allowed: letters and digits; nothing was changed and the old bot, if any, still runs; fix: npm run import$/u,
        { deadlineSeconds: 60 },
      );
      assert.ok(took < 1500, `${took} ms`);
    });
  }

  it('leaves a pod whose container has failed to the Job, which says more', async () => {
    let made = '';
    plays = (job) => {
      made = job;
      pod(job, { ...exited(65, wrongKey), phase: 'Running' });
    };
    let looks = 0;
    server.onRequest = ({ path }) => {
      if (path === `${jobs}/${made}` && looks++ === 3) {
        pod(made, exited(65, wrongKey));
        judge(made, 'Failed');
      }
      return undefined;
    };
    await fails(/: container materialise: exit code 65: binance_api_key: got a value/u);
    assert.ok(looks > 3, `${looks} looks`);
  });

  it('cuts a message that is no line to read, and leaves out what moves a cursor', async () => {
    plays = (job) => {
      pod(job, exited(65, `\u001b[2Jlong ${'x'.repeat(5000)}`));
      judge(job, 'Failed');
    };
    await fails(/exit code 65: \[2Jlong x{500,600} \.\.\.; nothing/u);
  });

  it("leaves out a runtime's message, which may quote arguments", async () => {
    plays = (job) => {
      pod(job, exited(128, `exec ${canary}`, { reason: 'StartError' }));
      judge(job, 'Failed');
    };
    await fails(/container materialise: exit code 128, StartError; nothing/u);
  });

  it("names the variable that a runtime refuses for its NUL byte, and none of the runtime's words", async () => {
    const spec = { containers: [{ name: 'materialise', env: [{ name: 'A' }, { name: 'KEY' }] }] };
    const messages = [
      // runc 1.1.5, 1.3.6
      `environment variable value can't contain null(\\x00): "KEY=${canary}\\x00"`,
      'invalid environment variable "KEY": contains nul byte (\\x00)',
    ];
    for (const message of messages) {
      plays = (job) => {
        pod(job, exited(128, message, { reason: 'StartError' }), 'a', spec);
        judge(job, 'Failed');
      };
      await fails(
        /container materialise: exit code 128, StartError, a NUL byte in the variable KEY; nothing/u,
      );
    }
  });

  it('names an init container that failed, or the node that did not keep the pod', async () => {
    plays = (job) => {
      const terminated = { exitCode: 1, reason: 'Error' };
      pod(job, {
        phase: 'Failed',
        initContainerStatuses: [{ name: 'init', state: { terminated } }],
      });
      judge(job, 'Failed');
    };
    await fails(/: container init: exit code 1; nothing was/u);
    server.onRequest = ({ path }) => {
      if (path !== pods) return undefined;
      for (const { metadata } of server.all(pods)) server.remove(`${pods}/${metadata.name}`);
      return undefined;
    };
    await fails(/: PodFailurePolicy; nothing was/u);
    server.onRequest = () => undefined;
    plays = (job) => {
      pod(job, { phase: 'Failed', reason: 'Evicted' });
      judge(job, 'Failed');
    };
    await fails(/: pod hummingbot-preflight-\w+-a failed: Evicted; nothing was/u);
  });

  it('passes when a later try does, and says what the first one said', async () => {
    plays = (job) => pod(job, exited(1, `no answer from the bot's package\n${canary}`), '1');
    let looks = 0;
    server.onRequest = ({ method, path }) => {
      if (method !== 'GET' || !path.startsWith(`${jobs}/`)) return undefined;
      const job = path.split('/').at(-1) ?? '';
      looks++;
      if (looks === 3) pod(job, { phase: 'Running', ...running }, '2');
      if (looks === 5) complete(job);
      return undefined;
    };
    const running = { containerStatuses: [{ name: 'materialise', state: { running: {} } }] };
    const recorded = call();
    const { outs } = await preflight.update('', {}, inputs(), recorded);
    assert.deepEqual(recorded.lines, [
      "waiting: container materialise: exit code 1: no answer from the bot's package (it is tried again)",
      `waiting: pod ${outs.passed}-2 runs and has not ended`,
      '',
    ]);
    assert.deepEqual(server.all(jobs), []);
  });

  it('fails with the words of the newest try', async () => {
    plays = (job) => {
      pod(job, exited(1, 'second'), '2');
      pod(job, exited(1, 'first'), '1');
      judge(job, 'Failed');
    };
    await fails(/exit code 1: second; nothing/u);
  });

  for (const [what, status, reason] of [
    [
      'no node for it',
      {
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' },
        ],
      },
      /-a: Unschedulable: 0\/1 nodes;/u,
    ],
    [
      'a Secret that is missing',
      waitingFor('CreateContainerConfigError', 'secret "keys-abc" not found'),
      /container materialise: CreateContainerConfigError: secret "keys-abc" not found;/u,
    ],
    [
      'a registry that does not answer',
      waitingFor('ImagePullBackOff', 'Back-off pulling image'),
      /container materialise: ImagePullBackOff: Back-off pulling image;/u,
    ],
    [
      'a materialiser that hangs',
      { containerStatuses: [{ name: 'materialise', state: { running: {} } }] },
      /pod hummingbot-preflight-\w+-a runs and has not ended;/u,
    ],
    ['a pod of which nothing is told', { phase: 'Pending' }, /-a has not ended yet;/u],
  ] as const) {
    it(`says at the deadline: ${what}`, async () => {
      plays = (job) => pod(job, status);
      await fails(
        new RegExp(`^Preflight bots/${name}: not done after 0\\.1 s: .*${reason.source}`, 'u'),
        { deadlineSeconds: 0.1 },
      );
    });
  }

  it('does not wait for a Job that sees late that its pod has ended well', async () => {
    plays = (job) => pod(job, { phase: 'Succeeded' });
    const { outs } = await preflight.create(inputs({ deadlineSeconds: 60 }), call());
    assert.match(String(outs.passed), /^hummingbot-preflight-\w{5}$/u);
  });

  it('fails at once on an image that can never be had', async () => {
    plays = (job) => pod(job, waitingFor('ErrImageNeverPull', 'image is not present'));
    const took = await fails(/ErrImageNeverPull: image is not present;/u, { deadlineSeconds: 60 });
    assert.ok(took < 1500, `${took} ms`);
  });

  it('says what keeps the Job from having a pod, such as a quota', async () => {
    plays = (job) => {
      const about = { involvedObject: { kind: 'Job', name: job }, type: 'Warning', metadata: {} };
      server.put(`${events}/one`, {
        ...about,
        reason: 'FailedCreate',
        message: 'Error creating: pods "x" is forbidden: exceeded quota: bots',
        lastTimestamp: '2026-01-01T00:00:01Z',
      });
      server.put(`${events}/two`, { ...about, reason: 'Other', message: canary });
    };
    await fails(/no pod can be made: FailedCreate: .*exceeded quota: bots;/u, {
      deadlineSeconds: 0.1,
    });
  });

  it('says less, and not nothing, when it may not list events', async () => {
    plays = () => undefined;
    server.onRequest = ({ path }) =>
      path === events ? { code: 403, body: { message: canary } } : undefined;
    await fails(/not done after 0\.1 s: no pod yet;/u, { deadlineSeconds: 0.1 });
  });

  it('removes what a killed run left before it makes its own, and nothing else', async () => {
    const labels = { 'hummingbot-secrets/preflight': name };
    server.put(`${jobs}/${name}-stale`, { metadata: { labels } });
    server.put(`${jobs}/${name}-ending`, { metadata: { labels, deletionTimestamp: 'now' } });
    server.put(`${jobs}/${name}-foreign`, { metadata: { labels: { other: name } } });
    await preflight.create(inputs(), call());
    const writes = server.requests.filter(({ method }) => method !== 'GET');
    assert.deepEqual(
      writes.map(({ method }) => method),
      ['DELETE', 'POST', 'DELETE'],
    );
    assert.equal(writes[0]?.path, `${jobs}/${name}-stale`);
    assert.deepEqual(
      server.all(jobs).map(({ metadata }) => metadata.name),
      [`${name}-ending`, `${name}-foreign`],
    );
  });

  it('does not run twice when the answer to its request is lost', async () => {
    let lost = 1;
    server.onRequest = ({ method, body }) => {
      if (method !== 'POST' || lost-- <= 0) return undefined;
      server.put(`${jobs}/${name}-lost`, body);
      return 'hang up';
    };
    const { outs } = await preflight.create(inputs(), call());
    assert.notEqual(outs.passed, `${name}-lost`);
    assert.deepEqual(server.all(jobs), []);
    const order = server.requests
      .filter(({ method }) => method !== 'GET')
      .map((each) => each.method);
    assert.deepEqual(order, ['POST', 'DELETE', 'POST', 'DELETE']);
  });

  it('removes its Job when it is asked to stop', async () => {
    plays = (job) => pod(job, { phase: 'Pending' });
    const stop = new AbortController();
    const recorded = call({ signal: stop.signal });
    setTimeout(() => stop.abort(), 80);
    await fails(/: stopped at your request: pod /u, { deadlineSeconds: 60 }, recorded);
    assert.equal(made().length, 1);
  });

  it('removes its Job when it is asked to stop while a request is under way', async () => {
    const stop = new AbortController();
    server.onRequest = ({ method, body }) => {
      if (method !== 'POST') return undefined;
      server.put(`${jobs}/${name}-lost`, body);
      stop.abort();
      return undefined;
    };
    await fails(/: stopped at your request/u, {}, call({ signal: stop.signal }));
  });

  it('passes with a warning when its Job cannot be removed', async () => {
    server.onRequest = ({ method }) =>
      method === 'DELETE'
        ? { code: 403, body: { reason: 'Forbidden', message: canary } }
        : undefined;
    const recorded = call();
    const { outs } = await preflight.create(inputs(), recorded);
    assert.deepEqual(recorded.lines, [
      '',
      `warning: Preflight bots/${name}: its Job is left: DELETE ${jobs}/${outs.passed}: 403 Forbidden; the cluster removes it 5 minutes after its end, the next run before that`,
    ]);
  });

  it('tries the removal again, and minds no Job that is gone', async () => {
    let stumbles = 1;
    server.onRequest = ({ method, path }) => {
      if (method !== 'DELETE') return undefined;
      if (stumbles-- > 0) return { code: 500, body: { message: canary } };
      server.remove(path);
      return undefined;
    };
    const recorded = call();
    await preflight.create(inputs(), recorded);
    assert.deepEqual(server.all(jobs), []);
    assert.deepEqual(recorded.lines, ['']);
  });

  it('fails when somebody else removes its Job', async () => {
    plays = (job) => server.remove(`${jobs}/${job}`);
    await fails(/: somebody removed the Job hummingbot-preflight-\w+ while it ran;/u);
  });

  it('says in one line that it is forbidden to make Jobs', async () => {
    server.onRequest = ({ method }) =>
      method === 'POST' ? { code: 403, body: { reason: 'Forbidden', message: canary } } : undefined;
    await fails(
      /: not done after 0\.1 s: POST \/apis\/batch\/v1\/namespaces\/bots\/jobs: 403 Forbidden; .*auth can-i create jobs/u,
      { deadlineSeconds: 0.1 },
    );
  });

  for (const [code, reason] of [
    [413, 'RequestEntityTooLarge'],
    [422, 'Invalid'],
  ] as const) {
    it(`fails at once on a Job that the server will not take (${code}), without its words`, async () => {
      server.onRequest = ({ method }) =>
        method === 'POST' ? { code, body: { reason, message: canary } } : undefined;
      const line = new RegExp(`: POST \\S+: ${code} ${reason}; nothing`, 'u');
      const took = await fails(line, { deadlineSeconds: 60 });
      assert.ok(took < 1500, `${took} ms`);
      assert.equal(made().length, 1);
    });
  }

  it('survives a server that hangs up and stumbles, and names one that stays away', async () => {
    let requests = 0;
    server.onRequest = () => {
      requests++;
      if (requests <= 2) return 'hang up';
      return requests % 3 === 0 ? { code: 500, body: { message: canary } } : undefined;
    };
    await preflight.create(inputs(), call());
    assert.deepEqual(server.all(jobs), []);
    server.onRequest = () => 'hang up';
    await fails(
      /: not done after 0\.1 s: API server http:\S+: ECONNRESET; nothing was .*; fix: see that it runs/u,
      { deadlineSeconds: 0.1 },
    );
  });

  it('does not repeat a kubeconfig that is none', async () => {
    const kubeconfig = `no: ${canaries.get('kubeconfig')}: kubeconfig`;
    await assert.rejects(preflight.create(inputs({ kubeconfig }), call()), (error: Error) => {
      assert.match(error.message, /^kubeconfig: got what cannot be read/u);
      assert.deepEqual(leaks(error.message, canaries), []);
      return true;
    });
  });

  it('runs anew for another Job, label or place, and not for another kubeconfig', async () => {
    const olds = { ...inputs(), passed: `${name}-x` };
    const diff = async (news: Properties) => {
      const { diffs, replaces } = await preflight.diff('', olds, { ...inputs(), ...news });
      return { diffs, replaces };
    };
    assert.deepEqual(await diff({}), { diffs: [], replaces: [] });
    assert.deepEqual(await diff({ job: structuredClone(job) }), { diffs: [], replaces: [] });
    assert.deepEqual(await diff({ kubeconfig: 'another' }), { diffs: [], replaces: [] });
    const other = structuredClone(job);
    const [volume] = other.template.spec.volumes;
    assert.ok(volume !== undefined);
    volume.secret.secretName = 'keys-def';
    assert.deepEqual(await diff({ job: other }), { diffs: ['job'], replaces: [] });
    assert.deepEqual(await diff({ job: unknown }), { diffs: ['job'], replaces: [] });
    assert.deepEqual(await diff({ labels: {} }), { diffs: ['labels'], replaces: [] });
    assert.deepEqual(await diff({ deadlineSeconds: 9 }), {
      diffs: ['deadlineSeconds'],
      replaces: [],
    });
    assert.deepEqual(await diff({ namespace: 'x' }), {
      diffs: ['namespace'],
      replaces: ['namespace'],
    });
  });

  it('keeps its state in a refresh, asks nobody, and cannot be imported', async () => {
    const state = { ...inputs(), passed: `${name}-x` };
    const { props } = await preflight.read('x', state, call({ oldInputs: inputs() }));
    assert.ok(isSecret((props as Properties).kubeconfig));
    assert.deepEqual(unwrap(props), state);
    await preflight.delete();
    assert.deepEqual(server.requests, []);
    await assert.rejects(preflight.read('x', {}, call()), /Preflight: cannot be imported/u);
  });

  it('runs nothing in a preview, nor with what is not known yet', async () => {
    // The server of our plugins calls create and update in previews only of what says so.
    assert.equal((preflight as { previews?: boolean }).previews, undefined);
    const template = { spec: { containers: [{ image: unknown }] } };
    await assert.rejects(preflight.create(inputs({ job: { template } }), call()), /not known yet/u);
    assert.deepEqual(server.requests, []);
    for (const early of [
      { job: unknown, labels: unknown, name: unknown, namespace: unknown, kubeconfig: unknown },
      { job: { template } },
      { job: { template: unknown } },
      { job: { template: { spec: unknown } } },
    ]) {
      assert.deepEqual((await preflight.check({}, inputs(early), call())).failures, []);
    }
  });

  it('checks its inputs, with a deadline of three minutes', async () => {
    const { deadlineSeconds: _, ...rest } = inputs();
    const checked = await preflight.check({}, rest);
    assert.deepEqual(checked.failures, []);
    assert.equal(checked.inputs.deadlineSeconds, 180);
    assert.ok(isSecret(checked.inputs.kubeconfig));
    const wrong = { name: 'A', job: { template: {} }, labels: [], deadlineSeconds: 0 };
    const { failures } = await preflight.check({}, inputs(wrong));
    assert.deepEqual(
      failures?.map(({ property, reason }) => `${property}: ${reason}`),
      [
        'labels: got list or null; allowed: object',
        'deadlineSeconds: got 0; allowed: more than 0',
        'name: got "A"; allowed: at most 57 of a-z, 0-9 and -, a hyphen neither first nor last',
        'job: got no template.spec; allowed: the spec of a batch/v1 Job',
      ],
    );
    const long = await preflight.check({}, inputs({ name: 'a'.repeat(58), job: 'none' }));
    assert.deepEqual(
      long.failures?.map(({ property }) => property),
      ['job', 'name'],
    );
  });

  it('keeps secret what was secret in its Job', async () => {
    const marked = { job: { template: { spec: secret({ containers: [] }) } } };
    const plain = inputs({ job: unwrap(marked.job) });
    const { inputs: checked } = await preflight.check({}, plain, call({ marked }));
    const { outs } = await preflight.create(plain, call({ marked }));
    const { props } = await preflight.read('x', plain, call({ marked, oldInputs: plain }));
    for (const each of [checked, outs, props]) {
      assert.ok(isSecret((each as { job: typeof job }).job.template.spec));
    }
  });
});
