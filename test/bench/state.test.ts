import assert from 'node:assert/strict';
import { makeCanary } from '../canary.ts';
import { copiesOf } from './state.ts';

const mark = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270' };
const value = makeCanary('state');

/** Both exports of a state whose resource has one ciphertext with this inside. */
function exportsOf(inside: unknown): readonly [string, string] {
  const of = (secret: object): string =>
    JSON.stringify({
      deployment: {
        resources: [
          { type: 'a:b/c:Kept', outputs: { deep: [{ it: { ...mark, ...secret } }] } },
          { type: 'a:b/c:Other', outputs: { it: { ...mark, plaintext: '"x"', ciphertext: 'v1' } } },
        ],
      },
    });
  return [of({ plaintext: JSON.stringify(inside) }), of({ ciphertext: 'v1:0123456789' })];
}

const holding: readonly (readonly [string, unknown])[] = [
  ['plain', value],
  ['inside JSON text', JSON.stringify({ key: value })],
  ['inside JSON text inside JSON text', JSON.stringify({ a: JSON.stringify({ key: value }) })],
  ['in base64', Buffer.from(value).toString('base64')],
  ['in base64 inside an object', { data: { key: Buffer.from(value).toString('base64') } }],
  ['in base64 of JSON text', Buffer.from(JSON.stringify({ ab: value })).toString('base64')],
];

describe('copies of a value in state', () => {
  for (const [how, inside] of holding) {
    it(`finds the ciphertext that holds it ${how}`, () => {
      const found = copiesOf(...exportsOf(inside), value);
      assert.deepEqual(found, { copies: 1, bytes: 13, where: ['Kept 1'] });
    });
  }

  it('finds one with quotes, backslashes and lines', () => {
    const odd = `a"b\\c ${value}\nsecond line of it`;
    const inside = JSON.stringify({ key: odd });
    assert.equal(copiesOf(...exportsOf(inside), odd).copies, 1);
  });

  it('counts no ciphertext that holds another', () => {
    const found = copiesOf(...exportsOf(makeCanary('other')), value);
    assert.deepEqual(found, { copies: 0, bytes: 0, where: [] });
  });
});
