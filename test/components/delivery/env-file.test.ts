import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'dotenv';
import fc from 'fast-check';
import { quoted, refusesEnv } from '../../../components/delivery/env-file.ts';

const pem = '-----BEGIN EC PRIVATE KEY-----\nAAAA+/==\nBBBB\n-----END EC PRIVATE KEY-----';

/** Reads a file of many values by `sh`, each written out with a NUL behind it. */
function readBySh(text: string, names: readonly string[]): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'env-file-'));
  try {
    writeFileSync(join(directory, 'env'), text);
    const print = names.map((name) => `printf '%s\\0' "$${name}"`).join('\n');
    const { stdout, status } = spawnSync('sh', ['-c', `. ./env\n${print}`], {
      cwd: directory,
      encoding: 'utf8',
    });
    assert.equal(status, 0);
    return stdout.split('\0').slice(0, -1);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What sh and dotenv read of the values. Compose v2 reads them in the e2e suite. */
function assertReadAlike(values: readonly string[]): void {
  const names = values.map((_, index) => `V${index}`);
  const text = values.map((value, index) => `V${index}=${quoted(value)}\n`).join('');
  assert.deepEqual(readBySh(text, names), values);
  const byDotenv = parse(text);
  assert.deepEqual(
    names.map((name) => byDotenv[name]),
    values,
  );
}

describe('the env file', () => {
  it('carries every printable ASCII character alone, but the backslash', () => {
    const all = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at));
    assertReadAlike(all.filter((value) => refusesEnv(value) === undefined));
    assert.deepEqual(
      all.filter((value) => refusesEnv(value) !== undefined),
      ['\\'],
    );
  });

  it('carries a PEM, unicode, hashes, equal signs and what looks like a variable', () => {
    assertReadAlike([
      pem,
      'żółw 🐢',
      'a#b',
      'a=b=c',
      '$HOME',
      '${HOME}',
      '`id`',
      "it's",
      '\\n',
      '!x',
      '"a"',
    ]);
  });

  for (const [value, reason] of [
    ['a\0b', 'a NUL byte'],
    ['a\rb', 'a carriage return'],
    ["it's $5", 'a \' together with one of $ ` " \\'],
    ["'\\", 'a \' together with one of $ ` " \\'],
    ['ends with \\', 'a backslash at the end'],
  ] as const) {
    it(`refuses ${JSON.stringify(value)}: ${reason}`, () => {
      assert.equal(refusesEnv(value), reason);
      assert.throws(
        () => quoted(value),
        (error: Error) => !error.message.includes(value),
      );
    });
  }

  it('is read alike by sh and dotenv, or refuses, for random values', () => {
    const piece = fc.oneof(
      fc.constantFrom("'", '"', '$', '`', '\\', '\n', '#', '=', ' ', '\t', '{', '}', '!', '\\n'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    const value = fc
      .array(piece, { minLength: 1, maxLength: 8 })
      .map((pieces) => pieces.join(''))
      .filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(fc.array(value, { minLength: 20, maxLength: 60 }), (values) => {
        assertReadAlike(values.filter((each) => refusesEnv(each) === undefined));
      }),
      { numRuns: 25 },
    );
  });
});
