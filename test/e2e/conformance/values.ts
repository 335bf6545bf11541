/** Values that try what a target can carry, and what a reader says of those that it has. */
import assert from 'node:assert/strict';
import { isSecretKey, type SecretKey } from '../../../components/catalog.ts';

/** Every printable character of ASCII. */
export const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at)).join(
  '',
);

/** One line of every class of bytes that a value may have: ASCII, a tab, two, three and four bytes. */
export const everyByteClass = `a${printable}\tłż€漢🐢z`;

/** Keys and values as a reader prints them, each ended by a NUL. @throws AssertionError for another name */
export function pairsIn(printed: string): ReadonlyMap<SecretKey, string> {
  const words = printed.split('\0');
  const seen = new Map<SecretKey, string>();
  for (let at = 0; at + 1 < words.length; at += 2) {
    const key = words[at] ?? '';
    assert.ok(isSecretKey(key), key);
    seen.set(key, words[at + 1] ?? '');
  }
  return seen;
}
