/** What holds for every workflow; what each one is for stands in its own test, and linters run in test/e2e. */
import assert from 'node:assert/strict';
import { scrubVariable } from '../../operations/engine/engine.ts';
import { stepsOf, textOf, workflowNames, workflowOf } from './workflow.ts';

/** With which rights a job may ask for which: by workflow and job. */
const permissions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'preview.yml': {
    'without-credentials': ['contents: read'],
    'with-credentials': ['contents: read', 'id-token: write', 'pull-requests: write'],
  },
  'deploy.yml': {
    dev: ['contents: read', 'id-token: write'],
    staging: ['contents: read', 'id-token: write'],
    prod: ['contents: read', 'id-token: write'],
  },
  'deploy-stack.yml': {
    preview: ['contents: read', 'id-token: write'],
    up: ['contents: read', 'id-token: write'],
  },
  'rotate.yml': {
    rotate: ['contents: write', 'id-token: write', 'issues: write', 'pull-requests: write'],
  },
  'security.yml': {
    dependencies: ['contents: read'],
    licences: ['contents: read'],
    secrets: ['contents: read'],
    workflows: ['contents: read'],
    image: ['contents: read'],
  },
};

describe('every workflow', () => {
  it('is known here, with what each of its jobs may do', () => {
    const found = workflowNames.map((name) => [
      name,
      Object.fromEntries(
        Object.entries(workflowOf(name).jobs).map(([job, { permissions: given = {} }]) => [
          job,
          Object.entries(given).map(([what, right]) => `${what}: ${right}`),
        ]),
      ),
    ]);
    assert.deepEqual(Object.fromEntries(found), permissions);
  });

  it('scrubs what our commands print, in each job that runs one on a stack', () => {
    const found = workflowNames.flatMap((name) =>
      Object.entries(workflowOf(name).jobs)
        .filter(([, { steps = [] }]) =>
          steps.some(({ run = '' }) => /npm start|npm run [^\n]*rotate/u.test(run)),
        )
        .map(([job, { env = {} }]) => [`${name} ${job}`, env[scrubVariable]]),
    );
    assert.deepEqual(Object.fromEntries(found), {
      'deploy-stack.yml preview': 'yes',
      'deploy-stack.yml up': 'yes',
      'preview.yml without-credentials': 'yes',
      'rotate.yml rotate': 'yes',
    });
  });

  for (const name of workflowNames) {
    describe(name, () => {
      const text = textOf(name);
      const workflow = workflowOf(name);
      const steps = stepsOf(workflow);

      it("gives nothing by default, and never the base's rights to a fork's code", () => {
        assert.deepEqual(workflow.permissions, {});
        assert.ok(!('pull_request_target' in workflow.on) && !('workflow_run' in workflow.on));
      });

      it('pins every action by commit, with its version beside it', () => {
        const lines = text.split('\n').filter((line) => /^\s*- uses:/u.test(line));
        assert.equal(lines.length, steps.filter(({ uses }) => uses !== undefined).length);
        for (const line of lines)
          assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
      });

      it('pins every image by digest, and every package by hash or lockfile', () => {
        for (const { run = '', env = {} } of steps) {
          for (const image of Object.values(env).filter((each) => /\/\w+:v?\d/u.test(each)))
            assert.match(image, /@sha256:[0-9a-f]{64}$/);
          for (const line of run.split('\n')) {
            if (line.includes('docker run')) assert.match(line, /"\$(?:GRYPE|GITLEAKS)"/);
            if (line.includes('pip install')) assert.match(line, /--require-hashes/);
            assert.doesNotMatch(line, /npm install|npx --yes|curl|wget/);
          }
        }
      });

      it('has no stored secret, and its own token only where a step asks for it', () => {
        assert.doesNotMatch(text, /secrets\.|ACCESS_KEY|PASSPHRASE:|secrets: inherit/u);
        for (const { env = {} } of Object.values(workflow.jobs))
          assert.doesNotMatch(JSON.stringify(env), /token/iu);
        for (const { uses, with: words } of steps) {
          if (uses?.startsWith('actions/checkout@'))
            assert.equal(words?.['persist-credentials'], false);
        }
      });

      it('puts no expression into a shell', () => {
        for (const { run } of steps) assert.doesNotMatch(run ?? '', /\$\{\{/);
      });

      it('ends by itself', () => {
        for (const job of Object.values(workflow.jobs)) {
          if (job.uses === undefined) assert.ok((job['timeout-minutes'] ?? 0) > 0);
        }
      });

      it('gives credentials of AWS by OIDC alone', () => {
        for (const { with: words = {}, uses } of steps) {
          if (uses?.startsWith('aws-actions/'))
            assert.deepEqual(Object.keys(words).sort(), ['aws-region', 'role-to-assume']);
        }
      });
    });
  }
});
