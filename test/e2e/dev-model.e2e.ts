/** One random order of what a user does with dev. Many more: `npm run soak -- runs`. Linux. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { again, fuzzSeed } from '../fuzz-seed.ts';
import { DevModel, orderOf, RealDev } from './dev-model.ts';

const length = 24;

describe('dev in any order of set, up, killed up, preview, refresh, import and destroy', function () {
  this.timeout(900_000);
  const real = new RealDev();
  after(() => real.checkout.remove());

  it('has the values that it has to have after every step', async function () {
    if (process.platform !== 'linux') this.skip();
    const seed = fuzzSeed();
    const model = new DevModel();
    try {
      await real.start(model);
      await fc.asyncModelRun(() => ({ model, real }), orderOf(seed, length));
      await real.finish(model);
    } catch (error) {
      throw new Error(`${again(seed)}: ${real.done.join(', ')}`, { cause: error });
    } finally {
      console.log(`      ${again(seed)}: ${real.done.join(', ')}`);
    }
    assert.ok(real.done.length >= length / 2);
    // What the model does not know of is found out.
    await real.compare(model);
    real.spoil('postgres_user');
    await assert.rejects(
      async () => await real.compare(model),
      /postgres_user is not what it has/u,
    );
  });
});
