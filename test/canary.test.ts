import assert from 'node:assert/strict';
import { formsOf, leaks, makeCanary } from './canary.ts';

describe('the canary search', () => {
  const value = `${makeCanary('own')} "quoted"\nline?&`;
  const canaries = new Map([['own', value]]);

  it('finds every form in the middle of other text, at every alignment', () => {
    for (const [encoding, form] of formsOf(value)) {
      assert.ok(leaks(`before${form}after`, canaries).length > 0, encoding);
    }
    for (let before = 0; before < 6; before++) {
      for (let after = 0; after < 6; after++) {
        const whole = Buffer.from('x'.repeat(before) + value + 'y'.repeat(after));
        for (const encoding of ['base64', 'base64url', 'hex'] as const) {
          const hits = leaks(whole.toString(encoding), canaries);
          assert.ok(
            hits.some((hit) => hit.includes(encoding)),
            `${encoding} ${before} ${after}`,
          );
        }
      }
    }
  });

  it('finds nothing where there is nothing, and names no value', () => {
    assert.deepEqual(leaks('nothing here', canaries), []);
    for (const hit of leaks(value, canaries)) assert.ok(!hit.includes(value));
  });

  describe('in a value of several lines', () => {
    const body = Buffer.from(makeCanary('pem').repeat(4)).toString('base64');
    const lines = body.match(/.{1,64}/gu) ?? [];
    const label = ['PRIVATE', 'KEY'].join(' ');
    const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`];
    const pem = [begin, ...lines, end].join('\n');
    const pems = new Map([['pem', pem]]);

    it('finds one line alone, in every encoding and at every alignment', () => {
      assert.ok(lines.length >= 3);
      for (const line of lines) {
        const spellings = {
          plain: line,
          hex: Buffer.from(line).toString('hex'),
          HEX: Buffer.from(line).toString('hex').toUpperCase(),
          URL: encodeURIComponent(line),
          reversed: [...line].reverse().join(''),
        };
        for (const [encoding, text] of Object.entries(spellings)) {
          const hits = leaks(`  | ${text} |`, pems);
          assert.ok(
            hits.some((hit) => hit.startsWith(`pem as ${encoding} line `)),
            encoding,
          );
          for (const hit of hits) assert.ok(!hit.includes(line));
        }
        for (const before of ['', 'x', 'xy']) {
          for (const encoding of ['base64', 'base64url'] as const) {
            const text = Buffer.from(`${before}${line}z`).toString(encoding);
            const hits = leaks(text, pems);
            assert.ok(
              hits.some((hit) => hit.startsWith(`pem as ${encoding} at `)),
              encoding,
            );
          }
        }
      }
    });

    it('finds it whatever parts its lines, also without the whole of it', () => {
      const some = lines.slice(0, 2);
      for (const joint of ['\n', '\r\n', '\n    ', '\\n', '\\\\n', '%0A', ' ', '']) {
        const text = some.join(joint);
        const hits = leaks(`{"message":"${text}"}`, pems);
        assert.ok(
          hits.some((hit) => hit.startsWith('pem as plain line ')),
          JSON.stringify(joint),
        );
      }
      assert.ok(leaks(JSON.stringify({ pem }), pems).some((hit) => hit === 'pem as JSON'));
      const twice = JSON.stringify(JSON.stringify({ pem }));
      assert.ok(leaks(twice, pems).some((hit) => hit === 'pem as JSON twice'));
    });

    it('takes neither the markers nor a short line for the value', () => {
      const other = [begin, 'A'.repeat(64), end].join('\n');
      assert.deepEqual(leaks(other, pems), []);
      assert.deepEqual(leaks(JSON.stringify(other), pems), []);
      assert.deepEqual(leaks('short', new Map([['two', 'short\nlines']])), []);
    });
  });
});
