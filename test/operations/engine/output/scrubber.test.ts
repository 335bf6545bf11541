import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Scrubber, scrubbed } from '../../../../operations/engine/output/scrubber.ts';
import { leaks, makeCanary } from '../../../canary.ts';
import { canaryValues } from '../../../canary-values.ts';

const mask = '[secret]';

/** What comes out of a scrubber, chunk by chunk. */
function listen(values: ReadonlyMap<string, string>): { scrubber: Scrubber; heard: Buffer[] } {
  const scrubber = new Scrubber(values);
  const heard: Buffer[] = [];
  scrubber.on('data', (chunk: Buffer) => heard.push(chunk));
  return { scrubber, heard };
}

async function inChunks(
  values: ReadonlyMap<string, string>,
  chunks: readonly Buffer[],
): Promise<Buffer> {
  const { scrubber, heard } = listen(values);
  const ended = new Promise((settle) => scrubber.once('end', settle));
  for (const chunk of chunks) scrubber.write(chunk);
  scrubber.end();
  await ended;
  return Buffer.concat(heard);
}

function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

const value = `${makeCanary('scrubber')}'"<&$ é+/`;
const values = new Map([['trading.binance_api_key', value]]);

describe('the scrubber', () => {
  const spellings: Readonly<Record<string, (text: string) => string>> = {
    plain: (text) => text,
    hex: (text) => Buffer.from(text).toString('hex'),
    HEX: (text) => Buffer.from(text).toString('hex').toUpperCase(),
    'base64 at 0': (text) => Buffer.from(text).toString('base64'),
    'base64 at 1': (text) => Buffer.from(`x${text}`).toString('base64'),
    'base64 at 2': (text) => Buffer.from(`xy${text}z`).toString('base64'),
    'base64url at 0': (text) => Buffer.from(text).toString('base64url'),
    'base64url at 1': (text) => Buffer.from(`x${text}yz`).toString('base64url'),
    'base64url at 2': (text) => Buffer.from(`xy${text}`).toString('base64url'),
    URL: encodeURIComponent,
    'URL of a form': (text) => new URLSearchParams({ text }).toString(),
    JSON: (text) => JSON.stringify({ text }),
    'JSON twice': (text) => JSON.stringify({ json: JSON.stringify({ text }) }),
    "Go's JSON": (text) =>
      JSON.stringify(text).replaceAll('<', '\\u003c').replaceAll('&', '\\u0026'),
    'JSON in ASCII': (text) =>
      JSON.stringify(text).replaceAll(
        /[\u0080-\uffff]/gu,
        (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
    "a shell's quotes": (text) => `'${text.replaceAll("'", "'\\''")}'`,
    "a shell's backslashes": (text) => text.replaceAll(/[^\w@%+=:,./\u0080-\u{10ffff}-]/gu, '\\$&'),
  };
  for (const [encoding, spell] of Object.entries(spellings)) {
    it(`takes out a value as ${encoding}`, () => {
      const out = scrubbed(`before ${spell(value)} behind`, values);
      assert.ok(out.includes(mask), encoding);
      assert.deepEqual(leaks(out, values), []);
      assert.ok(out.startsWith('before ') && out.endsWith(' behind'));
      // No piece of the random part either.
      const random = value.slice(17, 41);
      for (let at = 0; at + 4 <= random.length; at++) {
        assert.ok(!out.includes(random.slice(at, at + 4)), `a piece as ${encoding}`);
      }
    });
  }

  it('takes out a value that lines part: wrapped base64, indented YAML, a PEM by its lines', () => {
    const pem = canaryValues().get('coinbase_secret_key') ?? '';
    const pems = new Map([['pem', pem]]);
    const base64 = Buffer.from(pem).toString('base64').replaceAll(/.{76}/gu, '$&\n');
    const indented = pem.replaceAll('\n', '\n      ');
    for (const text of [base64, indented, pem, pem.replaceAll('\n', '\r\n')]) {
      assert.equal(scrubbed(`a ${text} b`, pems).replaceAll(/[=\n]/gu, ''), `a ${mask} b`);
    }
    const [, line = ''] = pem.split('\n');
    assert.equal(scrubbed(`pem: ${line}`, pems), `pem: ${mask}`);
    assert.equal(scrubbed(value.replaceAll(/.{10}/gu, '$&\r\n   '), values), mask);
  });

  it('takes out values that overlap, and one inside of another', () => {
    const both = new Map([
      ['one', 'abcdefgh12345678'],
      ['two', '12345678ABCDEFGH'],
      ['three', '345678AB'],
    ]);
    assert.equal(scrubbed('x abcdefgh12345678ABCDEFGH y', both), `x ${mask} y`);
    assert.equal(scrubbed('x abcdefgh12345678ABCDEFG y', both), `x ${mask}CDEFG y`);
    assert.equal(scrubbed('aaaaaaaaaaaab', new Map([['a', 'aaaaaaaaaa']])), `${mask}b`);
  });

  it('leaves a value of less than 8 bytes, which may be a word, and text without values', () => {
    const short = new Map([['short', 'admin12']]);
    assert.equal(scrubbed('admin12 and more', short), 'admin12 and more');
    assert.equal(scrubbed('nothing here\n', values), 'nothing here\n');
    assert.equal(scrubbed('', values), '');
  });

  it('finds random values in random text, in every encoding and however it is cut', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    const secret = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(text, secret, fc.constantFrom(...Object.values(spellings))), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(fc.nat(), { maxLength: 12 }),
        async (parts, places) => {
          const list = parts.map(([, each]) => each.trim().padEnd(8, '~'));
          const secrets = new Map(list.map((each, at) => [String(at), each]));
          const spelled = parts.map(([, , spell], at) => spell(list[at] ?? ''));
          const bytes = Buffer.from(parts.map(([before], at) => before + spelled[at]).join(''));
          const out = await inChunks(secrets, cut(bytes, places));
          assert.ok(out.includes(mask));
          // The mask itself is no leak.
          for (const form of [...list, ...spelled].filter((each) => !mask.includes(each))) {
            assert.ok(!out.includes(form), 'a value passed');
          }
          assert.deepEqual(out, await inChunks(secrets, [bytes]), 'chunks make no difference');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('passes bytes without a value as they are, whatever they are and however cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        async (given, places) => {
          const bytes = Buffer.from(given);
          assert.deepEqual(await inChunks(values, cut(bytes, places)), bytes);
        },
      ),
      { numRuns: 200 },
    );
    // Beginnings of the value, which are held back for a while.
    const starts = Array.from(value, (_, at) => `${value.slice(0, at)}|\n`).join('');
    const bytes = Buffer.from(starts);
    assert.deepEqual(
      await inChunks(
        values,
        [...bytes].map((byte) => Buffer.of(byte)),
      ),
      bytes,
    );
  });

  it('holds nothing back that cannot be a value: a prompt and a progress line appear at once', async () => {
    const { scrubber, heard } = listen(values);
    for (const text of ['Do you want to perform this update? ', 'updating (3s)\r', '@ up.....']) {
      scrubber.write(text);
      await new Promise(setImmediate);
      assert.equal(heard.pop()?.toString(), text);
    }
    // The value's own beginning is held, and passed on when it goes on as something else.
    scrubber.write(`now ${value.slice(0, 20)}`);
    await new Promise(setImmediate);
    assert.equal(heard.pop()?.toString(), 'now ');
    scrubber.write('no');
    await new Promise(setImmediate);
    assert.equal(heard.pop()?.toString(), `${value.slice(0, 20)}no`);
    // A few bytes of it may be the end of a line: they wait for a moment only.
    scrubber.write(`a line that ends in ${value.slice(0, 1)}\n`);
    await sleep(150);
    assert.equal(Buffer.concat(heard.splice(0)).toString(), `a line that ends in ${value[0]}\n`);
    // What comes then is masked all the same.
    scrubber.write(value.slice(0, 3));
    await sleep(150);
    scrubber.write(`${value.slice(3)}.`);
    await new Promise(setImmediate);
    assert.equal(Buffer.concat(heard.splice(0)).toString(), `${value.slice(0, 3)}${mask}.`);
    scrubber.destroy();
  });

  it('is linear: ten times the output, and ten times the values, take about ten times as long', async () => {
    const seconds = async (copies: number, count: number): Promise<number> => {
      const many = new Map(
        Array.from({ length: count }, (_, at) => [String(at), makeCanary(String(at))]),
      );
      // Near misses, the worst that there is.
      const near = [...many.values()].map((each) => each.slice(0, -1)).join(' ');
      const chunk = Buffer.from(near.repeat(Math.ceil(65_536 / near.length))).subarray(0, 65_536);
      const begun = process.cpuUsage();
      await inChunks(
        many,
        Array.from({ length: copies }, () => chunk),
      );
      const { user, system } = process.cpuUsage(begun);
      return (user + system) / 1e6;
    };
    await seconds(10, 10);
    const [small, long, many] = [
      await seconds(8, 20),
      await seconds(80, 20),
      await seconds(8, 200),
    ];
    assert.ok(long < 30 * small + 0.5, `${small} s, then ${long} s`);
    assert.ok(many < 30 * small + 0.5, `${small} s, then ${many} s`);
  });
});
