import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'dotenv';
import fc from 'fast-check';
import { environmentName } from '../../../components/catalog.ts';
import { readEnvText } from '../../../operations/import/env-file.ts';
import type { Reading } from '../../../operations/import/reading.ts';
import { lineOf } from '../../../settings/mistake.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { envFiles, sourced } from './env-texts.ts';

const read = (text: string): Reading =>
  readEnvText(text, '.env', { stack: 'dev', command: 'npm run import -- .env' });
const label = ['EC', 'PRIVATE', 'KEY'].join(' ');
const pem = `-----BEGIN ${label}-----\n${'MHcCAQEEIA+/'.repeat(5)}\nQUJDRA==\n-----END ${label}-----`;

describe('an env file', () => {
  it("is read: the guide's, with comments, blank lines, export and quotes", () => {
    const { found, unknown, mistakes } = read(
      '# .env.secrets (never commit to git)\n\nBINANCE_API_KEY="one"\n' +
        "  export\tKRAKEN_API_KEY=two  # mine\nKUCOIN_PASSPHRASE='three $x \\n' \t# it's\nREDIS_PASSWORD=\"it's\"",
    );
    assert.deepEqual(found, [
      { key: 'binance_api_key', value: 'one', where: '.env line 3' },
      { key: 'kraken_api_key', value: 'two', where: '.env line 4' },
      { key: 'kucoin_passphrase', value: 'three $x \\n', where: '.env line 5' },
      { key: 'redis_password', value: "it's", where: '.env line 6' },
    ]);
    assert.deepEqual([unknown, mistakes], [[], []]);
  });

  for (const quote of ["'", '"']) {
    it(`is read: a PEM of several lines in ${quote}`, () => {
      const { found, mistakes } = read(
        `A=b\nCOINBASE_SECRET_KEY=${quote}${pem}${quote}\nBINANCE_API_KEY=x`,
      );
      assert.deepEqual(mistakes, []);
      assert.deepEqual(found, [
        { key: 'coinbase_secret_key', value: pem, where: '.env lines 2-5' },
        { key: 'binance_api_key', value: 'x', where: '.env line 6' },
      ]);
    });
  }

  const canary = makeCanary('env');
  for (const [line, got] of [
    ['BINANCE_API_KEY=pa#CANARY', 'a # without quotes'],
    ['BINANCE_API_KEY=#CANARY', 'a # without quotes'],
    ['BINANCE_API_KEY= # CANARY', 'a blank behind ='],
    ['BINANCE_API_KEY=CANARY\t# CANARY', 'a # without quotes'],
    ['BINANCE_API_KEY=CANARY CANARY', 'a blank without quotes'],
    ['BINANCE_API_KEY= CANARY', 'a blank behind ='],
    ["BINANCE_API_KEY= 'CANARY'", 'a blank behind ='],
    ['BINANCE_API_KEY =CANARY', 'blanks before =, or a colon'],
    ['BINANCE_API_KEY: CANARY', 'blanks before =, or a colon'],
    ['BINANCE_API_KEY="a\\"CANARY"', 'a dollar, backtick or backslash in double quotes'],
    ['BINANCE_API_KEY="CANARY\\n"', 'a dollar, backtick or backslash in double quotes'],
    ['BINANCE_API_KEY="a$CANARY"', 'a dollar, backtick or backslash in double quotes'],
    ['BINANCE_API_KEY="`CANARY`"', 'a dollar, backtick or backslash in double quotes'],
    ['BINANCE_API_KEY=$(CANARY)', 'a dollar or a backtick without quotes'],
    ['BINANCE_API_KEY=a$CANARY', 'a dollar or a backtick without quotes'],
    ['BINANCE_API_KEY=`CANARY`', 'a dollar or a backtick without quotes'],
    ['BINANCE_API_KEY=CANARY;id', 'a character that wants quotes'],
    ['BINANCE_API_KEY=CANARY\\', 'a character that wants quotes'],
    ['BINANCE_API_KEY=~CANARY', 'a character that wants quotes'],
    ['BINANCE_API_KEY=CANARY"b"', 'a character that wants quotes'],
    ["BINANCE_API_KEY='CANARY'b", 'something behind the closing quote'],
    ["BINANCE_API_KEY='CANARY'#b", 'something behind the closing quote'],
    ["BINANCE_API_KEY='CANARY'\\''CANARY'", 'something behind the closing quote'],
    ["BINANCE_API_KEY='CANARY\\'", 'a backslash before the closing quote'],
    ["BINANCE_API_KEY='CANARY", 'a quote that never ends'],
    ['BINANCE_API_KEY="CANARY', 'a quote that never ends'],
    ['export BINANCE_API_KEY="CANARY\\"', 'a quote that never ends'],
    ['BINANCE_API_KEY=CANARY\r', 'a carriage return at the end of the line'],
    ["BINANCE_API_KEY='CANARY\r\nb'", 'a carriage return in quotes'],
    ["BINANCE_API_KEY='CANARY\0'", 'a NUL byte'],
    ['BINANCE_API_KEY', 'no assignment'],
    ['export BINANCE_API_KEY', 'no assignment'],
    ['BINANCE_API_KEY CANARY', 'no assignment'],
  ] as const) {
    it(`is refused by line and name, and nothing of its value is shown: ${JSON.stringify(line)}`, () => {
      const text = `\n# a comment\n${line.replaceAll('CANARY', canary)}`;
      const { mistakes, found, unknown } = read(text);
      assert.equal(mistakes.length, 1);
      assert.deepEqual([found, unknown], [[], []]);
      const printed = mistakes.map(lineOf).join('\n');
      assert.match(
        printed,
        /^\.env lines? 3(?:-4)?, BINANCE_API_KEY: got .*; allowed: .*; fix: .*npm run import -- \.env$/,
      );
      assert.equal(mistakes[0]?.got, got);
      assert.deepEqual(leaks(printed, new Map([['env', canary]])), []);
    });
  }

  it('is refused by the line alone where the line itself may be the value', () => {
    const { mistakes } = read(`${canary}\n"${canary}"\nset -a\n`);
    assert.deepEqual(
      mistakes.map(({ what, got }) => [what, got]),
      [1, 2, 3].map((line) => [`.env line ${line}`, 'no assignment']),
    );
  });

  it('is refused once for a PEM without quotes, and its last line is taken for no name', () => {
    const { mistakes, found, unknown } = read(`COINBASE_SECRET_KEY=${pem}\nBINANCE_API_KEY=x\n`);
    assert.deepEqual(
      mistakes.map(({ what, got }) => [what, got]),
      [['.env lines 1-4, COINBASE_SECRET_KEY', 'a PEM without quotes']],
    );
    assert.equal(found.length, 1);
    assert.deepEqual(unknown, []);
    assert.deepEqual(read('QUJDRA==\nabCd=x\n').unknown, [
      'a name that is not shown in .env line 1',
      'a name that is not shown in .env line 2',
    ]);
  });

  it('names what is not in the catalog, whatever its value, while all agree where it ends', () => {
    const { unknown, mistakes } = read(
      'FOO=a$B # c\nexport BAR="${HOME}/x $y"\nBAZ=a b\nQUX=\nfoo_bar=\'\n\'\n',
    );
    assert.deepEqual(mistakes, []);
    assert.deepEqual(unknown, [
      '"FOO" in .env line 1',
      '"BAR" in .env line 2',
      '"BAZ" in .env line 3',
      '"QUX" in .env line 4',
      '"foo_bar" in .env lines 5-6',
    ]);
    for (const line of [
      'FOO="a\\"b"',
      "FOO='",
      'FOO=a \\',
      'FOO=$(x',
      'FOO="${x',
      'FOO=a;b',
      'export FOO=a b-c',
    ])
      assert.match(read(line).mistakes[0]?.what ?? '', /^\.env line 1, FOO$/, line);
  });

  it('says a name twice when it stands there twice', () => {
    assert.deepEqual(
      read('BINANCE_API_KEY=a\nBINANCE_API_KEY=b\n').found.map(({ value }) => value),
      ['a', 'b'],
    );
  });

  it('is refused for a byte order mark, and for a line end that dotenv alone knows', () => {
    assert.equal(read('\uFEFFBINANCE_API_KEY=a').mistakes[0]?.got, 'a byte order mark');
    assert.match(
      read('BINANCE_API_KEY=a\n# b\u2028KRAKEN_API_KEY=c').mistakes[0]?.got ?? '',
      /^lines that dotenv reads otherwise/,
    );
  });

  it('is read alike by sh and dotenv whenever it is taken over: random files', function () {
    this.timeout(60_000);
    const directory = mkdtempSync(join(tmpdir(), 'env-'));
    after(() => rmSync(directory, { recursive: true, force: true }));
    const files = fc.sample(envFiles({ others: true }), 3000).flatMap((text) => {
      const { found, mistakes } = read(text);
      if (mistakes.length > 0 || found.length === 0) return [];
      return [
        { text, last: new Map(found.map((each) => [environmentName(each.key), each.value])) },
      ];
    });
    assert.ok(files.length > 300, `only ${files.length} files were taken over`);
    const script = files.map(({ text, last }, at) => {
      writeFileSync(join(directory, `${at}`), text);
      return `(${sourced(`./${at}`, [...last.keys()])})`;
    });
    writeFileSync(join(directory, 'all'), script.join('\n'));
    const env = { HOME: '/home/x', PATH: '/nowhere' };
    const { stdout } = spawnSync('/bin/sh', ['./all'], { cwd: directory, env, encoding: 'utf8' });
    const bySh = stdout.split('\0');
    for (const { text, last } of files) {
      const byDotenv = parse(text);
      for (const [name, value] of last) {
        assert.equal(bySh.shift(), value, `sh: ${JSON.stringify(text)}`);
        assert.equal(byDotenv[name], value, `dotenv: ${JSON.stringify(text)}`);
      }
    }
  });
});
