/** What the preview of pull requests may do, and what it may not; its steps run in test/e2e. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const text = readFileSync('.github/workflows/preview.yml', 'utf8');
const workflow = parse(text) as Workflow;

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly if?: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly strategy?: { readonly matrix: { readonly stack: readonly string[] } };
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: object;
  readonly permissions: object;
  readonly jobs: Readonly<Record<'without-credentials' | 'with-credentials', Job>>;
}

const { 'without-credentials': fork, 'with-credentials': own } = workflow.jobs;
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

describe('the preview of pull requests', () => {
  it("runs for pull requests alone, and never with the base's rights on a fork's code", () => {
    assert.deepEqual(Object.keys(workflow.on), ['pull_request']);
    assert.doesNotMatch(text.replaceAll(/#.*$/gmu, ''), /pull_request_target|workflow_run/);
  });

  it('pins every action by commit, with its version beside it', () => {
    const uses = text.split('\n').filter((line) => /^\s*(?:- )?uses:/u.test(line));
    assert.equal(uses.length, steps.filter((step) => step.uses !== undefined).length);
    for (const line of uses)
      assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('gives no job more than it needs, and none a default', () => {
    assert.deepEqual(workflow.permissions, {});
    assert.deepEqual(fork.permissions, { contents: 'read' });
    assert.deepEqual(own.permissions, {
      contents: 'read',
      'id-token': 'write',
      'pull-requests': 'write',
    });
    for (const job of [fork, own]) assert.ok((job['timeout-minutes'] ?? 0) > 0);
  });

  it('has no secret anywhere: AWS is by OIDC', () => {
    assert.doesNotMatch(text, /secrets\.|ACCESS_KEY|PASSPHRASE:/u);
    const [aws] = own.steps.filter(({ uses }) => uses?.startsWith('aws-actions/'));
    assert.deepEqual(Object.keys(aws?.with ?? {}).sort(), ['aws-region', 'role-to-assume']);
  });

  it('has nothing of credentials in the leg that forks run', () => {
    assert.equal(fork.if, undefined);
    assert.doesNotMatch(JSON.stringify(fork), /vars\.|github\.token|id-token|aws/iu);
    for (const step of fork.steps.filter(({ uses }) => uses?.startsWith('actions/checkout'))) {
      assert.equal(step.with?.['persist-credentials'], false);
    }
  });

  it('keeps forks out of the leg that has them', () => {
    assert.match(own.if ?? '', /head\.repo\.full_name == github\.repository/);
  });

  it('looks for leaks in the whole history, before anything else runs', () => {
    const checkout = fork.steps.find(({ uses }) => uses?.startsWith('actions/checkout'));
    assert.equal(checkout?.with?.['fetch-depth'], 0);
    const [first, second] = fork.steps.flatMap(({ run }) => run ?? []);
    assert.deepEqual([first, second], ['npm ci', 'npm run --silent leaks -- --history']);
  });

  it("puts nothing of a pull request's text into a shell", () => {
    for (const { run } of steps) assert.doesNotMatch(run ?? '', /\$\{\{/);
  });

  it('previews every stack: dev without credentials, the others with, as a comment', () => {
    const stacks = readdirSync('.')
      .map((name) => /^Pulumi\.([a-z0-9-]+)\.yaml$/u.exec(name)?.[1])
      .filter((name) => name !== undefined);
    const matrix = own.strategy?.matrix.stack ?? [];
    assert.deepEqual(['dev', ...matrix].sort(), stacks.sort());
    const pulumi = own.steps.find(({ uses }) => uses?.startsWith('pulumi/actions@'));
    assert.equal(pulumi?.with?.command, 'preview');
    assert.equal(pulumi?.with?.['comment-on-pr'], true);
    assert.ok(fork.steps.some(({ run }) => run?.includes('preview --stack dev')));
  });

  it('asks the policies about every stack', () => {
    const pulumi = own.steps.find(({ uses }) => uses?.startsWith('pulumi/actions@'));
    assert.equal(pulumi?.with?.policyPacks, 'policies');
    assert.ok(fork.steps.some(({ run }) => run?.includes('preview --stack dev --policies')));
    assert.ok(fork.steps.some(({ run }) => run?.includes("--grep '^the (program|policies)'")));
  });
});
