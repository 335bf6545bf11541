/** When rotations run by themselves, and what they leave to people; the steps run in test/e2e. */
import assert from 'node:assert/strict';
import { jobOf, workflowOf } from './workflow.ts';

const workflow = workflowOf('rotate.yml');
const { steps = [], if: condition } = jobOf(workflow, 'rotate');

describe('rotations by schedule', () => {
  it('run on working days, when somebody is there the day after', () => {
    assert.deepEqual(workflow.on.schedule, [{ cron: '17 7 * * 1-4' }]);
    assert.ok('workflow_dispatch' in workflow.on);
  });

  it('are off until the stacks are named', () => {
    assert.equal(condition, "vars.ROTATE_STACKS != ''");
  });

  it('refuse first, rotate with credentials, and speak to GitHub with its own token only behind that', () => {
    const names = steps.map(({ name, uses }) => name ?? uses?.split('@')[0]);
    assert.deepEqual(names, [
      'actions/checkout',
      'actions/setup-node',
      'Install',
      'Refuse to rotate behind a rotation that is not merged',
      'aws-actions/configure-aws-credentials',
      'Find the cluster',
      'Rotate what is due',
      'Propose what was rotated',
      'Remind people',
    ]);
    const withToken = steps.filter(({ env = {} }) => 'GH_TOKEN' in env).map(({ name }) => name);
    assert.deepEqual(withToken, [names[3], names[7], names[8]]);
  });

  it('propose what was rotated, and remind, also when the rotation failed', () => {
    for (const step of steps.slice(-2))
      assert.equal(step.if, "always() && steps.rotate.outputs.code != ''");
  });
});
