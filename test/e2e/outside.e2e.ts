/**
 * A group that somebody else writes, on the servers of a rehearsal: a value that is changed in AWS, and
 * by nothing of this project, is with the bot within the time that is set.
 *
 * The rehearsal's kubelet comes by its pods every 10 s (`syncFrequency`), a real one every minute: what is
 * measured here is that much less than what has to be expected there.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { V1ContainerStatus } from '@kubernetes/client-node';
import type { SecretKey } from '../../components/catalog.ts';
import type { Diagnosis } from '../../operations/doctor/diagnosis.ts';
import { differences } from '../../rehearsal/keystore.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { leaks, makeCanary } from '../canary.ts';
import { shownRequest } from './audit-log.ts';
import { type ClusterWatch, isReady, restartsOf } from './cluster-watch.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';
import { bookFaults, makePair, type Pair } from './rotation-rules.ts';

const within = { text: '2m', seconds: 120 };
/** For the bot to end its orders, here 3 s, and to start anew. */
const restartSeconds = 60;
/** Time in which nothing more may happen. */
const quietSeconds = 60;
const account = 'system:serviceaccount:hummingbot:hummingbot';

describe('a value that somebody else changes in AWS', () => {
  const stack = new RehearsedStack('prod', { keepsBook: true });
  const SecretId = 'hummingbot/trading';
  const set = new Map<string, string>();
  let watch: ClusterWatch;
  let current: ReadonlyMap<SecretKey, string>;
  let pod: string;
  let changedAt: number;
  let restartedAt: number;

  before(async function () {
    if (!canRehearse) this.skip();
    await stack.start();
    await stack.inBot(['sh', '-c', 'echo 3 > /home/hummingbot/data/shutdown-seconds']);
    for (const [key, value] of await stack.values()) set.set(key, value);
  });
  after(async () => await stack.end());

  /** Writes the store's next version, as somebody who knows nothing of stacks. */
  async function write(values: Readonly<Partial<Record<SecretKey, string>>>): Promise<void> {
    const client = stack.secretsManager();
    const { SecretString = '{}' } = await client.send(new GetSecretValueCommand({ SecretId }));
    const whole: Record<string, string> = { ...JSON.parse(SecretString), ...values };
    for (const [key, value] of Object.entries(values)) set.set(`${key} ${set.size}`, value);
    await client.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(whole) }));
    current = new Map(Object.entries(whole) as [SecretKey, string][]);
    changedAt = Date.now();
  }

  const keysOf = ({ api, secret }: Pair) => ({ binance_api_key: api, binance_secret_key: secret });

  async function bot(): Promise<V1ContainerStatus> {
    const [status] = (await stack.pod()).status?.containerStatuses ?? [];
    assert.ok(status !== undefined);
    return status;
  }

  /** Its last end, in the words that it left. */
  const ended = async () => (await bot()).lastState?.terminated;

  async function doctor(): Promise<Diagnosis> {
    const words = ['run', '-s', 'doctor', '--', '--stack', 'prod', '--json'];
    return JSON.parse((await stack.run('npm', words)).stdout) as Diagnosis;
  }

  it('begins with a stack that lets go of the group: the bot moves once to the fixed name', async () => {
    for (const words of [
      ['config', 'set', '--path', 'groups.trading.source', 'external'],
      ['config', 'set', 'externalWithin', within.text],
      ['config', 'rm', 'trading'],
    ]) {
      const { code, stderr } = await stack.pulumi(words);
      assert.equal(code, 0, stderr);
    }
    const { code, stdout, stderr } = await stack.up();
    assert.equal(code, 0, stdout + stderr);
    const path = 'jsonpath={.spec.refreshInterval}';
    const interval = await stack.kubectl(
      ...['get', 'externalsecret', 'hummingbot-trading-keys', '-o', path],
    );
    assert.equal(interval.stdout, '10s');
    const { metadata } = await stack.pod();
    pod = metadata?.uid ?? '';
    assert.deepEqual(restartsOf(await stack.pod()), [0, 0]);
    watch = await stack.watch(['pods']);
  });

  it(`is with the bot within ${within.text}, by one restart in its pod, in order`, async () => {
    await write(keysOf(makePair(1)));
    const restarted = async (): Promise<boolean> => (await bot()).restartCount === 1;
    assert.ok(await eventually(within.seconds + restartSeconds, restarted), 'no restart');
    restartedAt = Date.now();
    const terminated = await ended();
    const told = (Number(terminated?.finishedAt ?? 0) - changedAt) / 1000;
    assert.ok(await eventually(restartSeconds, async () => isReady(await stack.pod())));
    const ready = (Date.now() - changedAt) / 1000;
    console.log(
      `      the bot had stopped ${told.toFixed(0)} s after the write, and was Ready after ${ready.toFixed(0)} s`,
    );
    assert.equal(
      terminated?.message,
      'outside: binance_api_key, binance_secret_key changed; the bot stops, and starts anew with what is there now',
    );
    assert.deepEqual([terminated?.exitCode, terminated?.reason], [0, 'Completed']);
    assert.ok(told <= within.seconds + 5, `${told} s`);
    assert.deepEqual(differences(await stack.keystore(), current), []);
    const trades = stack.trades();
    assert.deepEqual(
      trades.slice(-3).map(({ what }) => what),
      ['start', 'stop', 'start'],
    );
    assert.deepEqual(bookFaults(trades), []);
  });

  it('is no news to an up: 0 changes, 0 writes', async () => {
    const mark = stack.mark();
    const { code, stdout, stderr } = await stack.npmStart();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Resources:\n {4}\d+ unchanged\n/u);
    assert.deepEqual(stack.deployersWrites(mark).map(shownRequest), []);
    assert.deepEqual(stack.awsWrites(mark), []);
  });

  it('needs nobody who may read, list or change anything: the bot has no token and no right', async () => {
    const asked = [
      ...['get', 'list', 'watch'].map((verb) => [verb, 'secrets']),
      ['get', 'secrets/hummingbot-trading-keys'],
      ['get', 'secrets/hummingbot-monitoring'],
      ...['get', 'patch', 'update'].map((verb) => [verb, 'deployments/hummingbot']),
      ...['delete', 'create'].map((verb) => [verb, 'pods']),
    ];
    for (const words of asked) {
      const { stdout } = await stack.kubectl('auth', 'can-i', ...words, `--as=${account}`);
      assert.equal(stdout.trim(), 'no', words.join(' '));
    }
    const { code } = await stack.inBot(['test', '-e', '/var/run/secrets/kubernetes.io']);
    assert.notEqual(code, 0);
    const pods = await stack.access.core.listNamespacedPod({ namespace: stack.namespace });
    assert.equal(pods.items.length, 1, 'something else runs beside the bot');
  });

  it('stops no bot that could not take it; the doctor says so until it is mended', async () => {
    assert.ok((await doctor()).healthy);
    const old = await stack.keystore();
    await write({ kraken_api_key: `${makeCanary('two')}\n${makeCanary('lines')}` });
    const found = await eventually(within.seconds, async () => !(await doctor()).healthy);
    assert.ok(found, 'the doctor finds nothing');
    const { problems } = await doctor();
    assert.deepEqual(problems, [
      {
        what: 'kraken_api_key',
        got: 'several lines, or a second line feed at the end in the file of KRAKEN_API_KEY_FILE',
        allowed: 'one line without surrounding blanks',
        fix: 'whoever writes it writes it anew, the bot goes on with what it has',
      },
    ]);
    assert.ok([...(await stack.keystore())].every(([field, value]) => old.get(field) === value));
    // Nor has anything else come of the change before.
    await sleep(Math.max(0, restartedAt + quietSeconds * 1000 - Date.now()));
    assert.deepEqual(restartsOf(await stack.pod()), [0, 1]);
    assert.ok(isReady(await stack.pod()));
    await write({ ...keysOf(makePair(2)), kraken_api_key: makeCanary('mended') });
    assert.ok(
      await eventually(
        within.seconds + restartSeconds,
        async () => (await bot()).restartCount === 2 && isReady(await stack.pod()),
      ),
    );
    assert.deepEqual(differences(await stack.keystore(), current), []);
    assert.ok((await doctor()).healthy);
    assert.deepEqual([...new Set(watch.bots().map(({ uid }) => uid))], [pod]);
    assert.deepEqual(bookFaults(stack.trades()), []);
  });

  it('shows a value nowhere', () => {
    assert.deepEqual(leaks(stack.checkout.printed.join('\n'), set), []);
    for (const [name, text] of stack.logs()) {
      assert.deepEqual(leaks(text.toString('latin1'), set), [], name);
    }
  });
});
