import assert from 'node:assert/strict';
import fc from 'fast-check';
import { catalog, entryOf, secretKeys } from '../../components/catalog.ts';
import { targets } from '../../components/delivery/targets.ts';
import { maxValueBytes, placeholderOf, refusalOf, type Shape } from '../../components/shape.ts';

describe('shapes', () => {
  it('accept a placeholder of every key, which every target can carry', () => {
    for (const key of secretKeys) {
      const value = placeholderOf(entryOf(key).shape, key);
      assert.equal(refusalOf(entryOf(key).shape, value), undefined, key);
      for (const target of Object.values(targets)) assert.equal(target.refuses(value), undefined);
    }
  });

  it('accept every printable ASCII character alone, but the blank', () => {
    for (let code = 0x21; code < 0x7f; code++) {
      assert.equal(refusalOf('line', String.fromCharCode(code)), undefined, `code ${code}`);
    }
    assert.match(refusalOf('line', ' ')?.got ?? '', /blanks/);
  });

  const refused: readonly (readonly [Shape, string, RegExp])[] = [
    ['line', '', /empty/],
    ['line', 'a\nb', /several lines/],
    ['line', 'a\n', /line feed at the end/],
    ['line', 'a\r', /carriage return/],
    ['line', ' a', /blanks/],
    ['line', 'a\0b', /control character/],
    ['line', 'a\u2028b', /control character/],
    ['line', '\ud800', /UTF-16/],
    ['line', '\ufeffa', /blanks/],
    ['password', 'seven c', /another shape/],
    ['password', ' eight c', /blanks/],
    ['line', 'x'.repeat(maxValueBytes + 1), /4097 bytes/],
    ['pem', 'no key', /another shape/],
    ['pem', '-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----', /another shape/],
    ['pem', '-----BEGIN EC PRIVATE KEY-----\r\nAA==\r\n-----END EC PRIVATE KEY-----', /carriage/],
    ['base64', 'not base64!', /another shape/],
    ['base64', 'AAA', /another shape/],
    ['chat-id', 'my chat', /another shape/],
    ['telegram-token', '12345:short', /another shape/],
    ['slack-webhook', 'https://example.org/services/T/B/x', /another shape/],
    ['slack-webhook', 'http://hooks.slack.com/services/T/B/x', /another shape/],
  ];
  for (const [shape, value, reason] of refused) {
    it(`refuse ${JSON.stringify(value.slice(0, 24))} as ${shape}`, () => {
      assert.match(refusalOf(shape, value)?.got ?? '', reason);
    });
  }

  it('never repeat a value', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Shape>(
          'line',
          'password',
          'pem',
          'base64',
          'chat-id',
          'telegram-token',
          'slack-webhook',
        ),
        fc.string({ minLength: 12, unit: 'grapheme' }),
        (shape, value) => {
          const refusal = refusalOf(shape, value);
          assert.ok(refusal === undefined || !JSON.stringify(refusal).includes(value));
        },
      ),
    );
  });

  it('keep a whole group under 64 KiB', () => {
    const sizes = Map.groupBy(Object.values(catalog), ({ group }) => group);
    for (const members of sizes.values()) assert.ok(members.length * maxValueBytes < 64 * 1024);
  });
});
