/**
 * The prod stack through its life, on the servers of a rehearsal: nothing twice, nothing lost, one
 * bot, and no value where none belongs. Linux and root.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isWrite, readRequests } from '../../rehearsal/servers/aws-requests.ts';
import { type Access, accessTo, eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import type { Systems } from '../../rehearsal/systems.ts';
import { execute } from '../../rehearsal/verify.ts';
import { makeCanary } from '../canary.ts';
import { Checkout, type Result } from './checkout.ts';

const namespace = 'hummingbot';
const labelSelector = 'app.kubernetes.io/name=hummingbot';

interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
}

describe('prod on the servers of a rehearsal', () => {
  const checkout = new Checkout();
  const folder = checkout.path('.local/rehearsal/prod');
  const canaries: string[] = [];
  let systems: Systems;
  let access: Access;

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    const { code, stdout, stderr } = await rehearse('prod', 'up');
    assert.equal(code, 0, stdout + stderr);
    systems = JSON.parse(readFileSync(join(folder, 'systems.json'), 'utf8'));
    access = await accessTo(systems.cluster?.kubeconfig ?? '');
  });

  after(async () => {
    await rehearse('prod', 'down');
    checkout.remove();
  });

  async function rehearse(...words: readonly string[]): Promise<Result> {
    return await checkout.run('npm', ['run', '--silent', 'rehearse', '--', ...words]);
  }

  const environment = (): NodeJS.ProcessEnv => ({
    ...systems.environment,
    HUMMINGBOT_SECRETS_REHEARSAL: 'prod',
  });

  async function up(): Promise<Result> {
    const words = ['start', '--', '--stack', 'prod', '--yes'];
    return await checkout.run('npm', words, { env: environment() });
  }

  async function set(path: string, value = makeCanary(path.replaceAll('.', '-'))): Promise<string> {
    canaries.push(value);
    const words = ['config', 'set', '--secret', '--path', path, '--stack', 'prod'];
    const npm = ['run', '--silent', 'pulumi', '--', ...words];
    const { code } = await checkout.run('npm', npm, { input: value, env: environment() });
    assert.equal(code, 0);
    return value;
  }

  async function pods() {
    return (await access.core.listNamespacedPod({ namespace, labelSelector })).items;
  }

  async function inside(...command: readonly string[]): Promise<string> {
    const name = (await pods()).find(({ metadata }) => !metadata?.deletionTimestamp)?.metadata
      ?.name;
    return (await execute(access, { namespace, name: name ?? '' }, command)).stdout;
  }

  /** The bot's book: seconds, `start` or `stop`, and the pod. */
  async function book(): Promise<readonly (readonly [number, string, string])[]> {
    const lines = (await inside('cat', '/home/hummingbot/data/trades.log')).trim().split('\n');
    return lines.map((line) => {
      const [at, what = '', pod = ''] = line.split(' ');
      return [Number(at), what, pod] as const;
    });
  }

  /** Start and stop by turns, each pair of one pod. */
  function assertNeverTwo(entries: Awaited<ReturnType<typeof book>>): void {
    for (const [at, [, what, pod]] of entries.entries()) {
      assert.equal(what, at % 2 === 0 ? 'start' : 'stop', JSON.stringify(entries));
      if (what === 'stop') assert.equal(pod, entries[at - 1]?.[2]);
    }
  }

  const tradingSecrets = async (): Promise<readonly string[]> =>
    (await access.core.listNamespacedSecret({ namespace })).items
      .map(({ metadata }) => metadata?.name ?? '')
      .filter((name) => name.startsWith('hummingbot-trading-keys-'));

  /** What was written since, by the one who deploys. */
  function watchWrites(): () => {
    readonly api: readonly string[];
    readonly aws: readonly string[];
  } {
    const log = systems.cluster?.auditLog ?? '';
    const requests = join(folder, 'logs', 'aws-requests.jsonl');
    const lines = (): readonly string[] => readFileSync(log, 'utf8').trim().split('\n');
    const before = [lines().length, readRequests(requests).length] as const;
    return () => ({
      api: lines()
        .slice(before[0])
        .map((line) => JSON.parse(line) as AuditEvent)
        .filter(({ verb }) => /^(?:create|update|patch|delete)/u.test(verb))
        .filter(
          ({ user, requestURI }) => user.username === 'deployer' && !/dryRun/u.test(requestURI),
        )
        .map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      aws: readRequests(requests)
        .slice(before[1])
        .filter(isWrite)
        .map(({ action }) => action),
    });
  }

  it('a second up changes nothing and writes nothing', async () => {
    const written = watchWrites();
    const { code, stdout } = await up();
    assert.equal(code, 0, stdout);
    assert.doesNotMatch(stdout, /\d+ (?:created|updated|replaced|deleted)/u);
    assert.deepEqual(written(), { api: [], aws: [] });
  });

  it('a changed key is one write, one restart, and its old Secret is gone', async () => {
    const [before] = await tradingSecrets();
    const entries = await book();
    const written = watchWrites();
    const value = await set('trading.binance_api_key');
    const { code, stdout } = await up();
    assert.equal(code, 0, stdout);
    assert.deepEqual(written().aws, ['secretsmanager.PutSecretValue']);
    assert.equal(await inside('cat', '/etc/secrets/trading/binance_api_key'), value);
    const after = await book();
    assert.equal(after.length, entries.length + 2);
    assertNeverTwo(after);
    assert.ok(
      await eventually(30, async () => {
        const left = await tradingSecrets();
        return left.length === 1 && left[0] !== before;
      }),
    );
    const secret = await access.core.readNamespacedSecret({
      name: (await tradingSecrets())[0] ?? '',
      namespace,
    });
    const synced = Date.parse(String(secret.metadata?.creationTimestamp));
    const stopped = (after.at(-2)?.[0] ?? 0) * 1000;
    assert.ok(synced <= stopped + 1000, 'the new Secret is there before the old bot has stopped');
  });

  it('a changed key of a group that the bot does not use restarts nothing', async () => {
    const [before] = await pods();
    await set('monitoring.grafana_api_key');
    assert.equal((await up()).code, 0);
    const [after] = await pods();
    assert.equal(after?.metadata?.uid, before?.metadata?.uid);
    assert.equal((await pods()).length, 1);
  });

  it('a pod that is deleted while it cancels its orders is never beside another', async () => {
    await inside('sh', '-c', 'echo 5 > /home/hummingbot/data/shutdown-seconds');
    const entries = await book();
    const [pod] = await pods();
    await access.core.deleteNamespacedPod({ name: pod?.metadata?.name ?? '', namespace });
    const again = async (): Promise<boolean> => (await book()).length === entries.length + 2;
    assert.ok(await eventually(60, again));
    const after = await book();
    assertNeverTwo(after);
    assert.ok((after.at(-1)?.[0] ?? 0) >= (after.at(-2)?.[0] ?? 0));
    await inside('sh', '-c', 'echo 0 > /home/hummingbot/data/shutdown-seconds');
  });

  it('a key that the exchange refuses fails the up with the reason, and deletes nothing', async () => {
    const before = await tradingSecrets();
    const bad = await set('trading.binance_api_key', `${makeCanary('bad')}-refused-by-exchange`);
    const { code, stdout, stderr } = await up();
    assert.equal(code, 1);
    assert.match(stdout + stderr, /crashes, exit code 1/u);
    assert.ok(!(stdout + stderr).includes(bad));
    for (const name of before) assert.ok((await tradingSecrets()).includes(name), name);
  });

  it('tried again it fails again, and a good key heals it in one up', async () => {
    assert.equal((await up()).code, 1);
    const value = await set('trading.binance_api_key');
    const { code, stdout } = await up();
    assert.equal(code, 0, stdout);
    assert.equal(await inside('cat', '/etc/secrets/trading/binance_api_key'), value);
    assertNeverTwo(await book());
    assert.ok(await eventually(30, async () => (await tradingSecrets()).length === 1));
  });

  it('is not destroyed while it is protected', async () => {
    const { code, stdout, stderr } = await rehearse('prod', 'destroy');
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /protect/u);
    assert.equal((await pods()).length, 1);
    assert.equal((await tradingSecrets()).length, 1);
  });

  it('leaves no value in a log, a state or anything that was printed', () => {
    assert.ok(canaries.length >= 4);
    const below = [join(folder, 'logs'), join(folder, 'workspace')];
    const files = below.flatMap((each) =>
      readdirSync(each, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    assert.ok(files.length > 15);
    const texts = [...files.map((path) => readFileSync(path, 'latin1')), ...checkout.printed];
    for (const value of canaries) {
      const base64 = Buffer.from(value)
        .toString('base64')
        .replace(/.{0,3}=*$/u, '');
      for (const text of texts) assert.ok(!text.includes(value) && !text.includes(base64));
    }
  });
});
