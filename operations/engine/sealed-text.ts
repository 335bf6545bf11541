/**
 * Opens in this process what Pulumi has encrypted with a passphrase (pkg/secrets/passphrase/manager.go,
 * sdk/go/common/resource/config/crypt.go): PBKDF2 with SHA-256 and 1,000,000 rounds gives the key,
 * `v1:NONCE:TEXT` is AES-256-GCM, each part in base64, with the tag behind the text.
 */
import { createDecipheriv, pbkdf2Sync } from 'node:crypto';

/** By salt and passphrase: 0.2 s each, and a run asks for the same one more than once. */
const keys = new Map<string, Buffer>();

function keyOf(passphrase: string, salt: string): Buffer {
  const name = JSON.stringify([salt, passphrase]);
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = pbkdf2Sync(passphrase, Buffer.from(salt, 'base64'), 1_000_000, 32, 'sha256');
  keys.set(name, key);
  return key;
}

/** What opens the texts of one salt, or says nothing of a text that it does not open. */
export type Opener = (sealed: string) => string | undefined;

/** @param salt in base64, the second part of `encryptionsalt` */
export function openerOf(passphrase: string, salt: string): Opener {
  const key = keyOf(passphrase, salt);
  return (sealed) => {
    const [version, nonce, text] = sealed.split(':');
    if (version !== 'v1' || nonce === undefined || text === undefined) return undefined;
    const bytes = Buffer.from(text, 'base64');
    try {
      const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'));
      cipher.setAuthTag(bytes.subarray(-16));
      return Buffer.concat([cipher.update(bytes.subarray(0, -16)), cipher.final()]).toString();
    } catch {
      return undefined;
    }
  };
}
