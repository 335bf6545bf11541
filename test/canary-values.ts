/** One canary of the right shape for every key of the catalog. */
import { entryOf, type SecretKey, secretKeys } from '../components/catalog.ts';
import { makeCanary } from './canary.ts';

function canaryFor(key: SecretKey): string {
  const canary = makeCanary(key);
  const digits = BigInt(`0x${canary.slice(-14)}`).toString();
  switch (entryOf(key).shape) {
    case 'pem': {
      const label = ['PRIVATE', 'KEY'].join(' ');
      const body = Buffer.from(canary.repeat(3)).toString('base64');
      return `-----BEGIN ${label}-----\n${body.replaceAll(/(.{64})/gu, '$1\n').trim()}\n-----END ${label}-----`;
    }
    case 'base64':
      return Buffer.from(canary).toString('base64');
    case 'chat-id':
      return `-${digits}`;
    case 'telegram-token':
      return `${digits.slice(0, 9)}:${canary}`;
    case 'slack-webhook':
      return `https://hooks.slack.com/services/T00000000/${canary}`;
    default:
      return canary;
  }
}

export function canaryValues(): ReadonlyMap<SecretKey, string> {
  return new Map(secretKeys.map((key) => [key, canaryFor(key)]));
}
