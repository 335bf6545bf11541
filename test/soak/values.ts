/** 10,000 random values through each target, written by its own code, read by who reads them there. */
import { goTool } from '../../operations/engine/go.ts';
import { DockerEngine } from '../../rehearsal/docker-engine.ts';
import { newestRelease } from '../../rehearsal/images/hummingbot.ts';
import { dockerCompose } from '../../rehearsal/tools/tools.ts';
import { BotPython } from '../e2e/bot-python.ts';
import { RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { clusterTargets, ValuesInCluster } from '../e2e/values-in-cluster.ts';
import { containerReader } from '../e2e/values-in-container.ts';
import { carryByBot } from '../e2e/values-of-bot.ts';
import { randomValues } from '../random-values.ts';
import { carry, composeReader, type Outcome } from '../values-fuzz.ts';
import { onRehearsal } from './on-rehearsal.ts';
import type { Round, Rounds, Slice } from './rounds.ts';
import type { Figure, Soak } from './soak.ts';

const valuesATarget = 10_000;
const image = 'values:1';
/** Of each text that the bot encrypts: its own million would be hours, and is written into each text. */
const hashRounds = 1000;

/** Values to what became of them, by target. */
type Carry = (seed: number, count: number) => Promise<ReadonlyMap<string, Outcome>>;

/** Targets that are tried together, on the same servers and with the same values. */
interface Part {
  readonly targets: readonly string[];
  readonly perRound: number;
  /** Starts what it needs, works, and takes it down. */
  on(slice: Slice, work: (carry: Carry) => Promise<void>): Promise<void>;
}

const parts: readonly Part[] = [
  {
    targets: ['env-file', 'compose'],
    perRound: 500,
    async on(_slice, work) {
      const compose = await goTool(dockerCompose);
      const engine = await DockerEngine.start();
      try {
        engine.importImage(image);
        const inContainer = { compose, image };
        await work(async (seed, count) => {
          const tried = randomValues(seed, count);
          const more = {
            'env-file': {
              'Docker Compose': composeReader(compose),
              'a container': containerReader('env-file', engine, inContainer),
            },
            compose: { 'a container': containerReader('compose', engine, inContainer) },
          };
          return new Map([
            ['env-file', await carry('env-file', tried, more['env-file'])],
            ['compose', await carry('compose', tried, more.compose)],
          ]);
        });
      } finally {
        await engine.stop();
      }
    },
  },
  {
    targets: clusterTargets,
    perRound: 1000,
    async on(slice, work) {
      const stack = new RehearsedStack('prod');
      await onRehearsal(stack, slice, async () => {
        const values = await ValuesInCluster.start(stack);
        try {
          await work(async (seed, count) => await values.carry({ seed, count }));
        } finally {
          values.end();
        }
      });
    },
  },
  {
    targets: ['the bot'],
    perRound: 500,
    async on(_slice, work) {
      const bot = await BotPython.of(newestRelease);
      try {
        await work(
          async (seed, count) =>
            new Map([['the bot', carryByBot(bot, randomValues(seed, count), hashRounds)]]),
        );
      } finally {
        bot.remove();
      }
    },
  },
];

/** The part of each round. */
const plan = parts.flatMap((part) =>
  Array.from({ length: valuesATarget / part.perRound }, () => part),
);
const targets = parts.flatMap((part) => part.targets);

const sum = (map: ReadonlyMap<string, number>): number =>
  [...map.values()].reduce((all, each) => all + each, 0);

function roundOf(
  at: number,
  part: Part,
  outcomes: ReadonlyMap<string, Outcome>,
): Omit<Round, 'commit' | 'at'> {
  const faults: string[] = [];
  const figures: Record<string, number> = {};
  for (const [target, { equal, refused, readable, unlike }] of outcomes) {
    for (const [reader, many] of unlike) faults.push(`${target}: ${reader}: ${many} unlike`);
    figures[`${target} equal`] = equal;
    figures[`${target} refused`] = sum(refused);
    for (const [why, many] of refused) figures[`${target} refused: ${why}`] = many;
    for (const [why, many] of readable) figures[`${target} readable: ${why}`] = many;
  }
  const what = `${part.perRound} values through ${part.targets.join(' and ')}`;
  return { round: at, what, faults, figures };
}

export const soak: Soak = {
  rounds: plan.length,

  async run(rounds: Rounds, slice: Slice): Promise<void> {
    for (const part of parts) {
      const own = (round: number): boolean => plan[round] === part;
      // No servers for a part that is done.
      const [first] = rounds.next(own);
      if (first === undefined) continue;
      await part.on(slice, async (carryBy) => {
        for (const at of rounds.next(own)) {
          const outcomes = await carryBy(slice.seed * 1000 + at, part.perRound);
          rounds.add(roundOf(at, part, outcomes));
        }
      });
    }
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
          holds: equal + refused === valuesATarget,
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
      title: 'random values through every target',
      done:
        `${valuesATarget} random values a target (seed ${seed}): quotes, \`$\`, backticks, backslashes, line ` +
        'feeds, CRLF, NUL and control characters, unicode, the longest allowed and longer, PEMs and base64, whole and spoilt. ' +
        'A value is refused by the shape of its key or by the target, with the reason that a user is told. ' +
        "env-file and compose: written by the plugin's own resource, 500 values at once, read by sh, dotenv and Docker Compose 2 " +
        '(`config`) or by the bytes of the files, and in a container on a real Docker Engine (busybox, the Compose file that the ' +
        'product renders). kubernetes and aws-secrets-manager: delivered by the components of the targets, 1000 values in three groups, ' +
        'one versioned and two fixed (AWS by moto and External Secrets), read in a pod made of the spec of the ' +
        "bot's init container, as files and as variables. The bot: materialise.py and the bot's own code, " +
        `and read by the bot's own login; each text is encrypted with ${hashRounds} rounds of its hash and not a million. What materialise.py ` +
        'refuses is what the shapes refuse, but for one line feed at the end, which it takes away. ' +
        'What the shape alone refuses is carried and read too, to see what refusing costs, but not by Docker Compose, its containers and the bot.',
      figures,
    };
  },
};
