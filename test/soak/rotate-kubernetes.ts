/**
 * 100 rotations of an exchange's key in a row by `npm run rotate` on a rehearsal of prod: how long each
 * takes of its own until the bot can read the new value, and whether anything grows. Linux and root.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLedger } from '../../operations/rotation/ledger.ts';
import { processesMarked } from '../../rehearsal/servers/process.ts';
import { leaks } from '../canary.ts';
import { type ClusterWatch, isDone, isPreflight } from '../e2e/cluster-watch.ts';
import { Issuers } from '../e2e/issuers.ts';
import { compareAtRest, unknownInAws } from '../e2e/left-behind.ts';
import { isLanguageHost } from '../e2e/machine.ts';
import { deployer, RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { absences, makePair, mixtures, overlaps, type Pair } from '../e2e/rotation-rules.ts';
import { type Snapshot, snapshotFaults } from '../e2e/snapshot-rules.ts';
import { onRehearsal } from './on-rehearsal.ts';
import { growthOf, type Round, type Rounds, type Slice, spread } from './rounds.ts';
import type { Figure, Soak } from './soak.ts';

const count = 100;
const keys = { api: 'binance_api_key', secret: 'binance_secret_key' } as const;
const groups = ['trading', 'infrastructure', 'monitoring'];
const mostGrowth = 0.01;
/** The most of a rotation's own time until the new value can be read, in milliseconds. */
const mostTime = 10_000;
/** The first rounds, which nothing else on the machine may disturb. */
const timed = 50;
/** Of External Secrets Operator where it polls, in seconds. */
const intervals = [15, 60];
/** US dollars for 10,000 calls of AWS Secrets Manager (its price list, us-east-1). */
const dollarsFor10000 = 0.05;

/** Of one rotation, in milliseconds; what is asked of others is kept apart. */
interface Times {
  /** Until the new value can be read, without what follows. */
  readonly own: number;
  readonly preflight: number;
  /** The old pod's shutdown. */
  readonly shutdown: number;
  /** The new pod, from being made to having read its keys. */
  readonly start: number;
  readonly whole: number;
}

class Row {
  readonly stack: RehearsedStack;
  readonly #watch: ClusterWatch;
  readonly #set = new Map<string, string>();
  readonly #known = new Set<string>();
  #done = 0;

  constructor(stack: RehearsedStack, watch: ClusterWatch) {
    this.stack = stack;
    this.#watch = watch;
  }

  async rotate(pair: Pair): Promise<Times> {
    for (const half of ['api', 'secret'] as const) {
      this.#set.set(`${keys[half]} ${this.#set.size}`, pair[half]);
    }
    const input = `BINANCE_API_KEY=${pair.api}\nBINANCE_SECRET_KEY=${pair.secret}\n`;
    const words = ['rotate', '--', '--stack', this.stack.stack, 'trading.binance'];
    const mark = this.stack.mark();
    const begun = Date.now();
    const args = ['run', '--silent', ...words];
    const { code, stdout, stderr } = await this.stack.run('npm', args, input);
    if (code !== 0) throw new Error(`the rotation ended with ${code}: ${stdout}${stderr}`);
    const whole = Date.now() - begun;
    this.#done += 1;
    // The watch may be a moment behind.
    await sleep(500);
    const pods = this.#watch.events('pods').filter(({ at }) => at > begun);
    const bots = this.#watch.bots().filter(({ at }) => at > begun);
    const at = (event: { readonly at: number } | undefined): number => event?.at ?? Number.NaN;
    // By the API server's own clock, which is this machine's.
    const asked = this.stack
      .apiRequests(mark)
      .find(
        ({ verb, resource, user }) => verb === 'create' && resource === 'jobs' && user === deployer,
      );
    const tried = at(pods.find(({ object }) => isPreflight(object) && isDone(object)));
    const told = at(bots.find(({ object }) => object.metadata?.deletionTimestamp !== undefined));
    const gone = at(bots.find(({ type }) => type === 'DELETED'));
    const made = at(bots.find(({ type }) => type === 'ADDED'));
    const read = at(
      bots.findLast(
        ({ object }) =>
          object.status?.conditions?.some(
            ({ type, status }) => type === 'Initialized' && status === 'True',
          ) ?? false,
      ),
    );
    const preflight = tried - at(asked);
    const shutdown = Math.max(0, gone - told);
    return {
      own: made - begun - preflight - shutdown,
      preflight,
      shutdown,
      start: read - made,
      whole,
    };
  }

  async round(round: number): Promise<Omit<Round, 'commit' | 'at'>> {
    const { stack } = this;
    const pair = makePair(round + 1);
    const times = await this.rotate(pair);
    const faults: string[] = [];
    if (round < timed && !(times.own <= mostTime))
      faults.push(`it took ${Math.round(times.own)} ms of its own`);
    for (const half of ['api', 'secret'] as const) {
      const { stdout } = await stack.inBot(['cat', `/etc/secrets/trading/${keys[half]}`]);
      if (stdout !== pair[half]) faults.push(`the bot's file ${keys[half]} is not the one set`);
    }
    const exported = await stack.pulumi(['stack', 'export']);
    const snapshot = JSON.parse(exported.stdout) as Snapshot;
    faults.push(...snapshotFaults(snapshot));
    const compared = await compareAtRest(stack, snapshot);
    faults.push(...compared.unknown.map((name) => `in the cluster, and nobody's: ${name}`));
    const inAws = await unknownInAws(stack, groups);
    faults.push(...inAws.map((name) => `in AWS, and nobody's: ${name}`));
    const home = join(stack.folder, 'workspace', 'pulumi');
    const left = processesMarked('PULUMI_HOME', home).filter(({ pid }) => !isLanguageHost(pid));
    if (left.length > 0) faults.push(`${left.length} processes are left`);
    const [pods, secrets] = [this.#watch.bots(), this.#watch.events('secrets')];
    const rules = [...absences(pods, secrets), ...mixtures(secrets, keys), ...overlaps(pods)];
    faults.push(...rules.filter((line) => !this.#known.has(line)));
    for (const line of rules) this.#known.add(line);
    const ledgerText = stack.checkout.read(
      `.local/rehearsal/${stack.stack}/workspace/ledger/${stack.stack}.jsonl`,
    );
    const ledger = readLedger(ledgerText);
    const entries = 'entries' in ledger ? ledger.entries.length : 0;
    if (entries !== this.#done) faults.push(`${entries} lines in the ledger`);
    const printed = stack.checkout.printed.splice(0).join('\n');
    faults.push(...leaks(printed, this.#set).map((name) => `printed: ${name}`));
    const secretsNow = await stack.access.core.listNamespacedSecret({ namespace: stack.namespace });
    const figures = {
      ...times,
      inARow: this.#done,
      state: statSync(this.#stateFile).size,
      secrets: secretsNow.items.length,
    };
    return { round, what: 'a rotation', faults, figures };
  }

  get #stateFile(): string {
    const { folder, stack } = this.stack;
    return join(folder, 'workspace/state/.pulumi/stacks/hummingbot-secrets', `${stack}.json`);
  }
}

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, slice: Slice): Promise<void> {
    const stack = new RehearsedStack('prod', { keepsBook: true });
    const issuers = new Issuers();
    stack.detour = (await issuers.start()) as Record<string, string>;
    try {
      await onRehearsal(stack, slice, async () => {
        const row = new Row(stack, await stack.watch());
        // The first pair that has a serial: of it no state before is looked at.
        await row.rotate(makePair(count + 1));
        for (const round of rounds.next()) rounds.add(await row.round(round));
      });
    } finally {
      issuers.stop();
    }
  },

  summary(rounds) {
    const of = (name: string): readonly number[] =>
      rounds.map(({ figures }) => figures[name] ?? Number.NaN);
    const quiet = rounds.filter(({ round }) => round < timed);
    const own = quiet.map(({ figures }) => figures.own ?? Number.NaN);
    const most = (name: string): number => of(name).reduce((a, b) => Math.max(a, b), 0);
    const growth = growthOf(rounds.map(({ figures }) => [figures.inARow ?? 0, figures.state ?? 0]));
    const polled: readonly Figure[] = intervals.map((seconds) => {
      const calls = (3600 / seconds) * groups.length;
      const dollars = ((calls * 24 * 30) / 10_000) * dollarsFor10000;
      return {
        what: `polling every ${seconds} s instead (computed)`,
        seen: `0 .. ${seconds * 500} .. ${seconds * 1000} ms until the operator looks, ${calls} calls an hour, $${dollars.toFixed(2)} a month`,
      };
    });
    return {
      title: 'rotations of prod in a row',
      done:
        `${count} rotations of both halves of an exchange's key by \`npm run rotate -- trading.binance\` on a rehearsal ` +
        'of prod: a real Kubernetes, External Secrets Operator, kubelet and Hummingbot, and moto for AWS. After each: the ' +
        "bot's files are the new values; in the namespace and in AWS there is nothing that neither the state nor what it has made owns; the " +
        'state is whole, no process is left, the ledger has a line more, nothing printed has a value; by watches over the whole row no Secret of ' +
        'a running bot was absent, no pair mixed, and no two bots ran at once. A rotation’s own time: from the ' +
        "command's start until the new pod is made, less the preflight (from the POST of its Job to its pod's end) and less the " +
        "old pod's shutdown; its start and the materialising follow. " +
        `Nothing else ran on the machine in the first ${timed}; beside the others other tests did. ` +
        'Figures of three numbers are the least, the median and the most.',
      figures: [
        { what: 'in a row on one stack', seen: String(most('inARow')) },
        {
          what: `its own time in the first ${timed}, ms`,
          seen: spread(own),
          holds: quiet.length === timed && own.every((each) => each <= mostTime),
        },
        { what: 'its own time in all of them, ms', seen: spread(of('own')) },
        ...polled,
        { what: 'preflight, ms', seen: spread(of('preflight')) },
        { what: "the old pod's shutdown, ms", seen: spread(of('shutdown')) },
        { what: 'the new pod until it has its keystore, ms', seen: spread(of('start')) },
        { what: 'the whole command, ms', seen: spread(of('whole')) },
        { what: 'the state, bytes', seen: spread(of('state')) },
        {
          what: 'growth of the state in a hundred, %',
          seen: (growth * 100).toFixed(3),
          holds: growth <= mostGrowth,
        },
        { what: 'Secrets in the namespace', seen: spread(of('secrets')) },
      ],
    };
  },
};
