/** That the contract with Hummingbot can fail: planted disagreements, each one found and named. */
import assert from 'node:assert/strict';
import {
  type BotConnectors,
  type CatalogConnector,
  disagreements,
} from './e2e/connector-fields.ts';

const secret = { secret: true, type: 'SecretStr', required: true };
const bot: BotConnectors = {
  one: {
    one_key: secret,
    one_secret: secret,
    tier: { secret: false, type: 'str', required: false },
  },
};
const right: CatalogConnector = {
  connector: 'one',
  fields: ['one_key', 'one_secret'],
  plainFields: { tier: 'Starter' },
};

function said(changed: Partial<CatalogConnector>): readonly string[] {
  return disagreements([{ ...right, ...changed }], bot);
}

describe('catalog and bot', () => {
  it('agree when every field has its name and its kind', () => {
    assert.deepEqual(said({}), []);
  });

  it('disagree about a connector that the bot does not have', () => {
    assert.deepEqual(said({ connector: 'two' }), ['two: the bot has no such connector']);
  });

  it('disagree about a field that the catalog does not write', () => {
    assert.deepEqual(said({ fields: ['one_key'] }), [
      'one.one_secret: missing field, the bot has it (required secret) and the catalog does not',
    ]);
    assert.deepEqual(said({ plainFields: {} }), [
      'one.tier: missing field, the bot has it (str) and the catalog does not',
    ]);
  });

  it('disagree about a field that the bot does not know', () => {
    assert.deepEqual(said({ fields: [...right.fields, 'passphrase'] }), [
      'one.passphrase: unknown field, the bot has one_key, one_secret, tier',
    ]);
  });

  it('disagree about a name, and the line says the right one', () => {
    const [line] = said({ fields: ['one_key', 'one_secret_key'] });
    assert.equal(line, 'one.one_secret_key: another name, the bot calls it one_secret');
  });

  it('disagree about what is secret', () => {
    assert.deepEqual(said({ fields: [...right.fields, 'tier'], plainFields: {} }), [
      'one.tier: not secret for the bot, which writes it in plain',
    ]);
    assert.deepEqual(said({ fields: ['one_key'], plainFields: { tier: '', one_secret: '' } }), [
      'one.one_secret: wrong type, str in the catalog, a secret for the bot',
    ]);
  });

  it('disagree about the type of a plain field', () => {
    assert.deepEqual(said({ plainFields: { tier: false } }), [
      'one.tier: wrong type, bool in the catalog, str for the bot',
    ]);
  });
});
