/** The leg of the preview that forks run, step by step, as a runner would run it: without any credential. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Checkout, type Result } from './checkout.ts';

interface Step {
  readonly name?: string;
  readonly run?: string;
}

describe("the preview of a fork's pull request", () => {
  const checkout = new Checkout('none');
  const summaryFile = join(checkout.temporary, 'summary.md');
  const { jobs } = parse(checkout.read('.github/workflows/preview.yml'));
  const { steps } = jobs['without-credentials'] as { readonly steps: readonly Step[] };
  const results = new Map<string, Result>();
  let summary = '';

  after(() => checkout.remove());

  /** Runs the steps as GitHub's `shell: bash` does, until one fails. */
  async function runSteps(): Promise<void> {
    const home = join(checkout.temporary, 'home');
    mkdirSync(home, { recursive: true });
    writeFileSync(summaryFile, '');
    const mine = Object.keys(process.env).filter((name) =>
      /^(?:AWS_|GITHUB_|GH_|KUBE)/u.test(name),
    );
    const env = {
      ...Object.fromEntries(mine.map((name) => [name, undefined])),
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: summaryFile,
    };
    results.clear();
    for (const { name = '', run } of steps) {
      if (run === undefined) continue;
      const script = join(checkout.temporary, 'step.sh');
      writeFileSync(script, run);
      const words = ['--noprofile', '--norc', '-eo', 'pipefail', script];
      const result = await checkout.run('bash', words, { env });
      results.set(name, result);
      if (result.code !== 0) break;
    }
    summary = readFileSync(summaryFile, 'utf8');
  }

  it('succeeds, every step of it', async () => {
    await runSteps();
    const codes = [...results].map(([name, { code }]) => [name, code]);
    assert.deepEqual(codes, [
      ['Install', 0],
      ['Look for secrets in the clear', 0],
      ['Preview dev on a stack that is thrown away', 0],
      ['Run the program of every stack under mocks', 0],
    ]);
  });

  it('shows in the summary what would be made, and that every stack runs', () => {
    assert.match(summary, /^## Preview of dev$/m);
    assert.match(summary, /\+ .*hummingbot:index:File/);
    assert.match(summary, /\d+ to create/);
    assert.match(summary, /hummingbot-secrets@v0\.1\.0 \(local: \S*policies\b/);
    for (const stack of ['dev', 'staging', 'prod']) {
      assert.match(summary, new RegExp(`previews ${stack}`));
      assert.match(summary, new RegExp(`find nothing in ${stack}, previewed`));
    }
    assert.equal(summary.match(/```/gu)?.length, 4);
  });

  it('leaves nothing in the checkout that git would see', () => {
    assert.equal(checkout.gitStatus(), '');
  });

  it('fails, and shows why, when the settings are wrong', async () => {
    const file = checkout.path('Pulumi.dev.yaml');
    writeFileSync(
      file,
      checkout.read('Pulumi.dev.yaml').replace('exchanges: [', 'exchanges: [nowhere, '),
    );
    await runSteps();
    const preview = results.get('Preview dev on a stack that is thrown away');
    assert.notEqual(preview?.code, 0);
    assert.match(summary, /exchanges.*got "?nowhere"?; allowed: /);
    assert.equal(summary.match(/```/gu)?.length, 2);
    assert.ok(!results.has('Run the program of every stack under mocks'));
  });
});
