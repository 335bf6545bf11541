/**
 * Two to four rotations and `up`s of dev at once: they go one after the other, each rotation is recorded
 * once, and what the last one brought is everywhere, whole. Linux.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../components/catalog.ts';
import { type Entry, readLedger } from '../../operations/rotation/ledger.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, type Result } from '../e2e/checkout.ts';
import { FileWatch, pathOf } from '../e2e/file-watch.ts';
import { Issuers } from '../e2e/issuers.ts';
import { orphansOf } from '../e2e/machine.ts';
import { type Snapshot, snapshotFaults } from '../e2e/snapshot-rules.ts';
import { random } from '../random.ts';
import { locksOf, updatesAtOnce, updatesOf } from './backend-history.ts';
import { givenText } from './given-values.ts';
import { lastLines, type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const keys = ['binance_api_key', 'binance_secret_key'] as const;
const count = 20;
/** What the runs may begin apart, in milliseconds: about what a rotation needs until its own `up`. */
const apart = 3000;
const ledgerFile = 'ledger/dev.jsonl';
const journalFile = '.local/rotations/dev.json';

type Pair = ReadonlyMap<SecretKey, string>;

const ups = {
  'npm start': ['start'],
  'pulumi up': ['run', '--silent', 'pulumi', '--', 'up', '--yes', '--skip-preview'],
} as const;

class RotationsAtOnce {
  readonly checkout = new Checkout();
  readonly #issuers = new Issuers();
  #env: NodeJS.ProcessEnv = {};
  #current = newPair();
  readonly #set = new Map<string, string>();

  async start(): Promise<void> {
    this.#env = await this.#issuers.start();
    await this.checkout.import(this.#current);
    const { code } = await this.checkout.npmStart();
    if (code !== 0) throw new Error(`the first run ended with ${code}`);
  }

  end(): void {
    this.#issuers.stop();
    this.checkout.remove();
  }

  async round(round: number, seed: number): Promise<Parameters<Rounds['add']>[0]> {
    const draw = random(seed * 1000 + round);
    const many = 2 + (round % 3);
    // At least one of each.
    const rotates = Array.from({ length: many }, (_, at) => at === 0 || (at > 1 && draw() < 0.5));
    const pairs = rotates.map((each) => (each ? newPair() : undefined));
    for (const pair of pairs) {
      for (const [key, value] of pair ?? []) this.#set.set(`${key} ${this.#set.size}`, value);
    }
    const taken = [this.#current, ...pairs.filter((pair) => pair !== undefined)];
    const watch = new FileWatch(
      this.checkout,
      new Map(keys.map((key) => [key, taken.map((pair) => pair.get(key))])),
    );
    const before = { updates: updatesOf(this.checkout).length, lines: this.#ledger().length };
    const runs: Promise<Result>[] = [];
    const names: string[] = [];
    const order = pairs.toSorted(() => draw() - 0.5);
    for (const pair of order) {
      const up = draw() < 0.5 ? 'npm start' : 'pulumi up';
      const rotate = ['run', '--silent', 'rotate', '--', 'trading.binance'];
      const child = this.checkout.start('npm', pair ? rotate : ups[up], this.#env);
      names.push(pair ? 'npm run rotate' : up);
      runs.push(this.checkout.finish(child, pair && givenText(pair)));
      // Half of the rounds: at the very same time.
      if (round % 2 === 1) await sleep(draw() * apart);
    }
    const results = await Promise.all(runs);
    const faults: string[] = [];
    for (const [at, { code, stdout, stderr }] of results.entries()) {
      if (code !== 0)
        faults.push(`${names[at]} ended with ${code}: ${lastLines(stdout + stderr, 4)}`);
    }
    const said = results.map(({ stdout, stderr }) => stdout + stderr).join('\n');
    faults.push(...leaks(said, this.#set).map((name) => `printed: ${name}`));
    faults.push(...(await this.#faults(taken)));
    await watch.stop();
    faults.push(...new Set(watch.wrong.map((name) => `neither old nor new, whole: ${name}`)));
    if (watch.reads < 20) faults.push(`only ${watch.reads} looks at the files`);
    const lines = this.#ledger().length - before.lines;
    const rotations = pairs.filter((pair) => pair !== undefined).length;
    if (lines !== rotations) faults.push(`${lines} new lines in the ledger, and not ${rotations}`);
    const updates = updatesOf(this.checkout).slice(before.updates);
    faults.push(...updatesAtOnce(updates));
    const waited = results.filter(({ stderr }) => /waiting for the run/u.test(stderr)).length;
    return {
      round,
      what: `${rotations} rotations and ${many - rotations} ups`,
      faults,
      figures: {
        runs: many,
        rotations,
        well: results.filter(({ code }) => code === 0).length,
        waited,
        updates: updates.length,
      },
    };
  }

  #ledger(): readonly Entry[] {
    if (!existsSync(this.checkout.path(ledgerFile))) return [];
    const read = readLedger(this.checkout.read(ledgerFile));
    if (!('entries' in read)) throw new Error(`the ledger's line ${read.line}: ${read.got}`);
    return read.entries;
  }

  /** @param pairs one of which has to be everywhere, whole */
  async #faults(pairs: readonly Pair[]): Promise<readonly string[]> {
    const faults: string[] = [];
    const after = await this.checkout.npmStart();
    if (after.code !== 0) faults.push(`the next run ended with ${after.code}`);
    if (!/^Changed: no value$/mu.test(after.stdout)) {
      faults.push('the next run still had something to change');
    }
    const last = pairs.find((pair) =>
      keys.every((key) => this.checkout.read(pathOf(key)) === pair.get(key)),
    );
    if (last === undefined) faults.push('the files are of no pair that was set');
    else if (last === pairs[0]) faults.push('the files are those of before');
    const config = await this.checkout.pulumi(['config', '--show-secrets', '--json']);
    this.checkout.forget(config.stdout);
    for (const [key, value] of last ?? []) {
      if (!config.stdout.includes(value)) faults.push(`the stack's config has another ${key}`);
    }
    this.#current = last ?? this.#current;
    if (JSON.parse(this.checkout.read(journalFile)).current !== undefined) {
      faults.push('a rotation is not over');
    }
    const { stdout } = await this.checkout.pulumi(['stack', 'export', '--stack', 'dev']);
    faults.push(...snapshotFaults(JSON.parse(stdout) as Snapshot));
    const left = [...locksOf(this.checkout), ...orphansOf(this.checkout.directory)];
    return [...faults, ...left.map((each) => `left: ${each}`)];
  }
}

function newPair(): Pair {
  return new Map(keys.map((key) => [key, makeCanary(key)]));
}

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    const dev = new RotationsAtOnce();
    try {
      await dev.start();
      for (const round of rounds.next()) rounds.add(await dev.round(round, seed));
    } finally {
      dev.end();
    }
  },

  summary(rounds, seed) {
    const all = (name: string): number =>
      rounds.reduce((sum, { figures }) => sum + (figures[name] ?? 0), 0);
    return {
      title: 'rotations and ups at once',
      done:
        'Each round starts 2, 3 or 4 runs on dev: rotations of both halves of an exchange’s key, each to a pair of its own, and ' +
        '`npm start` or `npm run pulumi -- up`, at least one of each, in every second round at the very same time, else up to ' +
        `${apart / 1000} s apart (seed ${seed}). Then: every run has ended with 0; the ledger’s chain is whole and has one line more for each rotation; ` +
        'one pair of those that were given is in both targets and in the config, whole; the updates of the backend’s history do not overlap; ' +
        'the files held one of the values given, or the old one, all the while; the exported state is whole; no journal is open, no lock and no process is left; ' +
        'nothing printed has a value; one more run has nothing to change.',
      figures: [
        { what: 'runs', seen: String(all('runs')) },
        { what: 'of them rotations', seen: String(all('rotations')) },
        {
          what: 'runs that ended with 0',
          seen: String(all('well')),
          holds: all('well') === all('runs'),
        },
        {
          what: 'runs that waited for another',
          seen: String(all('waited')),
          holds: all('waited') > 0,
        },
        {
          what: 'updates in a round',
          seen: spread(rounds.map(({ figures }) => figures.updates ?? 0)),
        },
      ],
    };
  },
};
