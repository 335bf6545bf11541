/** Sealed values over a kubeseal of the test's own; the real one is asked in test/e2e. */
import assert from 'node:assert/strict';
import type { Sealable } from '../../../plugins/hummingbot/kubeseal.ts';
import { SealedData } from '../../../plugins/hummingbot/sealed-data.ts';
import { isSecret, type Properties, unwrap } from '../../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { withoutSecrets } from '../../recorder.ts';
import { call } from '../calls.ts';

const canary = makeCanary('sealed');
const canaries = new Map([['sealed', canary]]);

/** Counts what it is asked, and seals otherwise each time, as kubeseal does. */
class FakeKubeseal {
  sealed = 0;

  async version(): Promise<string> {
    return '0.36.0';
  }

  async seal({ data }: Sealable, certificate: string): Promise<Readonly<Record<string, string>>> {
    this.sealed += 1;
    return Object.fromEntries(
      Object.keys(data).map((key) => [key, `${certificate}-${this.sealed}`]),
    );
  }
}

describe('SealedData', () => {
  let kubeseal: FakeKubeseal;
  let data: SealedData;
  const inputs = (more: Properties = {}): Properties => ({
    namespace: 'hummingbot',
    name: 'hummingbot-monitoring',
    certificate: 'one',
    data: { key: Buffer.from(canary).toString('base64') },
    ...more,
  });
  const made = async (): Promise<Properties> =>
    unwrap((await data.create(inputs(), call())).outs) as Properties;

  beforeEach(() => {
    kubeseal = new FakeKubeseal();
    data = new SealedData(kubeseal);
  });

  it('keeps what was sealed, in the clear, and the values as secrets', async () => {
    const { id, outs } = await data.create(inputs(), call());
    assert.equal(id, 'hummingbot/hummingbot-monitoring');
    assert.ok(isSecret(outs.data));
    assert.deepEqual(outs.encryptedData, { key: 'one-1' });
    assert.deepEqual(leaks(JSON.stringify(withoutSecrets(outs)), canaries), []);
    const checked = await data.check({}, inputs());
    assert.deepEqual(checked.failures, []);
    assert.deepEqual(leaks(JSON.stringify(withoutSecrets(checked.inputs)), canaries), []);
  });

  it('is sealed anew for other values, another place and another certificate, and for nothing else', async () => {
    const olds = await made();
    assert.equal((await data.diff('id', olds, inputs())).changes, false);
    for (const [name, value] of Object.entries({
      namespace: 'other',
      name: 'other',
      certificate: 'two',
      data: { key: 'eA==' },
    })) {
      const { changes, diffs } = await data.diff('id', olds, inputs({ [name]: value }));
      assert.deepEqual([changes, diffs], [true, [name]], name);
    }
    assert.equal(kubeseal.sealed, 1);
  });

  it('says so of another certificate, and not of other values', async () => {
    const olds = await made();
    const values = call();
    await data.update('id', olds, inputs({ data: { key: 'eA==' } }), values);
    assert.deepEqual(values.lines, []);
    const certificate = call();
    const { outs } = await data.update('id', olds, inputs({ certificate: 'two' }), certificate);
    assert.deepEqual(certificate.lines, [
      'info: hummingbot/hummingbot-monitoring: sealed anew, for another certificate',
    ]);
    assert.deepEqual(outs?.encryptedData, { key: 'two-3' });
  });

  it('is the same after a refresh, which asks nobody', async () => {
    const olds = await made();
    const { props, inputs: read } = await data.read('id', olds);
    assert.deepEqual(unwrap(props), olds);
    assert.deepEqual(unwrap(read), inputs());
    assert.ok(isSecret((read as Properties).data));
    assert.equal(kubeseal.sealed, 1);
  });

  it('takes no inputs of other types', async () => {
    const { failures = [] } = await data.check({}, { name: 7, data: { key: 7 } });
    assert.deepEqual(
      failures.map(({ property }) => property),
      ['namespace', 'name', 'certificate', 'data'],
    );
  });
});
