/** A thousand random configs, the same each time; ten thousand others: `npm run soak -- settings`. */
import assert from 'node:assert/strict';
import {
  faultsOf,
  fuzzSettings,
  plantedValues,
  shows,
  unmadeSettings,
  within,
} from './settings-fuzz.ts';

const seed = 20_261_126;
const runs = 1000;
const slowestMilliseconds = 5000;

describe('settings, whatever they hold', function () {
  this.timeout(120_000);

  it('are all made by the fuzzer', () => {
    assert.deepEqual(unmadeSettings, []);
  });

  it(`say what is wrong of ${runs} random configs, a line each, and show no value`, () => {
    const { fault, accepted, refused, said, slowest } = fuzzSettings(seed, runs);
    assert.equal(fault, undefined);
    // The control: some are right, most are not, and what is said is of many kinds.
    assert.ok(accepted > runs / 100 && refused > runs / 2, `${accepted} right, ${refused} wrong`);
    const kinds = new Set(said.map((line) => line.replace(/^[^:]*: got /u, '').slice(0, 12)));
    assert.ok(kinds.size > 50, `${kinds.size} kinds of lines`);
    assert.ok(slowest < slowestMilliseconds, `${slowest} ms`);
  });

  it('would be caught showing a value, a stack trace or another form of line', () => {
    const planted = plantedValues(seed);
    for (const [name, { value }] of planted) {
      assert.ok(shows(`got ${value}; allowed`, planted).includes(name), name);
    }
    const [{ value = '' } = {}] = planted.values();
    const cut = `image: got "${value.slice(0, 40)}..."; allowed: a; fix: b`;
    assert.deepEqual(faultsOf([cut], planted), ['shows the binance']);
    assert.deepEqual(faultsOf(['a: got b; allowed: c'], planted), ['a line of another form']);
    assert.deepEqual(faultsOf(['a: got b; allowed: c; fix: d'], planted), []);
  });

  it('would be ended in the middle of a config that is never done with', () => {
    const forever = (): never => {
      for (;;);
    };
    assert.throws(() => within(50, forever), /timed out/);
  });
});
