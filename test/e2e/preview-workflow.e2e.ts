/**
 * The preview of pull requests, step by step, as a runner would run it. A fork's: without any credential, in a
 * repository whose stack files hold values that only others can open. A branch's of this repository: staging
 * with its state, its values and the preview that its last action makes.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { leaks, makeCanary } from '../canary.ts';
import { type Job, jobOf, workflowOf } from '../workflows/workflow.ts';
import { Checkout } from './checkout.ts';
import { ProcessWatch } from './process-watch.ts';
import { type JobRun, runJob } from './workflow-steps.ts';

const previewStep = 'Preview dev on a stack that is thrown away';
const mocksStep = 'Run the program of every stack under mocks';
/** Of AWS, GitHub, Kubernetes, Pulumi, and this project's own. */
const credential =
  /^(?:AWS_(?!ENDPOINT_URL)\w+|(?:GH|GITHUB)_TOKEN|ACTIONS_\w+|KUBECONFIG|VAULT_\w+|PULUMI_(?:ACCESS_TOKEN|BACKEND_URL|CONFIG_PASSPHRASE\w*))=/mu;

describe("the preview of a fork's pull request", () => {
  const checkout = new Checkout('none');
  const job = jobOf(
    workflowOf('preview.yml', checkout.read('.github/workflows/preview.yml')),
    'without-credentials',
  );
  /** Where AWS would be asked to open values. */
  const asked: string[] = [];
  const aws = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(400).end();
  });
  const canary = makeCanary('in-the-repository');
  let environment: Record<string, string>;
  let watch: ProcessWatch;
  let run: JobRun;

  before(async () => {
    await new Promise<void>((settle) => aws.listen(0, '127.0.0.1', settle));
    const { port } = aws.address() as AddressInfo;
    const home = join(checkout.temporary, 'home');
    mkdirSync(home, { recursive: true });
    // Not a credential: where requests would go, could anything make them.
    environment = { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
    for (const stack of ['dev', 'staging', 'prod']) sealForOthers(stack);
    checkout.commit('values of the repository');
    watch = new ProcessWatch();
    run = await runJob(checkout, job, { environment });
    await watch.stop();
  });
  after(() => {
    aws.close();
    checkout.remove();
  });

  /** As a stack file looks whose owners have a backend and a KMS key of their own. */
  function sealForOthers(stack: string): void {
    const path = `Pulumi.${stack}.yaml`;
    const text = checkout
      .read(path)
      .replace(
        'config:\n',
        `secretsprovider: awskms://alias/ours?region=us-east-1\nencryptedkey: ${Buffer.from(canary).toString('base64')}\nconfig:\n`,
      );
    const value = `\n  hummingbot-secrets:trading:\n    binance_api_key:\n      secure: v1:${Buffer.from(canary).toString('base64')}\n`;
    writeFileSync(checkout.path(path), text.trimEnd() + value);
  }

  it('succeeds, every step of it', () => {
    const codes = [...run.steps].map(([name, { code }]) => [name, code]);
    assert.deepEqual(
      codes,
      [
        ['Install', 0],
        ['Look for secrets in the clear', 0],
        [previewStep, 0],
        [mocksStep, 0],
      ],
      run.summary.slice(-2000),
    );
  });

  it('shows in the summary what would be made, and that every stack runs', () => {
    assert.match(run.summary, /^## Preview of dev$/m);
    assert.match(run.summary, /\+ .*hummingbot:index:File/);
    assert.match(run.summary, /\d+ to create/);
    assert.match(run.summary, /hummingbot-secrets@v0\.1\.0 \(local: \S*policies\b/);
    for (const stack of ['dev', 'staging', 'prod']) {
      assert.match(run.summary, new RegExp(`previews ${stack}`));
      assert.match(run.summary, new RegExp(`find nothing in ${stack}, previewed`));
    }
    assert.equal(run.summary.match(/```/gu)?.length, 4);
  });

  it('asks nobody to open a value, and shows none', () => {
    assert.deepEqual(asked, []);
    const text = [...checkout.printed, run.summary].join('\n');
    assert.deepEqual(leaks(text, new Map([['sealed', canary]])), []);
    // The search would find it where it is, by its encoding.
    assert.notDeepEqual(leaks(checkout.read('Pulumi.dev.yaml'), new Map([['sealed', canary]])), []);
  });

  it('has no credential in the environment of any process', () => {
    const marked = [...watch.environments, ...watch.programs].filter((each) =>
      each.includes(`GITHUB_STEP_SUMMARY=${checkout.temporary}`),
    );
    assert.ok(marked.length > 5);
    for (const each of marked) {
      // What this run made for itself, and throws away: a passphrase, a state, the mocks' kubeconfig.
      const foreign = each
        .split('\n')
        .filter(
          (line) => ![checkout.directory, checkout.temporary].some((own) => line.includes(own)),
        )
        .join('\n');
      assert.doesNotMatch(foreign, credential);
    }
    assert.match('AWS_SECRET_ACCESS_KEY=x', credential);
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
    const { steps, summary } = await runJob(checkout, job, { environment, done: ['Install'] });
    assert.notEqual(steps.get(previewStep)?.code, 0);
    assert.match(summary, /exchanges.*got "?nowhere"?; allowed: /);
    assert.equal(summary.match(/```/gu)?.length, 2);
    assert.ok(!steps.has(mocksStep));
  });
});

describe("the preview of a branch's pull request", () => {
  const checkout = new Checkout();
  const state = join(checkout.temporary, 'state');
  const canary = makeCanary('of-the-branch');
  const job: Job = jobOf(
    workflowOf('preview.yml', checkout.read('.github/workflows/preview.yml')),
    'with-credentials',
  );

  after(() => checkout.remove());

  it('opens the values of its stack, names what would change, and shows none of them', async () => {
    mkdirSync(state, { mode: 0o700 });
    const passphrase = join(checkout.temporary, 'passphrase');
    writeFileSync(passphrase, 'of the tests alone', { mode: 0o600 });
    const env = {
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    };
    const staging = checkout
      .read('Pulumi.dev.yaml')
      .replace('environment: dev', 'environment: staging');
    writeFileSync(checkout.path('Pulumi.staging.yaml'), staging);
    const words = [
      'config',
      'set',
      '--secret',
      '--path',
      'trading.binance_api_key',
      '--stack',
      'staging',
    ];
    const set = await checkout.run('npm', ['run', '-s', 'pulumi', '--', ...words], {
      input: canary,
      env,
    });
    assert.equal(set.code, 0, set.stderr);
    const ran = await runJob(checkout, job, { environment: env, done: ['Install'] });
    assert.equal(ran.code, 0);
    // No cluster is named, so none is looked for.
    assert.equal(ran.steps.size, 0);
    // What pulumi/actions does: plain pulumi with the command and the stack that it is given.
    const last = job.steps?.at(-1)?.with ?? {};
    const stack = String(last['stack-name']).replace(/\$\{\{ matrix\.stack \}\}/u, 'staging');
    const { code, stdout, stderr } = await checkout.run(
      'npm',
      ['run', '-s', 'pulumi', '--', String(last.command), '--stack', stack],
      { env },
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\d+ to create/u);
    assert.deepEqual(leaks(checkout.printed.join('\n'), new Map([['set', canary]])), []);
    assert.equal(checkout.gitStatus(), ' M Pulumi.staging.yaml\n');
  });
});
