/** The policy pack on the real engine: a clean stack passes, what is planted does not, no value shows. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../operations/engine/process.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, type Result } from './checkout.ts';
import { appearing } from './process-tree.ts';

describe('the policy pack', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());
  const canary = makeCanary('policies');
  const policies = async (): Promise<Result> =>
    await checkout.run('npm', ['run', '--silent', 'policies', '--', '--stack', 'dev']);

  async function planted(file: string, from: string, to: string, run = policies): Promise<Result> {
    const text = checkout.read(file);
    assert.ok(text.includes(from), file);
    writeFileSync(checkout.path(file), text.replace(from, to));
    try {
      return await run();
    } finally {
      writeFileSync(checkout.path(file), text);
    }
  }

  function assertRefused({ code, stderr }: Result, lines: readonly RegExp[]): void {
    assert.equal(code, 1, stderr);
    const said = stderr.trim().split('\n');
    assert.match(said.at(-1) ?? '', /^stack dev: \d+ violations? of 1 rule; nothing was changed/);
    const violations = said.filter((line) => line.includes('; allowed: '));
    assert.equal(violations.length, lines.length, stderr);
    for (const [at, line] of lines.entries()) assert.match(violations[at] ?? '', line);
  }

  before(async () => await checkout.setSecret('trading.binance_api_key', canary));

  it('finds nothing in a clean stack that is not there yet, and changes nothing', async () => {
    const { code, stdout, stderr } = await policies();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^stack dev: the policies find nothing in \d\d resources$/m);
    assert.ok(!existsSync(checkout.path('out')));
  });

  it('refuses an up that violates one, before anything is made', async () => {
    const run = async () => await checkout.npmStart('--policies', '--stack', 'dev');
    const { code, stdout, stderr } = await planted(
      'components/delivery/env-file.ts',
      "const mode = '0600';",
      "const mode = '0640';",
      run,
    );
    assert.notEqual(code, 0);
    assert.match(
      `${stdout}${stderr}`,
      /closed-files[\s\S]*mode: got 0640; allowed: mode 0400 or 0600/,
    );
    assert.ok(!existsSync(checkout.path('out/dev/.env.secrets')));
  });

  it('lets a clean stack up, and finds nothing in it when it is there', async () => {
    const up = await checkout.npmStart('--policies', '--stack', 'dev');
    assert.equal(up.code, 0, up.stderr);
    const { code, stderr } = await policies();
    assert.equal(code, 0, stderr);
  });

  it('finds a file that others may read', async () => {
    const result = await planted(
      'components/delivery/env-file.ts',
      "const mode = '0600';",
      "const mode = '0644';",
    );
    assertRefused(result, [
      /^closed-files: hummingbot:index:File env-file-env-secrets: mode: got 0644; allowed: .*; fix: /,
    ]);
  });

  it('finds a value in what a resource is kept by', async () => {
    const result = await planted(
      'components/values.ts',
      'keepers: { tag: this.tag }',
      'keepers: { tag: this.tag, first: this.secrets[0]?.value ?? this.tag }',
    );
    const line =
      /^value-in-metadata: random:index\/randomId:RandomId (?:infrastructure|trading|monitoring)-suffix: metadata, one place: got a value of the stack; allowed: /;
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, new RegExp(line.source, 'm'));
    assert.match(result.stderr, /of 1 rule; nothing was changed/);
  });

  it('finds a service that keeps its capabilities', async () => {
    const result = await planted('components/consumers/service.ts', "cap_drop: ['ALL'],", '');
    const line = (file: string): RegExp =>
      new RegExp(
        `^confined-service: hummingbot:index:File hummingbot-${file}: Compose file, service 1: got capabilities`,
      );
    assertRefused(result, [line('compose-file'), line('env-file-file')]);
  });

  it('ends with its engine, also with one that is killed', async () => {
    const child = checkout.start('npm', ['run', '--silent', 'policies', '--', '--stack', 'dev']);
    const ended = (): boolean => child.exitCode !== null;
    const finished = checkout.finish(child);
    const pack = await appearing(process.pid, /^\S*node \S+run-policy-pack/u, ended);
    assert.ok(pack !== undefined);
    process.kill(pack.parent, 'SIGKILL');
    const { code, stderr } = await finished;
    assert.notEqual(code, 0);
    assert.match(stderr, /its preview failed, so that the policies were not asked about all of it/);
    for (let waited = 0; isAlive(pack.pid); waited += 100) {
      assert.ok(waited < 10_000, 'the pack is left');
      await sleep(100);
    }
  });

  it('shows no value in all that it printed', () => {
    const printed = checkout.printed.join('\n');
    assert.ok(printed.length > 1000);
    assert.deepEqual(leaks(printed, new Map([['policies', canary]])), []);
  });
});
