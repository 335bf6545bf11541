/** What a swarm does with the bot's service that no other target has: on a real engine, with the real bot. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, chownSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { entryOf, keysOf, type SecretKey } from '../../components/catalog.ts';
import { leaks, makeCanary } from '../canary.ts';
import type { Result } from './checkout.ts';
import { driftOf, linesOf } from './drift-report.ts';
import { canRehearse } from './rehearsed-stack.ts';
import { SwarmStack } from './swarm-stack.ts';

/** The committed prod makes its keystore's password in the container. */
const forBot = keysOf('trading').filter((key) => {
  const { consumers, usedWith } = entryOf(key);
  return consumers.includes('hummingbot') && usedWith !== 'keystore';
});
const byStack = 'hummingbot-prod_hummingbot';

describe('a stack in a swarm, on a real engine', () => {
  let swarm: SwarmStack;
  /** All values that were ever set. */
  const set = new Map<string, string>();

  before(async function () {
    if (!canRehearse) this.skip();
    swarm = new SwarmStack();
    await swarm.start();
    for (const [key, value] of await swarm.values()) set.set(key, value);
  });
  after(async () => await swarm?.end());

  async function setValue(key: SecretKey, value: string): Promise<void> {
    set.set(`${key} ${set.size}`, value);
    const path = `${entryOf(key).group}.${key}`;
    const { code, stderr } = await swarm.pulumi(
      ['config', 'set', '--secret', '--path', path],
      value,
    );
    assert.equal(code, 0, stderr);
  }

  async function up(): Promise<Result> {
    const result = await swarm.npmStart();
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return result;
  }

  /** By the doctor: every key is there with its tag, and the bot reads its own. */
  async function isWell(): Promise<void> {
    const words = ['run', '--silent', 'doctor', '--', '--stack', swarm.stack];
    const { code, stdout, stderr } = await swarm.run('npm', words);
    assert.equal(code, 0, stdout + stderr);
  }

  /** The one line of a run that fails; values are in none of it. */
  async function refusal(...settings: readonly (readonly [string, string])[]): Promise<string> {
    const before = new Map<string, string>();
    for (const [name, value] of settings) {
      before.set(name, swarm.replacements[name] ?? '');
      await swarm.pulumi(['config', 'set', name, value]);
    }
    // Without the refresh before it: what the program itself says.
    const { code, stdout, stderr } = await swarm.pulumi(['preview']);
    for (const [name, value] of before) await swarm.pulumi(['config', 'set', name, value]);
    assert.notEqual(code, 0, stdout);
    const said = stdout + stderr;
    assert.deepEqual(leaks(said, set), []);
    // Pulumi says it where it happens and once more at the end.
    const lines = new Set(said.match(/(?<=error: )\w+: got .*; nothing was changed$/gmu));
    assert.equal(lines.size, 1, said);
    return [...lines].join();
  }

  /** What `npm start` says of a Docker host that it cannot use: one line, before Pulumi does anything. */
  async function refused(verb: string, ...by: readonly string[]): Promise<string> {
    const [command = '', ...words] = [...by, 'npm', 'start', '--', verb];
    const { code, stdout, stderr } = await swarm.run(command, [
      ...words,
      '--stack',
      swarm.stack,
      '--yes',
    ]);
    assert.equal(code, 1, stdout + stderr);
    assert.deepEqual(leaks(stdout + stderr, set), []);
    const lines = (stdout + stderr).split('\n').filter((line) => line.includes('dockerHost'));
    assert.equal(lines.length, 1, stdout + stderr);
    return lines[0]?.trim() ?? '';
  }

  /** Counts the bots that run at once, every 50 ms, until it is told to stop. */
  function watch(): { stop: () => Promise<number> } {
    let most = 0;
    let on = true;
    const counted = (async () => {
      while (on) {
        const all = await swarm.api.list('/containers/json');
        const bots = all.filter(({ Labels }) =>
          Object.values((Labels ?? {}) as Record<string, string>).some(
            (name) => name === swarm.service || name === byStack,
          ),
        );
        most = Math.max(most, bots.length);
        await sleep(50);
      }
    })();
    return {
      stop: async () => {
        on = false;
        await counted;
        return most;
      },
    };
  }

  it('runs the bot, which is the one reader of its keys, for its own user alone', async () => {
    const bot = swarm.bot();
    const seen = swarm.readIn(bot);
    const values = await swarm.values();
    for (const key of forBot) {
      assert.ok(seen.get(key) === values.get(key), key);
      const path = `/run/secrets/${key}`;
      const facts = swarm.docker('exec', bot, 'stat', '-c', '%a %u:%g', path).stdout;
      assert.equal(facts, '400 0:0\n');
      const name = `${key.toUpperCase()}_FILE`;
      assert.equal(swarm.docker('exec', bot, 'sh', '-c', `echo "$${name}"`).stdout.trim(), path);
    }
    const shown = swarm.docker('service', 'inspect', swarm.service).stdout;
    const inspected = swarm.docker('inspect', bot).stdout;
    const log = swarm.docker('service', 'logs', swarm.service).stdout;
    assert.match(log, /logged in: 9 keys/u);
    assert.deepEqual(leaks(shown + inspected + log, set), []);
    assert.match(inspected, /"bridge": \{/u, 'the network of any container');
    await isWell();
  });

  it('takes many changed secrets by one update, stops the old bot first, and then removes them', async () => {
    const old = swarm.bot();
    const before = (await swarm.secrets()).filter(
      ({ key }) => entryOf(key as SecretKey).group === 'trading',
    );
    const tasks = swarm
      .docker('service', 'ps', '-q', swarm.service)
      .stdout.trim()
      .split('\n').length;
    const used = before.find(({ key }) => forBot.some((each) => each === key));
    // A secret in use stays: what a removal in the wrong order would get.
    assert.notEqual(swarm.docker('secret', 'rm', used?.name ?? '').code, 0);
    for (const key of ['binance_api_key', 'binance_secret_key', 'kraken_api_key'] as const) {
      await setValue(key, makeCanary(key));
    }
    const watched = watch();
    await up();
    assert.equal(await watched.stop(), 1, 'bots at once');
    assert.notEqual(swarm.bot(), old);
    const now = swarm.docker('service', 'ps', '-q', swarm.service).stdout.trim().split('\n').length;
    assert.equal(now, tasks + 1, 'one new task');
    const ids = new Set((await swarm.secrets()).map(({ id }) => id));
    assert.deepEqual(
      before.filter(({ id }) => ids.has(id)),
      [],
    );
    const seen = swarm.readIn(swarm.bot());
    const values = await swarm.values();
    assert.deepEqual(
      forBot.filter((key) => seen.get(key) !== values.get(key)),
      [],
    );
  });

  it('does not touch the bot for a value that it does not use', async () => {
    const before = swarm.bot();
    await setValue('grafana_api_key', makeCanary('grafana'));
    await up();
    assert.equal(swarm.bot(), before);
  });

  it('stops the bot of a compromised key before the prompt, and starts it with the new one alone', async () => {
    const before = swarm.bot();
    const pair = {
      BINANCE_API_KEY: makeCanary('new-api'),
      BINANCE_SECRET_KEY: makeCanary('new-key'),
    };
    for (const [name, value] of Object.entries(pair)) set.set(`new ${name}`, value);
    const rotate = async (input: string, ...words: readonly string[]): Promise<Result> => {
      const all = ['run', '--silent', 'rotate', '--', '--stack', swarm.stack, ...words];
      return await swarm.run('npm', all, input);
    };
    const asked = await rotate('', '--compromised', 'trading.binance');
    assert.equal(asked.code, 1, asked.stdout + asked.stderr);
    assert.match(asked.stdout, /^ {2}service hummingbot-prod: stopped$/mu);
    assert.deepEqual(swarm.containers(), []);
    assert.equal((await swarm.npmStart()).code, 1);
    assert.deepEqual(swarm.containers(), []);
    const watched = watch();
    const lines = Object.entries(pair).map(([name, value]) => `${name}=${value}\n`);
    const done = await rotate(lines.join(''), '--resume', '--skip-check');
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.equal(await watched.stop(), 1, 'bots at once');
    assert.notEqual(swarm.bot(), before);
    assert.ok(swarm.readIn(swarm.bot()).get('binance_api_key') === pair.BINANCE_API_KEY);
    assert.deepEqual(leaks(asked.stdout + asked.stderr + done.stdout + done.stderr, set), []);
    // Until somebody says that the old ones are revoked, the doctor calls it a problem.
    const open = [...done.stdout.matchAll(/URGENT: .*--confirm (\S+)/gu)].map(([, id]) => id ?? '');
    assert.equal(open.length, 2, done.stdout);
    for (const id of open) assert.equal((await rotate('', '--confirm', id)).code, 0, id);
    await isWell();
  });

  it('fails with the reason when the bot does not start, keeps what is old, and fails again', async () => {
    const before = (await swarm.secrets()).map(({ id }) => id);
    // Of the right shape for the settings; the node refuses it.
    await swarm.pulumi(['config', 'set', 'image', 'rehearsal.invalid/none:1']);
    for (const run of ['first', 'second']) {
      const { code, stdout, stderr } = await swarm.npmStart();
      assert.notEqual(code, 0, run);
      const said = stdout + stderr;
      assert.match(
        said,
        /Docker service hummingbot-prod: its task is rejected \([^\n]*\); nothing old is deleted; fix: docker --host/u,
      );
      assert.deepEqual(leaks(said, set), []);
      const now = new Set((await swarm.secrets()).map(({ id }) => id));
      assert.deepEqual(
        before.filter((id) => !now.has(id)),
        [],
        run,
      );
    }
    await swarm.pulumi(['config', 'set', 'image', swarm.replacements.image ?? '']);
    await up();
    swarm.readIn(swarm.bot());
  });

  it('refuses another swarm and another node, each in one line', async () => {
    const other = 'other0other0other0other00';
    assert.match(
      await refusal(['swarmId', other]),
      new RegExp(`swarmId: got \\w{25}; allowed: ${other}; fix: `, 'u'),
    );
    assert.match(
      await refusal(['swarmNode', other]),
      /swarmNode: got other0\w+, which is not in the swarm; .*node ls/u,
    );
  });

  it("ends in one line when the socket is not there or is nobody's to use, and goes on once it is", async () => {
    await setValue('kucoin_secret_key', makeCanary('outage'));
    const { socket } = swarm;
    renameSync(socket, `${socket}.away`);
    try {
      for (const verb of ['up', 'destroy']) {
        const lines = await refused(verb);
        assert.match(
          lines,
          /^dockerHost: got no answer \(ENOENT\) from unix:[^\n]*; fix: [^\n]*; nothing was changed$/u,
        );
      }
      const other = createServer().listen(socket);
      await once(other, 'listening');
      chownSync(socket, 65534, 65534);
      chmodSync(socket, 0o600);
      try {
        // Root without the right to everything, whom a file's mode stops.
        const lines = await refused(
          'up',
          'setpriv',
          '--bounding-set',
          '-dac_override',
          '--inh-caps',
          '-all',
        );
        assert.match(
          lines,
          /^dockerHost: got permission denied \(EACCES\) at unix:[^\n]*; fix: sudo usermod -aG docker [^\n]*; nothing was changed$/u,
        );
      } finally {
        await new Promise((settle) => other.close(settle));
      }
    } finally {
      renameSync(`${socket}.away`, socket);
    }
    await up();
    const values = await swarm.values();
    assert.ok(
      swarm.readIn(swarm.bot()).get('kucoin_secret_key') === values.get('kucoin_secret_key'),
    );
  });

  it('goes on with one more run when the engine went away in the middle, and keeps its one bot', async () => {
    const old = swarm.bot();
    await setValue('kucoin_api_key', makeCanary('middle'));
    const { socket, checkout } = swarm;
    const words = ['start', '--', '--stack', swarm.stack, '--yes'];
    const child = checkout.start('npm', words, swarm.environment);
    let isAway = false;
    child.stdout?.on('data', (chunk: Buffer) => {
      // Before the first secret: its name has this in it.
      if (isAway || !/random:index:RandomId \S+ (?:creat|replac)/u.test(chunk.toString())) return;
      isAway = true;
      renameSync(socket, `${socket}.away`);
    });
    const { code, stdout, stderr } = await checkout.finish(child);
    assert.ok(isAway, stdout);
    renameSync(`${socket}.away`, socket);
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout, /error: .*got no answer \(ENOENT\)/u);
    assert.equal(swarm.bot(), old);
    await up();
    assert.notEqual(swarm.bot(), old);
    const seen = swarm.readIn(swarm.bot());
    const values = await swarm.values();
    assert.ok(seen.get('kucoin_api_key') === values.get('kucoin_api_key'));
    await isWell();
  });

  it('says which secret is in its way when somebody made one of the same name', async () => {
    const grafana = (await swarm.secrets()).find(({ key }) => key === 'grafana_api_key');
    const name = grafana?.name ?? '';
    await swarm.api.remove(`/secrets/${grafana?.id}`);
    const theirs = { Name: name, Data: Buffer.from('theirs').toString('base64'), Labels: {} };
    const { ID } = await swarm.api.post('/secrets/create', { body: theirs });
    const { code, stdout, stderr } = await swarm.npmStart();
    assert.notEqual(code, 0);
    assert.match(
      stdout + stderr,
      new RegExp(`creating Docker secret ${name}: got 409, .*fix: docker secret rm ${name}`, 'u'),
    );
    await swarm.api.remove(`/secrets/${ID}`);
    await up();
  });

  it('has no drift, and finds secrets that nobody of us made, by their label and by their name', async () => {
    const drift = async () => await driftOf(async (...words) => await swarm.run(...words));
    assert.deepEqual(await drift(), []);
    const made: string[] = [];
    for (const [Name, Labels] of [
      ['mine', { 'hummingbot-secrets.stack': 'prod' }],
      ['binance_api_key-deadbeef', {}],
    ] as const) {
      const body = { Name, Labels, Data: Buffer.from('theirs').toString('base64') };
      made.push(String((await swarm.api.post('/secrets/create', { body })).ID));
    }
    assert.deepEqual([...linesOf(await drift())].sort(), [
      'unknown Docker secret binance_api_key-deadbeef',
      'unknown Docker secret mine',
    ]);
    for (const id of made) await swarm.api.remove(`/secrets/${id}`);
    assert.deepEqual(await drift(), []);
  });

  it('writes a stack file for docker stack deploy, and never runs two bots on the way', async () => {
    const watched = watch();
    await swarm.pulumi(['config', 'set', 'swarmDeploy', 'stack']);
    const { stdout } = await up();
    assert.match(stdout, /stack deploy -c out\/rehearsal\/prod\/stack\.yaml hummingbot-prod/u);
    assert.deepEqual(await swarm.services(), []);
    const file = swarm.checkout.read('out/rehearsal/prod/stack.yaml');
    assert.deepEqual(leaks(file, set), []);
    const words = ['stack', 'deploy', '--resolve-image', 'never', '-c'];
    const path = swarm.checkout.path('out/rehearsal/prod/stack.yaml');
    const deployed = swarm.docker(...words, path, swarm.service);
    assert.equal(deployed.code, 0, deployed.stderr);
    await healthy(byStack);
    assert.equal(await watched.stop(), 1, 'bots at once');
    const seen = swarm.readIn(swarm.bot(byStack));
    const values = await swarm.values();
    assert.deepEqual([...seen.keys()].toSorted(), forBot.toSorted());
    assert.deepEqual(
      forBot.filter((key) => seen.get(key) !== values.get(key)),
      [],
    );
    assert.equal((await swarm.keystore(swarm.bot(byStack))).size > 0, true);
    await isWell();
  });

  it('leaves to its user what the deployed service uses, until they deploy again', async () => {
    const before = (await swarm.secrets()).map(({ id }) => id);
    await setValue('kucoin_api_key', makeCanary('kucoin'));
    await up();
    const now = new Set((await swarm.secrets()).map(({ id }) => id));
    assert.deepEqual(
      before.filter((id) => !now.has(id)),
      [],
    );
    assert.ok(now.size > before.length);
    swarm.docker('stack', 'rm', swarm.service);
    for (const deadline = Date.now() + 60_000; swarm.containers(byStack).length > 0; ) {
      assert.ok(Date.now() < deadline, 'the bot does not stop');
      await sleep(100);
    }
  });

  async function healthy(service: string): Promise<void> {
    for (const deadline = Date.now() + 180_000; ; await sleep(200)) {
      const [container] = swarm.containers(service);
      const state =
        container && swarm.docker('inspect', '-f', '{{.State.Health.Status}}', container);
      if (state && state.stdout.trim() === 'healthy') return;
      if (Date.now() > deadline) {
        const why = swarm.docker('service', 'ps', '--no-trunc', service);
        throw new Error(`${service} is not healthy: ${why.stdout}`);
      }
    }
  }

  it('does not go on without a swarm, and makes all of it anew in the next one', async () => {
    await swarm.pulumi(['config', 'set', 'swarmDeploy', 'pulumi']);
    assert.equal(swarm.docker('swarm', 'leave', '--force').code, 0);
    assert.match(
      await refused('up'),
      /^dockerHost: got an engine that is in no swarm; [^\n]*fix: docker --host \S+ swarm init, or another dockerHost; nothing was changed$/u,
    );
    assert.equal(swarm.docker('swarm', 'init', '--advertise-addr', '127.0.0.1').code, 0);
    const id = swarm.docker('info', '--format', '{{.Swarm.Cluster.ID}}').stdout.trim();
    const line = new RegExp(`swarmId: got ${id}; allowed: ${swarm.replacements.swarmId}; `, 'u');
    const { code, stdout, stderr } = await swarm.npmStart();
    assert.equal(code, 1);
    assert.match(stdout + stderr, line);
    const node = swarm.docker('info', '--format', '{{.Swarm.NodeID}}').stdout.trim();
    await swarm.pulumi(['config', 'set', 'swarmId', id]);
    await swarm.pulumi(['config', 'set', 'swarmNode', node]);
    await up();
    const seen = swarm.readIn(swarm.bot());
    const values = await swarm.values();
    assert.deepEqual(
      forBot.filter((key) => seen.get(key) !== values.get(key)),
      [],
    );
  });

  it('shows no value in what was printed or logged', () => {
    assert.deepEqual(leaks(swarm.checkout.printed.join('\n'), set), []);
    for (const [name, text] of swarm.logs()) assert.deepEqual(leaks(text, set), [], name);
  });
});
