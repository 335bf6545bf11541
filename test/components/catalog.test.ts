import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  catalog,
  entryOf,
  environmentName,
  exchangeNames,
  exchanges,
  fileEnvironmentName,
  isSecretKey,
  type SecretKey,
  secretKeys,
} from '../../components/catalog.ts';
import { guideKeys, guideKeysOf } from '../guide-keys.ts';

/** The guide's "Secret Types", by hand: the catalog must not be its own witness. */
const guide: Readonly<Record<string, readonly string[]>> = {
  trading: [
    'binance_api_key',
    'binance_secret_key',
    'coinbase_api_key',
    'coinbase_secret_key',
    'coinbase_passphrase',
    'kraken_api_key',
    'kraken_secret_key',
    'kucoin_api_key',
    'kucoin_secret_key',
    'kucoin_passphrase',
  ],
  infrastructure: [
    'postgres_user',
    'postgres_password',
    'postgres_db',
    'redis_password',
    'gateway_passphrase',
  ],
  monitoring: [
    'telegram_token',
    'telegram_chat_id',
    'slack_webhook_url',
    'email_password',
    'smtp_credentials',
    'prometheus_auth_token',
    'grafana_api_key',
    'datadog_api_key',
  ],
};

/** The connector fields of Hummingbot 2.16 to 2.18, by hand. */
const fields: Readonly<Record<string, string>> = {
  binance_api_key: 'binance_api_key',
  binance_secret_key: 'binance_api_secret',
  coinbase_api_key: 'coinbase_advanced_trade_api_key',
  coinbase_secret_key: 'coinbase_advanced_trade_api_secret',
  kraken_api_key: 'kraken_api_key',
  kraken_secret_key: 'kraken_secret_key',
  kucoin_api_key: 'kucoin_api_key',
  kucoin_secret_key: 'kucoin_secret_key',
  kucoin_passphrase: 'kucoin_passphrase',
};

describe('the catalog', () => {
  it('holds the 23 secrets of the guide in their three groups', () => {
    assert.equal(guideKeys.length, 23);
    for (const [group, keys] of Object.entries(guide)) {
      assert.deepEqual(guideKeysOf(group as 'trading'), keys);
    }
    // And one that only a stack with the service `keystore` has.
    assert.deepEqual(
      secretKeys.filter((key) => !guideKeys.includes(key)),
      ['keystore_password'],
    );
  });

  it('gives exchange keys to the bot and to nobody else, with the fields it knows', () => {
    for (const key of secretKeys) {
      const entry = entryOf(key);
      assert.equal(entry.consumers.includes('hummingbot'), entry.group === 'trading', key);
      assert.equal(entry.field, fields[key], key);
    }
  });

  it('knows the ports of the exchanges: Binance streams on 9443', () => {
    assert.deepEqual([...exchanges.binance.egressPorts], [443, 9443]);
    for (const name of exchangeNames) assert.ok(exchanges[name].egressPorts.some((p) => p === 443));
  });

  it("uses the guide's names for environment and directories", () => {
    assert.equal(environmentName('binance_api_key'), 'BINANCE_API_KEY');
    assert.equal(fileEnvironmentName('binance_api_key'), 'BINANCE_API_KEY_FILE');
    assert.equal(catalog.postgres_password.directory, 'database');
    assert.equal(catalog.gateway_passphrase.directory, 'gateway');
  });

  it('lets only the passphrase of Coinbase Pro be missing', () => {
    assert.deepEqual(
      secretKeys.filter((key) => entryOf(key).optional),
      ['coinbase_passphrase'],
    );
  });

  it('does not compile a misspelt key', () => {
    // @ts-expect-error: the type check of this file is the test
    const misspelt: SecretKey = 'binance_api_kye';
    assert.equal(isSecretKey(misspelt), false);
    assert.equal(isSecretKey('toString'), false);
  });

  it('is read by nothing that hard-codes a key beside it', () => {
    for (const file of ['index.ts', 'settings.ts', 'components/values.ts']) {
      const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//gu, '');
      for (const key of secretKeys) assert.ok(!text.includes(key), `${file} names ${key}`);
    }
  });
});
