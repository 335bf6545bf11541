/** One seed for all that is random in a run of a fuzzer, printed, so that the run can be had again. */
import { createHash } from 'node:crypto';

export const seedVariable = 'FUZZ_SEED';

/** @returns the seed that is asked for, or a new one */
export function fuzzSeed(): number {
  const asked = process.env[seedVariable];
  return asked === undefined ? Date.now() % 2 ** 31 : Number(asked);
}

/** Says how to have it again. */
export function again(seed: number): string {
  return `${seedVariable}=${seed}`;
}

/** Bytes that look random and come from the seed and a name alone. */
export function seededBytes(seed: number, name: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    createHash('sha256').update(`${seed} ${name} ${at}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
