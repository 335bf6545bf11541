/**
 * kill -9 in the middle of a change of dev: of the command, of the engine and of a plugin, at 30
 * moments each, and one next run after each, which has to put everything right. Linux.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../components/catalog.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, listFiles } from '../e2e/checkout.ts';
import { FileWatch, pathOf } from '../e2e/file-watch.ts';
import { orphansOf } from '../e2e/machine.ts';
import { type Snapshot, snapshotFaults } from '../e2e/snapshot-rules.ts';
import { killDuring, lifetimesOf, type Moment, type Victim, victimNames } from '../e2e/victims.ts';
import { random } from '../random.ts';
import { changeOf, killFigures, listOf } from './kills.ts';
import { type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const keys: readonly SecretKey[] = [
  'binance_api_key',
  'binance_secret_key',
  'kucoin_passphrase',
  'postgres_user',
];
const perVictim = 30;
/** Each try that came too late is followed by one at this share of its time. */
const sooner = 0.7;
/** Seconds in which what a killed run left has to end. */
const endSeconds = 15;
const folder = '.local/state/.pulumi';
const stateFile = join(folder, 'stacks/hummingbot-secrets/dev.json');

type Values = ReadonlyMap<SecretKey, string>;

class KilledDev {
  readonly checkout = new Checkout();
  #current: Values = newValues();
  #lifetimes: ReadonlyMap<Victim, number> = new Map();
  #files: ReadonlySet<string> = new Set();

  async start(): Promise<void> {
    await this.checkout.import(this.#current);
    const first = await this.checkout.npmStart();
    if (first.code !== 0) throw new Error(`the first run ended with ${first.code}`);
    this.#current = newValues();
    await this.checkout.import(this.#current);
    const child = this.checkout.start('npm', ['start']);
    const [lifetimes, { code }] = await Promise.all([
      lifetimesOf(child),
      this.checkout.finish(child),
    ]);
    if (code !== 0) throw new Error(`the run that is measured ended with ${code}`);
    this.#lifetimes = lifetimes;
    this.#files = new Set(this.#kept());
  }

  /** Files of the stack and of Pulumi; of its history only what is named as history is. */
  #kept(): readonly string[] {
    const history =
      /state\/\.pulumi\/(?:history|backups)\/.+\.(?:history|checkpoint|json)(?:\.bak)?(?:\.attrs)?$/u;
    return ['out', '.local', '../tmp']
      .flatMap((name) => listFiles(this.checkout.path(name)).map((path) => join(name, path)))
      .filter((path) => !history.test(path) && !/node-compile-cache/u.test(path));
  }

  async round(round: number, seed: number): Promise<Parameters<Rounds['add']>[0]> {
    const victim = victimNames[Math.floor(round / perVictim)] ?? 'engine';
    const at = round % perVictim;
    for (let tries = 0; ; tries += 1) {
      const next = newValues();
      await this.checkout.import(next);
      const watch = new FileWatch(
        this.checkout,
        new Map(keys.map((key) => [key, [this.#current.get(key), next.get(key)]])),
      );
      const draw = random(seed * 1000 + round);
      const moment = this.#moments(at, draw, sooner ** tries);
      const child = this.checkout.start('npm', ['start']);
      const result = this.checkout.finish(child);
      const lifetime = this.#lifetimes.get(victim) ?? 1000;
      const killed = await killDuring(child, { victim, moment, lifetime, choice: draw() });
      // Its orphans are still at work: the next run has to live with that.
      const begun = Date.now();
      const again = await this.checkout.npmStart();
      const took = Date.now() - begun;
      await result;
      const faults =
        again.code === 0
          ? []
          : [`the next run ended with ${again.code}: ${lastLine(again.stderr)}`];
      faults.push(...(await this.#faults(next, again.code === 0)));
      await watch.stop();
      faults.push(
        ...new Set(watch.wrong.map((name) => `half-written or neither old nor new: ${name}`)),
      );
      if (watch.reads < 20) faults.push(`only ${watch.reads} looks at the files`);
      const all = new Map([...this.#current, ...next]);
      const shown = leaks([again.stdout, again.stderr].join('\n'), all);
      faults.push(...shown.map((name) => `printed: ${name}`));
      if (faults.length > 0 && again.code !== 0) await this.checkout.npmStart();
      this.#current = next;
      if (killed === undefined && faults.length === 0 && tries < 3) continue;
      if (killed === undefined) faults.push('the victim was gone each time');
      const when = 'share' in moment ? `${Math.round(moment.share * 100)} %` : moment.event;
      const what = `${killed?.what ?? victim} at ${when}`;
      const figures = { after: killed?.after ?? 0, next: took, looks: watch.reads };
      return { round, what, faults, figures };
    }
  }

  /** Five moments that something is written at, and the others spread evenly over a life. */
  #moments(at: number, draw: () => number, factor: number): Moment {
    const path = (name: string): string => this.checkout.path(name);
    const changed = (name: string): (() => boolean) => changeOf(path(name));
    const locks = join(folder, 'locks/organization/hummingbot-secrets/dev');
    const events: readonly (readonly [string, () => () => boolean])[] = [
      ['the lock being taken', () => () => filesIn(path(locks)).length > 0],
      ['a write of the state', () => changed(stateFile)],
      ['the first new file', () => changed(pathOf('binance_api_key'))],
      ['the last new file', () => changed(pathOf('postgres_user'))],
      ['the new env file', () => changed('out/dev/.env.secrets')],
    ];
    const [event, prepare] = events[at] ?? [];
    if (event !== undefined && prepare !== undefined) return { event, happened: prepare() };
    const spots = perVictim - events.length;
    return { share: ((at - events.length + draw()) / spots) * factor };
  }

  async #faults(values: Values, converged: boolean): Promise<string[]> {
    const faults: string[] = [];
    for (let tries = 0; tries < endSeconds * 4 && this.#orphans().length > 0; tries += 1) {
      await sleep(250);
    }
    faults.push(...this.#orphans().map((each) => `a process is left: ${each}`));
    if (!converged) return faults;
    for (const [key, value] of values) {
      if (this.checkout.read(pathOf(key)) !== value) faults.push(`${key} is not the one set`);
    }
    const kept = new Set(this.#kept());
    for (const path of kept) if (!this.#files.has(path)) faults.push(`a file is left: ${path}`);
    for (const path of this.#files) if (!kept.has(path)) faults.push(`a file is gone: ${path}`);
    const { stdout, code } = await this.checkout.pulumi(['stack', 'export', '--stack', 'dev']);
    if (code !== 0) faults.push(`stack export ended with ${code}`);
    else faults.push(...snapshotFaults(JSON.parse(stdout) as Snapshot));
    return faults;
  }

  #orphans(): readonly string[] {
    return orphansOf(this.checkout.directory);
  }
}

function newValues(): Values {
  return new Map(keys.map((key) => [key, makeCanary(key)]));
}

function lastLine(text: string): string {
  return text.trim().split('\n').slice(-3).join(' / ');
}

function filesIn(path: string): readonly string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

export const soak: Soak = {
  rounds: perVictim * victimNames.length,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    const dev = new KilledDev();
    try {
      await dev.start();
      for (const round of rounds.next()) rounds.add(await dev.round(round, seed));
    } finally {
      dev.checkout.remove();
    }
  },

  summary(rounds, seed) {
    const of = (name: string): string => spread(rounds.map(({ figures }) => figures[name] ?? 0));
    return {
      title: 'kill -9 in a change of dev',
      done:
        `Each round sets ${keys.length} new values of dev, starts \`npm start\`, kills one of its processes ` +
        `and starts \`npm start\` once more at once, beside whatever the killed one left at work (seed ${seed}). ` +
        'That one run has to end with 0; then: every file holds the value that was set, no other file, ' +
        'temporary or not, is there than after an undisturbed run, the exported state has nothing pending, ' +
        'nothing twice and nothing half replaced, and no process is left, but the language host of a killed engine, which ends by its own check within five minutes. All the while the files of the bot, ' +
        'the state and the stack file are read over and over: each content was whole, the old or the new one. ' +
        'Figures of three numbers are the least, the median and the most.',
      figures: [
        ...killFigures(rounds, perVictim),
        { what: 'killed after, ms of its life', seen: of('after') },
        { what: 'the next run, ms', seen: of('next') },
        { what: 'looks at the files in a round', seen: of('looks') },
        ...listOf(rounds.map(({ what }) => what)),
      ],
    };
  },
};
