import assert from 'node:assert/strict';
import type { SecretKey } from '../../components/catalog.ts';
import { differences, fieldOf, keystoreOf } from '../../rehearsal/keystore.ts';

describe('the keystore of a rehearsed bot', () => {
  const set = new Map<SecretKey, string>([
    ['binance_api_key', 'one'],
    ['coinbase_api_key', 'two'],
    ['redis_password', 'of no exchange'],
  ]);
  const right = new Map([
    ['binance.binance_api_key', 'one'],
    ['coinbase_advanced_trade.coinbase_advanced_trade_api_key', 'two'],
  ]);

  it('calls a key by its connector and field, and has none for other services', () => {
    assert.equal(
      fieldOf('coinbase_api_key'),
      'coinbase_advanced_trade.coinbase_advanced_trade_api_key',
    );
    assert.equal(fieldOf('redis_password'), undefined);
  });

  it('agrees when every field has the value that was set', () => {
    assert.deepEqual(differences(right, set), []);
  });

  it('disagrees by another value, one that is missing, and one too many', () => {
    const wrong = new Map([
      ['binance.binance_api_key', 'another'],
      ['kraken.kraken_api_key', 'left'],
    ]);
    assert.deepEqual(differences(wrong, set), [
      'binance.binance_api_key',
      'coinbase_advanced_trade.coinbase_advanced_trade_api_key',
      'kraken.kraken_api_key',
    ]);
  });

  it('is read by one command inside the bot, and not there when its login fails', async () => {
    const commands: (readonly string[])[] = [];
    const run =
      (code: number) =>
      async (...command: readonly string[]) => {
        commands.push(command);
        return { code, stdout: JSON.stringify(Object.fromEntries(right)) };
      };
    assert.deepEqual(await keystoreOf(run(0)), right);
    assert.equal(await keystoreOf(run(1)), undefined);
    assert.deepEqual(
      commands.map(([program]) => program),
      ['sh', 'sh'],
    );
  });
});
