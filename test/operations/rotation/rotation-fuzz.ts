/** Random orders of commands, with crashes and faults, against what must hold of a rotation. */
import fc from 'fast-check';
import {
  type Command,
  hooked,
  noTrouble,
  pair,
  RotationModel,
  type Trouble,
  token,
} from './rotation-model.ts';

export interface Act {
  readonly command: Command;
  readonly trouble: Trouble;
}

const selections = [[...pair], [pair[1]], [token], [hooked], [...pair, token, hooked]];
const selection = fc.constantFrom<readonly string[]>(...selections);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: selection.map((paths): Command => ({ do: 'rotate', paths })) },
  { weight: 2, arbitrary: selection.map((paths): Command => ({ do: 'compromised', paths })) },
  { weight: 3, arbitrary: selection.map((paths): Command => ({ do: 'back', paths })) },
  {
    weight: 6,
    arbitrary: fc.constantFrom<Command>(
      ...[{ do: 'resume' } as const, { do: 'resume' } as const, { do: 'abort' } as const],
      { do: 'abort, start' },
    ),
  },
  { weight: 2, arbitrary: fc.nat(5).map((which): Command => ({ do: 'confirm', which })) },
  { weight: 1, arbitrary: fc.constant<Command>({ do: 'up' }) },
  { weight: 4, arbitrary: fc.constant<Command>({ do: 'revoke' }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(12, 24).map((hours): Command => ({ do: 'wait', hours })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...pair, token, hooked)
      .map((path): Command => ({ do: 'set by hand', path })),
  },
);

const trouble: fc.Arbitrary<Trouble> = fc.record({
  crash: fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 1, max: 40 }),
  ),
  broken: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.nat(2)),
  once: fc.boolean(),
  interrupted: fc.boolean(),
  wrong: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
});

const act: fc.Arbitrary<Act> = fc.record({
  command,
  trouble: fc.oneof(fc.constant(noTrouble), trouble),
});

/** A rotation whose overlap ends: by chance alone it is rare. */
const revocation: fc.Arbitrary<readonly Act[]> = fc
  .tuple(selection, trouble)
  .map(([paths, trouble]) => [
    { command: { do: 'rotate', paths }, trouble: noTrouble },
    { command: { do: 'wait', hours: 24 }, trouble: noTrouble },
    { command: { do: 'revoke' }, trouble },
  ]);

const acts = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: act.map((each): readonly Act[] => [each]) },
      { weight: 1, arbitrary: revocation },
    ),
    { minLength: 1, maxLength: 14 },
  )
  .map((all) => all.flat());

/** What a run of the fuzzer has to have come across. */
export const situations = [
  ...['stop', 'start', 'value', 'check', 'roll out', 'take back', 'revoke', 'record'].map(
    (step) => `step ${step}`,
  ),
  ...['rotate', 'compromised', 'back', 'resume', 'abort', 'abort, start'].flatMap((command) =>
    ['well', 'refused', 'killed'].map((end) => `${command}, ${end}`),
  ),
  'confirm, well',
  'confirm, killed',
  'up, killed',
  'set by hand, well',
  'revoked',
  'taken back',
  'revoke, well',
  'revoke, killed',
  'copy removed',
  'revoked behind the overlap: old',
  'revoked behind the overlap: copies',
  'held',
  'superseded',
  'at once',
];

export interface Fuzzed {
  /** How often each thing came about. */
  readonly seen: ReadonlyMap<string, number>;
  /** The shortest order that broke something, and what. */
  readonly fault: string | undefined;
}

export async function fuzzRotations(seed: number, numRuns: number): Promise<Fuzzed> {
  const seen = new Map<string, number>();
  const property = fc.asyncProperty(acts, fc.constantFrom(0, 24), async (acts, overlap) => {
    const model = new RotationModel(overlap);
    for (const each of acts) await model.run(each.command, each.trouble);
    await model.assertConverges();
    for (const [what, times] of model.seen) seen.set(what, (seen.get(what) ?? 0) + times);
  });
  const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns });
  const fault = failed ? `${JSON.stringify(counterexample)}: ${String(errorInstance)}` : undefined;
  return { seen, fault };
}
