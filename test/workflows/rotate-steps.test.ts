/** What rotate.yml makes of each end of a rotation, with a rotation that only says so; test/e2e has the real one. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Checkout } from '../e2e/checkout.ts';
import { GitHub } from '../e2e/github.ts';
import { type JobRun, runJob } from '../e2e/workflow-steps.ts';
import { jobOf, workflowOf } from './workflow.ts';

const person = 'waits for a person: npm run rotate -- --stack dev trading.kraken_api_key';

describe('a rotation by schedule', () => {
  const checkout = new Checkout();
  const github = new GitHub(checkout);
  const tools = join(checkout.temporary, 'npm');

  before(() => {
    mkdirSync(tools);
    const npm = `#!/bin/sh
case "$*" in
*--metrics*) echo 'hummingbot_rotation_open_items{stack="dev"} '"$OPEN" ;;
*)
  [ -z "$LEDGER" ] || { mkdir -p ledger; echo "$LEDGER" >> ledger/dev.jsonl; }
  [ -z "$SETS" ] || echo "# $SETS" >> Pulumi.dev.yaml
  echo "$SAYS"
  exit "$ENDS" ;;
esac
`;
    writeFileSync(join(tools, 'npm'), npm);
    chmodSync(join(tools, 'npm'), 0o755);
  });
  after(() => checkout.remove());

  async function rotation(ends: number, more: Record<string, string> = {}): Promise<JobRun> {
    return await runJob(checkout, jobOf(workflowOf('rotate.yml'), 'rotate'), {
      contexts: {
        'vars.PULUMI_BACKEND_URL': 'file:///nowhere',
        'matrix.stack': 'dev',
        'github.token': 'token-of-the-run',
      },
      environment: {
        PATH: [tools, github.tools, process.env.PATH].join(delimiter),
        ENDS: String(ends),
        OPEN: '0',
        LEDGER: '',
        SETS: '',
        SAYS: '',
        ...more,
      },
      done: ['Install'],
    });
  }

  it('says nothing to anybody when nothing is due', async () => {
    const { code } = await rotation(0);
    assert.equal(code, 0);
    assert.deepEqual(github.branches(), ['main']);
    assert.equal(github.issue, undefined);
  });

  it('is green when something waits for a person, whom an issue tells it', async () => {
    const { code } = await rotation(2, { SAYS: person });
    assert.equal(code, 0);
    assert.equal(github.issue, '- [ ] `npm run rotate -- --stack dev trading.kraken_api_key`\n');
    await rotation(0, { OPEN: '3' });
    assert.match(
      github.issue ?? '',
      /^- \[ \] revoke 3 replaced credentials where they were made: /u,
    );
    const issues = github.asked().filter((line) => line.startsWith('issue'));
    assert.deepEqual(
      issues.map((line) => line.split(' ')[1]).filter((verb) => verb !== 'list'),
      ['create', 'edit'],
    );
  });

  /** What the pull request says, and which files it changes. */
  function proposal(): readonly string[] {
    const [said = ''] = github.asked().filter((line) => line.startsWith('pr create'));
    const files = github.git('diff', '--name-only', 'origin/main', 'HEAD').trim().split('\n');
    return [...(/--title (.*) --body (.*)$/u.exec(said)?.slice(1) ?? []), ...files];
  }

  it('proposes the new values once they are recorded, to be merged before anything else', async () => {
    const { code } = await rotation(0, { LEDGER: '{"did":"rotated"}', SETS: 'new' });
    assert.equal(code, 0);
    assert.deepEqual(proposal(), [
      'Rotation of dev',
      'Merge this before anything else is deployed to dev: the new values are in every place, and not in main.',
      'Pulumi.dev.yaml',
      'ledger/dev.jsonl',
    ]);
    github.merge('rotation/dev');
  });

  for (const end of [
    'x.y: the roll out failed, and the old value is back in every place; the new one is kept: ...',
    'x.y: the old value is set, and not in every place yet; what is done is kept: ...',
  ]) {
    it(`keeps what was taken back, and calls it no new value: ${end.slice(5, 50)}`, async () => {
      const { code } = await rotation(1, { SAYS: end, SETS: 'old' });
      assert.notEqual(code, 0);
      assert.match(github.issue ?? '', /^- \[ \] the last rotation failed/u);
      assert.deepEqual(proposal(), [
        'Failed rotation of dev',
        'Merge this before anything else is deployed to dev, then rotate again: the rotation failed, the old values are set again, and those that had been generated are in this stack file alone.',
        'Pulumi.dev.yaml',
      ]);
      github.merge('rotation/dev');
    });
  }

  it('proposes no half of a rotation, which nobody could go on with', async () => {
    const { code, steps } = await rotation(1, {
      SAYS: 'x.y: the new value is set, and not in every place yet; what is done is kept: ...',
      SETS: 'half',
    });
    assert.notEqual(code, 0);
    assert.match(github.issue ?? '', /or run deploy\.yml if that is nothing/u);
    assert.equal(steps.get('Propose what was rotated')?.stdout, 'Nothing was rotated.\n');
    assert.deepEqual(github.branches(), ['main']);
    assert.ok(!checkout.read('Pulumi.dev.yaml').includes('half'));
  });

  it('is red when the rotation failed, says so, and proposes what was recorded all the same', async () => {
    github.asked();
    const { code } = await rotation(1, { LEDGER: '{"did":"confirmed"}', SETS: 'half' });
    assert.notEqual(code, 0);
    assert.match(github.issue ?? '', /^- \[ \] the last rotation failed/u);
    assert.deepEqual(github.branches(), ['main', 'rotation/dev']);
    assert.deepEqual(proposal(), [
      'Rotation of dev',
      'Merge this: the ledger has what was done, and main does not.',
      'ledger/dev.jsonl',
    ]);
  });

  it('closes the issue once nothing waits any more', async () => {
    github.merge('rotation/dev');
    await rotation(0);
    assert.equal(github.issue, undefined);
    assert.ok(github.asked().includes('issue close 7'));
  });
});
