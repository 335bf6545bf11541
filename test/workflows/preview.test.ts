/** What the preview of pull requests may do, and what it may not; its steps run in test/e2e. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { jobOf, type Step, textOf, workflowOf } from './workflow.ts';

const text = textOf('preview.yml');
const workflow = workflowOf('preview.yml', text);

const fork = jobOf(workflow, 'without-credentials');
const own = jobOf(workflow, 'with-credentials');
const [forkSteps, ownSteps] = [fork, own].map(({ steps = [] }) => steps) as [
  readonly Step[],
  readonly Step[],
];

describe('the preview of pull requests', () => {
  it("runs for pull requests alone, and never with the base's rights on a fork's code", () => {
    assert.deepEqual(Object.keys(workflow.on), ['pull_request']);
    assert.doesNotMatch(text.replaceAll(/#.*$/gmu, ''), /pull_request_target|workflow_run/);
  });

  it('gives no job more than it needs, and none a default', () => {
    assert.deepEqual(workflow.permissions, {});
    assert.deepEqual(fork.permissions, { contents: 'read' });
    assert.deepEqual(own.permissions, {
      contents: 'read',
      'id-token': 'write',
      'pull-requests': 'write',
    });
  });

  it('has nothing of credentials in the leg that forks run', () => {
    assert.equal(fork.if, undefined);
    assert.doesNotMatch(JSON.stringify(fork), /vars\.|github\.token|id-token|aws/iu);
    for (const step of forkSteps.filter(({ uses }) => uses?.startsWith('actions/checkout'))) {
      assert.equal(step.with?.['persist-credentials'], false);
    }
  });

  it('keeps forks out of the leg that has them', () => {
    assert.match(own.if ?? '', /head\.repo\.full_name == github\.repository/);
  });

  it("asks a reviewer of the stack's environment before the code of a branch has credentials", () => {
    assert.equal(own.environment, 'preview-$' + '{{ matrix.stack }}');
    assert.equal(fork.environment, undefined);
  });

  it('looks for leaks in the whole history, before anything else runs', () => {
    const checkout = forkSteps.find(({ uses }) => uses?.startsWith('actions/checkout'));
    assert.equal(checkout?.with?.['fetch-depth'], 0);
    const [first, second] = forkSteps.flatMap(({ run }) => run ?? []);
    assert.deepEqual([first, second], ['npm ci', 'npm run --silent leaks -- --history']);
  });

  it("puts nothing of a pull request's text into a shell", () => {
    for (const { run } of [...forkSteps, ...ownSteps]) assert.doesNotMatch(run ?? '', /\$\{\{/);
  });

  it('previews every stack: dev without credentials, the others with, as a comment', () => {
    const stacks = readdirSync('.')
      .map((name) => /^Pulumi\.([a-z0-9-]+)\.yaml$/u.exec(name)?.[1])
      .filter((name) => name !== undefined);
    const matrix = own.strategy?.matrix.stack ?? [];
    assert.deepEqual(['dev', ...matrix].sort(), stacks.sort());
    const pulumi = ownSteps.find(({ uses }) => uses?.startsWith('pulumi/actions@'));
    assert.equal(pulumi?.with?.command, 'preview');
    assert.equal(pulumi?.with?.['comment-on-pr'], true);
    assert.ok(forkSteps.some(({ run }) => run?.includes('preview --stack dev')));
  });

  it('asks the policies about every stack', () => {
    const pulumi = ownSteps.find(({ uses }) => uses?.startsWith('pulumi/actions@'));
    assert.equal(pulumi?.with?.policyPacks, 'policies');
    assert.ok(forkSteps.some(({ run }) => run?.includes('preview --stack dev --policies')));
    assert.ok(forkSteps.some(({ run }) => run?.includes("--grep '^the (program|policies)'")));
  });
});
