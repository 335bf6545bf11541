import assert from 'node:assert/strict';
import { type SecretKey, secretKeys } from '../../../components/catalog.ts';
import { allOf, dueOf, type Rotatable, select } from '../../../operations/rotation/selection.ts';
import { makeCanary } from '../../canary.ts';

const used = secretKeys.filter((key) => !/^(?:kraken|kucoin|datadog)_/u.test(key));
const stack: Rotatable = { stack: 'dev', used, leftOut: ['coinbase_passphrase'], external: [] };

function refusal(word: string, of: Rotatable = stack): string {
  try {
    select([word], of);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it is taken');
}

describe('what is to be rotated', () => {
  it('is a key, an exchange or a service of a group, or a group', () => {
    assert.deepEqual(select(['trading.binance_api_key'], stack), ['binance_api_key']);
    const binance: SecretKey[] = ['binance_api_key', 'binance_secret_key'];
    assert.deepEqual(select(['trading.binance'], stack), binance);
    const smtp: SecretKey[] = ['email_password', 'smtp_credentials'];
    assert.deepEqual(select(['monitoring.email'], stack), smtp);
    assert.equal(select(['infrastructure'], stack).length, 5);
  });

  it('is each key once, in the order of the catalog', () => {
    const words = ['trading.binance', 'trading.binance_api_key', 'trading'];
    const keys = select(words, stack);
    assert.equal(new Set(keys).size, keys.length);
    assert.deepEqual(
      keys,
      secretKeys.filter((key) => keys.includes(key)),
    );
  });

  it('leaves out what is optional and has no value, unless it is named itself', () => {
    assert.ok(!select(['trading.coinbase'], stack).includes('coinbase_passphrase'));
    const word = 'trading.coinbase_passphrase';
    assert.deepEqual(select([word], stack), ['coinbase_passphrase']);
    assert.ok(!allOf(stack).includes('coinbase_passphrase'));
  });

  it('is asked for in one line that says what was meant', () => {
    for (const [word, meant] of [
      ['trading.binanse', 'trading.binance'],
      ['trading.binance_api_kye', 'trading.binance_api_key'],
      ['tradin', 'trading'],
      ['binance', 'trading.binance'],
      ['binance_api_key', 'trading.binance_api_key'],
      ['monitoring.binance', 'trading.binance'],
    ] as const) {
      const line = refusal(word);
      const near = `did you mean ${meant}? npm run rotate -- --stack dev ${meant}`;
      assert.ok(line.includes(near), `${word}: ${line}`);
      assert.match(line, /^rotate: got .+; allowed: .+; fix: [^\n]+$/u);
    }
    assert.match(refusal('nonsense-word'), /fix: see docs\/catalog\.md$/u);
  });

  it('is nothing that the stack does not use, or that somebody else writes', () => {
    assert.match(refusal('trading.kraken'), /^trading\.kraken: got what stack dev does not use; /u);
    const external = { ...stack, external: ['trading' as const] };
    assert.match(refusal('trading.binance', external), /somebody else writes/u);
    assert.ok(allOf(external).every((key) => !key.startsWith('binance')));
  });

  it('does not repeat what may be a value', () => {
    const canary = makeCanary('selection');
    assert.ok(!refusal(canary).includes(canary));
    assert.ok(!refusal(`trading.${canary}`).includes(canary));
  });

  it('is due when it is older than the catalog lets it be, or when nobody has recorded its age', () => {
    const keys: SecretKey[] = ['binance_api_key', 'binance_secret_key', 'telegram_chat_id'];
    const last = new Map([
      ['trading.binance_api_key', '2026-08-29T00:00:00.000Z'],
      ['trading.binance_secret_key', '2026-08-30T00:00:00.000Z'],
    ]);
    // 90 days after the first.
    const due = dueOf(keys, last, '2026-11-27T00:00:00.000Z');
    assert.deepEqual(due, ['binance_api_key', 'telegram_chat_id']);
  });
});
