import assert from 'node:assert/strict';
import { formsOf, leaks, makeCanary } from './canary.ts';

describe('the canary search', () => {
  const value = `${makeCanary('own')} "quoted"\nline?&`;
  const canaries = new Map([['own', value]]);

  it('finds every form in the middle of other text, at every alignment', () => {
    for (const [encoding, form] of formsOf(value)) {
      assert.ok(leaks(`before${form}after`, canaries).length > 0, encoding);
    }
    for (let before = 0; before < 6; before++) {
      for (let after = 0; after < 6; after++) {
        const whole = Buffer.from('x'.repeat(before) + value + 'y'.repeat(after));
        for (const encoding of ['base64', 'base64url', 'hex'] as const) {
          const hits = leaks(whole.toString(encoding), canaries);
          assert.ok(
            hits.some((hit) => hit.includes(encoding)),
            `${encoding} ${before} ${after}`,
          );
        }
      }
    }
  });

  it('finds nothing where there is nothing, and names no value', () => {
    assert.deepEqual(leaks('nothing here', canaries), []);
    for (const hit of leaks(value, canaries)) assert.ok(!hit.includes(value));
  });
});
