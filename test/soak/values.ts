/** 10,000 random values through each file target, written by its own code, read by its readers. */
import { goTool } from '../../operations/engine/go.ts';
import { dockerCompose } from '../../rehearsal/tools/tools.ts';
import { carry, composeReader, type FileTargetName, randomValues } from '../values-fuzz.ts';
import type { Rounds, Slice } from './rounds.ts';
import type { Figure, Soak } from './soak.ts';

const targets: readonly FileTargetName[] = ['env-file', 'compose'];
const perRound = 500;
const count = 20;

const sum = (map: ReadonlyMap<string, number>): number =>
  [...map.values()].reduce((all, each) => all + each, 0);

async function round(
  at: number,
  seed: number,
  program: string,
): Promise<Parameters<Rounds['add']>[0]> {
  const faults: string[] = [];
  const figures: Record<string, number> = {};
  const tried = randomValues(seed * 1000 + at, perRound);
  for (const target of targets) {
    const more = target === 'env-file' ? { 'Docker Compose': composeReader(program) } : {};
    const { equal, refused, readable, unlike } = await carry(target, tried, more);
    for (const [reader, many] of unlike) faults.push(`${target}: ${reader} read ${many} unlike`);
    figures[`${target} equal`] = equal;
    figures[`${target} refused`] = sum(refused);
    for (const [why, many] of refused) figures[`${target} refused: ${why}`] = many;
    for (const [why, many] of readable) figures[`${target} readable: ${why}`] = many;
  }
  return { round: at, what: `${perRound} values a target`, faults, figures };
}

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    const program = await goTool(dockerCompose);
    for (const at of rounds.next()) rounds.add(await round(at, seed, program));
  },

  summary(rounds, seed) {
    const names = new Set(rounds.flatMap(({ figures }) => Object.keys(figures)));
    const all = (name: string): number =>
      rounds.reduce((added, { figures }) => added + (figures[name] ?? 0), 0);
    const figures = targets.flatMap((target): readonly Figure[] => {
      const [equal, refused] = [all(`${target} equal`), all(`${target} refused`)];
      const share = ((100 * refused) / (equal + refused)).toFixed(1);
      const reasons = [...names].filter((name) => name.startsWith(`${target} refused: `)).sort();
      return [
        {
          what: `${target}: equal, or refused beforehand`,
          seen: `${equal} + ${refused}`,
          holds: equal + refused === rounds.length * perRound,
        },
        { what: `${target}: refused share`, seen: `${share} %` },
        ...reasons.map((name) => {
          const readable = all(name.replace(' refused: ', ' readable: '));
          const also = readable === 0 ? '' : `, of which ${readable} would have been read equal`;
          const what = name.replaceAll('|', '/');
          return { what, seen: `${all(name)}${also}` };
        }),
      ];
    });
    return {
      title: 'random values through the file targets',
      done:
        `${count * perRound} random values a target (seed ${seed}): quotes, \`$\`, backticks, backslashes, line ` +
        'feeds, CRLF, NUL and control characters, unicode, PEMs whole and spoilt. A value is refused by the ' +
        "shape of its key or by the target, with the reason that a user is told; what is taken is written by the plugin's own " +
        `resource, ${perRound} values in one env file, and read by sh, dotenv and Docker Compose 2 ` +
        '(`--env-file`, `config`), or one file a value, and read by its bytes. What the shape alone refuses is ' +
        'written and read too (not by Docker Compose), to see what refusing costs. No container runs here.',
      figures,
    };
  },
};
