/** The plugin against a fake engine; test/e2e/swarm.e2e.ts has a real one. */
import assert from 'node:assert/strict';
import { secretMark, signature, unwrap } from '../../../../plugins/provider-server.ts';
import { DockerFile } from '../../../../rehearsal/plugins/docker/docker-file.ts';
import { Engine } from '../../../../rehearsal/plugins/docker/engine.ts';
import { ServiceResource } from '../../../../rehearsal/plugins/docker/service.ts';
import {
  inputsOf,
  type ServiceInputs,
  serviceSpec,
  withDefaults,
} from '../../../../rehearsal/plugins/docker/service-spec.ts';
import { leaks, makeCanary } from '../../../canary.ts';
import { canaryValues } from '../../../canary-values.ts';
import { DockerServer } from '../../../docker-server.ts';
import { call } from '../../../plugins/calls.ts';
import { registerSwarm } from '../../../swarm-registration.ts';

const canary = makeCanary('docker');
const canaries = new Map([['value', canary]]);
const data = Buffer.from(canary).toString('base64');
const inputs = {
  name: 'kraken_api_key-01234567',
  data,
  labels: [
    { label: 'b', value: '2' },
    { label: 'a', value: '1' },
  ],
};

describe('the rehearsal plugin for docker', () => {
  let server: DockerServer;
  let engine: Engine;
  let secret: DockerFile;
  beforeEach(async () => {
    server = new DockerServer();
    await server.start();
    server.answers.set('GET /version', [200, {}]);
    engine = new Engine();
    await engine.configure({ host: server.host });
    secret = new DockerFile(engine, 'secret');
  });
  afterEach(async () => await server.stop());

  it('refuses a setting of the provider that it does not know, and an engine that is not there', async () => {
    const wrong = new Engine().configure({ host: server.host, keyMaterial: canary });
    await assert.rejects(wrong, (error: Error) => {
      assert.match(error.message, /^keyMaterial: not in the rehearsal plugin; allowed: host/u);
      assert.deepEqual(leaks(error.message, canaries), []);
      return true;
    });
    await assert.rejects(new Engine().configure({ host: `${server.host}.none` }), /ENOENT/u);
  });

  it('makes a secret, whose data is secret in every output', async () => {
    server.answers.set('POST /secrets/create', [201, { ID: 'i' }]);
    server.answers.set('GET /secrets/i', [200, { Spec: { Name: inputs.name } }]);
    const made = await secret.create(inputs, call({ marked: inputs }));
    assert.equal(made.id, 'i');
    const body = JSON.parse(server.requests.at(-1)?.body ?? '');
    assert.deepEqual(body, { Name: inputs.name, Data: data, Labels: { a: '1', b: '2' } });
    const state = unwrap(made.outs) as typeof inputs;
    const read = await secret.read('i', state, call({ oldInputs: inputs, marked: inputs }));
    for (const props of [made.outs, read.props, read.inputs]) {
      const { data: kept } = props as Record<string, Record<string, unknown>>;
      assert.equal(kept?.[signature], secretMark);
    }
    assert.equal((await secret.diff('i', state, inputs)).changes, false);
  });

  it('replaces what changed, and deletes first only what would have the same name', async () => {
    const other = { ...inputs, data: Buffer.from('other').toString('base64') };
    const same = await secret.diff('i', inputs, other);
    assert.deepEqual([same.replaces, same.deleteBeforeReplace], [['data'], true]);
    const named = await secret.diff('i', inputs, { ...other, name: 'kraken_api_key-89abcdef' });
    assert.deepEqual(named.deleteBeforeReplace, false);
    const labels = [...inputs.labels].reverse();
    assert.equal((await secret.diff('i', inputs, { ...inputs, labels })).changes, false);
  });

  it('says in a line without the value why there is no secret', async () => {
    for (const [code, line] of [
      [409, /got 409, one of that name is there; .*docker secret rm kraken_api_key-01234567$/u],
      [500, /^creating Docker secret kraken_api_key-01234567: Docker POST .*: got 500$/u],
      [503, /got 503$/u],
    ] as const) {
      server.answers.set('POST /secrets/create', [
        code,
        { message: `so it is: ${data} ${canary}` },
      ]);
      await assert.rejects(secret.create(inputs, call({ marked: inputs })), (error: Error) => {
        assert.match(error.message, line);
        assert.deepEqual(leaks(error.message, canaries), []);
        return true;
      });
    }
  });

  it('takes a secret for gone that is, and says which service uses one that is to go', async () => {
    assert.deepEqual(await secret.read('i', inputs, call()), {});
    await secret.delete('i', inputs);
    const used = "secret 'x' is in use by the following service: bot";
    server.answers.set('DELETE /secrets/i', [400, { message: used }]);
    await assert.rejects(secret.delete('i', inputs), {
      message: /got 400 \(secret 'x' is in use/u,
    });
  });

  it('refuses data that is not base64, without a character of it', async () => {
    const { failures } = await secret.check({}, { ...inputs, data: canary }, call());
    assert.deepEqual(
      failures?.map(({ property }) => property),
      ['data'],
    );
    assert.deepEqual(leaks(JSON.stringify(failures), canaries), []);
  });

  it('reads the data of a config, which the engine tells', async () => {
    const config = new DockerFile(engine, 'config');
    server.answers.set('GET /configs/i', [200, { Spec: { Name: 'n', Data: 'eA==' } }]);
    const { props } = await config.read('i', { ...inputs, name: 'n' }, call());
    assert.equal(props?.data, 'eA==');
  });

  describe('service', () => {
    let service: ServiceResource;
    let said: ServiceInputs;
    let given: Record<string, unknown>;
    before(async () => {
      const recorder = await registerSwarm({ values: canaryValues(), node: 'n0de' });
      said = recorder.one('docker:index/service:Service').inputs as unknown as ServiceInputs;
      given = withDefaults(said) as unknown as Record<string, unknown>;
    });
    beforeEach(() => {
      service = new ServiceResource(engine);
    });

    /** The engine as it is after a write: EndpointSpec gets a mode, nothing else changes. */
    const held = (spec: object = serviceSpec(said)) => {
      const one = {
        ID: 'i',
        Version: { Index: 7 },
        Spec: { ...spec, EndpointSpec: { Mode: 'vip' } },
      };
      server.answers.set('GET /services/i', [200, one]);
      server.answers.set('GET /services', [200, [one]]);
    };

    it('finds no difference in what it has made and read', async () => {
      held();
      server.answers.set('POST /services/create', [201, { ID: 'i' }]);
      const { outs } = await service.create(given, call({ marked: given }));
      assert.deepEqual((await service.diff('i', unwrap(outs) as never, given)).diffs, []);
      const read = await service.read('i', unwrap(outs) as never, call({ oldInputs: given }));
      assert.deepEqual((await service.diff('i', unwrap(read.props) as never, given)).diffs, []);
      assert.deepEqual(read.inputs, given);
    });

    it('finds what somebody changed by hand, in place', async () => {
      const spec = JSON.parse(JSON.stringify(serviceSpec(said)));
      spec.TaskTemplate.ContainerSpec.Env.push('ADDED=1');
      held(spec);
      const { props } = await service.read('i', given, call({ oldInputs: given }));
      const { diffs, replaces } = await service.diff('i', unwrap(props) as never, given);
      assert.deepEqual([diffs, replaces], [['taskSpec'], []]);
      server.answers.set('GET /services', [200, []]);
      assert.deepEqual(await service.read('i', given, call({ oldInputs: given })), {});
    });

    it('makes one update of many changed secrets, of the version that it has seen', async () => {
      held();
      server.answers.set('POST /services/i/update', [200, {}]);
      const { secrets } = said.taskSpec.containerSpec;
      const moved = secrets.map((each) => ({ ...each, secretId: `${each.secretId}-new` }));
      const container = { ...said.taskSpec.containerSpec, secrets: moved };
      const news = { ...given, taskSpec: { ...said.taskSpec, containerSpec: container } };
      assert.deepEqual((await service.diff('i', given, news)).diffs, ['taskSpec']);
      await service.update('i', given, news, call({ marked: news }));
      const posts = server.requests.filter(({ method }) => method === 'POST');
      assert.deepEqual(
        posts.map(({ path }) => path),
        ['/services/i/update?version=7'],
      );
      const sent = JSON.parse(posts[0]?.body ?? '');
      assert.equal(sent.TaskTemplate.ContainerSpec.Secrets.length, moved.length);
    });

    it('replaces a service of another name', async () => {
      const { replaces, deleteBeforeReplace } = await service.diff('i', given, {
        ...given,
        name: 'other',
      });
      assert.deepEqual([replaces, deleteBeforeReplace], [['name'], false]);
    });

    it('refuses what it does not know, by its path', async () => {
      const containerSpec = { ...said.taskSpec.containerSpec, dnsConfig: {} };
      const taskSpec = { ...said.taskSpec, containerSpec };
      const { failures } = await service.check(
        {},
        { ...given, convergeConfig: {}, taskSpec },
        call(),
      );
      assert.deepEqual(
        failures?.map(({ property }) => property),
        ['convergeConfig', 'taskSpec.containerSpec.dnsConfig'],
      );
    });

    it('is gone when its containers are', async () => {
      const task = { Status: { ContainerStatus: { ContainerID: 'c' } } };
      server.answers.set('GET /tasks', [200, [task]]);
      server.answers.set('DELETE /services/i', [200, '']);
      server.answers.set('GET /containers/c/json', [200, { State: { Running: true } }]);
      // It ends when somebody has seen it run, however slow this machine is.
      const seen = (): boolean => server.requests.some(({ path }) => path === '/containers/c/json');
      const ending = setInterval(() => {
        if (seen()) server.answers.delete('GET /containers/c/json');
      }, 10);
      await service.delete('i', given, call()).finally(() => clearInterval(ending));
      const asked = server.requests.map(({ method, path }) => `${method} ${path}`);
      assert.ok(asked.filter((each) => each === 'GET /containers/c/json').length >= 2);
    });

    it('says in the words of its inputs what an engine holds', () => {
      const back = inputsOf(serviceSpec(said) as never) as { updateConfig: unknown };
      assert.deepEqual(back.updateConfig, {
        parallelism: 1,
        delay: '0s',
        failureAction: 'pause',
        monitor: '5s',
        maxFailureRatio: '0.0',
        order: 'stop-first',
      });
    });
  });
});
