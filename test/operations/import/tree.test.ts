import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readTree } from '../../../operations/import/tree.ts';
import { leaks, makeCanary } from '../../canary.ts';

describe('a tree with a file a key', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tree-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const write = (path: string, text: string | Buffer): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  };
  const below = (lines: readonly string[]): readonly string[] =>
    lines.map((line) => line.replaceAll(`${directory}/`, ''));

  it("is read: the guide's, and exactly one newline is stripped", () => {
    write('trading/binance_api_key', 'one\n');
    write('database/postgres_password.txt', 'two');
    write('trading/kraken_api_key', 'three\n\n');
    const { found, unknown, skipped } = readTree(directory);
    assert.deepEqual(
      found.map(({ key, value }) => [key, value]),
      [
        ['postgres_password', 'two'],
        ['binance_api_key', 'one'],
        ['kraken_api_key', 'three\n'],
      ],
    );
    assert.deepEqual([unknown, skipped], [[], []]);
  });

  it('is read: a mounted Kubernetes Secret, whose files are links', () => {
    write('..2026_11_24_09_30_00.123456789/binance_api_key', 'one');
    symlinkSync('..2026_11_24_09_30_00.123456789', join(directory, '..data'));
    symlinkSync('..data/binance_api_key', join(directory, 'binance_api_key'));
    const { found, skipped } = readTree(directory);
    assert.deepEqual(
      found.map(({ value }) => value),
      ['one'],
    );
    assert.deepEqual(skipped, []);
  });

  it('names every file that it does not read, with the reason, and shows nothing of it', () => {
    const canary = makeCanary('skipped');
    write('binance_api_key', canary.padEnd(64 * 1024 + 1, '.'));
    write('kraken_api_key', '.'.repeat(64 * 1024));
    write('.env.secrets', `BINANCE_API_KEY=${canary}`);
    write('.git/binance_api_key', canary);
    write('..other/binance_api_key', canary);
    write('a/b/c/kucoin_api_key', 'read');
    write('a/b/c/d/kucoin_api_key', canary);
    write('elsewhere/redis_password', 'read');
    symlinkSync('elsewhere', join(directory, 'linked'));
    symlinkSync('nowhere', join(directory, 'coinbase_api_key'));
    symlinkSync('loop', join(directory, 'loop'));
    assert.equal(spawnSync('mkfifo', [join(directory, 'telegram_token')]).status, 0);
    write('a\nb/README', canary);
    write('image.png', Buffer.from([0xff, 0xd8]));
    const { found, unknown, skipped } = readTree(directory);
    assert.deepEqual(
      found.map(({ key }) => key),
      ['kucoin_api_key', 'redis_password', 'kraken_api_key'],
    );
    assert.deepEqual(below(skipped), [
      '..other: hidden',
      '.env.secrets: hidden; an env file is imported by its own path',
      '.git: hidden',
      'a/b/c/d: deeper than 4 folders',
      'binance_api_key: larger than 64 KiB',
      'coinbase_api_key: a link to nothing',
      'linked: a link to a directory',
      'loop: a link to nothing',
      'telegram_token: not a regular file',
    ]);
    assert.match(unknown[0] ?? '', /^"README" in ".*a\\nb\/README"$/);
    assert.match(unknown[1] ?? '', /^"image\.png" in /);
    assert.equal(unknown.length, 2);
    const printed = [...unknown, ...skipped].join('\n');
    assert.deepEqual(leaks(printed, new Map([['skipped', canary]])), []);
  });

  it('is refused for bytes that are not UTF-8, in a file of the catalog alone', () => {
    write('other', Buffer.from([0xe9]));
    readTree(directory);
    write('binance_api_key', Buffer.from([0xe9]));
    assert.throws(() => readTree(directory), /binance_api_key: got bytes that are not UTF-8; /);
  });
});
