/**
 * 20 rotations of one exchange's key pair, each by one `up`, with watches on the API from before the
 * first to after the last. Linux and root.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../../operations/engine/command-error.ts';
import { duration } from '../../operations/engine/progress.ts';
import { fieldOf } from '../../rehearsal/keystore.ts';
import { leaks } from '../canary.ts';
import { type ClusterWatch, isReady } from '../e2e/cluster-watch.ts';
import { canRehearse, RehearsedStack } from '../e2e/rehearsed-stack.ts';
import {
  absences,
  bookFaults,
  makePair,
  mixtures,
  overlaps,
  runningSpans,
} from '../e2e/rotation-rules.ts';
import type { Figure, Soaked } from './soak.ts';

const changes = 20;
const keys = { api: 'binance_api_key', secret: 'binance_secret_key' } as const;
/** What a bot takes to stop, in seconds: long enough for a second one to show beside it. */
const shutdownSeconds = 3;
const goneWithin = 30;

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

export async function soak(): Promise<Soaked> {
  if (!canRehearse) {
    throw new CommandError(
      `soak: got ${process.platform}; allowed: Linux as root; fix: sudo npm run soak -- rotation`,
    );
  }
  const stack = new RehearsedStack('prod', { keepsBook: true });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const end = (): void => {
    console.error('\n- taking it down');
    stack.end().finally(() => process.exit(130));
  };
  for (const signal of signals) process.once(signal, end);
  try {
    const begun = Date.now();
    await stack.start();
    console.error(`- prod is up (${duration(Date.now() - begun)})`);
    const book = `echo ${shutdownSeconds} > /home/hummingbot/data/shutdown-seconds`;
    await stack.inBot(['sh', '-c', book]);
    return await rotate(stack);
  } finally {
    for (const signal of signals) process.off(signal, end);
    await stack.end();
  }
}

async function rotate(stack: RehearsedStack): Promise<Soaked> {
  const set = new Map<string, string>(await stack.values());
  const watch = await stack.watch();
  const faults: string[] = [];
  const made: Change[] = [];
  const begun = Date.now();
  for (let serial = 1; serial <= changes; serial += 1) {
    const pair = makePair(serial);
    for (const half of ['api', 'secret'] as const) {
      set.set(`${keys[half]} ${serial}`, pair[half]);
      await stack.set(keys[half], pair[half]);
    }
    const change = await changeOnce(stack, watch, faults);
    made.push(change);
    const keystore = await stack.keystore();
    for (const half of ['api', 'secret'] as const) {
      const same = keystore.get(fieldOf(keys[half]) ?? '') === pair[half];
      if (!same) faults.push(`change ${serial}: the bot's ${keys[half]} is not the one set`);
    }
    console.error(`- change ${serial} of ${changes}: up took ${duration(change.up)}`);
  }
  const minutes = duration(Date.now() - begun);
  const [pods, secrets] = [watch.bots(), watch.events('secrets')];
  const trades = stack.trades();
  const broken = {
    'moments in which the Secret of a running bot was absent': absences(pods, secrets),
    'states of a Secret with halves of two pairs': mixtures(secrets, keys),
    'two bots at once, by the watch': overlaps(pods),
    "two bots at once, by the bots' own book": bookFaults(trades),
    'values in what was printed or logged': [
      ...leaks(stack.checkout.printed.join('\n'), set),
      ...[...stack.logs()].flatMap(([name, text]) =>
        leaks(text, set).map((hit) => `${name}: ${hit}`),
      ),
    ],
  };
  faults.push(...Object.values(broken).flat());
  const uids = new Set(pods.map(({ uid }) => uid)).size;
  const figures: Figure[] = [
    exact('changes, each by one `up` that ended well', made.length, changes),
    exact('pods that there were', uids, changes + 1),
    exact('bots that the kubelet saw run', runningSpans(pods).length, changes + 1),
    exact('starts in the book', trades.filter(({ what }) => what === 'start').length, changes + 1),
    exact('most PutSecretValue of a change', Math.max(...made.map(({ puts }) => puts)), 1),
    exact('most new pods of a change', Math.max(...made.map(({ pods }) => pods)), 1),
    ...Object.entries(broken).map(([what, lines]) => exact(what, lines.length, 0)),
    {
      what: 'new ExternalSecret Ready before the old pod was told to stop, ms',
      seen: spread(made.map(({ ahead }) => ahead)),
      holds: made.every(({ ahead }) => ahead > 0),
    },
    {
      what: `old Secret gone after the end of \`up\`, ms (less than ${goneWithin} s; below 0: before it)`,
      seen: spread(made.map(({ gone }) => gone)),
      holds: made.every(({ gone }) => gone < goneWithin * 1000),
    },
    {
      what: 'from the end of the old bot to the start of the new one, ms',
      seen: spread(made.map(({ apart }) => apart)),
      holds: made.every(({ apart }) => apart >= 0),
    },
    { what: 'one `up`, ms', seen: spread(made.map(({ up }) => up)) },
    {
      what: 'events of pods, Secrets and ExternalSecrets that the watches saw',
      seen: String(pods.length + secrets.length + watch.events('externalsecrets').length),
    },
  ];
  const done =
    `${changes} changes of both halves of one exchange's key in ${minutes}, on a rehearsal of prod: ` +
    'a real Kubernetes, External Secrets Operator, containerd, kubelet and Hummingbot, and moto for ' +
    `AWS. The bot's strategy took ${shutdownSeconds} s to stop. Watches on pods, Secrets and ` +
    'ExternalSecrets ran from before the first change to after the last without a gap; the order of ' +
    'their events is that of resource versions. Halves of a pair carry the same serial; every state ' +
    'that a Secret ever had was looked at. One `up` includes the preflight, the login and the 5 s of ' +
    '`minReadySeconds`. Figures of three numbers are the least, the median and the most.';
  return { title: 'rotation', done, figures, faults };
}

async function changeOnce(
  stack: RehearsedStack,
  watch: ClusterWatch,
  faults: string[],
): Promise<Change> {
  const old = await stack.pod();
  const oldSecret = watch
    .events('secrets')
    .findLast(({ name, type }) => type !== 'DELETED' && /trading/u.test(name));
  const mark = stack.mark();
  const begun = Date.now();
  const { code, stdout, stderr } = await stack.up();
  const ended = Date.now();
  if (code !== 0) throw new Error(`up ended with ${code}: ${stdout}${stderr}`);
  const gone = await watch.next(
    'secrets',
    goneWithin,
    ({ name, type }) => name === oldSecret?.name && type === 'DELETED',
  );
  if (gone === undefined) faults.push(`${oldSecret?.name} was still there after ${goneWithin} s`);
  const synced = watch
    .events('externalsecrets')
    .find(
      ({ at, type, name, object }) =>
        at > begun && type !== 'DELETED' && /trading/u.test(name) && isReady(object),
    );
  const own = watch.bots().filter(({ uid }) => uid === old.metadata?.uid);
  const told = own.find(({ object }) => object.metadata?.deletionTimestamp !== undefined);
  const early = synced === undefined || told === undefined || synced.revision > told.revision;
  if (early || synced.name === oldSecret?.name) {
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

/** `least .. median .. most` */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return [0, Math.floor((sorted.length - 1) / 2), sorted.length - 1]
    .map((at) => String(Math.round(sorted[at] ?? Number.NaN)))
    .join(' .. ');
}
