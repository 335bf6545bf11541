import assert from 'node:assert/strict';
import { botsInSwarm, type ServiceApi } from '../../../operations/rotation/swarm-bot.ts';
import { DockerError } from '../../../plugins/docker-api.ts';

const place = { target: 'swarm', service: 'hummingbot-prod' };
const task = (state: string) => ({ ID: 'task', Status: { State: state } });

/** @param looks states of its task, one look after another, the last one for ever; undefined is no task */
function swarm(replicas: number | undefined, looks: readonly (string | undefined)[]) {
  const posted: unknown[] = [];
  let at = 0;
  const Spec = {
    Name: place.service,
    Labels: { a: 'b' },
    Mode: { Replicated: { Replicas: replicas } },
    TaskTemplate: { ContainerSpec: { Image: 'x', StopGracePeriod: -59e9 } },
  };
  const api = {
    async get(path: string) {
      if (replicas === undefined) throw new DockerError(`Docker GET ${path}`, 404, '');
      return { ID: 'service', Version: { Index: 7 }, Spec };
    },
    async list() {
      const state = looks[Math.min(at, looks.length - 1)];
      at += 1;
      return state === undefined ? [] : [task(state)];
    },
    async post(...words: unknown[]) {
      posted.push(words);
      return {};
    },
  } as unknown as ServiceApi;
  return { api, posted, Spec };
}

describe('the bot of a swarm', () => {
  it('is scaled to 0, and nothing else of its service is changed, until its task is gone', async () => {
    const { api, posted, Spec } = swarm(1, ['running', 'running', 'shutdown']);
    const [bot] = await botsInSwarm(api, place, 1);
    assert.deepEqual(posted, []);
    await bot?.stop();
    const body = { ...Spec, Mode: { Replicated: { Replicas: 0 } } };
    assert.deepEqual(posted, [['/services/service/update', { query: { version: '7' }, body }]]);
  });

  it('is none where there is no service, or it wants no task and has none', async () => {
    assert.deepEqual(await botsInSwarm(swarm(undefined, []).api, place), []);
    assert.deepEqual(await botsInSwarm(swarm(0, ['complete']).api, place), []);
    assert.equal((await botsInSwarm(swarm(0, ['running']).api, place)).length, 1);
  });

  it('has not stopped while its task runs', async () => {
    const [bot] = await botsInSwarm(swarm(1, ['running']).api, place, 1);
    await assert.rejects(bot?.stop() ?? Promise.resolve(), /: a task, still after 1 s$/u);
  });
});
