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
  [ "$ROTATES" = no ] || { mkdir -p ledger; echo line >> ledger/dev.jsonl; }
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
        ROTATES: 'no',
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

  it('is red when the rotation failed, says so, and proposes what was recorded all the same', async () => {
    const { code } = await rotation(1, { ROTATES: 'yes' });
    assert.notEqual(code, 0);
    assert.match(github.issue ?? '', /^- \[ \] the last rotation failed/u);
    assert.deepEqual(github.branches(), ['main', 'rotation/dev']);
    assert.equal(github.git('diff', '--name-only', 'origin/main', 'HEAD'), 'ledger/dev.jsonl\n');
  });

  it('closes the issue once nothing waits any more', async () => {
    github.merge('rotation/dev');
    await rotation(0);
    assert.equal(github.issue, undefined);
    assert.ok(github.asked().includes('issue close 7'));
  });
});
