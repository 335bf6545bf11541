/** A sample of random values through the file targets; `npm run soak -- values` runs 10,000 each. */
import assert from 'node:assert/strict';
import { again, fuzzSeed } from './fuzz-seed.ts';
import { randomValues } from './random-values.ts';
import { carry, type Reader } from './values-fuzz.ts';

const sum = (map: ReadonlyMap<string, number>): number =>
  [...map.values()].reduce((all, each) => all + each, 0);

describe('random values', function () {
  this.timeout(60_000);
  const count = 400;

  for (const target of ['env-file', 'compose'] as const) {
    it(`through ${target} are read back equal, or refused with a reason`, async () => {
      const seed = fuzzSeed();
      const { equal, refused, readable, unlike } = await carry(target, randomValues(seed, count));
      assert.deepEqual([...unlike], [], again(seed));
      assert.equal(equal + sum(refused), count, again(seed));
      assert.ok(sum(readable) > 0, 'what the shape alone refuses is read too');
      // Both happen, or the values are not what they are meant to be.
      assert.ok(equal > count / 10 && sum(refused) > count / 10, `${equal} equal`);
    });
  }

  it('are found unlike by a reader that changes one', async () => {
    const careless: Reader = (_directory, names) => names.map(() => 'another');
    const { equal, unlike } = await carry('env-file', randomValues(1, 50), { careless });
    assert.equal(equal, 0);
    assert.ok((unlike.get('careless') ?? 0) > 5);
    assert.equal(unlike.size, 1);
  });
});
