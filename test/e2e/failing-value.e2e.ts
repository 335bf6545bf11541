/**
 * Values that keep the bot from becoming Ready, on the servers of a rehearsal: the up fails with the
 * pod's own reason, keeps what is old, and one up heals whatever comes next.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { entryOf } from '../../components/catalog.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { leaks, makeCanary } from '../canary.ts';
import type { Result } from './checkout.ts';
import { isReady, restartsOf } from './cluster-watch.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

/** Three restarts come within two minutes, also beside other tests; the Deployment's own deadline is ten. */
const failsWithinSeconds = 300;
const versioned = 'hummingbot-trading-keys-';

describe('a value that keeps the bot from becoming Ready', () => {
  const key = 'binance_api_key';
  const stack = new RehearsedStack('prod', { keepsBook: true });
  const good = { a: makeCanary('a'), c: makeCanary('c') };
  const bad = `${makeCanary('b')}-refused-by-exchange-${randomBytes(4).toString('hex')}`;
  const canaries = new Map(Object.entries({ ...good, bad }));

  before(async function () {
    if (!canRehearse) this.skip();
    await stack.start();
  });
  after(async () => await stack.end());

  /** Names of the versioned Secrets, or of the ExternalSecrets that make them. */
  async function versions(kind: 'secrets' | 'externalsecrets'): Promise<readonly string[]> {
    const words = ['get', kind, '--output', 'jsonpath={.items[*].metadata.name}'];
    const { code, stdout } = await stack.kubectl(...words);
    assert.equal(code, 0);
    return stdout.split(' ').filter((name) => name.startsWith(versioned));
  }

  async function timed(work: () => Promise<Result>): Promise<Result & { seconds: number }> {
    const start = performance.now();
    const result = await work();
    return { ...result, seconds: (performance.now() - start) / 1000 };
  }

  /** An up that fails in time, in one line with the pod's reason; what was there is there. */
  async function fails(old: readonly string[]): Promise<void> {
    const { code, stdout, stderr, seconds } = await timed(async () => await stack.up());
    const printed = `${stdout}\n${stderr}`;
    assert.equal(code, 1, printed);
    console.log(`      failed after ${seconds.toFixed(0)} s`);
    assert.ok(seconds < failsWithinSeconds, `${seconds} s`);
    const lines = printed.split('\n').map((line) => line.trim());
    const told = lines.filter((line) => line.startsWith('error: Deployment '));
    const [pod] = await stack.pods();
    const reason = 'container hummingbot: (?:crashes|CrashLoopBackOff)';
    const line = new RegExp(
      `^error: Deployment hummingbot/hummingbot: pod ${pod?.metadata?.name}: ${reason}, ` +
        'exit code 1, \\d restarts: strategy book\\.yml: got exit code 1 from the bot; ' +
        'allowed: one that it can start; nothing old is deleted; fix: kubectl ',
      'u',
    );
    assert.equal(told.length, 1, printed);
    assert.match(told[0] ?? '', line);
    assert.doesNotMatch(printed, /^\s+at \S+ \(|node:internal|\.ts:\d+:\d+/mu);
    assert.deepEqual(leaks(printed, canaries), []);
    for (const kind of ['secrets', 'externalsecrets'] as const) {
      const there = await versions(kind);
      assert.deepEqual(
        old.filter((name) => !there.includes(name)),
        [],
        kind,
      );
      assert.ok(there.length > old.length, 'the new one is beside the old');
    }
  }

  /** One up; then the bot has what is set, everywhere, and nothing is left of what was. */
  async function heals(value: string): Promise<readonly string[]> {
    const { code, stdout, stderr, seconds } = await timed(async () => await stack.up());
    assert.equal(code, 0, stdout + stderr);
    console.log(`      green after ${seconds.toFixed(0)} s`);
    const values = await stack.values();
    assert.equal(values.get(key), value);
    const pod = await stack.pod();
    assert.ok(isReady(pod));
    const { stdout: inside } = await stack.inBot(['cat', `/etc/secrets/trading/${key}`]);
    assert.equal(inside === value, true, 'another value in the bot');
    const mounted = pod.spec?.volumes?.flatMap(({ secret }) => secret?.secretName ?? []) ?? [];
    for (const kind of ['externalsecrets', 'secrets'] as const) {
      assert.ok(
        await eventually(30, async () => (await versions(kind)).join() === mounted.join()),
        `${kind}: ${(await versions(kind)).join()} beside ${mounted.join()}`,
      );
    }
    const stored = await stack
      .secretsManager()
      .send(new GetSecretValueCommand({ SecretId: 'hummingbot/trading' }));
    const current = JSON.parse(stored.SecretString ?? '{}') as Record<string, string>;
    const other = [...values].filter(([each, text]) => {
      return entryOf(each).group === 'trading' && current[each] !== text;
    });
    assert.deepEqual(
      other.map(([each]) => each),
      [],
      'keys of which AWSCURRENT is another',
    );
    await assertSettled();
    return mounted;
  }

  /** The state knows of nothing that is begun, to be deleted or to be replaced. */
  async function assertSettled(): Promise<void> {
    const { code, stdout } = await stack.pulumi(['stack', 'export']);
    assert.equal(code, 0);
    const { deployment } = JSON.parse(stdout) as {
      readonly deployment: {
        readonly pending_operations?: readonly unknown[];
        readonly resources: readonly {
          readonly urn: string;
          readonly delete?: boolean;
          readonly pendingReplacement?: boolean;
        }[];
      };
    };
    assert.equal(deployment.pending_operations?.length ?? 0, 0);
    const begun = deployment.resources.filter((each) => each.delete || each.pendingReplacement);
    assert.deepEqual(
      begun.map(({ urn }) => urn),
      [],
    );
  }

  let current: readonly string[] = [];

  it('fails the up with the reason, and keeps the old Secret (A -> B)', async () => {
    await stack.set(key, good.a);
    current = await heals(good.a);
    await stack.set(key, bad);
    await fails(current);
  });

  it('fails again while the bot is down, also after a refresh', async () => {
    assert.equal((await stack.pulumi(['refresh', '--yes', '--skip-preview'])).code, 0);
    await fails(current);
  });

  it('is healed by one up with the old value (A -> B -> A)', async () => {
    await stack.set(key, good.a);
    const healed = await heals(good.a);
    assert.equal(healed.length, 1);
    assert.notDeepEqual(healed, current, 'a name of its own, though the value was there before');
    current = healed;
  });

  it('is healed by one up, unchanged, once what kept the bot down is mended', async () => {
    const book = join(stack.data() ?? '', 'trades.log');
    // Not the value: the strategy cannot start, because it cannot write its book.
    chmodSync(book, 0o400);
    await stack.set(key, good.c);
    await fails(current);
    chmodSync(book, 0o644);
    current = await heals(good.c);
  });

  it('is no matter of failures: back to a good value that was left (A -> C -> A)', async () => {
    await stack.set(key, good.a);
    assert.notDeepEqual(await heals(good.a), current);
  });

  it('leaves the old bot alone when the fault shows before: an image that cannot be had', async () => {
    const before = await stack.pod();
    const trades = stack.trades();
    const { stdout: image } = await stack.pulumi(['config', 'get', 'image']);
    await setImage(`rehearsal.invalid/hummingbot@sha256:${'0'.repeat(64)}`);
    const { code, stdout, stderr, seconds } = await timed(async () => await stack.up());
    const printed = `${stdout}\n${stderr}`;
    assert.equal(code, 1, printed);
    console.log(`      failed after ${seconds.toFixed(0)} s`);
    assert.ok(seconds < failsWithinSeconds, `${seconds} s`);
    const lines = printed.split('\n').map((line) => line.trim());
    const told = lines.filter((line) => line.startsWith('error: Preflight '));
    assert.equal(told.length, 1, printed);
    assert.match(
      told[0] ?? '',
      /^error: Preflight hummingbot\/hummingbot-preflight: pod hummingbot-preflight-\S+: container materialise: (?:ErrImagePull|ImagePullBackOff): .*rehearsal\.invalid\/hummingbot@sha256:0{64}.*; nothing was changed and the old bot, if any, still runs; fix: kubectl /u,
    );
    await assertUntouched();
    await setImage(image.trim());
    assert.equal((await stack.up()).code, 0);
    await assertUntouched();
    await assertSettled();

    async function setImage(name: string): Promise<void> {
      assert.equal((await stack.pulumi(['config', 'set', 'image', name])).code, 0);
    }

    async function assertUntouched(): Promise<void> {
      const pod = await stack.pod();
      assert.equal(pod.metadata?.uid, before.metadata?.uid);
      assert.ok(isReady(pod));
      assert.deepEqual(restartsOf(pod), [0, 0]);
      assert.deepEqual(stack.trades(), trades);
    }
  });

  it('leaves no value in what was printed or logged', () => {
    const printed = stack.checkout.printed.join('\n');
    assert.deepEqual(leaks(printed, canaries), []);
    for (const [name, text] of stack.logs()) {
      assert.deepEqual(leaks(text.toString('latin1'), canaries), [], name);
    }
  });
});
