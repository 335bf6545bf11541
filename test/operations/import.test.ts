import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planImport, readValues } from '../../operations/import.ts';
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
  const plan = (path: string) => planImport(readValues(path), 'npm run import');

  it("reads the guide's env file, with quotes, comments and export", () => {
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

  it("reads the guide's tree, and strips exactly one newline", () => {
    write('secrets/trading/binance_api_key', 'one\n');
    write('secrets/database/postgres_password.txt', 'two');
    write('secrets/.hidden', 'no');
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

  it("understands Hummingbot's own field names", () => {
    write('t/binance_api_secret', 'one');
    write('t/coinbase_advanced_trade_api_key', 'two');
    assert.deepEqual([...plan(join(directory, 't')).values.keys()].sort(), [
      'binance_secret_key',
      'coinbase_api_key',
    ]);
  });

  it('reads a mounted Kubernetes Secret, whose files are links', () => {
    write('m/..data/binance_api_key', 'one');
    symlinkSync(join(directory, 'm/..data/binance_api_key'), join(directory, 'm/binance_api_key'));
    assert.deepEqual([...plan(join(directory, 'm')).values], [['binance_api_key', 'one']]);
  });

  it('names what it does not know, and shows no value', () => {
    const canary = makeCanary('import');
    const { values, unknown, mistakes } = plan(
      write(
        'e',
        `FOO=${canary}\nCOINBASE_SECRET_KEY=${canary}\nBINANCE_API_KEY=your_binance_api_key\n`,
      ),
    );
    assert.equal(values.size, 0);
    assert.match(unknown[0] ?? '', /^"FOO" in /);
    const lines = mistakes.map(lineOf);
    assert.match(lines[0] ?? '', /^trading\.coinbase_secret_key: got another shape/);
    assert.match(lines[1] ?? '', /^trading\.binance_api_key: got the guide's example/);
    assert.deepEqual(leaks([...lines, ...unknown].join('\n'), new Map([['import', canary]])), []);
  });

  it('refuses two values for one key, and takes the same one twice', () => {
    write('d/a/binance_api_key', 'one');
    write('d/b/BINANCE_API_KEY', 'one');
    assert.equal(plan(join(directory, 'd')).values.size, 1);
    write('d/c/binance_api_key.txt', 'other');
    assert.match(
      plan(join(directory, 'd')).mistakes.map(lineOf)[0] ?? '',
      /got two different values; allowed: one/,
    );
  });

  it('says in one line that there is nothing to read', () => {
    assert.throws(() => readValues(join(directory, 'none')), /: got ENOENT; allowed: an env file/);
    const path = write('latin1', Buffer.from([0x41, 0x3d, 0xe9]));
    assert.throws(() => readValues(path), /got bytes that are not UTF-8/);
  });
});
