/**
 * The steps of deploy.yml and rotate.yml, on dev and on a staging that is as it, with a backend of one's
 * own and a GitHub that only keeps what it is given. The actions between them, OIDC and approvals are
 * GitHub's, and not run here.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { readLedger } from '../../operations/rotation/ledger.ts';
import { leaks, makeCanary } from '../canary.ts';
import { jobOf, workflowOf } from '../workflows/workflow.ts';
import { Checkout, listFiles } from './checkout.ts';
import { GitHub } from './github.ts';
import { type JobRun, runJob } from './workflow-steps.ts';

const refusal = 'Refuse what would bring an old value back';
const redis = 'secrets/database/redis_password';

describe('deploying and rotating by workflow', () => {
  const checkout = new Checkout();
  const state = join(checkout.temporary, 'state');
  const passphrase = join(checkout.temporary, 'passphrase');
  const canary = makeCanary('kraken');
  const canaries = new Map([['kraken', canary]]);
  const deploy = workflowOf('deploy.yml', checkout.read('.github/workflows/deploy.yml'));
  const stackJobs = workflowOf('x', checkout.read('.github/workflows/deploy-stack.yml'));
  const rotation = workflowOf('x', checkout.read('.github/workflows/rotate.yml'));
  let github: GitHub;
  let environment: Record<string, string>;
  let first = '';

  before(async () => {
    mkdirSync(state, { mode: 0o700 });
    writeFileSync(passphrase, 'of the tests alone', { mode: 0o600 });
    const dev = checkout
      .read('Pulumi.dev.yaml')
      .replace('targets: [compose, env-file]', 'targets: [env-file, compose]');
    writeFileSync(checkout.path('Pulumi.dev.yaml'), dev);
    writeFileSync(
      checkout.path('Pulumi.staging.yaml'),
      dev.replace('environment: dev', 'environment: staging'),
    );
    environment = { PULUMI_CONFIG_PASSPHRASE_FILE: passphrase };
    for (const stack of ['dev', 'staging']) {
      const words = ['run', '-s', 'pulumi', '--', 'config', 'set', '--secret', '--path'];
      const { code, stderr } = await checkout.run(
        'npm',
        [...words, 'trading.kraken_api_key', '--stack', stack],
        { input: canary, env: { ...environment, PULUMI_BACKEND_URL: `file://${state}` } },
      );
      assert.equal(code, 0, stderr);
    }
    checkout.commit('stacks with their salts');
    github = new GitHub(checkout);
    environment.PATH = [github.tools, process.env.PATH].join(delimiter);
  });
  after(() => checkout.remove());

  async function run(
    job: string,
    contexts: Record<string, string>,
    more = {},
    done: readonly string[] = [],
  ): Promise<JobRun> {
    const workflow = job === 'rotate' ? rotation : stackJobs;
    return await runJob(checkout, jobOf(workflow, job), {
      contexts: {
        'vars.PULUMI_BACKEND_URL': `file://${state}`,
        'github.token': 'token-of-the-run',
        ...contexts,
      },
      environment: { ...environment, ...more },
      done: ['Install', ...done],
    });
  }
  const up = async (stack: string, more = {}) => await run('up', { 'inputs.stack': stack }, more);
  const rotate = async (more = {}) => await run('rotate', { 'matrix.stack': 'dev' }, more);
  const entries = () => {
    const read = readLedger(checkout.read('ledger/dev.jsonl'));
    assert.ok('entries' in read);
    return read.entries;
  };

  it('previews dev, then brings it up, then staging, in the order of the workflow', async () => {
    for (const { with: inputs } of Object.values(deploy.jobs).slice(0, 2)) {
      const stack = inputs?.stack ?? '';
      const preview = await run('preview', { 'inputs.stack': stack });
      assert.equal(preview.code, 0, preview.summary);
      assert.match(preview.summary, new RegExp(`^## Preview of ${stack}$`, 'mu'));
      assert.match(preview.summary, /\d+ to create/u);
      assert.deepEqual(listFiles(checkout.path(`out/${stack}`)), []);
      const { code, summary } = await up(stack);
      assert.equal(code, 0, summary);
      assert.match(summary, new RegExp(`^Stack ${stack} is up: 23 values\\.$`, 'mu'));
    }
    first = checkout.read(`out/dev/${redis}`);
    assert.equal(checkout.gitStatus(), '');
  });

  it('refuses a state that would be thrown away, and a commit that is not the newest', async () => {
    const lost = await run('preview', { 'inputs.stack': 'dev', 'vars.PULUMI_BACKEND_URL': '' });
    assert.notEqual(lost.code, 0);
    assert.match(
      [...lost.steps.values()].at(-1)?.stderr ?? '',
      /^PULUMI_BACKEND_URL: got nothing; allowed: .*; fix: .*\n$/u,
    );
    const old = await up('dev', { GITHUB_SHA: github.git('rev-parse', 'HEAD^').trim() });
    assert.notEqual(old.code, 0);
    assert.deepEqual([...old.steps.keys()], [refusal]);
    assert.match(old.steps.get(refusal)?.stderr ?? '', /^stack dev: got a commit .*; fix: .*\n$/u);
  });

  it('proposes the old values that a failed rotation has set again: main alone would make others', async () => {
    const tools = join(checkout.temporary, 'docker');
    const broken = join(tools, 'broken');
    mkdirSync(tools);
    // A bot that runs, and does not start with the new values.
    const running = JSON.stringify({ State: 'running', Labels: '/compose.yaml' });
    const docker = `#!/bin/sh
case " $* " in
*" ps "*) echo '${running}' ;;
*" up "*) [ ! -e '${broken}' ] || { rm '${broken}'; exit 1; } ;;
esac
`;
    writeFileSync(join(tools, 'docker'), docker, { mode: 0o755 });
    writeFileSync(broken, '');
    const failed = await rotate({ PATH: [tools, environment.PATH].join(delimiter) });
    assert.notEqual(failed.code, 0);
    assert.match(failed.summary, /the old value is back in every place; /u);
    assert.equal(checkout.read(`out/dev/${redis}`), first);
    const changed = github.git('diff', '--name-only', 'origin/main', 'HEAD').trim().split('\n');
    assert.deepEqual(changed, ['Pulumi.dev.yaml']);
    const asked = github.asked();
    assert.match(
      asked.find((line) => line.startsWith('pr create')) ?? '',
      /--title Failed rotation of dev --body Merge this before /u,
    );
    assert.ok(asked.some((line) => line.startsWith('issue create')));
    github.takeMain();
    const wrong = await run('preview', { 'inputs.stack': 'dev' });
    assert.match(wrong.summary, /\+ .*RandomPassword +infrastructure-redis_password +create/u);
    assert.notEqual((await up('dev')).code, 0);
    github.merge('rotation/dev');
    const { code, summary } = await up('dev');
    assert.equal(code, 0, summary);
    assert.equal(checkout.read(`out/dev/${redis}`), first);
    // The journal has gone with the runner.
    rmSync(checkout.path('.local'), { recursive: true });
  });

  it('comes out of a rotation whose runner died before its push: main is brought up, then it rotates again', async () => {
    const dead = await run('rotate', { 'matrix.stack': 'dev' }, {}, [
      'Propose what was rotated',
      'Remind people',
    ]);
    assert.equal(dead.code, 0, dead.summary);
    assert.notEqual(checkout.read(`out/dev/${redis}`), first);
    // The next runner has what main has.
    github.git('checkout', '-q', '--', '.');
    for (const each of ['ledger/dev.jsonl', '.local']) {
      rmSync(checkout.path(each), { recursive: true });
    }
    assert.equal(checkout.gitStatus(), '');
    const refused = await rotate();
    assert.notEqual(refused.code, 0);
    assert.match(refused.summary, /got no line of rotation /u);
    assert.deepEqual(github.branches(), ['main']);
    const { code, summary } = await up('dev');
    assert.equal(code, 0, summary);
    assert.equal(checkout.read(`out/dev/${redis}`), first);
  });

  it('rotates what is due and made anew, proposes it, and reminds people of the rest', async () => {
    github.asked();
    const { code, steps, summary } = await rotate();
    assert.equal(code, 0, summary);
    assert.deepEqual(
      [...steps.values()].map((step) => step.code),
      [0, 0, 0, 0],
    );
    assert.notEqual(checkout.read(`out/dev/${redis}`), first);
    first = checkout.read(`out/dev/${redis}`);
    assert.match(summary, /^waits for a person: .* trading\.kraken_api_key$/mu);
    const changed = github.git('diff', '--name-only', 'origin/main', 'HEAD').trim().split('\n');
    assert.deepEqual(changed, ['Pulumi.dev.yaml', 'ledger/dev.jsonl']);
    assert.deepEqual(github.branches(), ['main', 'rotation/dev']);
    const [entry] = entries();
    assert.equal(entry?.did, 'rotated');
    assert.equal(entry?.why, 'on schedule');
    assert.match(entry?.who ?? '', /github-actions\[bot\]/u);
    assert.ok(entry?.keys.some(({ key }) => key === 'infrastructure.redis_password'));
    const verbs = github.asked().map((line) => line.split(' ').slice(0, 2).join(' '));
    assert.deepEqual(verbs, [
      'auth setup-git',
      'auth setup-git',
      'pr create',
      'issue list',
      'issue edit',
    ]);
    assert.match(
      github.issue ?? '',
      /^- \[ \] `npm run rotate -- --stack dev trading\.kraken_api_key`$/mu,
    );
  });

  it('neither deploys over it nor rotates again before it is merged', async () => {
    github.takeMain();
    for (const { code, steps } of [await up('dev'), await rotate()]) {
      assert.notEqual(code, 0);
      const [[, refused] = []] = [...steps];
      assert.match(
        refused?.stderr ?? '',
        /^stack dev: got a branch rotation\/dev, .*; fix: merge .*\n$/u,
      );
      assert.equal(steps.size, 1);
    }
    assert.equal(checkout.read(`out/dev/${redis}`), first);
  });

  it('deploys the rotated values from main behind the merge, and the next rotation finds nothing to propose', async () => {
    github.merge('rotation/dev');
    const { code, summary } = await up('dev');
    assert.equal(code, 0, summary);
    assert.equal(checkout.read(`out/dev/${redis}`), first);
    github.asked();
    const again = await rotate();
    assert.equal(again.code, 0, again.summary);
    assert.match(
      again.steps.get('Propose what was rotated')?.stdout ?? '',
      /^Nothing was rotated\.$/mu,
    );
    assert.deepEqual(github.branches(), ['main']);
    assert.ok(
      github
        .asked()
        .includes(`issue edit 7 --body-file ${join(checkout.temporary, 'runner/reminder.md')}`),
    );
    assert.equal(entries().length, 1);
  });

  it('prints no value, and pushes none', () => {
    const pushed = github.git('log', '-p', '--all');
    const found = new Map([...canaries, ['redis', first]]);
    assert.deepEqual(
      leaks([...checkout.printed, pushed, github.issue ?? ''].join('\n'), found),
      [],
    );
    // The search would find them.
    const delivered = checkout.read('out/dev/.env.secrets');
    assert.equal(leaks(delivered, found).length > 0, true);
  });
});
