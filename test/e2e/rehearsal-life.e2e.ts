/**
 * Rehearsals from their begin to their end, however they end: staging as it is, and prod with
 * `env: values`; interrupted, killed, refused. What was there before is there after, and no more.
 * Linux and root. (Prod as it is, dev, and values of somebody else's: rehearsal.e2e.ts.)
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import { groups } from '../../components/catalog.ts';
import { differences } from '../../rehearsal/keystore.ts';
import { machineState, processesOf } from './machine.ts';
import { appearing, descendants } from './process-tree.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

const projectName = 'hummingbot-secrets';
/** All that a copy may have otherwise than the committed file. */
const replaceable = [
  ...['account', 'cluster', 'issuer', 'kubeContext', 'image', 'deployRoles'],
  'administrators',
];

describe('the life of a rehearsal', () => {
  const prod = new RehearsedStack();
  const { checkout } = prod;
  const staging = new RehearsedStack('staging', { checkout });
  let earlier: readonly string[];

  before(function () {
    if (!canRehearse) this.skip();
    const path = checkout.path('Pulumi.prod.yaml');
    const document = parseDocument(readFileSync(path, 'utf8'));
    document.setIn(['config', `${projectName}:groups`], { trading: { env: 'values' } });
    document.setIn(['config', `${projectName}:recoveryWindowDays`], 14);
    writeFileSync(path, document.toString());
    const who = ['-c', 'user.name=e2e', '-c', 'user.email=e2e@localhost'];
    const commit = [...who, 'commit', '-aqm', 'values in the environment'];
    assert.equal(spawnSync('git', commit, { cwd: checkout.directory }).status, 0);
    earlier = machineState();
  });

  after(async () => {
    if (canRehearse) await prod.rehearse('down');
    checkout.remove();
  });

  /** `npm run rehearse -- WORDS` as from a terminal: a group of processes of its own. */
  function begin(...words: readonly string[]): ChildProcess {
    return spawn('npm', ['run', '--silent', 'rehearse', '--', ...words], {
      cwd: checkout.directory,
      env: checkout.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  }

  /** Waits until Pulumi is at work and the bot is being brought up. */
  async function inTheMiddle(child: ChildProcess, said: () => string): Promise<void> {
    const ended = (): boolean => child.exitCode !== null;
    await appearing(child.pid ?? 0, /\/pulumi up /u, ended);
    while (!ended() && !/hummingbot-rollout creating/u.test(said())) await sleep(50);
    assert.ok(!ended(), said());
  }

  /** All that a child prints, as it comes. */
  function listen(child: ChildProcess): () => string {
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    return () => text;
  }

  /** The namespaces of the kernel go a moment after their last process. */
  async function assertNothingLeft(stack: RehearsedStack): Promise<void> {
    for (let at = 0; at < 40 && stack.leftovers().length > 0; at += 1) await sleep(250);
    assert.deepEqual(stack.leftovers(), []);
    assert.deepEqual(processesOf(checkout.directory), []);
    assert.deepEqual(machineState(), earlier);
    assert.ok(!existsSync(checkout.path('.local/rehearsal')));
    // npm's own cache of compiled modules, as any of its commands makes it.
    const own = ['node-compile-cache'];
    assert.deepEqual(
      readdirSync(checkout.temporary).filter((name) => !own.includes(name)),
      [],
    );
    assert.equal(checkout.gitStatus(), '');
  }

  it('says in one line what is wrong with a command, and starts nothing', async () => {
    const none = join(checkout.directory, 'no-such-kubeconfig');
    const usage = /^rehearse: got .*; allowed: npm run rehearse -- STACK \[up\|/u;
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['prod', 'start'], usage],
      [['prod', 'up', 'now'], usage],
      [['prod', '--kep'], usage],
      [['prod', '--kubeconfig'], usage],
      [['../prod'], usage],
      [['production'], /^rehearse: got no Pulumi\.production\.yaml; allowed: .*; fix: /u],
      [['prod', '--kubeconfig', none], /^--kubeconfig: got ".*", which is no file; .*; fix: /u],
      [['prod', 'shell'], /^rehearse: got no rehearsal of prod that runs; .*; fix: .* prod up$/u],
      [['prod', 'destroy'], /^rehearse: got no rehearsal of prod that runs; .*; fix: .* up$/u],
    ];
    for (const [words, line] of wrong) {
      const run = ['run', '--silent', 'rehearse', '--', ...words];
      const { code, stdout, stderr } = await checkout.run('npm', run);
      assert.equal(code, 1, words.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr.trim(), line);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
    const { code, stdout } = await prod.rehearse('status');
    assert.equal(code, 0);
    assert.equal(stdout.trim(), 'No rehearsal of prod.');
    assert.equal((await prod.rehearse('down')).code, 0);
    await assertNothingLeft(prod);
  });

  it('of staging passes, and leaves the machine as it was', async () => {
    const { code, stdout, stderr } = await staging.rehearse();
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^ {2}ok {6}one pod, Running and Ready/mu);
    assert.match(stdout, /^ {2}ok {6}\d+ values in the bot are those that were set/mu);
    assert.match(stdout, /^ {2}ok {6}the bot reads 5 keys of 2 exchanges, equal to those set/mu);
    assert.doesNotMatch(stdout, /FAILED/u);
    assert.match(stdout, /^Rehearsal of staging: passed/mu);
    await assertNothingLeft(staging);
  });

  it('interrupted while Pulumi is at work, takes down all of it; others are refused so long', async () => {
    const child = begin('prod');
    const said = listen(child);
    const closed = new Promise<number | null>((settle) => child.once('close', settle));
    await inTheMiddle(child, said);
    for (const words of [['staging'], ['prod', 'up'], ['prod', 'down']]) {
      const run = ['run', '--silent', 'rehearse', '--', ...words];
      const { code, stderr } = await checkout.run('npm', run);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^rehearse: got the rehearsal of prod \(up, verify, down, process \d+, since [\dT:.Z-]+\); allowed: one at a time; fix: .*$/mu,
      );
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
    process.kill(-(child.pid ?? 0), 'SIGINT');
    assert.notEqual(await closed, 0, said());
    await assertNothingLeft(prod);
  });

  it('killed while Pulumi is at work, leaves what the next down clears away', async () => {
    const child = begin('prod', 'up');
    const said = listen(child);
    await inTheMiddle(child, said);
    const rehearsing = descendants(child.pid ?? 0).find(({ command }) =>
      /^node .*operations\/rehearse\.ts prod up$/u.test(command),
    );
    process.kill(rehearsing?.pid ?? 0, 'SIGKILL');
    await sleep(500);
    assert.ok(processesOf(checkout.directory).some((each) => /\/pulumi up /u.test(each)));
    assert.ok(prod.leftovers().length > 10);
    const { code, stderr } = await prod.rehearse('down');
    assert.equal(code, 0, stderr);
    await assertNothingLeft(prod);
  });

  describe('of prod with the values of trading in the environment', () => {
    let said = '';

    before(async () => {
      const { stdout, stderr } = await prod.start();
      said = stdout + stderr;
    });

    it('replaces what it says, which is all that it may, and nothing else', () => {
      const read = (path: string): Record<string, unknown> =>
        parseDocument(readFileSync(path, 'utf8')).toJSON().config;
      const committed = read(checkout.path('Pulumi.prod.yaml'));
      const copy = read(join(prod.folder, 'workspace', 'stacks', 'Pulumi.prod.yaml'));
      const different = [...new Set([...Object.keys(committed), ...Object.keys(copy)])]
        .filter((name) => shown(committed[name]) !== shown(copy[name]))
        .map((name) => name.slice(projectName.length + 1));
      const values = Object.keys(groups);
      assert.deepEqual(different.toSorted(), [...replaceable, ...values].toSorted());
      const list = said.split('Replaced in the rehearsal')[1]?.split('\n\n')[0] ?? '';
      const listed = [...list.matchAll(/^ {2}([\w ]+): /gmu)].map(([, name]) => name);
      const elsewhere = ['backend', 'secrets provider', 'AWS_ENDPOINT_URL'];
      assert.deepEqual(listed.toSorted(), [...replaceable, ...elsewhere].toSorted());
      assert.equal(shown(copy[`${projectName}:protect`]), 'true');
    });

    it('gives the bot those values in its environment, and only those', async () => {
      const values = await prod.values();
      const { stdout } = await prod.inBot(['cat', '/proc/1/environ']);
      const environment = new Map(
        stdout
          .split('\0')
          .filter((line) => line.includes('='))
          .map((line) => line.split(/=(.*)/su).slice(0, 2) as [string, string]),
      );
      const trading = [...values].filter(([key]) =>
        /^(?:binance|coinbase|kraken|kucoin)_/u.test(key),
      );
      assert.equal(trading.length, 10);
      for (const [key, value] of trading) {
        assert.equal(environment.get(key.toUpperCase()), value, key);
        assert.ok(!environment.has(`${key.toUpperCase()}_FILE`), key);
      }
      for (const [key, value] of values) {
        if (trading.some(([each]) => each === key)) continue;
        for (const [name, text] of environment) assert.ok(!text.includes(value), `${key}: ${name}`);
      }
      assert.deepEqual(differences(await prod.keystore(), values), []);
      assert.equal((await prod.inBot(['ls', '/etc/secrets'])).stdout.trim(), 'trading');
      const spec = JSON.stringify((await prod.pod()).spec);
      for (const [key, value] of values) assert.ok(!spec.includes(value), key);
    });

    it('shows its servers in a table', async () => {
      const { code, stdout } = await prod.rehearse('status');
      assert.equal(code, 0, stdout);
      const [head, ...rows] = stdout.trim().split('\n');
      assert.match(head ?? '', /^SERVER +STATE +PID +FOR +LOG$/u);
      const at = head?.indexOf('STATE') ?? 0;
      const names = rows.map((row) => row.slice(0, at).trim());
      for (const name of ['etcd', 'kube-apiserver', 'kubelet', 'containerd', 'aws']) {
        assert.ok(names.includes(name), stdout);
      }
      for (const row of rows) assert.match(row.slice(at), /^running +\d+ +.+ +\.local\/.*\.log$/u);
    });

    it('is gone after down', async () => {
      const { code, stderr } = await prod.down();
      assert.equal(code, 0, stderr);
      await assertNothingLeft(prod);
    });
  });
});

/** A setting as Pulumi reads it: it writes `true` as a text. */
function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
