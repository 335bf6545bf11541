/** 10,000 random orders of rotations, in memory, with crashes and faults anywhere. */
import { fuzzRotations, situations } from '../operations/rotation/rotation-fuzz.ts';
import type { Rounds, Slice } from './rounds.ts';
import type { Soak } from './soak.ts';

const perRound = 1000;
const count = 10;

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    for (const round of rounds.next()) {
      const { seen, fault } = await fuzzRotations(seed * 1000 + round, perRound);
      const missing = situations.filter((each) => !seen.has(each));
      const faults = [
        ...(fault === undefined ? [] : [fault]),
        ...missing.map((each) => `never tried: ${each}`),
      ];
      const figures = Object.fromEntries(seen);
      rounds.add({ round, what: `${perRound} orders of commands`, faults, figures });
    }
  },

  summary(rounds, seed) {
    const all = (end: string): number =>
      rounds
        .flatMap(({ figures }) => Object.entries(figures))
        .filter(([name]) => name.endsWith(end))
        .reduce((sum, [, times]) => sum + times, 0);
    const figure = (what: string, end: string) => ({ what, seen: String(all(end)) });
    return {
      title: 'rotations in memory',
      done:
        `${count * perRound} random orders of up to 14 commands or short chains of them (seed ${seed}): rotate, --compromised, --back, ` +
        '--resume, --abort, --confirm, --revoke, `up`, hours that pass, and a value that somebody sets by hand. Each may be killed before and after whatever it ' +
        'does, each target may refuse once or for as long as the command runs. At every one of these moments: no ' +
        'place has a revoked value, from its stop on no bot runs with a value that somebody else has, unless ' +
        '`--abort --start-bot` wants it, no value is lost, the halves of a credential are set together, the ledger’s ' +
        'chain is whole, no file holds a value, and, with an overlap of 0 or 24 hours, no old credential and no copy in a ' +
        'store goes by itself before the new value is proven and the overlap is over, which somebody else’s has none of. ' +
        'At the end, two resumptions are enough. The steps, the journal and ' +
        'the ledger are the product’s; issuers, targets and the engine are a model.',
      figures: [
        figure('commands that did all they had to', ', well'),
        figure('commands that refused, or stopped in order', ', refused'),
        figure('commands that were killed', ', killed'),
        figure('credentials that were revoked', 'revoked'),
        figure('copies of old values that were removed', 'copy removed'),
        figure('roll outs that were taken back', 'step take back'),
      ],
    };
  },
};
