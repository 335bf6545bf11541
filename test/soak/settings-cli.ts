/** 100 random configs through the real command line. */
import { SettingsByCommand } from '../e2e/settings-cli.ts';
import type { Rounds, Slice } from './rounds.ts';
import type { Soak } from './soak.ts';

const perRound = 10;
const count = 10;
const slowestMilliseconds = 5000;

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    const settings = await SettingsByCommand.open(seed);
    try {
      for (const round of rounds.next()) {
        const faults: string[] = [];
        const figures = { passed: 0, refused: 0, slowest: 0 };
        for (const [at, config] of settings.sample(seed * 1000 + round, perRound).entries()) {
          const tried = await settings.try(config);
          figures[tried.code === 0 ? 'passed' : 'refused'] += 1;
          figures.slowest = Math.max(figures.slowest, tried.milliseconds);
          faults.push(...tried.faults.map((fault) => `config ${at}: ${fault}`));
          if (tried.milliseconds > slowestMilliseconds) {
            faults.push(`config ${at}: ${Math.round(tried.milliseconds)} ms`);
          }
        }
        rounds.add({ round, what: `${perRound} configs`, faults, figures });
      }
    } finally {
      settings.close();
    }
  },

  summary(rounds, seed) {
    const all = (name: string): number =>
      rounds.reduce((sum, { figures }) => sum + (figures[name] ?? 0), 0);
    const slowest = Math.max(...rounds.map(({ figures }) => figures.slowest ?? 0));
    return {
      title: 'random settings by the command line',
      done:
        `${count * perRound} random stack files of stacks of files (seed ${seed}), each by \`npm run pulumi -- preview\` ` +
        'with the real engine; credentials are encrypted where they belong and stand in the clear where they ' +
        'do not. What is printed is looked through for any 15 characters of one and for stack traces.',
      figures: [
        { what: 'previews that pass', seen: String(all('passed')) },
        { what: 'previews that say what is wrong', seen: String(all('refused')) },
        {
          what: 'longest time for one, ms (less than 5 s)',
          seen: String(Math.round(slowest)),
          holds: slowest < slowestMilliseconds,
        },
      ],
    };
  },
};
