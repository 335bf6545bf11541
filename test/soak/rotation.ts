/**
 * 100 rotations of one exchange's key pair, each by one `up`, with watches on the API and pods that
 * start and read the keys all the while. A slice is a row of changes on a stack of its own. Linux and
 * root.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fieldOf } from '../../rehearsal/keystore.ts';
import { leaks } from '../canary.ts';
import { type ClusterWatch, isReady } from '../e2e/cluster-watch.ts';
import { RehearsedStack } from '../e2e/rehearsed-stack.ts';
import {
  absences,
  bookFaults,
  makePair,
  mixtures,
  overlaps,
  runningSpans,
} from '../e2e/rotation-rules.ts';
import { Starters } from '../e2e/starters.ts';
import { onRehearsal } from './on-rehearsal.ts';
import { type Round, type Rounds, type Slice, spread } from './rounds.ts';
import type { Figure, Soak } from './soak.ts';

const changes = 100;
const keys = { api: 'binance_api_key', secret: 'binance_secret_key' } as const;
/** What a bot takes to stop, in seconds: long enough for a second one to show beside it. */
const shutdownSeconds = 3;
const goneWithin = 30;
/** Opening the whole keystore takes the bot seconds: it is done at each tenth change. */
const keystoreEvery = 10;

/** One change, in milliseconds. */
interface Change {
  readonly up: number;
  /** From the new ExternalSecret being Ready to the old pod being told to stop. */
  readonly ahead: number;
  /** From the end of `up` to the end of the old Secret; below zero when it went before. */
  readonly gone: number;
  /** From the old bot's last moment to the new one's first, by the watch. */
  readonly apart: number;
  readonly puts: number;
  readonly pods: number;
}

/** Rules that look at all that a slice saw; each line of them is a fault once. */
class Slices {
  readonly stack: RehearsedStack;
  readonly watch: ClusterWatch;
  readonly starters: Starters;
  /** All values that were ever set, by a name; for a search. */
  readonly set: Map<string, string>;
  readonly #known = new Set<string>();
  #started = 0;

  constructor(stack: RehearsedStack, watch: ClusterWatch, set: ReadonlyMap<string, string>) {
    this.stack = stack;
    this.watch = watch;
    this.set = new Map(set);
    this.starters = new Starters(stack, [keys.api, keys.secret]);
  }

  async round(round: number): Promise<Omit<Round, 'commit' | 'at'>> {
    const faults: string[] = [];
    const pair = makePair(round + 1);
    for (const half of ['api', 'secret'] as const) {
      this.set.set(`${keys[half]} ${round + 1}`, pair[half]);
    }
    await setPair(this.stack, pair);
    const change = await changeOnce(this.stack, this.watch, faults);
    for (const half of ['api', 'secret'] as const) {
      const { stdout } = await this.stack.inBot(['cat', `/etc/secrets/trading/${keys[half]}`]);
      if (stdout !== pair[half]) faults.push(`the bot's file ${keys[half]} is not the one set`);
    }
    if (round % keystoreEvery === 0) {
      const keystore = await this.stack.keystore();
      for (const half of ['api', 'secret'] as const) {
        const same = keystore.get(fieldOf(keys[half]) ?? '') === pair[half];
        if (!same) faults.push(`the bot signs with another ${keys[half]} than the one set`);
      }
    }
    if (change.puts !== 1) faults.push(`${change.puts} PutSecretValue`);
    if (change.pods !== 1) faults.push(`${change.pods} new pods of the bot`);
    const [pods, secrets] = [this.watch.bots(), this.watch.events('secrets')];
    faults.push(
      ...this.#new([
        ...absences(pods, secrets),
        ...mixtures(secrets, keys),
        ...overlaps(pods),
        ...bookFaults(this.stack.trades()),
        ...this.starters.faults,
      ]),
    );
    const started = this.starters.found.length - this.#started;
    this.#started = this.starters.found.length;
    if (started === 0) faults.push('no other pod started meanwhile');
    const events = pods.length + secrets.length + this.watch.events('externalsecrets').length;
    return { round, what: 'a change', faults, figures: { ...change, started, events } };
  }

  leaks(): readonly string[] {
    const printed = leaks(this.stack.checkout.printed.join('\n'), this.set);
    const logged = [...this.stack.logs()].flatMap(([name, text]) =>
      leaks(text, this.set).map((hit) => `${name}: ${hit}`),
    );
    return [...printed, ...logged].map((hit) => `shown: ${hit}`);
  }

  #new(lines: readonly string[]): readonly string[] {
    const fresh = lines.filter((line) => !this.#known.has(line));
    for (const line of fresh) this.#known.add(line);
    return fresh;
  }
}

export const soak: Soak = {
  rounds: changes,

  async run(rounds: Rounds, slice: Slice): Promise<void> {
    const stack = new RehearsedStack('prod', { keepsBook: true });
    await onRehearsal(stack, slice, async () => {
      const book = `echo ${shutdownSeconds} > /home/hummingbot/data/shutdown-seconds`;
      await stack.inBot(['sh', '-c', book]);
      // The first starters already find a pair with a serial.
      await setPair(stack, makePair(changes + 1));
      const { code, stdout, stderr } = await stack.up();
      if (code !== 0) throw new Error(`the first up ended with ${code}: ${stdout}${stderr}`);
      const row = new Slices(stack, await stack.watch(), await stack.values());
      // What was shown is searched for at the end, and stands with the last change of the row.
      let last: Omit<Round, 'commit' | 'at'> | undefined;
      try {
        for (const round of rounds.next()) {
          if (last !== undefined) rounds.add(last);
          last = await row.round(round);
        }
      } finally {
        await row.starters.stop();
        const end = { changesInARow: rowLength(rounds, last) };
        if (last !== undefined) {
          const faults = [...last.faults, ...row.leaks()];
          rounds.add({ ...last, faults, figures: { ...last.figures, ...end } });
        }
      }
    });
  },

  summary(rounds, _seed) {
    const of = (name: string): readonly number[] =>
      rounds.map(({ figures }) => figures[name] ?? Number.NaN);
    const sum = (name: string): number => of(name).reduce((all, each) => all + each, 0);
    const ends = rounds.flatMap(({ figures }) => figures.changesInARow ?? []);
    const figures: Figure[] = [
      { what: 'changes in a row, by stack', seen: ends.join(', ') },
      exact('most PutSecretValue of a change', Math.max(...of('puts')), 1),
      exact('most new pods of the bot of a change', Math.max(...of('pods')), 1),
      {
        what: 'other pods that started meanwhile and found one whole pair',
        seen: String(sum('started')),
        holds: of('started').every((each) => each > 0),
      },
      ...kindsOfFault.map(([what, kind]) => {
        const faults = rounds.flatMap((each) => each.faults);
        return exact(what, faults.filter((each) => kind.test(each)).length, 0);
      }),
      {
        what: 'new ExternalSecret Ready before the old pod was told to stop, ms',
        seen: spread(of('ahead')),
        holds: of('ahead').every((each) => each > 0),
      },
      {
        what: `old Secret gone after the end of \`up\`, ms (less than ${goneWithin} s; below 0: before it)`,
        seen: spread(of('gone')),
        holds: of('gone').every((each) => each < goneWithin * 1000),
      },
      {
        what: 'from the end of the old bot to the start of the new one, ms',
        seen: spread(of('apart')),
        holds: of('apart').every((each) => each >= 0),
      },
      { what: 'one `up`, ms', seen: spread(of('up')) },
    ];
    const done =
      `${rounds.length} changes of both halves of one exchange's key, on rehearsals of prod: a real ` +
      'Kubernetes, External Secrets Operator, containerd, kubelet and Hummingbot, and moto for AWS. ' +
      `The bot's strategy took ${shutdownSeconds} s to stop. Watches on pods, Secrets and ExternalSecrets ran ` +
      'over all changes of a row without a gap; the order of their events is that of resource versions. All ' +
      'the while pods started one after the other with the volume of keys that the Deployment had at that ' +
      'moment, read both halves and said their serials. Halves of a pair carry the same serial; every state ' +
      'that a Secret ever had was looked at. One `up` includes the preflight, the login and the 5 s of ' +
      `\`minReadySeconds\`. The bot's files were compared after each change, and its keystore after each ${keystoreEvery}th. ` +
      'Figures of three numbers are the least, the median and the most.';
    return { title: 'rotation', done, figures };
  },
};

/** What must never be, with the lines that say that it was. */
const kindsOfFault: readonly (readonly [string, RegExp])[] = [
  ['moments in which the Secret of a running bot was absent', /was not there when| went while /u],
  ['states of a Secret, or files of a pod, with halves of two pairs', /pair \S+ with pair/u],
  [
    "two bots at once, by the watch and by the bots' own book",
    /ran at once|had stopped$|the one that ran$/u,
  ],
  ['values in what was printed or logged', /^shown: /u],
];

async function setPair(stack: RehearsedStack, pair: ReturnType<typeof makePair>): Promise<void> {
  await stack.import(
    new Map([
      [keys.api, pair.api],
      [keys.secret, pair.secret],
    ]),
  );
}

/** How many changes this stack has had, its last among them. */
function rowLength(rounds: Rounds, last: Omit<Round, 'commit' | 'at'> | undefined): number {
  const all = rounds.all();
  const before = all.findLastIndex(({ figures }) => figures.changesInARow !== undefined);
  return all.length - 1 - before + (last === undefined ? 0 : 1);
}

async function changeOnce(
  stack: RehearsedStack,
  watch: ClusterWatch,
  faults: string[],
): Promise<Change> {
  const old = await stack.pod();
  const mounted = old.spec?.volumes?.find(({ name }) => name === 'trading-secrets');
  const oldSecret = { name: mounted?.secret?.secretName };
  const mark = stack.mark();
  const begun = Date.now();
  const { code, stdout, stderr } = await stack.up();
  const ended = Date.now();
  if (code !== 0) throw new Error(`up ended with ${code}: ${stdout}${stderr}`);
  const gone = await watch.next(
    'secrets',
    goneWithin,
    ({ name, type }) => name === oldSecret.name && type === 'DELETED',
  );
  if (gone === undefined) faults.push(`${oldSecret.name} was still there after ${goneWithin} s`);
  const synced = watch
    .events('externalsecrets')
    .find(
      ({ at, type, name, object }) =>
        at > begun && type !== 'DELETED' && /trading/u.test(name) && isReady(object),
    );
  const own = watch.bots().filter(({ uid }) => uid === old.metadata?.uid);
  const told = own.find(({ object }) => object.metadata?.deletionTimestamp !== undefined);
  const early = synced === undefined || told === undefined || synced.revision > told.revision;
  if (early || synced.name === oldSecret.name) {
    faults.push(`${old.metadata?.name} was told to stop before the new ExternalSecret was Ready`);
  }
  // A pod's object changes once more after its end at most; the watch may be a moment behind.
  await sleep(200);
  const spans = [...runningSpans(watch.bots())].sort((a, b) => a.from - b.from).slice(-2);
  const [before, after] = spans.map(({ from, to }) => ({ from: timeOf(from), to: timeOf(to) }));
  function timeOf(revision: number): number {
    return watch.bots().find((each) => each.revision === revision)?.at ?? Number.NaN;
  }
  return {
    up: ended - begun,
    ahead: (told?.at ?? Number.NaN) - (synced?.at ?? Number.NaN),
    gone: (gone?.at ?? Number.POSITIVE_INFINITY) - ended,
    apart: (after?.from ?? Number.NaN) - (before?.to ?? Number.NaN),
    puts: stack.awsWrites(mark).filter(({ action }) => /PutSecretValue/u.test(action)).length,
    pods: watch.bots().filter(({ at, type }) => at > begun && type === 'ADDED').length,
  };
}

function exact(what: string, seen: number, wanted: number): Figure {
  return { what, seen: String(seen), holds: seen === wanted };
}
