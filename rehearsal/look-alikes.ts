/**
 * Values that look like the real ones and are worth nothing: each of its key's shape, new every time,
 * and no placeholder, which a protected stack refuses.
 */
import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import type { Shape } from '../components/shape.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

function pick(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

const makers: Record<Shape, () => string> = {
  line: () => pick(letters + digits, 48),
  // A whole key, as Coinbase gives out.
  pem: () =>
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'sec1', format: 'pem' },
    }).privateKey.trimEnd(),
  base64: () => randomBytes(64).toString('base64'),
  'chat-id': () => `-100${pick(digits, 10)}`,
  'telegram-token': () => `${1 + randomInt(9)}${pick(digits, 9)}:${pick(letters + digits, 35)}`,
  'slack-webhook': () =>
    `https://hooks.slack.com/services/T${pick(digits, 9)}/B${pick(digits, 9)}/${pick(letters, 24)}`,
};

/** A new value of a shape. */
export function lookAlike(shape: Shape): string {
  return makers[shape]();
}
