/**
 * A rotation on real servers: prod, with a Kubernetes, an External Secrets Operator and an AWS API
 * of this machine. `npm run soak -- rotation` does the same 100 times. Linux and root.
 *
 * Writes are counted where they arrive. At the API server it is every request of anybody, not of
 * the deployer alone, that may have changed something; left out are only what is no change (dry
 * runs, questions about rights, refused requests) and leases, which the components renew by the
 * clock and which the audit policy does not log. Nothing else is written while nothing happens.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { differences } from '../../rehearsal/keystore.ts';
import { lookAlike } from '../../rehearsal/look-alikes.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { leaks } from '../canary.ts';
import { random } from '../random.ts';
import { shownRequest } from './audit-log.ts';
import { type ClusterWatch, isDone, isPreflight, isReady, restartsOf } from './cluster-watch.ts';
import { driftOf, linesOf } from './drift-report.ts';
import { collectedWithin, compareAtRest, storedVersions } from './left-behind.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';
import { absences, bookFaults, makePair, mixtures, overlaps, type Pair } from './rotation-rules.ts';
import { killable, killServer } from './server-kill.ts';
import { type Snapshot, snapshotFaults } from './snapshot-rules.ts';
import { killDuring } from './victims.ts';

const keys = { api: 'binance_api_key', secret: 'binance_secret_key' } as const;
/** How late the operator is in one test, in seconds. */
const lateSeconds = 4;

describe('a rotation', () => {
  let stack: RehearsedStack;
  /** All values that were ever set, by a name; for a search. */
  const set = new Map<string, string>();
  let watch: ClusterWatch;

  before(async function () {
    if (!canRehearse) this.skip();
    stack = new RehearsedStack('prod', { keepsBook: true });
    await stack.start();
    for (const [key, value] of await stack.values()) set.set(key, value);
    // A bot that takes its time to stop would show that another one does not wait for it.
    await stack.inBot(['sh', '-c', 'echo 3 > /home/hummingbot/data/shutdown-seconds']);
    watch = await stack.watch();
  });

  after(async () => {
    await stack?.end();
  });

  async function setKey(key: Parameters<typeof stack.set>[0], value: string): Promise<void> {
    set.set(`${key} ${set.size}`, value);
    await stack.set(key, value);
  }

  async function setPair(pair: Pair): Promise<void> {
    for (const half of ['api', 'secret'] as const) await setKey(keys[half], pair[half]);
  }

  async function up(): Promise<string> {
    const { code, stdout, stderr } = await stack.up();
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  /** As a user does it: one command, one paste. */
  async function rotate(pair: Pair): Promise<void> {
    for (const half of ['api', 'secret'] as const) set.set(`${half} ${set.size}`, pair[half]);
    const words = ['--stack', 'prod', 'trading.binance', '--skip-check'];
    const text = `BINANCE_API_KEY=${pair.api}\nBINANCE_SECRET_KEY=${pair.secret}\n`;
    const args = ['run', '--silent', 'rotate', '--', ...words];
    const { code, stdout, stderr } = await stack.run('npm', args, text);
    assert.equal(code, 0, stdout + stderr);
    assert.match(
      stdout,
      /^open(?: from \S+ on)?: revoke the old trading\.binance_api_key where it was made, /mu,
    );
  }

  const inStore = async (group: string, stage: string): Promise<Record<string, string>> => {
    const query = { SecretId: `hummingbot/${group}`, VersionStage: stage };
    const { SecretString } = await stack.secretsManager().send(new GetSecretValueCommand(query));
    return JSON.parse(SecretString ?? '{}');
  };

  /** Whether a file of the bot holds a value; neither is shown. */
  const holds = async (key: string, value: string): Promise<boolean> =>
    (await stack.inBot(['cat', `/etc/secrets/trading/${key}`])).stdout === value;

  it('has nothing to do when nothing changed: 0 changes, 0 writes', async () => {
    // What the first `up` set in motion comes to rest.
    await sleep(3000);
    const mark = stack.mark();
    const { code, stdout, stderr } = await stack.npmStart();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Resources:\n {4}\d+ unchanged\n/u);
    assert.deepEqual(stack.foreignWrites(mark).map(shownRequest), []);
    assert.deepEqual(stack.awsWrites(mark), []);
  });

  it('is previewed by the name of the changed key, and no value', async () => {
    const pair = makePair(0);
    await setKey(keys.api, pair.api);
    const mark = stack.mark();
    const { code, stdout, stderr } = await stack.npmStart('preview');
    assert.equal(code, 0, stderr);
    const changed = /^ +~ ([\w-]+) *: "[a-z2-7]{10}" => "[a-z2-7]{10}"$/gmu;
    const named = [...stdout.matchAll(changed)].map(([, name]) => name);
    assert.deepEqual(named, ['group', keys.api]);
    assert.deepEqual(leaks(stdout + stderr, set), []);
    assert.deepEqual(stack.foreignWrites(mark).map(shownRequest), []);
    assert.deepEqual(stack.awsWrites(mark), []);
  });

  it('writes the value once, restarts the bot once, and in that order', async () => {
    const before = await inStore('trading', 'AWSCURRENT');
    const [old] = watch.bots().slice(-1);
    const oldSecret = watch.events('secrets').findLast(({ name }) => /trading/u.test(name));
    const pair = makePair(1);
    await setPair(pair);
    const mark = stack.mark();
    const begun = Date.now();
    await up();
    const ended = Date.now();
    assert.deepEqual(
      stack.awsWrites(mark).map(({ action, about }) => `${action} ${about}`),
      [`secretsmanager.PutSecretValue ${await arnOf('trading')}`],
    );
    const gone = await watch.next(
      'secrets',
      collectedWithin,
      ({ type, name }) => type === 'DELETED' && name === oldSecret?.name,
    );
    assert.ok(
      gone !== undefined && gone.at - ended < collectedWithin * 1000,
      'the old Secret stays',
    );
    const synced = watch
      .events('externalsecrets')
      .find(({ at, type, object }) => at > begun && type !== 'DELETED' && isReady(object));
    const told = watch
      .bots()
      .find(({ uid, object }) => uid === old?.uid && object.metadata?.deletionTimestamp);
    assert.ok(synced !== undefined && told !== undefined);
    assert.notEqual(synced.name, oldSecret?.name);
    assert.ok(synced.at < told.at, `synced ${synced.at - told.at} ms after the old pod was told`);
    assert.ok(synced.revision < told.revision);
    const pods = watch.bots().filter(({ at, type }) => at > begun && type === 'ADDED');
    assert.equal(pods.length, 1);
    const pod = await stack.pod();
    assert.equal(pod.metadata?.uid, pods[0]?.uid);
    assert.deepEqual(restartsOf(pod), [0, 0]);
    const checked = watch
      .events('pods')
      .find(({ at, object }) => at > begun && isPreflight(object) && isDone(object));
    assert.ok(checked !== undefined, 'no preflight ended well');
    assert.ok(synced.revision < checked.revision && checked.revision < told.revision);
    assert.deepEqual(await jobs(), []);
    assert.ok(gone.revision > (pods[0]?.revision ?? Number.POSITIVE_INFINITY));
    assert.ok(await holds(keys.api, pair.api));
    assert.ok(await holds(keys.secret, pair.secret));
    const now = await inStore('trading', 'AWSCURRENT');
    const { api, secret } = keys;
    assert.ok(now[api] === pair.api && now[secret] === pair.secret, 'AWSCURRENT');
    const previous = JSON.stringify(await inStore('trading', 'AWSPREVIOUS'));
    assert.ok(previous === JSON.stringify(before), 'AWSPREVIOUS is not what was there before');
    console.log(
      `      synced ${told.at - synced.at} ms before the old pod was told to stop; old Secret gone ` +
        `${gone.at - ended} ms after up, which took ${ended - begun} ms`,
    );
  });

  /** Names of the Jobs that are there. */
  async function jobs(): Promise<readonly (string | undefined)[]> {
    const { access, namespace } = stack;
    const batch = access.config.makeApiClient(access.library.BatchV1Api);
    const { items } = await batch.listNamespacedJob({ namespace });
    return items.map(({ metadata }) => metadata?.name);
  }

  it('gives the bot the new values to sign with, and leaves no old one in its pod', async () => {
    const values = await stack.values();
    const keystore = await stack.keystore();
    assert.equal(keystore.size, 9);
    assert.deepEqual(differences(keystore, values), []);
    const decrypted = [...keystore.values()].join('\n');
    const inside = await stack.inside();
    const pairOf = (from: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
      new Map(Object.values(keys).map((key) => [key, from.get(key) ?? '']));
    for (const text of [decrypted, inside]) {
      for (const key of Object.values(keys)) {
        assert.ok(leaks(text, pairOf(values)).includes(`${key} as plain`), key);
      }
      assert.deepEqual(leaks(text, pairOf(set)), []);
    }
    assert.match(inside, /\/etc\/hummingbot\/launch\.py/u);
    assert.match(inside, /BINANCE_API_KEY_FILE=/u);
  });

  async function arnOf(group: string): Promise<string> {
    const command = new GetSecretValueCommand({ SecretId: `hummingbot/${group}` });
    return (await stack.secretsManager().send(command)).ARN ?? '';
  }

  it('restarts nothing for a key that the bot does not use, and ends with it synced', async () => {
    const pod = await stack.pod();
    const value = lookAlike('slack-webhook');
    await setKey('slack_webhook_url', value);
    const mark = stack.mark();
    // An operator that is late shows who waits for it.
    const run = await stack.paused('external-secrets', async () => {
      const ended = up().then(() => Date.now());
      ended.catch(() => {});
      assert.ok(await eventually(60, async () => stack.awsWrites(mark).length > 0));
      await sleep(lateSeconds * 1000);
      return { ended, released: Date.now() };
    });
    assert.ok((await run.ended) > run.released, 'up ended before the operator went on');
    const { data } = await stack.access.core.readNamespacedSecret({
      namespace: stack.namespace,
      name: 'hummingbot-monitoring',
    });
    const found = Buffer.from(data?.slack_webhook_url ?? '', 'base64').toString();
    assert.ok(found === value, 'the Secret has not the new value when up ends');
    const now = await stack.pod();
    assert.equal(now.metadata?.uid, pod.metadata?.uid);
    assert.deepEqual(restartsOf(now), [0, 0]);
    const actions = stack.awsWrites(mark).map(({ action }) => action);
    assert.deepEqual(actions, ['secretsmanager.PutSecretValue']);
    const own = stack.deployersWrites(mark);
    assert.ok(own.length > 0);
    assert.ok(
      own.every(
        ({ resource, name }) => `${resource} ${name}` === 'externalsecrets hummingbot-monitoring',
      ),
      own.map(shownRequest).join('\n'),
    );
    // Replaced in place: it was there at every moment.
    const events = watch.events('secrets').filter(({ name }) => name === 'hummingbot-monitoring');
    assert.ok(!events.some(({ type }) => type === 'DELETED'));
  });

  it('again and again: a Secret never absent, a pair never mixed, never two bots', async () => {
    const changes = [
      async (pair: Pair) => {
        await setPair(pair);
        await up();
      },
      rotate,
    ];
    for (const [at, change] of changes.entries()) {
      const pair = makePair(at + 2);
      await change(pair);
      assert.ok(await holds(keys.api, pair.api));
      assert.ok(await holds(keys.secret, pair.secret));
    }
    assertRules(4);
  });

  /** @param changes that there were, each with a bot of its own */
  function assertRules(changes: number): void {
    const [pods, secrets] = [watch.bots(), watch.events('secrets')];
    assert.equal(new Set(pods.map(({ uid }) => uid)).size, changes, 'one for each change');
    const starts = stack.trades().filter(({ what }) => what === 'start');
    assert.equal(starts.length, changes);
    assert.deepEqual(overlaps(pods), []);
    assert.deepEqual(bookFaults(stack.trades()), []);
    assert.deepEqual(absences(pods, secrets), []);
    assert.deepEqual(mixtures(secrets, keys), []);
  }

  /** What stands in the state, the cluster and AWS after a change that somebody disturbed. */
  async function assertWhole(pair: Pair, before: string): Promise<void> {
    const exported = await stack.pulumi(['stack', 'export']);
    assert.equal(exported.code, 0);
    const snapshot = JSON.parse(exported.stdout) as Snapshot;
    assert.deepEqual(snapshotFaults(snapshot), []);
    assert.deepEqual(await compareAtRest(stack, snapshot), { unknown: [], lost: [] });
    const { current, previous } = await storedVersions(stack, 'trading');
    assert.ok(current.values[keys.api] === pair.api, 'AWSCURRENT');
    assert.ok(current.values[keys.secret] === pair.secret, 'AWSCURRENT');
    assert.equal(previous?.id, before, 'AWSPREVIOUS is not the version before');
    assert.ok(await holds(keys.api, pair.api));
    assert.ok(await holds(keys.secret, pair.secret));
  }

  // The long versions: `npm run soak -- kills-prod` and `servers`.
  const seed = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000);
  const draw = random(seed);

  it('killed right after a write is put right by the next run, and makes nothing twice', async () => {
    const pair = makePair(4);
    await setPair(pair);
    const before = (await storedVersions(stack, 'trading')).current.id;
    const mark = stack.mark();
    const moments: readonly (readonly [string, () => boolean])[] = [
      ['the version of the secret', () => stack.awsWrites(mark).length > 0],
      [
        'the ExternalSecret',
        () => stack.apiWrites(mark).some(({ resource }) => resource === 'externalsecrets'),
      ],
    ];
    const [event = '', happened = () => true] = moments[Math.floor(draw() * moments.length)] ?? [];
    console.log(`      seed ${seed}: the engine is killed right after ${event}`);
    const child = stack.begin('pulumi up');
    const ended = stack.checkout.finish(child);
    const killed = await killDuring(child, {
      victim: 'engine',
      moment: { event, happened },
      lifetime: 0,
    });
    assert.ok(killed !== undefined, 'it was over before');
    await up();
    await ended;
    await assertWhole(pair, before);
    assertRules(5);
  });

  it('comes right when a server of the cluster dies in its middle', async () => {
    const pair = makePair(5);
    await setPair(pair);
    const before = (await storedVersions(stack, 'trading')).current.id;
    const name = killable[Math.floor(draw() * killable.length)] ?? 'etcd';
    const mark = stack.mark();
    const child = stack.begin('pulumi up');
    const ended = stack.checkout.finish(child);
    assert.ok(await eventually(60, async () => stack.awsWrites(mark).length > 0));
    const late = draw() * 8000;
    await sleep(late);
    const restart = killServer(stack, name);
    await sleep(2000);
    await restart();
    const { code } = await ended;
    const how = code === 0 ? 'the same run ended well' : 'the next run put it right';
    console.log(
      `      seed ${seed}: ${name} dies ${Math.round(late)} ms after the new version; ${how}`,
    );
    if (code !== 0) await up();
    await assertWhole(pair, before);
    assert.deepEqual(bookFaults(stack.trades()), []);
  });

  it('of a compromised key stops the bot before the prompt, and starts it with the new one alone', async () => {
    // A server that was killed has left the other watch a gap.
    const since = await stack.watch();
    const begun = Date.now();
    const words = ['run', '--silent', 'rotate', '--', '--stack', 'prod'];
    const compromised = [...words, '--compromised', 'trading.binance'];
    const asked = await stack.run('npm', compromised, '');
    assert.equal(asked.code, 1, asked.stdout + asked.stderr);
    assert.match(asked.stdout, /^ {2}Deployment hummingbot\/hummingbot: stopped$/mu);
    assert.match(asked.stderr, /^standard input: got nothing; /mu);
    const labelSelector = 'app.kubernetes.io/name=hummingbot';
    const { namespace, access } = stack;
    const { items } = await access.core.listNamespacedPod({ namespace, labelSelector });
    // One that has ended may be listed for a moment.
    const running = items.filter(
      ({ status }) => !/^(?:Succeeded|Failed)$/u.test(status?.phase ?? ''),
    );
    assert.deepEqual(
      running.map(({ metadata }) => metadata?.name),
      [],
    );
    const refused = await stack.npmStart();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^stack prod: got a compromised trading\.binance_api_key, /mu);
    const pair = makePair(6);
    for (const half of ['api', 'secret'] as const) set.set(`${half} ${set.size}`, pair[half]);
    const text = `BINANCE_API_KEY=${pair.api}\nBINANCE_SECRET_KEY=${pair.secret}\n`;
    const done = await stack.run('npm', [...words, '--resume', '--skip-check'], text);
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.match(
      done.stdout,
      /^URGENT: revoke the old trading\.binance_api_key where it was made now, /mu,
    );
    assert.ok(await holds(keys.api, pair.api));
    assert.ok(await holds(keys.secret, pair.secret));
    const started = since.bots().filter(({ at, type }) => at > begun && type === 'ADDED');
    assert.equal(started.length, 1, 'bots that were started');
    assert.deepEqual(overlaps(since.bots()), []);
    assert.deepEqual(bookFaults(stack.trades()), []);
    const back = await stack.run('npm', [...words, '--back', 'trading.binance'], '');
    assert.match(back.stderr, /got no old value to go back to/u);
  });

  // Comes last: the AWS emulator forgets which version is the current one when a stage was moved by
  // hand, so that the next new version leaves it two of them.
  it('has no drift, and each that is planted by hand is found, and gone with its fix', async () => {
    const drift = async () => await driftOf(async (...words) => await stack.run(...words));
    assert.deepEqual(await drift(), []);
    const client = stack.secretsManager();
    const planted = lookAlike('line', 'datadog_api_key');
    set.set('planted', planted);
    const foreign = 'hummingbot-trading-keys-deadbeef';
    // The operator would mend some of it before anybody looks.
    await stack.paused('external-secrets', async () => {
      const SecretString = JSON.stringify({ datadog_api_key: planted });
      await client.send(
        new PutSecretValueCommand({ SecretId: 'hummingbot/monitoring', SecretString }),
      );
      const data = JSON.stringify({ data: { datadog_api_key: 'eA==' } });
      for (const words of [
        ['patch', 'secret', 'hummingbot-monitoring', '--type', 'merge', '--patch', data],
        [
          'annotate',
          '--overwrite',
          'secret',
          'hummingbot-infrastructure',
          'hummingbot-secrets/tag=aaaaaaaaaa',
        ],
        ['create', 'secret', 'generic', foreign, '--from-literal=x=y'],
      ]) {
        const { code, stderr } = await stack.kubectl(...words);
        assert.equal(code, 0, stderr);
      }
      const found = await drift();
      assert.deepEqual(linesOf(found), [
        'changed AWS secret hummingbot/monitoring',
        'changed Secret hummingbot/hummingbot-monitoring',
        'other tag Secret hummingbot/hummingbot-infrastructure',
        `unknown Secret hummingbot/${foreign}`,
      ]);
      const [inAws, edited] = found;
      assert.match(edited?.found ?? '', /^datadog_api_key written by kubectl-patch at 20/u);
      const move = /--move-to-version-id (\S+) --remove-from-version-id (\S+)$/u;
      const [, MoveToVersionId, RemoveFromVersionId] = move.exec(inAws?.fix ?? '') ?? [];
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: 'hummingbot/monitoring',
          VersionStage: 'AWSCURRENT',
          MoveToVersionId,
          RemoveFromVersionId,
        }),
      );
      assert.equal((await stack.kubectl('delete', 'secret', foreign)).code, 0);
    });
    for (const name of ['hummingbot-monitoring', 'hummingbot-infrastructure']) {
      const words = ['annotate', '--overwrite', 'externalsecret', name, `force-sync=${Date.now()}`];
      assert.equal((await stack.kubectl(...words)).code, 0);
    }
    let left: readonly string[] = [];
    const isClean = await eventually(60, async () => {
      left = linesOf(await drift());
      return left.length === 0;
    });
    assert.ok(isClean, left.join());
  });

  it('shows a value nowhere that something printed or logged', () => {
    assert.deepEqual(leaks(stack.checkout.printed.join('\n'), set), []);
    const logs = stack.logs();
    assert.ok(logs.size >= 8, [...logs.keys()].join());
    for (const [name, text] of logs) assert.deepEqual(leaks(text, set), [], name);
  });
});
