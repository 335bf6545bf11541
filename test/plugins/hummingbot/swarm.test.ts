import assert from 'node:assert/strict';
import { getSwarm } from '../../../plugins/hummingbot/swarm.ts';
import { DockerServer } from '../../docker-server.ts';
import { call } from '../calls.ts';

const id = 'swarmswarmswarmswarmswarm';
const node = 'nodenodenodenodenodenode1';

describe('which swarm a Docker host manages', () => {
  let server: DockerServer;
  beforeEach(async () => {
    server = new DockerServer();
    await server.start();
    info({ LocalNodeState: 'active', ControlAvailable: true, Cluster: { ID: id } });
    server.answers.set(`GET /nodes/${node}`, [
      200,
      { Spec: { Availability: 'active' }, Status: { State: 'ready' } },
    ]);
  });
  afterEach(async () => await server.stop());

  const info = (swarm: object): unknown => server.answers.set('GET /info', [200, { Swarm: swarm }]);
  const ask = async (host = server.host) => await getSwarm({ host, certPath: '', node }, call());
  const refusal = async (host?: string): Promise<string> => {
    const { mistake } = await ask(host);
    assert.ok(mistake !== undefined);
    return Object.values(mistake as object).join(' | ');
  };

  it('is its cluster id', async () => {
    assert.deepEqual(await ask(), { id });
  });

  it('is none of an engine that is in no swarm, is locked, or only a worker', async () => {
    info({ LocalNodeState: 'inactive' });
    assert.match(await refusal(), /^dockerHost \| an engine that is in no swarm \| .*swarm init/u);
    info({ LocalNodeState: 'locked' });
    assert.match(await refusal(), /a manager that is locked \| .*swarm unlock$/u);
    info({ LocalNodeState: 'error' });
    assert.match(await refusal(), /an engine whose swarm is error/u);
    info({ LocalNodeState: 'active', ControlAvailable: false });
    assert.match(await refusal(), /a worker, which manages nothing/u);
  });

  it('is not known of a socket that is not there, in a line with the command that says why', async () => {
    const host = `${server.host}.none`;
    assert.equal(
      await refusal(host),
      `dockerHost | no answer (ENOENT) from ${host} | an engine that answers | docker --host ${host} info says why, or another dockerHost`,
    );
  });

  it('comes with a mistake when the node of the bot is gone, down or drained', async () => {
    server.answers.set(`GET /nodes/${node}`, [
      200,
      { Spec: { Availability: 'drain' }, Status: { State: 'ready' } },
    ]);
    assert.match(
      await refusal(),
      /^swarmNode \| \S+, which is set to drain \| .*availability active/u,
    );
    server.answers.set(`GET /nodes/${node}`, [200, { Spec: {}, Status: { State: 'down' } }]);
    assert.match(await refusal(), /which is down/u);
    server.answers.delete(`GET /nodes/${node}`);
    assert.match(await refusal(), /which is not in the swarm .*node ls$/u);
    assert.equal((await ask()).id, id);
  });
});
