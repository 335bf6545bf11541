/**
 * kill -9 in the middle of `npm run rotate` on dev: of the command, of the engine and of a plugin, and
 * `--resume` after each, which has to bring it to its end in two runs at most. Linux.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../components/catalog.ts';
import type { Journal } from '../../operations/rotation/journal.ts';
import { readLedger } from '../../operations/rotation/ledger.ts';
import type { Step } from '../../operations/rotation/rotation.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, type Result } from '../e2e/checkout.ts';
import { FileWatch, pathOf } from '../e2e/file-watch.ts';
import { Issuers } from '../e2e/issuers.ts';
import { orphansOf } from '../e2e/machine.ts';
import { type Snapshot, snapshotFaults } from '../e2e/snapshot-rules.ts';
import { killDuring, type Moment, type Victim, victimNames, victims } from '../e2e/victims.ts';
import { random } from '../random.ts';
import { givenText } from './given-values.ts';
import { changeOf, killFigures, listOf } from './kills.ts';
import { lastLines, type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const keys = ['binance_api_key', 'binance_secret_key'] as const;
const perVictim = 15;
/** Each try that came too late is followed by one at this share of its time. */
const sooner = 0.7;
/** Seconds in which what a killed run left has to end. */
const endSeconds = 15;
const journalFile = '.local/rotations/dev.json';
const ledgerFile = 'ledger/dev.jsonl';
const stackFile = '.local/stacks/Pulumi.dev.yaml';
const stateFile = '.local/state/.pulumi/stacks/hummingbot-secrets/dev.json';

/** The command that rotates stands in the place of the one that only rolls out. */
const commands = { ...victims, command: /^(?:\S*\/)?node .*operations\/rotate\.ts/ };
type Values = ReadonlyMap<SecretKey, string>;

export class KilledRotation {
  readonly checkout = new Checkout();
  readonly #issuers = new Issuers();
  #env: NodeJS.ProcessEnv = {};
  #current: Values = newValues();
  readonly #set = new Map<string, string>();
  #entries = 0;
  /** Of an undisturbed rotation, in milliseconds. */
  #lifetimes: ReadonlyMap<Victim, number> = new Map();

  async start(): Promise<void> {
    this.#env = await this.#issuers.start();
    await this.checkout.import(this.#current);
    const first = await this.checkout.npmStart();
    if (first.code !== 0) throw new Error(`the first run ended with ${first.code}`);
    const next = this.#newValues();
    const begun = Date.now();
    const measured = await this.#rotate(next, 'trading.binance');
    if (measured.code !== 0) throw new Error(`the first rotation ended with ${measured.code}`);
    const whole = Date.now() - begun;
    // The engine lives for about half of it, and its plugins for most of that.
    this.#lifetimes = new Map([
      ['command', whole * 0.9],
      ['engine', whole * 0.45],
      ['plugin', whole * 0.35],
    ]);
    this.#current = next;
    this.#entries = this.#ledger().entries;
  }

  end(): void {
    this.#issuers.stop();
    this.checkout.remove();
  }

  #newValues(): Values {
    const values = newValues();
    for (const [key, value] of values) this.#set.set(`${key} ${this.#set.size}`, value);
    return values;
  }

  async #rotate(values: Values | undefined, ...words: readonly string[]): Promise<Result> {
    const args = ['run', '--silent', 'rotate', '--', ...words];
    const input = values === undefined ? '' : givenText(values);
    return await this.checkout.run('npm', args, { env: this.#env, input });
  }

  async round(round: number, seed: number): Promise<Parameters<Rounds['add']>[0]> {
    const victim = victimNames[Math.floor(round / perVictim)] ?? 'engine';
    for (let tries = 0; ; tries += 1) {
      const draw = random(seed * 1000 + round);
      const next = this.#newValues();
      const both = keys.map((key) => [key, [this.#current.get(key), next.get(key)]] as const);
      const watch = new FileWatch(this.checkout, new Map(both));
      const moment = this.#moment(victim, round % perVictim, draw, sooner ** tries);
      const args = ['run', '--silent', 'rotate', '--', 'trading.binance'];
      const child = this.checkout.start('npm', args, this.#env);
      const result = this.checkout.finish(child, givenText(next));
      const lifetime = this.#lifetimes.get(victim) ?? 1000;
      const command = commands[victim];
      const killed = await killDuring(child, { victim, moment, lifetime, choice: draw(), command });
      // What a killed command has left is still at work: the resumption has to live with that.
      if (victim !== 'command') await result;
      const taken = this.#hasTaken();
      const begun = Date.now();
      let runs = 0;
      const said: string[] = [];
      while (runs < 2 && (runs === 0 || this.#hasTaken())) {
        runs += 1;
        const { stdout, stderr } = await this.#rotate(undefined, '--resume');
        said.push(stdout, stderr);
      }
      const took = Date.now() - begun;
      const { stdout, stderr } = await result;
      said.push(stdout, stderr);
      const faults = [...(await this.#faults(next, taken || killed === undefined))];
      await watch.stop();
      const wrong = watch.wrong.map((name) => `neither the old nor the new, whole: ${name}`);
      faults.push(...new Set(wrong));
      if (watch.reads < 20) faults.push(`only ${watch.reads} looks at the files`);
      const shown = leaks(said.join('\n'), this.#set);
      faults.push(...shown.map((name) => `printed: ${name}`));
      if (faults.length > 0) faults.push(`said: ${lastLines(said.join('\n'), 6)}`);
      if (killed === undefined && faults.length === 0 && tries < 3) continue;
      if (killed === undefined) faults.push('the victim was gone each time');
      const when = 'share' in moment ? `${Math.round(moment.share * 100)} %` : moment.event;
      const what = `${killed?.what ?? victim} at ${when}`;
      const figures = { after: killed?.after ?? 0, resumed: took, runs, taken: taken ? 1 : 0 };
      return { round, what, faults, figures };
    }
  }

  /** Every step's begin and every write for the command, then shares of a life. */
  #moment(victim: Victim, at: number, draw: () => number, factor: number): Moment {
    const path = (name: string): string => this.checkout.path(name);
    const changed = (name: string): (() => boolean) => changeOf(path(name));
    const due = (step: Step) => (): boolean => this.#journal()?.current?.due === step;
    const ofCommand: readonly (readonly [string, () => boolean])[] = [
      ['the value being due', due('value')],
      ['the check being due', due('check')],
      ['the roll out being due', due('roll out')],
      ['the new values in the stack file', changed(stackFile)],
      ['the first new file', changed(pathOf(keys[0]))],
      ['the last new file', changed(pathOf(keys[1]))],
      ['the new env file', changed('out/dev/.env.secrets')],
      ['the revocation being due', due('revoke')],
      ['the record being due', due('record')],
      ['the new line of the ledger', changed(ledgerFile)],
    ];
    const ofOthers: readonly (readonly [string, () => boolean])[] = [
      ['a write of the state', changed(stateFile)],
      ['the first new file', changed(pathOf(keys[0]))],
      ['the new env file', changed('out/dev/.env.secrets')],
    ];
    const events = victim === 'command' ? ofCommand : ofOthers;
    const [event, happened] = events[at] ?? [];
    if (event !== undefined && happened !== undefined) return { event, happened };
    const spots = perVictim - events.length;
    return { share: ((at - events.length + draw()) / spots) * factor };
  }

  #journal(): Journal | undefined {
    try {
      return JSON.parse(this.checkout.read(journalFile)) as Journal;
    } catch {
      // Not there yet. It is renamed into its place: a half one cannot be read.
      return undefined;
    }
  }

  /** Whether the new values are in the journal: from then on nobody has to give them again. */
  #hasTaken(): boolean {
    return (this.#journal()?.current?.keys ?? []).some((each) => each.new !== undefined);
  }

  #ledger(): { readonly entries: number; readonly faults: readonly string[] } {
    if (!existsSync(this.checkout.path(ledgerFile))) return { entries: 0, faults: [] };
    const read = readLedger(this.checkout.read(ledgerFile));
    return 'entries' in read
      ? { entries: read.entries.length, faults: [] }
      : { entries: 0, faults: [`the ledger's line ${read.line}: ${read.got}`] };
  }

  /** @param taken whether the new values were taken, so that they have to be everywhere now */
  async #faults(next: Values, taken: boolean): Promise<readonly string[]> {
    const faults: string[] = [];
    for (let tries = 0; tries < endSeconds * 4 && this.#orphans().length > 0; tries += 1) {
      await sleep(250);
    }
    faults.push(...this.#orphans().map((each) => `a process is left: ${each}`));
    if (this.#journal()?.current !== undefined) faults.push('it is not over behind two --resume');
    // A kill may come between the journal and our look at it: what counts is where it ended.
    const arrived = keys.every((key) => this.checkout.read(pathOf(key)) === next.get(key));
    const values = taken || arrived ? next : this.#current;
    const env = this.checkout.read('out/dev/.env.secrets');
    const config = await this.checkout.pulumi(['config', '--show-secrets', '--json']);
    this.checkout.forget(config.stdout);
    for (const [key, value] of values) {
      if (this.checkout.read(pathOf(key)) !== value) faults.push(`the file of ${key} is another`);
      if (!env.includes(`'${value}'`)) faults.push(`the env file has another ${key}`);
      if (!config.stdout.includes(value)) faults.push(`the stack's config has another ${key}`);
    }
    this.#current = values;
    const ledger = this.#ledger();
    faults.push(...ledger.faults);
    const grown = ledger.entries - this.#entries;
    const expected = values === next ? 1 : 0;
    if (grown !== expected) faults.push(`${grown} new lines in the ledger, and not ${expected}`);
    this.#entries = ledger.entries;
    const half = this.checkout
      .gitStatus()
      .split('\n')
      .filter((line) => /\.tmp/u.test(line));
    faults.push(...half.map((line) => `half-written: ${line}`));
    const exported = await this.checkout.pulumi(['stack', 'export', '--stack', 'dev']);
    if (exported.code !== 0) faults.push(`stack export ended with ${exported.code}`);
    else faults.push(...snapshotFaults(JSON.parse(exported.stdout) as Snapshot));
    return faults;
  }

  #orphans(): readonly string[] {
    return orphansOf(this.checkout.directory);
  }
}

function newValues(): Values {
  return new Map(keys.map((key) => [key, makeCanary(key)]));
}

export const soak: Soak = {
  rounds: perVictim * victimNames.length,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    const dev = new KilledRotation();
    try {
      await dev.start();
      for (const round of rounds.next()) rounds.add(await dev.round(round, seed));
    } finally {
      dev.end();
    }
  },

  summary(rounds, seed) {
    const of = (name: string): readonly number[] => rounds.map(({ figures }) => figures[name] ?? 0);
    return {
      title: 'kill -9 in a rotation of dev',
      done:
        'Each round gives both halves of an exchange’s key to `npm run rotate -- trading.binance`, kills one of ' +
        'its processes, and says `npm run rotate -- --resume` at once, beside whatever the killed one left at work, ' +
        `twice at most (seed ${seed}). Then: the rotation is over; where the new values had been taken they are in both ` +
        'targets and in the config, else the old ones; the ledger’s chain is whole and has one line more, or none; ' +
        'the state has nothing pending, twice or half replaced; no process is left, but a language host that ends by its own check within five minutes. All the while the ' +
        'files of the bot, the state and the stack file were read over and over: each was whole, with the old or the new values. ' +
        'Figures of three numbers are the least, the median and the most.',
      figures: [
        ...killFigures(rounds, perVictim),
        {
          what: 'kills behind the taking of the values',
          seen: String(of('taken').reduce((sum, each) => sum + each, 0)),
        },
        { what: 'runs of --resume', seen: spread(of('runs')), holds: Math.max(...of('runs')) <= 2 },
        { what: 'killed after, ms of its life', seen: spread(of('after')) },
        { what: 'until it was over, ms', seen: spread(of('resumed')) },
        ...listOf(rounds.map(({ what }) => what)),
      ],
    };
  },
};
