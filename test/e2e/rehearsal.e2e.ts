/**
 * `npm run rehearse`: stacks on real servers, from a checkout of their own; nothing is left of it,
 * no guard is switched off, and nobody's values are opened. Linux and root.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSecretKey } from '../../components/catalog.ts';
import { isRunning, Servers } from '../../rehearsal/servers/process.ts';
import { makeCanary } from '../canary.ts';
import { Checkout, type Result } from './checkout.ts';

const rehearsalVariable = 'HUMMINGBOT_SECRETS_REHEARSAL';

describe('npm run rehearse', () => {
  const checkout = new Checkout();
  const canary = makeCanary('committed');

  before(function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    // A value that somebody else has encrypted, and that nobody can open here.
    const path = checkout.path('Pulumi.prod.yaml');
    const foreign = `  hummingbot-secrets:trading:\n    binance_api_key:\n      secure: v1:${canary}:x\n`;
    writeFileSync(
      path,
      `encryptionsalt: v1:${canary}:v1:x\n${readFileSync(path, 'utf8')}${foreign}`,
    );
    const commit = [
      '-c',
      'user.name=e2e',
      '-c',
      'user.email=e2e@localhost',
      'commit',
      '-aqm',
      'prod',
    ];
    assert.equal(spawnSync('git', commit, { cwd: checkout.directory }).status, 0);
  });

  after(async () => {
    for (const stack of ['dev', 'staging', 'prod']) await rehearse(stack, 'down');
    checkout.remove();
  });

  async function rehearse(...words: readonly string[]): Promise<Result> {
    return await checkout.run('npm', ['run', '--silent', 'rehearse', '--', ...words]);
  }

  const serversOf = (stack: string) =>
    new Servers(checkout.path(`.local/rehearsal/${stack}`)).list();

  /** Nothing is left in the tree, and no server runs. */
  function assertGone(stack: string): void {
    assert.deepEqual(serversOf(stack), []);
    assert.ok(!existsSync(checkout.path('.local/rehearsal')));
    assert.ok(!existsSync(checkout.path('out')));
    assert.equal(checkout.gitStatus(), '');
  }

  /** The look-alikes of a rehearsal that is up. */
  async function valuesOf(stack: string): Promise<ReadonlyMap<string, string>> {
    const words = ['config', '--show-secrets', '--json', '--stack', stack];
    const env = { [rehearsalVariable]: stack };
    const { stdout } = await checkout.run('npm', ['run', '--silent', 'pulumi', '--', ...words], {
      env,
    });
    const config = JSON.parse(stdout) as Record<string, { objectValue?: Record<string, string> }>;
    return new Map(
      Object.values(config)
        .flatMap(({ objectValue }) => Object.entries(objectValue ?? {}))
        .filter(([key]) => isSecretKey(key)),
    );
  }

  it('brings prod up, finds the values in the bot, and takes it down: without a trace', async () => {
    const { code, stdout, stderr } = await rehearse('prod');
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /ok {6}10 values in the bot are those that were set/u);
    assert.match(stdout, /ok {6}the bot reads 9 keys of 4 exchanges, equal to those set/u);
    assert.match(stdout, /Rehearsal of prod: passed/u);
    assert.match(stderr, /trading: look-alikes, the values were not opened/u);
    assert.ok(!(stdout + stderr).includes(canary));
    assertGone('prod');
  });

  it('does not let the self-built Pulumi near the real prod for that', async function () {
    const { code, stderr, stdout } = await checkout.npmStart('--stack', 'prod');
    if (!/self-built/u.test(stderr)) this.skip();
    assert.equal(code, 1, stdout);
    assert.match(stderr, /allowed: Pulumi >= .* for a protected stack/u);
  });

  it('keeps a stack up between commands, prints no value, and refuses a second one', async () => {
    const first = await rehearse('dev', 'up');
    assert.equal(first.code, 0, first.stdout + first.stderr);
    const values = await valuesOf('dev');
    assert.ok(values.size >= 18);
    const again = await rehearse('dev', '--keep');
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match(again.stdout, /ok {6}one container, running and healthy: /u);
    assert.match(again.stdout, /ok {6}the bot reads 9 keys of 4 exchanges, equal to those set/u);
    assert.match(again.stdout, / unchanged/u);
    assert.doesNotMatch(again.stdout, /\d+ (?:created|updated|replaced|deleted)/u);
    for (const { stdout, stderr } of [first, again]) {
      for (const [key, value] of values) assert.ok(!(stdout + stderr).includes(value), key);
    }
    const other = await rehearse('staging');
    assert.equal(other.code, 1);
    const line =
      /^rehearse: got the rehearsal of dev \(up, process \d+, since [\dT:.Z-]+\); .*down$/mu;
    assert.match(other.stderr, line);
    assert.deepEqual(await valuesOf('dev'), values);
  });

  it('shows its servers, and one that is gone', async () => {
    const { code, stdout } = await rehearse('dev', 'status');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^dockerd +running/mu);
    const dockerd = serversOf('dev').find(({ name }) => name === 'dockerd');
    process.kill(dockerd?.pid ?? 0, 'SIGKILL');
    await sleep(500);
    const after = await rehearse('dev', 'status');
    assert.equal(after.code, 1);
    assert.match(after.stdout, /^dockerd +GONE/mu);
  });

  it('begins anew where servers are gone', async () => {
    const { code, stdout, stderr } = await rehearse('dev', 'up');
    assert.equal(code, 0, stdout + stderr);
    assert.match(stderr, /servers of an earlier rehearsal of dev are gone; it begins anew/u);
  });

  it('opens a shell in which clients find the servers', async () => {
    const words = ['run', '--silent', 'rehearse', '--', 'dev', 'shell'];
    const input = `echo "host $DOCKER_HOST stack $${rehearsalVariable}"; exit 7\n`;
    const env = { SHELL: '/bin/sh' };
    const { code, stdout } = await checkout.run('npm', words, { input, env });
    assert.equal(code, 7);
    assert.match(stdout, /^host unix:\/\/\/proc\/\d+\/root\/run\/docker\.sock stack dev$/mu);
  });

  it('is destroyed, and taken down', async () => {
    const destroyed = await rehearse('dev', 'destroy');
    assert.equal(destroyed.code, 0, destroyed.stdout + destroyed.stderr);
    assert.equal((await rehearse('dev', 'down')).code, 0);
    assertGone('dev');
  });

  it('killed in the middle, is cleared away by the next command', async () => {
    const child = checkout.start('node', ['operations/rehearse.ts', 'dev']);
    const finished = checkout.finish(child);
    while (!serversOf('dev').some(({ name }) => name === 'dockerd')) await sleep(50);
    child.kill('SIGKILL');
    await finished;
    const left = serversOf('dev').filter(isRunning);
    assert.ok(left.length > 0);
    assert.equal((await rehearse('dev', 'down')).code, 0);
    assert.ok(!left.some(isRunning));
    assertGone('dev');
  });

  it('interrupted while it starts, takes down what it has started', async () => {
    const child = checkout.start('node', ['operations/rehearse.ts', 'dev']);
    const finished = checkout.finish(child);
    while (!serversOf('dev').some(({ name }) => name === 'enclosure')) await sleep(20);
    child.kill('SIGINT');
    assert.equal((await finished).code, 130);
    assertGone('dev');
  });

  it('says in one line what it needs, before it starts anything', async () => {
    const wrong = [
      ['nosuch', /got no Pulumi\.nosuch\.yaml/u],
      ['dev', /"upp"; allowed|"dev upp"; allowed/u, 'upp'],
    ] as const;
    for (const [stack, line, verb] of wrong) {
      const { code, stderr } = await rehearse(stack, ...(verb === undefined ? [] : [verb]));
      assert.equal(code, 1);
      assert.match(stderr, line);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
    assertGone('dev');
  });
});
