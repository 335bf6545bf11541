import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryOf, type SecretKey, secretKeys } from '../../components/catalog.ts';
import { placeholderOf } from '../../components/shape.ts';
import {
  leftOut,
  planImport,
  readValues,
  refusedPlaceholders,
  unused,
} from '../../operations/import.ts';
import { lineOf } from '../../settings/mistake.ts';
import { leaks, makeCanary } from '../canary.ts';

describe('import', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'import-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const write = (path: string, text: string | Buffer): string => {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), text);
    return join(directory, path);
  };
  const again = { stack: 'dev', command: 'npm run import -- --stack dev PATH' };
  const read = (path: string) => readValues(path, again);
  const plan = (path: string) => planImport(read(path), again.command);

  it("takes over the guide's env file", () => {
    const path = write(
      '.env.secrets',
      '# comment\nBINANCE_API_KEY="one"\nexport KRAKEN_API_KEY=two\nKUCOIN_PASSPHRASE=\'three $x\'\n',
    );
    assert.deepEqual(
      [...plan(path).values],
      [
        ['binance_api_key', 'one'],
        ['kraken_api_key', 'two'],
        ['kucoin_passphrase', 'three $x'],
      ],
    );
  });

  it("takes over the guide's tree, and refuses a second newline", () => {
    write('secrets/trading/binance_api_key', 'one\n');
    write('secrets/database/postgres_password.txt', 'two');
    const { values } = plan(join(directory, 'secrets'));
    assert.deepEqual(Object.fromEntries(values), {
      binance_api_key: 'one',
      postgres_password: 'two',
    });
    write('secrets/trading/kraken_api_key', 'three\n\n');
    assert.match(
      plan(join(directory, 'secrets')).mistakes.map(lineOf)[0] ?? '',
      /^trading\.kraken_api_key: got a line feed at the end/,
    );
  });

  it("understands Hummingbot's own field names, in a tree and in an env file", () => {
    write('t/binance_api_secret', 'one');
    write('t/coinbase_advanced_trade_api_key', 'two');
    assert.deepEqual([...plan(join(directory, 't')).values.keys()].sort(), [
      'binance_secret_key',
      'coinbase_api_key',
    ]);
    assert.deepEqual(
      [...plan(write('e', 'binance_api_secret=one')).values],
      [['binance_secret_key', 'one']],
    );
  });

  it('names what it does not know, and shows no value', () => {
    const canary = makeCanary('import');
    const path = write(
      'e',
      `FOO=${canary}\nCOINBASE_SECRET_KEY=${canary}\nBINANCE_API_KEY=your_binance_api_key\nREDIS_PASSWORD=${canary}$x\n`,
    );
    const { values, mistakes } = plan(path);
    assert.equal(values.size, 0);
    const left = leftOut(read(path));
    assert.match(left[0] ?? '', /^not in the catalog, left out: "FOO" in .*\/e line 1$/);
    const lines = mistakes.map(lineOf);
    assert.match(lines[0] ?? '', /\/e line 4, REDIS_PASSWORD: got a dollar or a backtick/);
    assert.match(lines[1] ?? '', /^trading\.coinbase_secret_key: got another shape.*\/e line 2, /);
    assert.match(lines[2] ?? '', /^trading\.binance_api_key: got the guide's example/);
    assert.equal(lines.length, 3);
    assert.deepEqual(leaks([...lines, ...left].join('\n'), new Map([['import', canary]])), []);
  });

  it('refuses two values for one key, and takes the same one twice', () => {
    write('d/a/binance_api_key', 'one');
    write('d/b/BINANCE_API_KEY', 'one');
    assert.equal(plan(join(directory, 'd')).values.size, 1);
    write('d/c/binance_api_key.txt', 'other');
    const two = /got two different values; allowed: one/;
    assert.match(plan(join(directory, 'd')).mistakes.map(lineOf)[0] ?? '', two);
    const path = write('e', 'BINANCE_API_KEY=one\nBINANCE_API_KEY=other\n');
    assert.match(plan(path).mistakes.map(lineOf)[0] ?? '', two);
  });

  it('names twenty of the files that it left out, and the number of the others', () => {
    for (let at = 10; at < 35; at++) write(`d/.hidden${at}`, 'x');
    const left = leftOut(read(join(directory, 'd')));
    assert.equal(left.length, 21);
    assert.match(left[0] ?? '', /^not read, left out: .*\.hidden10: hidden; /);
    assert.equal(left.at(-1), 'not read, left out: 5 more');
  });

  it('says in one line that there is nothing to read', () => {
    assert.throws(() => read(join(directory, 'none')), /: got ENOENT; allowed: an env file/);
    const path = write('latin1', Buffer.from([0x41, 0x3d, 0xe9]));
    assert.throws(() => read(path), /got bytes that are not UTF-8/);
    const large = write('large', 'x'.repeat(1024 * 1024 + 1));
    assert.throws(() => read(large), /large: got 1048577 bytes; allowed: an env file of at most/);
  });

  const placeholderKeys: readonly SecretKey[] = secretKeys.filter(
    (key) => entryOf(key).source !== 'generated',
  );
  it('refuses placeholders of another stack, unless the stack takes them', () => {
    assert.ok(placeholderKeys.length > 10);
    const placeholder = new Map(
      placeholderKeys.map((key) => [key, placeholderOf(entryOf(key).shape, key)]),
    );
    for (const [key, value] of placeholder) write(`p/${key}`, `${value}\n`);
    const canary = makeCanary('own');
    write('p/redis_password', canary);
    const whole = plan(join(directory, 'p'));
    assert.deepEqual(whole.mistakes, []);
    const lines = refusedPlaceholders(whole, { placeholders: false }, 'COMMAND').map(lineOf);
    assert.equal(lines.length, placeholderKeys.filter((key) => key !== 'redis_password').length);
    assert.ok(
      lines.includes(
        'trading.binance_api_key: got a placeholder; allowed: a value of your own; fix: put your own in its place, or take it out, then COMMAND',
      ),
    );
    assert.deepEqual(leaks(lines.join('\n'), new Map([...placeholder, ['own', canary]])), []);
    assert.equal(refusedPlaceholders(whole, {}, 'COMMAND').length, lines.length);
    for (const placeholders of [true, 'true']) {
      assert.deepEqual(refusedPlaceholders(whole, { placeholders }, 'COMMAND'), []);
    }
  });

  it('names the values that the stack does not use', () => {
    const path = write('e', 'BINANCE_API_KEY=one\nKRAKEN_API_KEY=two\nREDIS_PASSWORD=three\n');
    assert.deepEqual(unused(plan(path), { exchanges: ['binance'], services: ['redis'] }), [
      'trading.kraken_api_key: set, but not used while kraken is not listed',
    ]);
    assert.equal(unused(plan(path), {}).length, 3);
  });

  it('takes a PEM with the line feed of its last line, and no second one', () => {
    const pem = placeholderOf('pem', 'coinbase_secret_key');
    for (const text of [`'${pem}\n'`, `"${pem}\n"`, `'${pem}'`]) {
      const { values, mistakes } = plan(write('e', `COINBASE_SECRET_KEY=${text}\n`));
      assert.deepEqual(mistakes, []);
      assert.equal(values.get('coinbase_secret_key'), pem);
    }
    const { mistakes } = plan(write('e', `COINBASE_SECRET_KEY='${pem}\n\n'\n`));
    assert.match(mistakes.map(lineOf)[0] ?? '', /got blanks at the start or the end/);
  });

  it('takes an empty value for a missing one, and says so', () => {
    const path = write('e', 'KUCOIN_PASSPHRASE=\nBINANCE_API_KEY=one\n');
    const { values, mistakes } = plan(path);
    assert.deepEqual([[...values], mistakes], [[['binance_api_key', 'one']], []]);
    assert.match(
      leftOut(read(path))[0] ?? '',
      /^without a value, left out: kucoin_passphrase in .*\/e line 1$/,
    );
    // sh would take the last one: none.
    const twice = plan(write('e', 'BINANCE_API_KEY=one\nBINANCE_API_KEY=\n'));
    assert.equal(twice.mistakes.length, 1);
  });
});
