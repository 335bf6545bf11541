/** `npm run pulumi` with the real Pulumi: which stack a command works on, and that it needs one. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout } from './checkout.ts';

describe('npm run pulumi', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());
  const stacks = checkout.path('.local/state/.pulumi/stacks');
  const canary = makeCanary('pulumi');
  const canaries = new Map([['pulumi', canary]]);

  for (const [line, said] of [
    ['version', /^v\d+\.\d+\.\d+/],
    ['--version', /^v\d+\.\d+\.\d+/],
    ['--help', /^Pulumi - Modern Infrastructure as Code/],
    ['up --help', /^Create or update the resources in a stack\./],
    ['config set -h', /^Configuration values can be accessed/],
    ['help stack output', /^Show a stack's output properties/],
    ['whoami', /^\S+\n$/],
    ['gen-completion bash', /bash completion/],
    ['plugin ls', /NAME/],
    ['org --help', /organization/i],
    ['stack ls', /^NAME/],
    ['about', /^CLI/],
  ] as const) {
    it(`needs no stack and makes none: ${line}`, async () => {
      const words = line.split(' ');
      const { code, stdout, stderr } = await checkout.pulumi(words);
      assert.equal(code, 0, stderr);
      assert.match(stdout, said);
      assert.ok(!existsSync(stacks), 'a stack was made');
    });
  }

  it('refuses a value wherever it stands among the arguments, and makes no stack', async () => {
    for (const words of [
      ['--stack', 'dev', 'config', 'set', '--secret', 'KEY', canary],
      ['config', '--stack', 'dev', 'set', 'trading.binance_api_key', canary],
      ['config', 'set-all', '--path', '--plaintext', `trading.binance_api_key=${canary}`],
      ['config', 'set', '--path', 'trading.binance_api_key', '--', `-${canary}`],
      ['config', 'set', '--path', 'trading.binance_api_key', `-s${canary}`],
      ['config', 'set', '--path', 'trading["binance_api_key"]', canary],
      ['config', 'set', '--secret', canary, 'trading.binance_api_key'],
      ['up', '-c', `trading.binance_api_key=${canary}`],
    ]) {
      const { code, stdout, stderr } = await checkout.pulumi(words);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^[^\n]*: got (?:a value|values) among the arguments[^\n]*; fix: [^\n]*\n$/,
      );
      assert.equal(stdout, '');
      assert.deepEqual(leaks(stdout + stderr, canaries), []);
    }
    assert.ok(!existsSync(stacks), 'a stack was made');
  });

  it('works on dev unless another stack is named, in front of -- and behind it', async () => {
    const stack = async (...words: string[]): Promise<string> =>
      (await checkout.pulumi(words)).stdout.trim();
    assert.equal(await stack('stack', '--show-name'), 'dev');
    assert.equal(await stack('--stack', 'staging', 'stack', '--show-name'), 'staging');
    assert.equal(await stack('stack', '--show-name'), 'dev');
    const set = await checkout.pulumi(['config', 'set', 'namespace', '--', 'bots']);
    assert.equal(set.code, 0, set.stderr);
    assert.equal(await stack('config', 'get', 'namespace'), 'bots');
    assert.match(readFileSync(checkout.path('.local/stacks/Pulumi.dev.yaml'), 'utf8'), /: bots$/m);
    const env = { PULUMI_STACK: 'staging' };
    const words = ['run', '-s', 'pulumi', '--', 'stack', '--show-name'];
    assert.equal((await checkout.run('npm', words, { env })).stdout.trim(), 'staging');
  });

  it('refuses to select a stack, and the next command is where it was', async () => {
    const { code, stderr } = await checkout.pulumi(['stack', 'select', 'staging']);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^stack select: got a selection.*; fix: npm run pulumi -- COMMAND --stack staging\n$/,
    );
    const { stdout } = await checkout.pulumi(['stack', '--show-name']);
    assert.equal(stdout.trim(), 'dev');
  });

  it('removes and cancels the stack that a word of the command names', async () => {
    const cancel = await checkout.pulumi(['cancel', 'staging', '--yes']);
    assert.equal(cancel.code, 0, cancel.stderr);
    const { code, stderr } = await checkout.pulumi(['stack', 'rm', 'staging', '--yes']);
    assert.equal(code, 0, stderr);
    const { stdout } = await checkout.pulumi(['stack', 'ls', '--json']);
    assert.deepEqual(
      JSON.parse(stdout).map(({ name }: { name: string }) => name),
      ['dev'],
    );
    assert.equal(checkout.gitStatus(), '');
  });
});
