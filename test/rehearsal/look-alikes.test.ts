/** A rehearsal's values: of the right shape, new each time, and no placeholders. */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { entryOf, secretKeys } from '../../components/catalog.ts';
import { placeholderOf, refusalOf } from '../../components/shape.ts';
import { lookAlike } from '../../rehearsal/look-alikes.ts';

describe('a look-alike', () => {
  it('passes the check of each key of the catalog, and has its usual form', () => {
    for (const key of secretKeys) {
      const { shape, usual } = entryOf(key);
      for (let run = 0; run < 20; run += 1) {
        assert.equal(refusalOf(shape, lookAlike(shape)), undefined, key);
        const value = lookAlike(shape, key);
        assert.equal(refusalOf(shape, value), undefined, key);
        assert.ok(usual === undefined || usual.pattern.test(value), key);
      }
    }
  });

  it('is another one each time, and never the placeholder', () => {
    for (const key of secretKeys) {
      const { shape } = entryOf(key);
      const made = Array.from({ length: 20 }, () => lookAlike(shape, key));
      assert.equal(new Set(made).size, made.length, key);
      assert.ok(!made.includes(placeholderOf(shape, key)), key);
      assert.ok(
        made.every((value) => !value.includes('placeholder')),
        key,
      );
    }
  });

  it('of a PEM is a key that OpenSSL reads', () => {
    assert.equal(createPrivateKey(lookAlike('pem')).asymmetricKeyType, 'ec');
  });
});
