import assert from 'node:assert/strict';
import { CommandError } from '../../../operations/engine/command-error.ts';
import { refuseNoManager } from '../../../operations/engine/swarm-manager.ts';
import { DockerServer } from '../../docker-server.ts';

describe('the swarm of a stack, before Pulumi asks it for everything', () => {
  const swarmId = 'swarmswarmswarmswarmswarm';
  let server: DockerServer;
  beforeEach(async () => {
    server = new DockerServer();
    await server.start();
  });
  afterEach(async () => await server.stop());

  const info = (swarm: object): unknown => server.answers.set('GET /info', [200, { Swarm: swarm }]);
  const ask = async (more: object = {}, verb = 'up'): Promise<void> =>
    await refuseNoManager(verb, { targets: ['swarm'], swarmId, dockerHost: server.host, ...more });

  it('is fine when its manager answers', async () => {
    info({ LocalNodeState: 'active', ControlAvailable: true, Cluster: { ID: swarmId } });
    for (const verb of ['up', 'preview', 'refresh', 'destroy']) await ask({}, verb);
    assert.equal(server.requests.length, 4);
  });

  it('is asked of nothing without the target, before its id is set, and by commands that read none of it', async () => {
    await ask({ targets: ['compose'] });
    await ask({ targets: undefined });
    await ask({ swarmId: '' });
    await ask({ swarmId: undefined });
    await ask({ dockerHost: 'nothing' });
    await ask({}, 'config');
    assert.equal(server.requests.length, 0);
  });

  for (const [what, prepare, more, line] of [
    [
      'an engine that left the swarm',
      () => info({ LocalNodeState: 'inactive' }),
      {},
      /^dockerHost: got an engine that is in no swarm; allowed: .*; fix: docker --host \S+ swarm init, or another dockerHost; nothing was changed$/u,
    ],
    [
      'no socket',
      () => {},
      { dockerHost: 'unix:///nowhere/docker.sock' },
      /^dockerHost: got no answer \(ENOENT\) from \S+; allowed: .*; fix: .*; nothing was changed$/u,
    ],
    [
      'tcp without certificates',
      () => {},
      { dockerHost: 'tcp://localhost:2376' },
      /^Docker host \S+: got no certificates; allowed: .*; fix: .*; nothing was changed$/u,
    ],
    [
      'an engine that is broken',
      () => server.answers.set('GET /info', [500, { message: 'broken' }]),
      {},
      /^dockerHost: got 500 of GET \/info; allowed: .*; fix: .*; nothing was changed$/u,
    ],
  ] as const) {
    it(`is refused in one line: ${what}`, async () => {
      prepare();
      await assert.rejects(ask(more), (error: Error) => {
        assert.ok(error instanceof CommandError);
        assert.match(error.message, line);
        return true;
      });
    });
  }
});
