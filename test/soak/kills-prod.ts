/**
 * kill -9 in the middle of a change on real servers: of the command, of the engine and of a plugin,
 * at 30 moments each, and one next run after each, which has to put everything right. Linux and root.
 */
import { RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { victimNames } from '../e2e/victims.ts';
import { KilledProd, type Manner } from './killed-prod.ts';
import { killFigures, listOf } from './kills.ts';
import { onRehearsal } from './on-rehearsal.ts';
import { type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const perVictim = 30;

function byUp(stack: RehearsedStack): Manner {
  // The documented command looks first, and takes twice as long.
  const command = (round: number) => (round % 5 === 4 ? 'npm start' : 'pulumi up');
  return {
    perVictim,
    prepare: async (values) => await stack.import(values),
    begin: (round) => stack.begin(command(round)),
    input: () => '',
    // What the killed one left is still at work: the next run has to live with that.
    next: async (round) => ({
      last: await stack.checkout.finish(stack.begin(command(round))),
      runs: 1,
    }),
    taken: () => true,
    moments: () => ({ own: [] }),
    oneWrite: true,
    faults: () => [],
  };
}

export const soak: Soak = {
  rounds: perVictim * victimNames.length,

  async run(rounds: Rounds, slice: Slice): Promise<void> {
    const stack = new RehearsedStack('prod', { keepsBook: true });
    await onRehearsal(stack, slice, async () => {
      const prod = new KilledProd(stack, await stack.watch(), byUp(stack));
      await prod.measure();
      for (const round of rounds.next()) rounds.add(await prod.round(round, slice.seed));
    });
  },

  summary(rounds, seed) {
    const of = (name: string): string => spread(rounds.map(({ figures }) => figures[name] ?? 0));
    return {
      title: 'kill -9 in a change of prod',
      done:
        "Each round sets both halves of one exchange's key, and one value of a group whose Secret is changed in " +
        'place, on a rehearsal of prod: a real Kubernetes, External Secrets Operator, kubelet and Hummingbot, and ' +
        'moto for AWS. It starts `npm run pulumi -- up`, in every fifth round `npm start`, kills one of its processes ' +
        `and starts the same once more at once, beside whatever the killed one left at work (seed ${seed}). That one ` +
        "run has to end with 0; then: the bot's files, the Secret that is changed in place and AWSCURRENT are what was set, AWSPREVIOUS is " +
        'the version before, in the state there is nothing pending, twice or half replaced, and in the namespace and in AWS there is ' +
        "nothing that neither the state nor what it has made owns; no process is left, but the language host of a killed engine, which ends by its own check within five minutes. Over all rounds of a row watches and the bots' own book say " +
        'that no Secret of a running bot was absent, no pair mixed, and no two bots ran at once. ' +
        'Figures of three numbers are the least, the median and the most.',
      figures: [
        ...killFigures(rounds, perVictim),
        { what: 'killed after, ms of its life', seen: of('after') },
        { what: 'the next run, ms', seen: of('next') },
        ...listOf(rounds.map(({ what }) => what)),
      ],
    };
  },
};
