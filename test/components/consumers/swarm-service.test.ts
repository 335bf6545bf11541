/** The secrets and the service of a swarm as they are registered. No engine has run them here. */
import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { entryOf, keysOf, type SecretKey } from '../../../components/catalog.ts';
import type { Strategy } from '../../../components/strategy.ts';
import { leaks } from '../../canary.ts';
import { canaryValues } from '../../canary-values.ts';
import { type Recorder, type Registration, secretOf } from '../../recorder.ts';
import { registerSwarm } from '../../swarm-registration.ts';

const canaries = canaryValues();
const keys = [...keysOf('trading'), ...keysOf('monitoring')];
const forBot = keys.filter((key) => entryOf(key).consumers.some((name) => name === 'hummingbot'));
const secretType = 'docker:index/secret:Secret';
const serviceType = 'docker:index/service:Service';
const configType = 'docker:index/serviceConfig:ServiceConfig';
const node = 'abcdefghijklmnopqrstuvwxy';

interface File {
  readonly fileName: string;
  readonly fileUid: string;
  readonly fileMode: number;
}
interface Inputs {
  readonly name: string;
  readonly mode: { readonly replicated: { readonly replicas: number } };
  readonly taskSpec: {
    readonly placement: { readonly constraints: readonly string[]; readonly maxReplicas: number };
    readonly containerSpec: {
      readonly secrets: readonly (File & {
        readonly secretId: string;
        readonly secretName: string;
      })[];
      readonly configs: readonly (File & {
        readonly configId: string;
        readonly configName: string;
      })[];
      readonly env: Readonly<Record<string, string>>;
      readonly labels: readonly { readonly label: string; readonly value: string }[];
      readonly mounts: readonly { readonly type: string; readonly target: string }[];
      readonly user: string;
      readonly capDrops: readonly string[];
      readonly healthcheck: { readonly tests: readonly string[] };
      readonly stopGracePeriod: string;
    };
  };
  readonly updateConfig: unknown;
}

function serviceOf(recorder: Recorder): Inputs {
  return recorder.one(serviceType).inputs as unknown as Inputs;
}

function nameOf({ inputs }: Registration): string {
  return inputs.name as string;
}

describe('the secrets of a swarm', () => {
  let recorder: Recorder;
  before(async () => {
    recorder = await registerSwarm({ values: canaries, node });
  });

  it('are one a key, named <key>-<suffix>, and hold its value and no newline', () => {
    const secrets = recorder.of(secretType);
    assert.deepEqual(
      secrets
        .map(nameOf)
        .map((name) => name.slice(0, -9))
        .toSorted(),
      keys.toSorted(),
    );
    for (const secret of secrets) {
      const name = nameOf(secret);
      assert.match(name, /-[0-9a-f]{8}$/u);
      assert.ok(name.length <= 64, name);
      const decoded = Buffer.from(secretOf(secret.inputs.data), 'base64').toString();
      assert.ok(decoded === canaries.get(name.slice(0, -9) as SecretKey), name);
    }
  });

  it('show no value outside of a secret mark', () => {
    assert.deepEqual(leaks(recorder.public(), canaries), []);
    // The control: inside, each is there.
    const whole = leaks(JSON.stringify(recorder.of(secretType)), canaries);
    for (const key of keys)
      assert.ok(
        whole.some((hit) => hit.startsWith(key)),
        key,
      );
  });

  it('have a name that never comes back', async () => {
    const other = await registerSwarm({ values: canaries, node, seed: 'other' });
    const before = new Set(recorder.of(secretType).map(nameOf));
    assert.equal(other.of(secretType).length, before.size);
    for (const name of other.of(secretType).map(nameOf)) assert.ok(!before.has(name), name);
  });
});

describe('the service of a swarm', () => {
  let recorder: Recorder;
  let inputs: Inputs;
  before(async () => {
    recorder = await registerSwarm({ values: canaries, node });
    inputs = serviceOf(recorder);
  });

  it('mounts the keys that the catalog gives the bot, and no other, for its own user alone', () => {
    const { secrets, user, env } = inputs.taskSpec.containerSpec;
    assert.ok(forBot.length > 0 && forBot.length < keys.length);
    assert.deepEqual(secrets.map(({ fileName }) => fileName).toSorted(), forBot.toSorted());
    for (const { fileName, fileMode, fileUid, secretId, secretName } of secrets) {
      const key = fileName;
      assert.equal(fileMode, 0o400);
      assert.equal(user, `${fileUid}:${fileUid}`);
      assert.equal(env[`${key.toUpperCase()}_FILE`], `/run/secrets/${key}`);
      assert.equal(nameOf(recorder.one(secretType, `swarm-${key}`)), secretName);
      assert.equal(secretId, `swarm-${key}-id`);
    }
  });

  it('never runs two bots: one replica, one node, and the old one stops first', () => {
    assert.deepEqual(inputs.mode, { replicated: { replicas: 1 } });
    assert.deepEqual(inputs.taskSpec.placement, {
      constraints: [`node.id==${node}`],
      maxReplicas: 1,
    });
    assert.deepEqual(inputs.updateConfig, {
      parallelism: 1,
      order: 'stop-first',
      failureAction: 'pause',
    });
    assert.equal(inputs.taskSpec.containerSpec.stopGracePeriod, '2m');
  });

  it('is one service, whose update is awaited until the bot has logged in', () => {
    assert.equal(recorder.of(serviceType).length, 1);
    const { options, inputs: gate } = recorder.one('hummingbot:index:Convergence');
    assert.ok(options.dependencies.includes(`${serviceType} hummingbot`));
    assert.equal(gate.service, 'hummingbot-id');
    const { tests } = inputs.taskSpec.containerSpec.healthcheck;
    assert.deepEqual(tests, ['CMD', 'test', '-e', '/run/hummingbot/ready']);
  });

  it('comes after its secrets and its programs, so that they outlive it when it goes', () => {
    const { dependencies } = recorder.one(serviceType).options;
    for (const key of forBot) assert.ok(dependencies.includes(`${secretType} swarm-${key}`), key);
    for (const { name } of recorder.of(configType)) {
      assert.ok(dependencies.includes(`${configType} ${name}`), name);
    }
  });

  it('carries the tags of the groups that the bot uses, and of no other', () => {
    const labels = inputs.taskSpec.containerSpec.labels.map(({ label }) => label);
    const used = ['trading', 'monitoring'].filter((group) =>
      forBot.some((key) => entryOf(key).group === group),
    );
    assert.deepEqual(
      labels,
      used.map((group) => `hummingbot-secrets.${group}-tag`),
    );
  });

  it('keeps what it makes of secrets in memory, and what it must remember in volumes', () => {
    const { mounts, capDrops } = inputs.taskSpec.containerSpec;
    const at = (type: string): readonly string[] =>
      mounts.filter((mount) => mount.type === type).map(({ target }) => target);
    assert.deepEqual(
      at('volume'),
      ['conf', 'data', 'logs'].map((directory) => `/home/hummingbot/${directory}`),
    );
    assert.deepEqual(at('tmpfs'), ['/tmp', '/run/hummingbot', '/home/hummingbot/conf/connectors']);
    assert.deepEqual(capDrops, ['ALL']);
  });

  it('gets its programs as configs of names that Docker takes, a script where the bot looks', async () => {
    const strategy: Strategy = {
      type: 'v2-script',
      config: { name: `${'m'.repeat(80)}.yml`, content: 'a: 1\n' },
      script: { name: 'mine.py', content: 'pass\n' },
      controllers: [],
    };
    const made = await registerSwarm({ values: canaries, node, strategy });
    const { configs } = serviceOf(made).taskSpec.containerSpec;
    const paths = configs.map(({ fileName }) => fileName);
    for (const path of [
      'materialise.py',
      'launch.py',
      'bot.json',
      'mine.py',
      strategy.config.name,
    ]) {
      assert.ok(paths.includes(`/etc/hummingbot/${path}`), path);
    }
    assert.ok(paths.includes('/home/hummingbot/scripts/mine.py'));
    assert.equal(new Set(paths).size, paths.length);
    for (const { configName } of configs) assert.match(configName, /^[a-zA-Z0-9.-]{1,64}$/u);
  });
});

describe('the stack file of a swarm', () => {
  let recorder: Recorder;
  let text: string;
  let stack: Record<string, Record<string, Record<string, unknown>>>;
  before(async () => {
    recorder = await registerSwarm({ values: canaries, node, deploy: 'stack' });
    text = secretOf(recorder.one('hummingbot:index:File').inputs.content);
    stack = parse(text);
  });

  it('takes the place of the service, whose secrets stay until somebody has moved it', () => {
    assert.equal(recorder.of(serviceType).length, 0);
    assert.equal(recorder.of('hummingbot:index:Convergence').length, 0);
    for (const type of [secretType, configType]) {
      for (const { name } of recorder.of(type)) {
        assert.equal(recorder.options.get(`${type} ${name}`)?.retainOnDelete, true, name);
      }
    }
  });

  it('names what Pulumi has made, all of it external, and holds no value', () => {
    assert.deepEqual(leaks(text, canaries), []);
    const { secrets = {}, configs = {} } = stack;
    assert.deepEqual(Object.keys(secrets).toSorted(), forBot.toSorted());
    for (const key of forBot) {
      const name = nameOf(recorder.one(secretType, `swarm-${key}`));
      assert.deepEqual(secrets[key], { external: true, name });
    }
    assert.deepEqual(
      Object.values(configs),
      recorder.of(configType).map((each) => ({ external: true, name: nameOf(each) })),
    );
  });

  it('is the service that Pulumi would make', async () => {
    const made = serviceOf(await registerSwarm({ values: canaries, node }));
    const container = made.taskSpec.containerSpec;
    const service = stack.services?.hummingbot as Record<string, unknown>;
    assert.deepEqual(service.environment, container.env);
    assert.equal(service.user, container.user);
    assert.equal(service.stop_grace_period, container.stopGracePeriod);
    assert.deepEqual((service.healthcheck as { test: unknown }).test, container.healthcheck.tests);
    const mounts = service.volumes as { type: string; source?: string; target: string }[];
    assert.deepEqual(
      mounts.map(({ type, target }) => ({ type, target })),
      container.mounts.map(({ type, target }) => ({ type, target })),
    );
    // The bot's trades are in the same volumes.
    const volumes = mounts.flatMap(({ source }) => (source ? [stack.volumes?.[source]?.name] : []));
    assert.deepEqual(
      volumes,
      ['conf', 'data', 'logs'].map((directory) => `hummingbot-dev-${directory}`),
    );
    const { deploy } = service as { deploy: Record<string, Record<string, unknown>> };
    assert.equal(deploy.replicas as unknown, 1);
    assert.deepEqual(deploy.placement, {
      constraints: made.taskSpec.placement.constraints,
      max_replicas_per_node: 1,
    });
    assert.equal(deploy.update_config?.order, 'stop-first');
  });
});
