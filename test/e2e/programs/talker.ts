/** A program that says its secrets aloud, in encodings that Pulumi's own masking does not know. */

import * as pulumi from '@pulumi/pulumi';
import { RandomPassword } from '@pulumi/random/randomPassword.js';

const trading = new pulumi.Config('hummingbot-secrets').requireObject<{ binance_api_key: string }>(
  'trading',
);
const generated = new RandomPassword('generated', { length: 32, special: false });

function say(name: string, value: string): void {
  const bytes = Buffer.from(value);
  console.log(`${name} in base64: ${bytes.toString('base64')}.`);
  console.log(`${name} behind a letter: ${Buffer.from(`x${value}`).toString('base64url')}.`);
  console.error(`${name} in hex: ${bytes.toString('hex')}.`);
  console.log(`${name} in lines: ${value.replaceAll(/.{9}/gu, '$&\n  ')}.`);
  console.log(`${name} as it is: ${value}.`);
}

say('config', trading.binance_api_key);
generated.result.apply((value) => say('generated', value));
if (process.env.TALKER_FAILS !== undefined) {
  throw new Error(`refused: ${encodeURIComponent(`"${trading.binance_api_key}"`)}`);
}
