import assert from 'node:assert/strict';
import { Convergence, textOf } from '../../../plugins/hummingbot/convergence.ts';
import {
  endedTasks,
  progressOf,
  type Service,
  type Task,
} from '../../../plugins/hummingbot/convergence-progress.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { DockerServer } from '../../docker-server.ts';
import { call } from '../calls.ts';

const canary = makeCanary('convergence');
const now = { Image: 'now' };
const old = { Image: 'old' };
const service: Service = { Spec: { Name: 'bot', TaskTemplate: { ContainerSpec: now } } };

function task(
  id: string,
  state: string,
  more: Partial<Task> & { err?: string; code?: number } = {},
) {
  const { err, code, ...rest } = more;
  return {
    ID: id,
    CreatedAt: `2026-01-01T00:00:0${id}Z`,
    DesiredState: 'running',
    Spec: { ContainerSpec: now },
    Status: {
      State: state,
      ...(err && { Err: err }),
      ...(code !== undefined && { ContainerStatus: { ExitCode: code } }),
    },
    ...rest,
  } as Task;
}

const at = (tasks: readonly Task[], before: readonly string[] = []) =>
  progressOf({ service, tasks, before: new Set(before) });

describe('the convergence of a service', () => {
  it('is complete when its one task runs as the service is now', () => {
    assert.deepEqual(at([task('1', 'running')]), { state: 'complete', found: '1' });
  });

  it('is not while the task of before still stops, nor when a task is of before', () => {
    const before = { Spec: { ContainerSpec: old }, DesiredState: 'shutdown' };
    for (const tasks of [
      [task('1', 'running', before), task('2', 'running')],
      [task('1', 'running', { Spec: { ContainerSpec: old } })],
    ]) {
      assert.equal(at(tasks).state, 'waiting');
    }
    assert.equal(at([task('1', 'shutdown', before), task('2', 'running')]).state, 'complete');
  });

  it('is not with two tasks of now', () => {
    assert.equal(at([task('1', 'running'), task('2', 'running')]).state, 'waiting');
  });

  it('is in vain at exit code 65, and after three failures of any kind', () => {
    const failed = (id: string, code: number) => task(id, 'failed', { code, err: 'non-zero exit' });
    const once = at([failed('1', 1), task('2', 'ready')]);
    assert.ok(once.state === 'waiting' && once.graceSeconds === undefined);
    const wrong = at([failed('1', 65)]);
    assert.ok(wrong.state === 'waiting' && wrong.graceSeconds === 0);
    const often = at(['1', '2', '3'].map((id) => failed(id, 1)));
    assert.ok(often.state === 'waiting' && often.graceSeconds === 0);
    const none = at(['1', '2', '3'].map((id) => task(id, 'rejected', { err: 'No such image: x' })));
    assert.match(none.state === 'waiting' ? none.text : '', /rejected \(No such image: x\)/u);
  });

  it('gives a task that failed before one more try', () => {
    const tasks = [task('1', 'failed', { code: 65 })];
    const again = at(tasks, [...endedTasks(tasks)]);
    assert.ok(again.state === 'waiting' && again.graceSeconds === undefined);
  });

  it('is given half a minute without a node', () => {
    const pending = at([task('1', 'pending', { err: 'no suitable node' })]);
    assert.ok(pending.state === 'waiting');
    assert.equal(pending.graceSeconds, 30);
    assert.match(pending.text, /pending \(no suitable node\)/u);
  });
});

describe('the gate behind a service', () => {
  let server: DockerServer;
  const gate = new Convergence(5);
  const inputs = () => ({
    host: server.host,
    certPath: '',
    service: 's',
    content: ['a'],
    deadlineSeconds: 2,
  });

  beforeEach(async () => {
    server = new DockerServer();
    await server.start();
    server.answers.set('GET /services/s', [200, service]);
  });
  afterEach(async () => await server.stop());

  const tasks = (...all: Task[]): unknown => server.answers.set('GET /tasks', [200, all]);

  it('waits until the task runs, and keeps its id', async () => {
    tasks(task('1', 'starting'));
    setTimeout(() => tasks(task('1', 'running')), 50);
    const { id, outs } = await gate.create(inputs(), call());
    assert.deepEqual([id, outs?.task], ['s', '1']);
  });

  it('fails with the line that the bot said of itself, and with no value', async () => {
    tasks(task('0', 'starting'));
    const line = 'binance_api_key: got 3 characters in x; allowed: y; fix: set it';
    const said = Buffer.from(`${canary}\n${line}\n`);
    const head = Buffer.from([2, 0, 0, 0, 0, 0, 0, said.length]);
    server.answers.set('GET /tasks/1/logs', [200, Buffer.concat([head, said])]);
    setTimeout(() => tasks(task('1', 'failed', { code: 65, err: 'task: non-zero exit (65)' })), 50);
    await assert.rejects(gate.create(inputs(), call()), (error: Error) => {
      assert.equal(
        error.message,
        `Docker service bot: its task is failed (task: non-zero exit (65)): ${line}; nothing old is deleted; ` +
          `fix: docker --host ${server.host} service ps --no-trunc bot, or service logs bot`,
      );
      assert.deepEqual(leaks(error.message, new Map([['value', canary]])), []);
      return true;
    });
  });

  it('fails at its deadline, when the service is not there, and when it is asked to stop', async () => {
    tasks(task('1', 'starting'));
    await assert.rejects(gate.create({ ...inputs(), deadlineSeconds: 0.05 }, call()), {
      message: /^Docker service bot: not running after 0\.05 s: its task is starting; /u,
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    await assert.rejects(gate.create(inputs(), call({ signal: stop.signal })), {
      message: /stopped at your request/u,
    });
    server.answers.delete('GET /services/s');
    await assert.rejects(gate.create(inputs(), call()), {
      message: /^Docker service s: not found/u,
    });
  });

  it('waits again when a refresh found it undone, and not for another way to the same host', async () => {
    tasks(task('1', 'failed'));
    const state = { ...inputs(), task: '1' };
    const { props } = await gate.read('s', state, call({ oldInputs: inputs() }));
    assert.equal(props?.task, '');
    assert.equal((await gate.diff('s', props ?? {}, inputs())).changes, true);
    assert.equal((await gate.diff('s', state, { ...inputs(), host: 'ssh://x' })).changes, false);
    const changed = await gate.diff('s', state, { ...inputs(), content: ['b'] });
    assert.deepEqual([changed.changes, changed.replaces], [true, []]);
    server.answers.delete('GET /services/s');
    assert.deepEqual(await gate.read('s', state, call({ oldInputs: inputs() })), {});
  });

  it('refuses inputs of another kind', async () => {
    const { failures } = await gate.check({}, { host: 1, service: 's', content: 'x' });
    assert.deepEqual(
      failures?.map(({ property }) => property),
      ['host', 'content'],
    );
  });

  it('reads a log in frames, also one that is cut', () => {
    const frame = (text: string) =>
      Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
    const all = Buffer.concat([frame('ab\n'), frame('cd')]);
    assert.equal(textOf(all), 'ab\ncd');
    assert.equal(textOf(all.subarray(0, -1)), 'ab\nc');
  });
});
