/** `random:index/randomPassword:RandomPassword`, after resource_password.go, schema version 3. */
import { randomInt } from 'node:crypto';
import type { CreateResult } from '@pulumi/pulumi/provider/provider.js';
import { hash } from 'bcryptjs';
import { type Properties, secret } from '../../../plugins/provider-server.ts';
import { MadeOnce, wholeNumber } from './made-once.ts';

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const numeric = '0123456789';
const special = '!@#$%&*()-_=+[]{}<>:?';
/** bcrypt reads no more; the official provider hashes the same prefix. */
const bcryptBytes = 72;
const bcryptCost = 10;

const defaults = {
  lower: true,
  minLower: 0,
  minNumeric: 0,
  minSpecial: 0,
  minUpper: 0,
  number: true,
  numeric: true,
  special: true,
  upper: true,
};

export class RandomPassword extends MadeOnce {
  protected override readonly inputs = [
    ...Object.keys(defaults),
    'length',
    'overrideSpecial',
    'keepers',
  ];

  protected override mistakes(inputs: Properties): readonly (readonly [string, string])[] {
    if (inputs.length === undefined) return [['length', 'got nothing; allowed: a whole number']];
    return wholeNumber(inputs, 'length', 1);
  }

  override async create(inputs: Properties): Promise<CreateResult> {
    const settled = { ...defaults, ...inputs } as typeof defaults & Properties;
    const digits = settled.number && settled.numeric;
    const result = makeString({
      length: Number(settled.length),
      sets: [
        { characters: lower, use: settled.lower, least: settled.minLower },
        { characters: upper, use: settled.upper, least: settled.minUpper },
        { characters: numeric, use: digits, least: settled.minNumeric },
        {
          characters:
            typeof settled.overrideSpecial === 'string' ? settled.overrideSpecial : special,
          use: settled.special,
          least: settled.minSpecial,
        },
      ],
    });
    const bcryptHash = await hash(result.slice(0, bcryptBytes), bcryptCost);
    const outs = { ...settled, number: digits, numeric: digits, result, bcryptHash };
    // The bridge's mark of the schema version: without it the official provider upgrades from 0.
    return { id: 'none', outs: this.marked({ ...outs, __meta: '{"schema_version":"3"}' }) };
  }

  protected override marked(outputs: Properties): Properties {
    const { result, bcryptHash } = outputs;
    return { ...outputs, result: secret(result), bcryptHash: secret(bcryptHash) };
  }
}

interface StringSpec {
  readonly length: number;
  readonly sets: readonly {
    readonly characters: string;
    readonly use: boolean;
    readonly least: number;
  }[];
}

/** Uniform choice by node:crypto: the minimum of each set, the rest from all, then shuffled. */
function makeString({ length, sets }: StringSpec): string {
  const pick = (from: string): string => from.charAt(randomInt(from.length));
  const all = sets.map(({ characters, use }) => (use ? characters : '')).join('');
  const made = sets.flatMap(({ characters, least }) =>
    Array.from({ length: least }, () => pick(characters)),
  );
  while (made.length < length) made.push(pick(all));
  for (let at = made.length - 1; at > 0; at--) {
    const other = randomInt(at + 1);
    [made[at], made[other]] = [made[other] ?? '', made[at] ?? ''];
  }
  return made.join('');
}
