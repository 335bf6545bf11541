/** In which order stacks are deployed, behind whose approval, and whom AWS trusts for it; the steps run in test/e2e. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ask, type Document } from '../aws-authority.ts';
import { stacks } from '../program-run.ts';
import { jobOf, workflowOf } from './workflow.ts';

const deploy = workflowOf('deploy.yml');
const stack = workflowOf('deploy-stack.yml');
const rotate = workflowOf('rotate.yml');
const issuer = 'token.actions.githubusercontent.com';
/** The evaluator of policies knows the claims of few issuers; the rules are the same for all. */
const knownIssuer = 'accounts.google.com';

describe('the deployment of stacks', () => {
  it('runs for main alone', () => {
    assert.deepEqual(deploy.on, { push: { branches: ['main'] }, workflow_dispatch: null });
    assert.deepEqual(Object.keys(stack.on), ['workflow_call']);
  });

  it('goes from dev by staging to prod, each in the same way', () => {
    assert.deepEqual(Object.keys(deploy.jobs), stacks);
    for (const [name, job] of Object.entries(deploy.jobs)) {
      assert.equal(job.uses, './.github/workflows/deploy-stack.yml');
      assert.deepEqual(job.with, { stack: name });
      assert.match(
        job.if ?? '',
        new RegExp(`contains\\(fromJSON\\(vars.DEPLOY_STACKS \\|\\| '\\[\\]'\\), '${name}'\\)`),
      );
    }
    assert.equal(jobOf(deploy, 'staging').needs, 'dev');
    assert.deepEqual(jobOf(deploy, 'prod').needs, ['dev', 'staging']);
  });

  it('begins no stack behind one that failed, and prod only behind a staging that is up', () => {
    for (const name of ['staging', 'prod'])
      assert.match(jobOf(deploy, name).if ?? '', /!failure\(\) && !cancelled\(\)/);
    assert.match(jobOf(deploy, 'prod').if ?? '', /needs\.staging\.result == 'success'/);
  });

  it('shows a preview before the approval, with a role that changes nothing', () => {
    const [preview, up] = [jobOf(stack, 'preview'), jobOf(stack, 'up')];
    assert.equal(preview.environment, undefined);
    assert.equal(up.needs, 'preview');
    const environment = '$' + '{{ inputs.stack }}';
    assert.equal(up.environment, environment);
    const roles = [preview, up].map(
      ({ steps = [] }) =>
        steps.find(({ uses }) => uses?.startsWith('aws-actions/'))?.with?.['role-to-assume'],
    );
    assert.deepEqual(roles, [
      '$' + '{{ vars.AWS_PREVIEW_ROLE }}',
      '$' + '{{ vars.AWS_DEPLOY_ROLE }}',
    ]);
  });

  it('asks the policies before the approval, and again at the change, which knows what a preview cannot', () => {
    for (const name of ['preview', 'up']) {
      const runs = (jobOf(stack, name).steps ?? []).flatMap(({ run = '' }) =>
        run.split('\n').filter((line) => line.includes('npm start')),
      );
      assert.equal(runs.length, 1);
      assert.match(runs[0] ?? '', / --policies /);
    }
  });

  it('changes a stack one at a time with its rotations, and cancels none', () => {
    assert.deepEqual(jobOf(stack, 'up').concurrency, {
      group: 'stack-$' + '{{ inputs.stack }}',
      'cancel-in-progress': false,
    });
    assert.deepEqual(jobOf(rotate, 'rotate').concurrency, {
      group: 'stack-$' + '{{ matrix.stack }}',
      'cancel-in-progress': false,
    });
    for (const each of [deploy, stack, rotate]) assert.equal(each.concurrency, undefined);
  });
});

describe('whom AWS trusts for a workflow', () => {
  const account = '123456789012';
  const provider = `arn:aws:iam::${account}:oidc-provider/${knownIssuer}`;
  const forms = ['OWNER/NAME', 'OWNER@OWNER-ID/NAME@NAME-ID'];
  const trusts = {
    deploy: ['environment:prod', 'environment:prod-rotation'],
    preview: ['environment:preview-staging', 'environment:preview-prod', 'ref:refs/heads/main'],
  };
  const others = [
    // The code of a branch, which nobody has approved.
    'pull_request',
    'environment:preview-dev',
    'environment:staging',
    'environment:prod-',
    'ref:refs/heads/other',
    'ref:refs/tags/main',
    '*',
  ];

  for (const [role, subjects] of Object.entries(trusts)) {
    const text = readFileSync(`examples/github/trust-${role}.json`, 'utf8');
    const policy = JSON.parse(text.replaceAll(issuer, knownIssuer)) as Document;
    const answer = async (sub: string, aud = 'sts.amazonaws.com') =>
      await ask({
        principal: { arn: provider, identity: [] },
        action: 'sts:AssumeRoleWithWebIdentity',
        resource: `arn:aws:iam::${account}:role/${role}`,
        policy,
        context: { [`${knownIssuer}:aud`]: aud, [`${knownIssuer}:sub`]: sub },
      });

    it(`${role}: its own subjects, in the form of old repositories and in that of new ones`, async () => {
      for (const form of forms)
        for (const subject of subjects)
          assert.equal(await answer(`repo:${form}:${subject}`), '+', `${form} ${subject}`);
    });

    it(`${role}: nobody else, and nobody by a pattern`, async () => {
      const foreign = ['OWNER/OTHER', 'OTHER/NAME', 'OWNER@1/NAME@NAME-ID', 'OWNER@OWNER-ID/NAME'];
      for (const repository of foreign)
        for (const subject of subjects)
          assert.equal(await answer(`repo:${repository}:${subject}`), '-', repository);
      const elsewhere = Object.values(trusts)
        .flat()
        .filter((each) => !subjects.includes(each));
      for (const subject of [...others, ...elsewhere])
        assert.equal(await answer(`repo:${forms[0]}:${subject}`), '-', subject);
      assert.equal(await answer(`repo:${forms[0]}:${subjects[0]}`, 'somebody'), '-');
      assert.doesNotMatch(text, /StringLike|\*/u);
      assert.equal(text.split(issuer).length, 4);
    });
  }

  it('names the environments that the workflows use', () => {
    assert.equal(jobOf(stack, 'up').environment, '$' + '{{ inputs.stack }}');
    assert.equal(jobOf(rotate, 'rotate').environment, '$' + '{{ matrix.stack }}-rotation');
    const { environment = '', strategy } = jobOf(workflowOf('preview.yml'), 'with-credentials');
    const previews = [strategy?.matrix.stack ?? []]
      .flat()
      .map((each) => `environment:${environment.replace('$' + '{{ matrix.stack }}', each)}`);
    assert.deepEqual([...previews, 'ref:refs/heads/main'], trusts.preview);
  });
});
