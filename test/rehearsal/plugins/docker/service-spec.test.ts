import assert from 'node:assert/strict';
import {
  nanoseconds,
  type ServiceInputs,
  serviceSpec,
} from '../../../../rehearsal/plugins/docker/service-spec.ts';
import { canaryValues } from '../../../canary-values.ts';
import { registerSwarm } from '../../../swarm-registration.ts';

describe('what the Engine is told of a service', () => {
  it('has durations in nanoseconds, and refuses what is none', () => {
    assert.equal(nanoseconds('2m0s'), 120e9);
    assert.equal(nanoseconds('1h2m3s4ms'), 3_723_004_000_000);
    for (const wrong of ['', '10', 's', '1d', '1s ']) {
      assert.throws(() => nanoseconds(wrong), /duration: got /u, wrong);
    }
  });

  it('is all that the program says, by the names of the API', async () => {
    const recorder = await registerSwarm({ values: canaryValues(), node: 'n0de' });
    const inputs = recorder.one('docker:index/service:Service').inputs as unknown as ServiceInputs;
    const text = JSON.stringify(serviceSpec(inputs));
    const spec = JSON.parse(text);
    const { ContainerSpec: container, Placement } = spec.TaskTemplate;
    assert.deepEqual(Placement, { Constraints: ['node.id==n0de'], MaxReplicas: 1 });
    assert.deepEqual(spec.Mode, { Replicated: { Replicas: 1 } });
    assert.equal(spec.UpdateConfig.Order, 'stop-first');
    assert.equal(container.StopGracePeriod, 120e9);
    assert.equal(container.Secrets.length, inputs.taskSpec.containerSpec.secrets.length);
    for (const { File } of [...container.Secrets, ...container.Configs]) {
      assert.deepEqual([File.UID, File.GID, File.Mode], ['0', '0', 0o400]);
    }
    const memory = container.Mounts.filter(({ Type }: { Type: string }) => Type === 'tmpfs');
    assert.deepEqual(
      memory.map((mount: { TmpfsOptions: { Mode: number } }) => mount.TmpfsOptions.Mode),
      [0o700, 0o700, 0o700],
    );
    assert.ok(container.Env.includes('BINANCE_API_KEY_FILE=/run/secrets/binance_api_key'));
  });
});
