import assert from 'node:assert/strict';
import { lastWord, parseReport } from '../../../operations/doctor/report.ts';

const whole = {
  hummingbot: 'dev-2.18.0',
  materialised: { binance: ['binance_api_key', 'binance_secret_key'], kraken: ['kraken_api_key'] },
  read: { binance: ['binance_api_key'] },
  trading: null,
  at: '2026-11-26T12:00:00Z',
};

describe("the bot's report", () => {
  it('names what was materialised and what was read', () => {
    assert.deepEqual(parseReport(JSON.stringify(whole), []), {
      hummingbot: 'dev-2.18.0',
      materialised: ['binance_api_key', 'binance_secret_key', 'kraken_api_key'],
      read: ['binance_api_key'],
      trading: undefined,
      at: '2026-11-26T12:00:00Z',
    });
  });

  it('is there before the login, without what was read', () => {
    const { hummingbot, materialised } = whole;
    const report = parseReport(JSON.stringify({ hummingbot, materialised }), []);
    assert.deepEqual([report?.read, report?.trading, report?.at], [undefined, undefined, '']);
  });

  it('gives names of the catalog alone, and no text of another form', () => {
    const odd = {
      ...whole,
      hummingbot: 'a value\nof two lines',
      materialised: { binance: ['binance_api_key', 'a-value', 7], other: 'x' },
      trading: 'pmm.yml',
    };
    const report = parseReport(JSON.stringify(odd), []);
    assert.equal(report?.hummingbot, 'unknown');
    assert.deepEqual(report?.materialised, ['binance_api_key']);
    assert.equal(report?.trading, 'pmm.yml');
  });

  it('says why what somebody else has written is not taken, by a line of our own and no other', () => {
    const line =
      'kraken_secret_key: got an empty value in the file of KRAKEN_SECRET_KEY_FILE; allowed: base64; fix: whoever writes it writes it anew';
    const outside = (text: unknown) => parseReport(JSON.stringify({ ...whole, outside: text }), []);
    assert.deepEqual(outside(line)?.outside, {
      what: 'kraken_secret_key',
      got: 'an empty value in the file of KRAKEN_SECRET_KEY_FILE',
      allowed: 'base64',
      fix: 'whoever writes it writes it anew',
    });
    for (const other of [null, 5, {}, 'a value']) {
      assert.ok(outside(other) !== undefined);
      assert.equal(outside(other)?.outside, undefined);
    }
  });

  it('is none with a value in it, and names no strategy of a strange name', () => {
    const text = JSON.stringify({ ...whole, trading: 'a strategy\nof two lines' });
    assert.equal(parseReport(text, [])?.trading, 'one');
    assert.equal(parseReport(text, ['of two']), undefined);
  });

  for (const text of ['', 'cat: no such file', '[]', 'null', '{"read":{}}']) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseReport(text, []), undefined));
  }
});

describe('the last word of a container', () => {
  const line = 'binance: got 403; allowed: a key that may trade; fix: set it';

  it('is the last line of our own form, with colours and a terminal of its own around it', () => {
    const text = `first\r\nx: got 1; allowed: 2; fix: 3\r\n\u001b[31m${line}\u001b[0m\r\nTraceback\r\n`;
    assert.deepEqual(lastWord(text, []), {
      what: 'binance',
      got: '403',
      allowed: 'a key that may trade',
      fix: 'set it',
    });
  });

  it('is none of another form, and none with a value in it', () => {
    assert.equal(lastWord('KeyError: something secret\n', []), undefined);
    assert.equal(lastWord(`${line} 0123456789`, ['0123456789']), undefined);
    assert.notEqual(lastWord(`${line} 0123456789`, ['other']), undefined);
  });
});
