/** `random:index/randomId:RandomId`, after resource_id.go. */
import { randomBytes } from 'node:crypto';
import type { CreateResult } from '@pulumi/pulumi/provider/provider.js';
import type { Properties } from '../../../plugins/provider-server.ts';
import { MadeOnce, wholeNumber } from './made-once.ts';

export class RandomId extends MadeOnce {
  protected override readonly inputs = ['byteLength', 'prefix', 'keepers'];

  protected override mistakes(inputs: Properties): readonly (readonly [string, string])[] {
    if (inputs.byteLength === undefined) {
      return [['byteLength', 'got nothing; allowed: a whole number']];
    }
    return wholeNumber(inputs, 'byteLength', 1);
  }

  override async create(inputs: Properties): Promise<CreateResult> {
    const bytes = randomBytes(Number(inputs.byteLength));
    const prefix = typeof inputs.prefix === 'string' ? inputs.prefix : '';
    const id = bytes.toString('base64url');
    const hex = bytes.toString('hex');
    const outs = {
      ...inputs,
      b64Url: prefix + id,
      b64Std: prefix + bytes.toString('base64'),
      hex: prefix + hex,
      dec: prefix + BigInt(`0x${hex}`).toString(),
    };
    return { id, outs };
  }
}
