import assert from 'node:assert/strict';
import { monthOf } from './dollars.ts';

describe('dollars a month', () => {
  it('are $1.20 for three secrets, one cent or two for reading, and a dollar for the key', () => {
    const month = monthOf({ secrets: 3, keys: 1, periodic: 2, callsARefresh: 1 });
    assert.equal(month.secrets.toFixed(2), '1.20');
    assert.equal(month.calls, 1460);
    assert.equal(month.reading.toFixed(4), '0.0117');
    assert.equal(month.keys, 1);
  });

  it('grow with the calls that a reading takes', () => {
    const once = monthOf({ secrets: 3, keys: 1, periodic: 2, callsARefresh: 1 });
    const thrice = monthOf({ secrets: 3, keys: 1, periodic: 2, callsARefresh: 3 });
    assert.equal(thrice.calls, 3 * once.calls);
    assert.equal(thrice.reading.toFixed(6), (3 * once.reading).toFixed(6));
    assert.equal(thrice.secrets, once.secrets);
  });
});
