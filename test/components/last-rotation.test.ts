/** What the last rotation of a group was, on all that stores it, and on nothing of another group. */
import assert from 'node:assert/strict';
import { canaryValues } from '../canary-values.ts';
import { ids, type Run, runProgram, vaultIds } from '../program-run.ts';
import { Recorder } from '../recorder.ts';

const last = `k4x2fa 2026-11-27 ${'0f'.repeat(32)}`;
const annotation = 'hummingbot-secrets/rotation';
const externalSecret = 'kubernetes:external-secrets.io/v1:ExternalSecret';

type Inputs = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;

async function run(settings: Readonly<Record<string, unknown>>): Promise<Run> {
  const rotation = { last: { trading: last } };
  return await runProgram('prod', false, canaryValues(), new Recorder(), { ...settings, rotation });
}

function of({ recorder }: Run, type: string, name: string): Inputs {
  return recorder.one(type, name).inputs as unknown as Inputs;
}

describe('the last rotation of a group', () => {
  it('is a tag in AWS, an annotation in the cluster, and stands in the outputs', async () => {
    const made = await run(ids);
    const secret = 'aws:secretsmanager/secret:Secret';
    assert.equal(of(made, secret, 'trading').tags?.rotation, last);
    assert.ok(!('rotation' in (of(made, secret, 'monitoring').tags ?? {})));
    const annotations = (group: string) =>
      of(made, externalSecret, `${group}-external-secret`).metadata?.annotations;
    assert.equal(annotations('trading')?.[annotation], last);
    assert.ok(!(annotation in (annotations('monitoring') ?? {})));
    assert.equal(made.tags.trading?.rotation, last);
    assert.ok(!('rotation' in (made.tags.monitoring ?? {})));
  });

  it('is custom metadata in Vault', async () => {
    const made = await run(vaultIds);
    const data = (group: string) =>
      of(made, 'vault:kv/secretV2:SecretV2', `${group}-kv`).customMetadata?.data;
    assert.equal(data('trading')?.rotation, last);
    assert.ok(!('rotation' in (data('monitoring') ?? {})));
  });

  it('is an annotation of a native Secret', async () => {
    const made = await run({ ...ids, targets: ['kubernetes'] });
    const { metadata } = of(made, 'kubernetes:core/v1:Secret', 'trading-secret');
    assert.equal(metadata?.annotations?.[annotation], last);
  });
});
