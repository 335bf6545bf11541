/**
 * A rehearsed prod of which a process is killed in the middle of a change, and what has to hold behind
 * the next run: in the state, the cluster, AWS and the bot.
 */
import type { ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../components/catalog.ts';
import { lookAlike } from '../../rehearsal/look-alikes.ts';
import { processesMarked } from '../../rehearsal/servers/process.ts';
import { leaks } from '../canary.ts';
import type { ApiRequest } from '../e2e/audit-log.ts';
import type { Result } from '../e2e/checkout.ts';
import { type ClusterWatch, isPreflight, isReady } from '../e2e/cluster-watch.ts';
import {
  compareAtRest,
  type StoredVersions,
  storedVersions,
  unknownInAws,
} from '../e2e/left-behind.ts';
import { isLanguageHost } from '../e2e/machine.ts';
import { deployer, type Mark, type RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { absences, bookFaults, makePair, mixtures, overlaps } from '../e2e/rotation-rules.ts';
import { type Snapshot, snapshotFaults } from '../e2e/snapshot-rules.ts';
import {
  killDuring,
  lifetimesOf,
  type Moment,
  type Victim,
  victimNames,
  victims,
} from '../e2e/victims.ts';
import { random } from '../random.ts';
import type { Round } from './rounds.ts';

export const keys = { api: 'binance_api_key', secret: 'binance_secret_key' } as const;
/** Of a group whose Secret has a fixed name and is changed in place. */
export const fixed: SecretKey = 'slack_webhook_url';
const groups = ['trading', 'infrastructure', 'monitoring'];
/** Each try that came too late is followed by one at this share of its time. */
const sooner = 0.7;
/** Seconds in which what a killed run left has to end. */
const endSeconds = 30;

export type Values = ReadonlyMap<SecretKey, string>;

/** How a change is made, and what is said behind a kill. */
export interface Manner {
  readonly perVictim: number;
  /** @default - those of `npm start` and `npm run pulumi` */
  readonly command?: RegExp;
  /** Before anything that can be killed is begun. */
  prepare(values: Values): Promise<void>;
  begin(round: number): ChildProcess;
  /** For its standard input. */
  input(values: Values): string;
  /**
   * Until it is over.
   * @param killed what the killed one comes to
   * @returns the last run, and how many there were
   */
  next(
    round: number,
    victim: Victim,
    killed: Promise<Result>,
  ): Promise<{ readonly last: Result; readonly runs: number }>;
  /** Whether the new values were taken, and are right from now on. */
  taken(): boolean;
  /** Moments of its own, before those that all changes have; of these what it names, or all. */
  moments(victim: Victim): {
    readonly own: readonly Event[];
    readonly named?: readonly string[];
  };
  /** Whether nothing but the killed run and the next one has written to the store. */
  readonly oneWrite: boolean;
  /** What else has to hold. @param isNew whether the new values are right */
  faults(isNew: boolean): readonly string[];
}

export type Event = readonly [string, () => boolean];

export class KilledProd {
  readonly stack: RehearsedStack;
  readonly #watch: ClusterWatch;
  #lifetimes: ReadonlyMap<Victim, number> = new Map();
  #current: Values = new Map();
  #serial = Date.now() % 1e6;
  readonly #set = new Map<string, string>();
  readonly #known = new Set<string>();

  readonly #manner: Manner;

  constructor(stack: RehearsedStack, watch: ClusterWatch, manner: Manner) {
    this.stack = stack;
    this.#watch = watch;
    this.#manner = manner;
  }

  /** A rotation that nothing disturbs, for its times. */
  async measure(): Promise<void> {
    const manner = this.#manner;
    this.#current = this.#newValues();
    await manner.prepare(this.#current);
    const child = manner.begin(0);
    const [lifetimes, { code, stdout, stderr }] = await Promise.all([
      lifetimesOf(child, this.#victims),
      this.stack.checkout.finish(child, manner.input(this.#current)),
    ]);
    manner.faults(true);
    if (code !== 0)
      throw new Error(`the run that is measured ended with ${code}: ${stdout}${stderr}`);
    this.#lifetimes = lifetimes;
  }

  get #victims(): typeof victims {
    return { ...victims, command: this.#manner.command ?? victims.command };
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
    const manner = this.#manner;
    const { perVictim } = manner;
    const victim = victimNames[Math.floor(round / perVictim)] ?? 'engine';
    const at = round % perVictim;
    for (let tries = 0; ; tries += 1) {
      const draw = random(seed * 1000 + round);
      const next = this.#newValues();
      await manner.prepare(next);
      const stored = await storedVersions(this.stack, 'trading');
      const moment = this.#moment(victim, at, draw, sooner ** tries);
      const child = manner.begin(round);
      const result = this.stack.checkout.finish(child, manner.input(next));
      const lifetime = this.#lifetimes.get(victim) ?? 10_000;
      const command = this.#victims[victim];
      const killed = await killDuring(child, { victim, moment, lifetime, choice: draw(), command });
      const taken = manner.taken();
      const begun = Date.now();
      const { last, runs } = await manner.next(round, victim, result);
      const took = Date.now() - begun;
      await result;
      const said = last.stdout + last.stderr;
      const well = last.code === 0;
      const faults = well ? [] : [`the next run ended with ${last.code}: ${shortened(said)}`];
      const after = await storedVersions(this.stack, 'trading');
      const isNew = taken || after.current.values[keys.api] === next.get(keys.api);
      const values = isNew ? next : this.#current;
      faults.push(...(await this.#faults(values, well)));
      if (well) faults.push(...this.#storeFaults(values, stored, after));
      faults.push(...manner.faults(isNew));
      faults.push(...leaks(said, this.#set).map((name) => `printed: ${name}`));
      this.#current = values;
      if (killed === undefined && faults.length === 0 && tries < 3) continue;
      if (killed === undefined) faults.push('the victim was gone each time');
      const when = 'share' in moment ? `${Math.round(moment.share * 100)} %` : moment.event;
      const what = `${killed?.what ?? victim} at ${when}`;
      return { round, what, faults, figures: { after: killed?.after ?? 0, next: took, runs } };
    }
  }

  /** Writes that arrive somewhere, and the other moments spread evenly over a life. */
  #moment(victim: Victim, at: number, draw: () => number, factor: number): Moment {
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
    const all: readonly Event[] = [
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
    const { own, named } = this.#manner.moments(victim);
    const events = [...own, ...all.filter(([name]) => named?.includes(name) ?? true)];
    const [event, look] = events[at] ?? [];
    if (event !== undefined && look !== undefined) return { event, happened: look };
    const spots = this.#manner.perVictim - events.length;
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
    const compared = await compareAtRest(stack, snapshot);
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
  #storeFaults(values: Values, before: StoredVersions, after: StoredVersions): readonly string[] {
    const faults = [keys.api, keys.secret]
      .filter((key) => after.current.values[key] !== values.get(key))
      .map((key) => `AWSCURRENT has another ${key}`);
    if (this.#manner.oneWrite && after.previous?.id !== before.current.id) {
      faults.push('AWSPREVIOUS is not what was there before');
    }
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
