/**
 * Random orders of what a user does with dev, with kills among it, each on a checkout of its own, against
 * a model of which values have to be where. Linux.
 */
import fc from 'fast-check';
import { DevModel, orderOf, RealDev } from '../e2e/dev-model.ts';
import { type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const count = 40;
const length = 14;
/** Of a fault's text; what a command printed may be long. */
const longest = 600;

async function order(round: number, seed: number): Promise<Parameters<Rounds['add']>[0]> {
  const begun = Date.now();
  const [model, real] = [new DevModel(), new RealDev()];
  const faults: string[] = [];
  try {
    await real.start(model);
    await fc.asyncModelRun(() => ({ model, real }), orderOf(seed * 1000 + round, length));
    await real.finish(model);
  } catch (error) {
    // Its texts never hold a value: they are compared without being shown.
    const text = String((error as Error).message).replaceAll(/\s*\n\s*/gu, ' / ');
    faults.push(`after ${real.done.at(-1)}: ${text.slice(0, longest)}`);
  } finally {
    real.checkout.remove();
  }
  const killed = real.done.filter((name) => name.includes('killed')).length;
  const figures = { steps: real.done.length, killed, took: Date.now() - begun };
  return { round, what: real.done.join(', '), faults, figures };
}

/** A step's kind: without its key and its moment. */
function kindOf(step: string): string {
  return step
    .replace(/\w+(?= is (?:set|taken))|(?<=the file of )\w+/u, 'a key')
    .replace(/ at [\d.]+$/u, '');
}

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    for (const round of rounds.next()) rounds.add(await order(round, seed));
  },

  summary(rounds, seed) {
    const of = (name: string): string => spread(rounds.map(({ figures }) => figures[name] ?? 0));
    const all = rounds.flatMap(({ what }) => stepsOf(what)).map(kindOf);
    const kinds = Map.groupBy(all.toSorted(), (kind) => kind);
    return {
      title: 'random orders of runs of dev',
      done:
        `Each round is a new checkout whose dev is up, and up to ${length} steps in an order drawn from seed ${seed}: values set, imported and ` +
        'taken away, `npm start`, `pulumi up`, preview, refresh, a file spoiled by somebody, destroy, and kill -9 ' +
        'of command, engine or plugin in the middle. After each step every key has in its file what the model says: of a run ' +
        'that was killed the old or the new value, otherwise the one, and the env file says the same. While a run is at work its files, ' +
        'the state and the stack file are read over and over. Each command that was not killed has to end with 0 and show no ' +
        'value. At the end one `npm start` delivers what is set; nothing is pending, twice or half replaced in the state, ' +
        'and no process is left. Figures of three numbers are the least, the median and the most of a round.',
      figures: [
        { what: 'steps', seen: String(all.length), holds: rounds.length === count },
        { what: 'steps of a round', seen: of('steps') },
        { what: 'kills of a round', seen: of('killed') },
        { what: 'ms of a round', seen: of('took') },
        ...[...kinds].map(([kind, own]) => ({ what: kind, seen: String(own.length) })),
      ],
    };
  },
};

function stepsOf(what: string): readonly string[] {
  return what.split(/, (?!its )/u);
}
