import assert from 'node:assert/strict';
import { canaryValues } from '../../canary-values.ts';
import { type Run, runProgram } from '../../program-run.ts';

describe('the namespace', () => {
  let run: Run;
  before(async () => {
    run = await runProgram('prod', false, canaryValues());
  });

  it('admits restricted pods only, by a version that does not move', () => {
    const { metadata } = run.recorder.one('kubernetes:core/v1:Namespace').inputs as {
      metadata: { name: string; labels: Record<string, string> };
    };
    assert.equal(metadata.name, 'hummingbot');
    for (const mode of ['enforce', 'audit', 'warn']) {
      assert.equal(metadata.labels[`pod-security.kubernetes.io/${mode}`], 'restricted');
      assert.equal(metadata.labels[`pod-security.kubernetes.io/${mode}-version`], 'v1.34');
    }
  });

  it('has room for a few pods, no way in from outside, and limits for who names none', () => {
    const quota = run.recorder.one('kubernetes:core/v1:ResourceQuota').inputs.spec as {
      hard: Record<string, string>;
    };
    assert.equal(quota.hard.pods, '10');
    assert.equal(quota.hard['services.loadbalancers'], '0');
    assert.equal(quota.hard['services.nodeports'], '0');
    const { limits } = run.recorder.one('kubernetes:core/v1:LimitRange').inputs.spec as {
      limits: Record<string, Record<string, string>>[];
    };
    assert.equal(limits.length, 1);
    assert.deepEqual(Object.keys(limits[0]?.default ?? {}), ['cpu', 'memory']);
    assert.deepEqual(Object.keys(limits[0]?.defaultRequest ?? {}), ['cpu', 'memory']);
  });

  it('comes before everything in it', () => {
    for (const { type, name, inputs } of run.recorder.registrations) {
      const metadata = inputs.metadata as { namespace?: string } | undefined;
      if (metadata?.namespace === undefined) continue;
      assert.equal(metadata.namespace, 'hummingbot');
      const first = run.recorder.registrations.findIndex((each) =>
        each.type.endsWith(':Namespace'),
      );
      const own = run.recorder.registrations.findIndex((r) => r.type === type && r.name === name);
      assert.ok(first < own, name);
    }
  });
});
