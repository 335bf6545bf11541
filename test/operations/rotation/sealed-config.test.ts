import assert from 'node:assert/strict';
import { valueIn, withLast, withSealed } from '../../../operations/rotation/sealed-config.ts';

const text = `# kept
config:
  hummingbot-secrets:targets: [compose]
  hummingbot-secrets:trading:
    binance_api_key:
      secure: v1:${'a'.repeat(200)}
encryptionsalt: v1:salt
`;
const path = 'trading.binance_api_key';

describe('a config with other ciphertext', () => {
  it('has it in the place of the old one, on one line, and all else as it was', () => {
    const long = `v1:${'b'.repeat(300)}`;
    const after = withSealed(text, new Map([[path, long]]));
    assert.equal(after, text.replace(/v1:a+/u, long));
  });

  it('has groups that were not there, several at once', () => {
    const values = new Map([
      ['trading.binance_secret_key', 'v1:s'],
      ['infrastructure.redis_password', 'v1:r'],
    ]);
    const after = withSealed(text, values);
    assert.match(after, /binance_secret_key:\n\s+secure: v1:s\n/u);
    assert.match(
      after,
      /hummingbot-secrets:infrastructure:\n\s+redis_password:\n\s+secure: v1:r\n/u,
    );
    assert.match(after, /^# kept\n/u);
  });

  it('has nothing of what was taken out, and is what it was before', () => {
    const added = withSealed(text, new Map([['infrastructure.redis_password', 'v1:r']]));
    assert.equal(withSealed(added, new Map([['infrastructure.redis_password', null]])), text);
  });

  it('is indented as it was', () => {
    const wide = text.replaceAll(/^ +/gmu, (blanks) => blanks + blanks);
    const after = withSealed(wide, new Map([[path, 'v1:b']]));
    assert.equal(after, wide.replace(/v1:a+/u, 'v1:b'));
  });

  it('is the same text when it has all of it already', () => {
    const odd = `${text}\n\n# end\n`;
    assert.equal(withSealed(odd, new Map([[path, `v1:${'a'.repeat(200)}`]])), odd);
    assert.equal(withSealed(odd, new Map([['trading.kraken_api_key', null]])), odd);
  });

  it('says what the last rotation of a group was, beside what else it says, and is what it was without', () => {
    const one = 'abcdef 2026-11-27 00';
    const said = withLast(
      text,
      new Map([
        ['trading', one],
        ['monitoring', null],
      ]),
    );
    assert.match(
      said,
      /hummingbot-secrets:rotation:\n {4}last:\n {6}trading: abcdef 2026-11-27 00\n/u,
    );
    assert.equal(withLast(said, new Map([['trading', one]])), said);
    assert.equal(withLast(said, new Map([['trading', null]])), text);
    const hooked = text.replace(
      '  hummingbot-secrets:trading',
      '  hummingbot-secrets:rotation: {overlap: 0}\n$&',
    );
    const both = withLast(hooked, new Map([['trading', one]]));
    assert.match(both, /rotation: \{overlap: 0, last: \{trading: abcdef 2026-11-27 00\}\}/u);
    assert.equal(withLast(both, new Map([['trading', null]])), hooked);
  });

  it('is read by path, opened', () => {
    assert.equal(valueIn({ trading: { binance_api_key: 'x' } }, path), 'x');
    assert.equal(valueIn({ trading: { binance_api_key: 5 } }, path), '5');
    assert.equal(valueIn({ trading: 'text' }, path), undefined);
    assert.equal(valueIn({}, path), undefined);
  });
});
