/**
 * Values that look like the real ones and are worth nothing: each of its key's shape and usual
 * form, new every time, and no placeholder, which a protected stack refuses.
 */
import { generateKeyPairSync, randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { SecretKey } from '../components/catalog.ts';
import type { Shape } from '../components/shape.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

function pick(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

const plain = (): string => pick(letters + digits, 48);

const makers: Record<Shape, () => string> = {
  line: plain,
  password: plain,
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

/** Keys whose exchange gives out one form. */
const usual: { readonly [Key in SecretKey]?: () => string } = {
  binance_api_key: () => pick(letters + digits, 64),
  binance_secret_key: () => pick(letters + digits, 64),
  coinbase_api_key: () => `organizations/${randomUUID()}/apiKeys/${randomUUID()}`,
  kraken_api_key: () => pick(letters + digits, 56),
  kucoin_api_key: () => randomBytes(12).toString('hex'),
  kucoin_secret_key: () => randomUUID(),
  kucoin_passphrase: () => pick(letters + digits, 20),
};

/** A new value of a shape, and for a key in the form that is usual for it. */
export function lookAlike(shape: Shape, key?: SecretKey): string {
  return ((key && usual[key]) ?? makers[shape])();
}
