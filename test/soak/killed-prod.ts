/**
 * kill -9 in the middle of a rotation on real servers: of the command, of the engine and of a plugin,
 * at 30 moments each, and one next run after each, which has to put everything right. Linux and root.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../components/catalog.ts';
import { lookAlike } from '../../rehearsal/look-alikes.ts';
import { processesMarked } from '../../rehearsal/servers/process.ts';
import { leaks } from '../canary.ts';
import type { ApiRequest } from '../e2e/audit-log.ts';
import { type ClusterWatch, isPreflight, isReady } from '../e2e/cluster-watch.ts';
import { compareObjects, storedVersions, unknownInAws } from '../e2e/left-behind.ts';
import { isLanguageHost } from '../e2e/machine.ts';
import { deployer, type Mark, RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { absences, bookFaults, makePair, mixtures, overlaps } from '../e2e/rotation-rules.ts';
import { type Snapshot, snapshotFaults } from '../e2e/snapshot-rules.ts';
import { killDuring, lifetimesOf, type Moment, type Victim, victimNames } from '../e2e/victims.ts';
import { random } from '../random.ts';
import { killFigures, listOf } from './kills.ts';
import { onRehearsal } from './on-rehearsal.ts';
import { type Round, type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const keys = { api: 'binance_api_key', secret: 'binance_secret_key' } as const;
/** Of a group whose Secret has a fixed name and is changed in place. */
const fixed: SecretKey = 'slack_webhook_url';
const groups = ['trading', 'infrastructure', 'monitoring'];
const perVictim = 30;
/** Each try that came too late is followed by one at this share of its time. */
const sooner = 0.7;
/** Seconds in which what a killed run left has to end, and the cluster has to collect its garbage. */
const endSeconds = 30;

type Values = ReadonlyMap<SecretKey, string>;

class KilledProd {
  readonly stack: RehearsedStack;
  readonly #watch: ClusterWatch;
  #lifetimes: ReadonlyMap<Victim, number> = new Map();
  #current: Values = new Map();
  #serial = Date.now() % 1e6;
  readonly #set = new Map<string, string>();
  readonly #known = new Set<string>();

  constructor(stack: RehearsedStack, watch: ClusterWatch) {
    this.stack = stack;
    this.#watch = watch;
  }

  /** A rotation that nothing disturbs, for its times. */
  async measure(): Promise<void> {
    this.#current = this.#newValues();
    await this.stack.import(this.#current);
    const child = this.stack.begin('pulumi up');
    const [lifetimes, { code, stdout, stderr }] = await Promise.all([
      lifetimesOf(child),
      this.stack.checkout.finish(child),
    ]);
    if (code !== 0)
      throw new Error(`the run that is measured ended with ${code}: ${stdout}${stderr}`);
    this.#lifetimes = lifetimes;
  }

  #newValues(): Values {
    this.#serial += 1;
    const pair = makePair(this.#serial);
    const values = new Map<SecretKey, string>([
      [keys.api, pair.api],
      [keys.secret, pair.secret],
      [fixed, lookAlike('slack-webhook')],
    ]);
    for (const [key, value] of values) this.#set.set(`${key} ${this.#serial}`, value);
    return values;
  }

  async round(round: number, seed: number): Promise<Omit<Round, 'commit' | 'at'>> {
    const victim = victimNames[Math.floor(round / perVictim)] ?? 'engine';
    const at = round % perVictim;
    // The documented command looks first, and takes twice as long.
    const command = round % 5 === 4 ? 'npm start' : 'pulumi up';
    for (let tries = 0; ; tries += 1) {
      const draw = random(seed * 1000 + round);
      const next = this.#newValues();
      await this.stack.import(next);
      const stored = await storedVersions(this.stack, 'trading');
      const moment = this.#moment(at, draw, sooner ** tries);
      const child = this.stack.begin(command);
      const result = this.stack.checkout.finish(child);
      const lifetime = this.#lifetimes.get(victim) ?? 10_000;
      const killed = await killDuring(child, { victim, moment, lifetime, choice: draw() });
      // What the killed one left is still at work: the next run has to live with that.
      const begun = Date.now();
      const again = await this.stack.checkout.finish(this.stack.begin(command));
      const took = Date.now() - begun;
      await result;
      const faults =
        again.code === 0
          ? []
          : [`the next run ended with ${again.code}: ${shortened(again.stdout + again.stderr)}`];
      faults.push(...(await this.#faults(next, again.code === 0)));
      if (again.code === 0) faults.push(...(await this.#storeFaults(next, stored)));
      const shown = leaks([again.stdout, again.stderr].join('\n'), this.#set);
      faults.push(...shown.map((name) => `printed: ${name}`));
      this.#current = next;
      if (killed === undefined && faults.length === 0 && tries < 3) continue;
      if (killed === undefined) faults.push('the victim was gone each time');
      const when = 'share' in moment ? `${Math.round(moment.share * 100)} %` : moment.event;
      const what = `${killed?.what ?? victim} at ${when}`;
      return { round, what, faults, figures: { after: killed?.after ?? 0, next: took } };
    }
  }

  /** Writes that arrive somewhere, and the other moments spread evenly over a life. */
  #moment(at: number, draw: () => number, factor: number): Moment {
    const { stack } = this;
    const mark = stack.mark();
    const since = Date.now();
    const wrote = (test: (request: ApiRequest) => boolean) => (): boolean =>
      stack.apiRequests(mark).some((each) => each.user === deployer && test(each));
    const statePath = join(
      stack.folder,
      'workspace/state/.pulumi/stacks/hummingbot-secrets',
      `${stack.stack}.json`,
    );
    const written = statSync(statePath).mtimeMs;
    const events: readonly (readonly [string, () => boolean])[] = [
      ['PutSecretValue', () => puts(stack, mark) >= 1],
      ['the second PutSecretValue', () => puts(stack, mark) >= 2],
      ['a write of the state', () => statSync(statePath).mtimeMs !== written],
      [
        'the POST of the ExternalSecret',
        wrote(({ verb, resource }) => verb === 'create' && resource === 'externalsecrets'),
      ],
      [
        'the ExternalSecret being Ready',
        () =>
          this.#watch
            .events('externalsecrets')
            .some(
              ({ at: when, name, object }) =>
                when > since && /trading/u.test(name) && isReady(object),
            ),
      ],
      [
        'the PATCH of the fixed ExternalSecret',
        wrote(({ verb, resource }) => verb === 'patch' && resource === 'externalsecrets'),
      ],
      [
        'the POST of the Job',
        wrote(({ verb, resource }) => verb === 'create' && resource === 'jobs'),
      ],
      [
        "the preflight's pod",
        () =>
          this.#watch
            .events('pods')
            .some(({ at: when, object }) => when > since && isPreflight(object)),
      ],
      [
        'the DELETE of the Job',
        wrote(({ verb, resource }) => verb === 'delete' && resource === 'jobs'),
      ],
      [
        'the PATCH of the Deployment',
        wrote(
          ({ verb, resource, uri }) =>
            verb === 'patch' && resource === 'deployments' && !/dryRun/u.test(uri),
        ),
      ],
      [
        'the old pod being told to stop',
        () =>
          this.#watch
            .bots()
            .some(
              ({ at: when, object }) =>
                when > since && object.metadata?.deletionTimestamp !== undefined,
            ),
      ],
      [
        'the DELETE of the old ExternalSecret',
        wrote(({ verb, resource }) => verb === 'delete' && resource === 'externalsecrets'),
      ],
    ];
    const [event, look] = events[at] ?? [];
    if (event !== undefined && look !== undefined) return { event, happened: look };
    const spots = perVictim - events.length;
    return { share: ((at - events.length + draw()) / spots) * factor };
  }

  async #faults(values: Values, converged: boolean): Promise<string[]> {
    const { stack } = this;
    const home = join(stack.folder, 'workspace', 'pulumi');
    const orphans = (): readonly unknown[] =>
      processesMarked('PULUMI_HOME', home).filter(({ pid }) => !isLanguageHost(pid));
    for (let tries = 0; tries < endSeconds * 4 && orphans().length > 0; tries += 1)
      await sleep(250);
    const faults = orphans().length === 0 ? [] : [`${orphans().length} processes are left`];
    const exported = await stack.pulumi(['stack', 'export']);
    if (exported.code !== 0) return [...faults, `stack export ended with ${exported.code}`];
    const snapshot = JSON.parse(exported.stdout) as Snapshot;
    faults.push(...snapshotFaults(snapshot));
    let compared = await compareObjects(stack, snapshot);
    for (const deadline = Date.now() + endSeconds * 1000; Date.now() < deadline; await sleep(500)) {
      if (compared.unknown.length === 0) break;
      compared = await compareObjects(stack, snapshot);
    }
    faults.push(...compared.unknown.map((name) => `in the cluster, and nobody's: ${name}`));
    faults.push(...compared.lost.map((urn) => `in the state, and not in the cluster: ${urn}`));
    const inAws = await unknownInAws(stack, groups);
    faults.push(...inAws.map((name) => `in AWS, and nobody's: ${name}`));
    if (converged) {
      for (const key of [keys.api, keys.secret]) {
        const { stdout } = await stack.inBot(['cat', `/etc/secrets/trading/${key}`]);
        if (stdout !== values.get(key)) faults.push(`the bot's file ${key} is not the one set`);
      }
      const where = { name: 'hummingbot-monitoring', namespace: stack.namespace };
      const { data } = await stack.access.core.readNamespacedSecret(where);
      const found = Buffer.from(data?.[fixed] ?? '', 'base64').toString();
      if (found !== values.get(fixed)) faults.push(`the Secret's ${fixed} is not the one set`);
      const version = (snapshot.deployment?.resources ?? []).find(({ urn }) =>
        urn.endsWith('::trading-version'),
      );
      const { current } = await storedVersions(stack, 'trading');
      if (!version?.id?.endsWith(current.id)) faults.push("AWSCURRENT is not the state's version");
    }
    const [pods, secrets] = [this.#watch.bots(), this.#watch.events('secrets')];
    const rules = [
      ...absences(pods, secrets),
      ...mixtures(secrets, keys),
      ...overlaps(pods),
      ...bookFaults(stack.trades()),
    ];
    faults.push(...rules.filter((line) => !this.#known.has(line)));
    for (const line of rules) this.#known.add(line);
    return faults;
  }

  /** AWSCURRENT is what was set, and AWSPREVIOUS what was there before: no second copy between. */
  async #storeFaults(values: Values, before: Awaited<ReturnType<typeof storedVersions>>) {
    const { current, previous } = await storedVersions(this.stack, 'trading');
    const faults: string[] = [];
    for (const key of [keys.api, keys.secret]) {
      if (current.values[key] !== values.get(key)) faults.push(`AWSCURRENT has another ${key}`);
    }
    if (previous?.id !== before.current.id) faults.push('AWSPREVIOUS is not what was there before');
    return faults;
  }
}

function puts(stack: RehearsedStack, mark: Mark): number {
  return stack.awsWrites(mark).filter(({ action }) => /PutSecretValue/u.test(action)).length;
}

/** Lines that say why, on one. */
function shortened(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const errors = lines.filter((line) => /error|got |fix:|locked|conflict/iu.test(line));
  return (errors.length > 0 ? errors : lines.slice(-4)).join(' / ').slice(0, 600);
}

export const soak: Soak = {
  rounds: perVictim * victimNames.length,

  async run(rounds: Rounds, slice: Slice): Promise<void> {
    const stack = new RehearsedStack('prod', { keepsBook: true });
    await onRehearsal(stack, slice, async () => {
      const prod = new KilledProd(stack, await stack.watch());
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
