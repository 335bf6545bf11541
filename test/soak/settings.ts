/** 10,000 random configs in process: each is judged by all that reads a stack file. */
import { fuzzSettings } from '../settings-fuzz.ts';
import type { Rounds, Slice } from './rounds.ts';
import type { Soak } from './soak.ts';

const perRound = 1000;
const count = 10;
const slowestMilliseconds = 5000;

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    for (const round of rounds.next()) {
      const { accepted, refused, lines, slowest, fault } = fuzzSettings(
        seed * 1000 + round,
        perRound,
      );
      const faults = fault === undefined ? [] : [fault];
      if (slowest > slowestMilliseconds) faults.push(`${Math.round(slowest)} ms for one config`);
      const figures = { accepted, refused, lines, slowest };
      rounds.add({ round, what: `${perRound} configs`, faults, figures });
    }
  },

  summary(rounds, seed) {
    const all = (name: string): number =>
      rounds.reduce((sum, { figures }) => sum + (figures[name] ?? 0), 0);
    const slowest = Math.max(...rounds.map(({ figures }) => figures.slowest ?? 0));
    return {
      title: 'random settings',
      done:
        `${count * perRound} random configs of every setting (seed ${seed}), with credentials planted where they ` +
        'belong and where they do not: as a setting, in a list, as a name. What is said is looked through for ' +
        'any 15 characters of one; each line has its what, got, allowed and fix. In process: no CLI runs here.',
      figures: [
        { what: 'configs', seen: String(all('accepted') + all('refused')) },
        { what: 'configs that are right', seen: String(all('accepted')) },
        { what: 'lines that were said', seen: String(all('lines')) },
        {
          what: 'longest time for one, ms (less than 5 s)',
          seen: String(Math.round(slowest)),
          holds: slowest < slowestMilliseconds,
        },
      ],
    };
  },
};
