/**
 * Two to four `up`s of dev at once, by `npm start` and by `npm run pulumi -- up`, and in some rounds
 * a kill of whoever holds the lock: they go one after the other, and what a dead one held is taken
 * over without a manual step. Linux.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../components/catalog.ts';
import { makeCanary } from '../canary.ts';
import { Checkout, type Result } from '../e2e/checkout.ts';
import { FileWatch, pathOf } from '../e2e/file-watch.ts';
import { orphansOf } from '../e2e/machine.ts';
import { descendants } from '../e2e/process-tree.ts';
import { type Snapshot, snapshotFaults } from '../e2e/snapshot-rules.ts';
import { endOf, type Victim, victims } from '../e2e/victims.ts';
import { random } from '../random.ts';
import { locksOf, updatesAtOnce, updatesOf } from './backend-history.ts';
import { lastLines, type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const keys: readonly SecretKey[] = ['binance_api_key', 'binance_secret_key', 'postgres_user'];
const count = 20;
/** Every third round has a kill. */
const killEvery = 3;
/** What the runs may begin apart, in milliseconds: about what a Pulumi needs until it locks. */
const apart = 1500;

const commands = {
  'npm start': ['start'],
  'pulumi up': ['run', '--silent', 'pulumi', '--', 'up', '--yes', '--skip-preview'],
} as const;

interface Run {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
}

class AtOnce {
  readonly checkout = new Checkout();
  #current = newValues();

  async start(): Promise<void> {
    await this.checkout.import(this.#current);
    const { code } = await this.checkout.npmStart();
    if (code !== 0) throw new Error(`the first run ended with ${code}`);
  }

  async round(round: number, seed: number): Promise<Parameters<Rounds['add']>[0]> {
    const draw = random(seed * 1000 + round);
    const next = newValues();
    await this.checkout.import(next);
    const watch = new FileWatch(
      this.checkout,
      new Map(keys.map((key) => [key, [this.#current.get(key), next.get(key)]])),
    );
    const before = updatesOf(this.checkout).length;
    const many = 2 + (round % 3);
    const runs: Run[] = [];
    for (let at = 0; at < many; at += 1) {
      const name = draw() < 0.5 ? 'npm start' : 'pulumi up';
      const child = this.checkout.start('npm', commands[name]);
      runs.push({ name, child, ended: this.checkout.finish(child) });
      // Half of the rounds: at the very same time.
      if (round % 2 === 1) await sleep(draw() * apart);
    }
    const victim: Victim | undefined =
      round % killEvery !== 2 ? undefined : round % 2 === 0 ? 'engine' : 'command';
    const dead = victim === undefined ? undefined : await this.#kill(runs, victim, draw());
    const results = await Promise.all(runs.map(async ({ ended }) => await ended));
    const faults: string[] = [];
    for (const [at, { code, stdout, stderr }] of results.entries()) {
      if (code === 0 || at === dead?.at) continue;
      faults.push(`${runs[at]?.name} ended with ${code}: ${lastLines(stdout + stderr, 4)}`);
    }
    if (victim !== undefined && dead === undefined)
      faults.push('nobody held the lock to be killed');
    const said = results.map(({ stderr }) => stderr).join('\n');
    const broken = [...said.matchAll(/process (\d+) is gone; its lock is broken/gu)].map(
      ([, pid]) => Number(pid),
    );
    const living = broken.filter((pid) => pid !== dead?.pid);
    for (const pid of living) faults.push(`the lock of process ${pid}, which lives, was broken`);
    await this.#settled();
    const after = await this.checkout.npmStart();
    if (after.code !== 0) faults.push(`the next run ended with ${after.code}`);
    if (!/^Changed: no value$/mu.test(after.stdout) && dead === undefined) {
      faults.push('the next run still had something to change');
    }
    for (const [key, value] of next) {
      if (this.checkout.read(pathOf(key)) !== value) faults.push(`${key} is not the one set`);
    }
    await watch.stop();
    faults.push(...new Set(watch.wrong.map((name) => `neither old nor new: ${name}`)));
    const { stdout } = await this.checkout.pulumi(['stack', 'export', '--stack', 'dev']);
    faults.push(...snapshotFaults(JSON.parse(stdout) as Snapshot));
    const updates = updatesOf(this.checkout);
    faults.push(...updatesAtOnce(updates.slice(before)));
    const left = [...locksOf(this.checkout), ...orphansOf(this.checkout.directory)];
    faults.push(...left.map((each) => `left: ${each}`));
    this.#current = next;
    const waited = results.filter(({ stderr }) => /waiting for the run/u.test(stderr)).length;
    return {
      round,
      what: `${many} runs${victim === undefined ? '' : `, the ${victim} that holds the lock killed`}`,
      faults,
      figures: {
        runs: many,
        well: results.filter(({ code }) => code === 0).length,
        waited,
        killed: dead === undefined ? 0 : 1,
        taken: broken.length - living.length,
        stolen: living.length,
        updates: updates.length - before,
      },
    };
  }

  /** Kills who holds the lock, or the command that has started that engine. */
  async #kill(
    runs: readonly Run[],
    victim: Victim,
    share: number,
  ): Promise<{ readonly pid: number; readonly at: number } | undefined> {
    while (!runs.every(({ child }) => endOf(child)())) {
      const holder = this.#holder();
      const at = runs.findIndex(({ child }) =>
        descendants(child.pid ?? 0).some(({ pid }) => pid === holder),
      );
      if (holder === undefined || at < 0) {
        await sleep(2);
        continue;
      }
      await sleep(share * 1000);
      const all = descendants(runs[at]?.child.pid ?? 0);
      const command = all.find((each) => victims[victim].test(each.command));
      const pid = victim === 'engine' ? holder : command?.pid;
      // It has ended meanwhile: the next one, then.
      if (pid === undefined || !all.some((each) => each.pid === pid)) continue;
      process.kill(pid, 'SIGKILL');
      // The engine of a killed command lives, and with it its lock.
      return { pid: victim === 'engine' ? holder : -1, at };
    }
    return undefined;
  }

  #holder(): number | undefined {
    for (const path of locksOf(this.checkout)) {
      try {
        return Number(JSON.parse(this.checkout.read(path)).pid);
      } catch {
        // Released meanwhile.
      }
    }
    return undefined;
  }

  /** The engine of a killed command is still at work; its end is waited for by the next run. */
  async #settled(): Promise<void> {
    for (let tries = 0; tries < 60 && orphansOf(this.checkout.directory).length > 0; tries += 1) {
      await sleep(250);
    }
  }
}

function newValues(): ReadonlyMap<SecretKey, string> {
  return new Map(keys.map((key) => [key, makeCanary(key)]));
}

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    const dev = new AtOnce();
    try {
      await dev.start();
      for (const round of rounds.next()) rounds.add(await dev.round(round, seed));
    } finally {
      dev.checkout.remove();
    }
  },

  summary(rounds, seed) {
    const all = (name: string): number =>
      rounds.reduce((sum, { figures }) => sum + (figures[name] ?? 0), 0);
    const kills = rounds.filter(({ what }) => /killed/u.test(what)).length;
    return {
      title: 'several ups at once',
      done:
        `Each round sets ${keys.length} new values of dev and starts 2, 3 or 4 runs, \`npm start\` and ` +
        '`npm run pulumi -- up` by turns of chance, in every second round at the very same time, else up to ' +
        `${apart / 1000} s apart (seed ${seed}). In every third round the engine that holds the lock is killed ` +
        '(kill -9), or the command that has started it, up to 1 s after it has the lock. Then: every run but the killed one has ended with 0; no lock ' +
        "was broken but that of the killed process; the updates of the backend's history do not overlap; " +
        'the files hold the values set, and held the old or the new ones all the while; the exported state is ' +
        'whole; no lock and no process is left, but a language host that ends by its own check within five minutes; one more run has nothing to change. A run that finds another at ' +
        'work waits for it, ten minutes at most.',
      figures: [
        { what: 'runs', seen: String(all('runs')) },
        {
          what: 'runs that ended with 0',
          seen: String(all('well')),
          holds: all('well') >= all('runs') - all('killed'),
        },
        {
          what: 'runs that waited for another',
          seen: String(all('waited')),
          holds: all('waited') > 0,
        },
        { what: 'kills', seen: String(all('killed')), holds: all('killed') === kills },
        {
          what: 'dead locks that were broken',
          seen: String(all('taken')),
          holds: all('taken') > 0,
        },
        {
          what: 'living locks that were broken',
          seen: String(all('stolen')),
          holds: all('stolen') === 0,
        },
        {
          what: 'updates in a round',
          seen: spread(rounds.map(({ figures }) => figures.updates ?? 0)),
        },
      ],
    };
  },
};
