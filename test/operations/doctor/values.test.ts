import assert from 'node:assert/strict';
import { entryOf, type SecretKey, secretKeys } from '../../../components/catalog.ts';
import { placeholderOf } from '../../../components/shape.ts';
import { settingsIn } from '../../../operations/doctor/config.ts';
import { judge } from '../../../operations/doctor/values.ts';
import { lookAlike } from '../../../rehearsal/look-alikes.ts';
import type { Mistake } from '../../../settings/mistake.ts';

const exchanges = ['binance', 'coinbase', 'kraken', 'kucoin'];
type Values = Partial<Record<SecretKey, unknown>>;
const good: Values = Object.fromEntries(
  secretKeys
    .filter((key) => entryOf(key).group === 'trading')
    .map((key) => [key, lookAlike(entryOf(key).shape, key)]),
);

function judged(trading: Values, more: object = {}, mistakes: readonly Mistake[] = []) {
  return judge('dev', { exchanges, services: [], placeholders: false, trading, ...more }, mistakes);
}
const stateOf = (key: SecretKey, ...args: Parameters<typeof judged>) =>
  judged(...args).keys.find((each) => each.key === key)?.set;

describe('the values of a stack', () => {
  it('are fine when they look as the exchanges give them out', () => {
    const { findings, keys, expected } = judged(good);
    assert.deepEqual(findings, []);
    assert.equal(keys.length, 10);
    assert.ok(keys.every(({ set }) => set === 'own value'));
    assert.equal(expected.get('binance_api_key'), good.binance_api_key);
  });

  it('are placeholders where there are none and the stack fills them, a problem each for the bot', () => {
    const { findings, expected } = judged({}, { placeholders: true });
    const problems = findings.filter(({ level }) => level === 'problem');
    assert.equal(problems.length, 9);
    assert.match(
      problems[0]?.fix ?? '',
      /config set --secret --path 'trading\.binance_api_key' --stack dev/,
    );
    assert.equal(expected.get('kraken_api_key'), placeholderOf('line', 'kraken_api_key'));
    const [other] = findings.filter(({ level }) => level === 'warning');
    assert.match(
      other?.got ?? '',
      /placeholder of coinbase_passphrase, which the bot does not read/,
    );
  });

  it('are placeholders also when somebody has set one, or the example of the guide', () => {
    const { shape } = entryOf('kraken_secret_key');
    const set = { ...good, kraken_secret_key: placeholderOf(shape, 'kraken_secret_key') };
    assert.equal(stateOf('kraken_secret_key', set), 'placeholder');
    const example = { ...good, kucoin_passphrase: 'your_kucoin_passphrase' };
    assert.equal(stateOf('kucoin_passphrase', example), 'placeholder');
  });

  it('are missing, left out, generated or external', () => {
    const { binance_api_key, coinbase_passphrase, ...rest } = good;
    assert.ok(binance_api_key !== undefined && coinbase_passphrase !== undefined);
    assert.equal(stateOf('binance_api_key', rest), 'missing');
    assert.equal(stateOf('coinbase_passphrase', rest), 'left out');
    assert.equal(stateOf('postgres_password', good, { services: ['postgres'] }), 'generated');
    const external = { groups: { trading: { source: 'external' } } };
    assert.equal(stateOf('binance_api_key', {}, external), 'external');
  });

  it('take what the settings say of them, and repeat it as a problem', () => {
    const mistake = { what: 'trading.binance_api_key', allowed: 'one line', fix: 'fix' };
    const malformed = { ...mistake, got: 'several lines' };
    const clear = { ...mistake, got: 'plaintext in Pulumi.dev.yaml' };
    assert.equal(stateOf('binance_api_key', good, {}, [malformed]), 'malformed');
    assert.equal(stateOf('binance_api_key', good, {}, [clear]), 'in the clear');
    assert.equal(judged(good, {}, [malformed]).expected.has('binance_api_key'), false);
    assert.deepEqual(judged(good, {}, [malformed]).findings, [{ level: 'problem', ...malformed }]);
  });

  const strange: readonly (readonly [SecretKey, string, RegExp])[] = [
    ['binance_api_key', 'x'.repeat(63), /63 characters.*usually 64 letters and digits/],
    ['binance_secret_key', 'x'.repeat(65), /65 characters.*usually 64 letters and digits/],
    ['coinbase_api_key', 'x'.repeat(40), /usually organizations\/UUID\/apiKeys\/UUID/],
    ['kraken_api_key', 'x'.repeat(55), /usually 56 characters/],
    ['kraken_secret_key', Buffer.alloc(48).toString('base64'), /64 characters.*usually 88/],
    ['kucoin_api_key', 'x'.repeat(24), /usually 24 digits and letters a to f/],
    ['kucoin_secret_key', 'x'.repeat(36), /usually a UUID/],
    ['kucoin_passphrase', 'short', /5 characters.*usually 7 to 32/],
  ];
  for (const [key, value, line] of strange) {
    it(`warn of another form of ${key}, and refuse nothing`, () => {
      const { findings } = judged({ ...good, [key]: value });
      assert.deepEqual(
        findings.map(({ level, what }) => [level, what]),
        [['warning', `trading.${key}`]],
      );
      assert.match(`${findings[0]?.got} ${findings[0]?.allowed}`, line);
      assert.equal(stateOf(key, { ...good, [key]: value }), 'own value');
    });
  }

  it('warn of a key that was pasted in the place of its secret half too', () => {
    const twice = { ...good, binance_secret_key: good.binance_api_key };
    const [only, ...more] = judged(twice).findings;
    assert.deepEqual(more, []);
    assert.equal(only?.got, 'the same value as trading.binance_api_key');
    assert.equal(only?.level, 'warning');
  });

  it('may be the same in what the bot does not read', () => {
    const infrastructure = { postgres_user: 'hummingbot', postgres_db: 'hummingbot' };
    assert.deepEqual(judged(good, { services: ['postgres'], infrastructure }).findings, []);
  });

  it('come out of what pulumi config prints as the program gets them', () => {
    const json = JSON.stringify({
      'hummingbot-secrets:placeholders': { value: 'true', secret: false },
      'hummingbot-secrets:trading': { value: '...', objectValue: { a: 'b' }, secret: true },
      'hummingbot-secrets:account': { value: '000000000001', secret: false },
      'aws:region': { value: 'eu-west-1', secret: false },
    });
    const expected = { placeholders: true, trading: { a: 'b' }, account: '000000000001' };
    assert.deepEqual(settingsIn(json), expected);
  });
});
