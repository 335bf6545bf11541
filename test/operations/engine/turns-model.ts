/**
 * Runs that take turns on one stack: real processes and real files, beside a model that says whose turn
 * it is. What a command does to the one it does to the other, and both are compared after it.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOf } from '../../../operations/engine/process.ts';
import { Step } from '../../step.ts';

const module = join(import.meta.dirname, '../../../operations/engine/turn.ts');
/** Takes its turn and says so; then it notes an engine, or ends, as it is told. */
const program = `
  const [module, directory] = process.argv.slice(1);
  const { noteEngine, Turn } = await import(module);
  process.stdin.setEncoding('utf8').on('data', (word) => {
    if (word === 'end') process.exit(0);
    noteEngine(Number(word));
    console.log('noted');
  });
  await Turn.take('dev', directory);
  console.log('held');
`;
const sleeper = 'setTimeout(() => {}, 600_000)';
/** Two looks of those who wait (turn.ts), and more. */
const settleMilliseconds = 450;
const patienceMilliseconds = 20_000;

/** One process that is or was a run. */
export interface Run {
  readonly name: string;
  readonly child: ChildProcess;
  holds: boolean;
  over: boolean;
}

/** Who is before whom, as it has to be. */
export class TurnsModel {
  /** Those that have a number, first come first. */
  readonly queue: string[] = [];
  readonly stopped = new Set<string>();
  /** An engine that outlives its killed command has its turn. */
  engine = false;
  /** One that lives and has no number yet. */
  choosing = false;
  /** Whose turn it was when one began to choose: it keeps it. */
  holder: string | undefined;

  /** Gives the turn on, if it can be. */
  settle(): void {
    if (this.holder !== undefined || this.engine || this.choosing) return;
    const [first] = this.queue;
    if (first !== undefined && !this.stopped.has(first)) this.holder = first;
  }

  leaves(name: string): void {
    this.queue.splice(this.queue.indexOf(name), 1);
    this.stopped.delete(name);
    if (this.holder === name) this.holder = undefined;
  }
}

/** The processes and the folder of their tickets. */
export class RealTurns {
  readonly #base = mkdtempSync(join(tmpdir(), 'turns-model-'));
  readonly directory = join(this.#base, 'turns');
  readonly runs = new Map<string, Run>();
  /** A line for each time that two had the turn. */
  readonly faults: string[] = [];
  /** Names of the steps that were done. */
  readonly done: string[] = [];
  readonly #others: ChildProcess[] = [];
  engine: ChildProcess | undefined;
  chooser: ChildProcess | undefined;
  #serial = 0;

  constructor() {
    mkdirSync(this.directory);
  }

  tickets(): readonly string[] {
    return readdirSync(this.directory).sort();
  }

  async begin(): Promise<Run> {
    const args = ['--input-type=module', '-e', program, module, this.directory];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => {});
    this.#serial += 1;
    const run: Run = { name: `run ${this.#serial}`, child, holds: false, over: false };
    this.runs.set(run.name, run);
    child.stdout.on('data', (words: Buffer) => {
      if (words.includes('held')) this.#takes(run);
    });
    const own = new RegExp(`^[1-9]\\d*-${child.pid}-`, 'u');
    await until(() => this.tickets().some((name) => own.test(name)), `${run.name} has no number`);
    return run;
  }

  #takes(run: Run): void {
    const others = [...this.runs.values()].filter((each) => each.holds && !each.over);
    for (const { name } of others) this.faults.push(`${run.name} beside ${name}`);
    if (this.engine !== undefined) this.faults.push(`${run.name} beside an engine`);
    run.holds = true;
  }

  run(name: string): Run {
    const found = this.runs.get(name);
    assert.ok(found !== undefined, name);
    return found;
  }

  async kill(name: string): Promise<void> {
    const run = this.run(name);
    run.over = true;
    await killed(run.child);
  }

  async end(name: string): Promise<void> {
    const run = this.run(name);
    run.over = true;
    const ended = once(run.child, 'exit');
    run.child.stdin?.write('end');
    await ended;
  }

  /** An engine at work for a run, by the name that its program has. */
  async noteEngine(name: string): Promise<void> {
    const { child } = this.run(name);
    const engine = spawn(process.execPath, ['-e', sleeper], { argv0: '/x/pulumi' });
    this.#others.push(engine);
    await once(engine, 'spawn');
    const noted = once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    child.stdin?.write(String(engine.pid));
    await noted;
    this.engine = engine;
  }

  async endEngine(): Promise<void> {
    const engine = this.engine;
    this.engine = undefined;
    if (engine !== undefined) await killed(engine);
  }

  /** A process that has said that it chooses, and takes its time. */
  async choose(): Promise<void> {
    const chooser = spawn(process.execPath, ['-e', sleeper]);
    this.#others.push(chooser);
    await once(chooser, 'spawn');
    this.chooser = chooser;
    this.#ticket(0, chooser.pid, startOf(chooser.pid ?? 0));
  }

  async endChooser(): Promise<void> {
    if (this.chooser !== undefined) await killed(this.chooser);
    this.chooser = undefined;
  }

  /** What one leaves that is killed while it chooses, or while it waits. */
  async dead(number: number): Promise<void> {
    const child = spawn(process.execPath, ['-e', sleeper]);
    await once(child, 'spawn');
    const started = startOf(child.pid ?? 0);
    await killed(child);
    this.#ticket(number, child.pid, started);
  }

  /** Of a dead one, whose pid a living process has that began at another time. */
  reused(number: number): void {
    this.#ticket(number, process.ppid, '1');
  }

  #ticket(number: number, pid: number | undefined, started: string | undefined): void {
    writeFileSync(join(this.directory, `${number}-${pid}-${started}`), '', { mode: 0o600 });
  }

  /** @throws AssertionError unless whose turn it is, is whose it has to be */
  async compare(model: TurnsModel): Promise<void> {
    const { holder } = model;
    if (holder !== undefined) {
      await until(() => this.run(holder).holds, `${holder} does not get its turn`);
    } else await sleep(settleMilliseconds);
    const holding = [...this.runs.values()].filter((each) => each.holds && !each.over);
    assert.deepEqual(
      holding.map(({ name }) => name),
      holder === undefined ? [] : [holder],
      'whose turn it is',
    );
    assert.deepEqual(this.faults, []);
  }

  async remove(): Promise<void> {
    const all = [...[...this.runs.values()].map(({ child }) => child), ...this.#others];
    await Promise.all(all.map(killed));
    rmSync(this.#base, { recursive: true, force: true });
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function until(holds: () => boolean, otherwise: string): Promise<void> {
  for (const deadline = Date.now() + patienceMilliseconds; !holds(); await sleep(5)) {
    assert.ok(Date.now() < deadline, otherwise);
  }
}

/** After each both are compared. */
function stepOf(
  name: string,
  may: (model: TurnsModel) => boolean,
  act: (model: TurnsModel, real: RealTurns) => Promise<void>,
): TurnStep {
  return new Step(name, may, async (model, real) => {
    real.done.push(name);
    await act(model, real);
    model.settle();
    await real.compare(model);
  });
}

type TurnStep = Step<TurnsModel, RealTurns>;

const always = (): boolean => true;
const most = 6;

/** Every kind of step; `at` from 0 up to 1 says which of several. */
export const steps: Readonly<Record<string, (at: number) => TurnStep>> = {
  begins: () =>
    stepOf(
      'one begins',
      ({ queue }) => queue.length < most,
      async ({ queue }, real) => {
        queue.push((await real.begin()).name);
      },
    ),
  together: () =>
    stepOf(
      'three begin at once',
      ({ queue }) => queue.length + 3 <= most,
      async ({ queue }, real) => {
        const before = queue.length;
        const runs = await Promise.all(Array.from({ length: 3 }, () => real.begin()));
        // In the order of their numbers, and behind all that were there.
        const numberOf = ({ child }: Run): readonly [number, number] => {
          const own = real.tickets().find((name) => name.split('-')[1] === String(child.pid)) ?? '';
          return [Number(own.split('-')[0]), child.pid ?? 0];
        };
        const numbers = new Map(runs.map((run) => [run, numberOf(run)] as const));
        const ordered = runs.toSorted((a, b) => {
          const [[one, pid], [other, otherPid]] = [
            numbers.get(a) ?? [0, 0],
            numbers.get(b) ?? [0, 0],
          ];
          return one - other || pid - otherPid;
        });
        const earlier = queue.slice(0, before).map((name) => numberOf(real.run(name))[0]);
        const first = Math.min(...[...numbers.values()].map(([number]) => number));
        assert.ok(
          earlier.every((number) => number < first),
          'one that came later is before one that waited',
        );
        queue.push(...ordered.map(({ name }) => name));
      },
    ),
  ends: () =>
    stepOf(
      'whose turn it is ends',
      (model) => model.holder !== undefined && !model.stopped.has(model.holder),
      async (model, real) => {
        const name = model.holder ?? '';
        await real.end(name);
        model.leaves(name);
      },
    ),
  killed: (at) =>
    stepOf(
      `number ${at.toFixed(2)} of them is killed`,
      ({ queue }) => queue.length > 0,
      async (model, real) => {
        const name = model.queue[Math.floor(at * model.queue.length)] ?? '';
        await real.kill(name);
        model.leaves(name);
      },
    ),
  outlived: () =>
    stepOf(
      'whose turn it is is killed, and its engine is at work',
      (model) => model.holder !== undefined && !model.stopped.has(model.holder) && !model.engine,
      async (model, real) => {
        const name = model.holder ?? '';
        await real.noteEngine(name);
        await real.kill(name);
        model.leaves(name);
        model.engine = true;
      },
    ),
  engineEnds: () =>
    stepOf(
      'the engine ends',
      ({ engine }) => engine,
      async (model, real) => {
        await real.endEngine();
        model.engine = false;
      },
    ),
  stops: (at) =>
    stepOf(
      `number ${at.toFixed(2)} of them is held still`,
      ({ queue, stopped }) => queue.length > stopped.size,
      async (model, real) => {
        const moving = model.queue.filter((name) => !model.stopped.has(name));
        const name = moving[Math.floor(at * moving.length)] ?? '';
        real.run(name).child.kill('SIGSTOP');
        model.stopped.add(name);
        await sleep(settleMilliseconds);
      },
    ),
  goesOn: (at) =>
    stepOf(
      `number ${at.toFixed(2)} of those held still goes on`,
      ({ stopped }) => stopped.size > 0,
      async (model, real) => {
        const name = [...model.stopped][Math.floor(at * model.stopped.size)] ?? '';
        real.run(name).child.kill('SIGCONT');
        model.stopped.delete(name);
      },
    ),
  chooses: () =>
    stepOf(
      'one takes its time to choose a number',
      ({ choosing, holder }) => !choosing && holder !== undefined,
      async (model, real) => {
        await real.choose();
        model.choosing = true;
      },
    ),
  chooserEnds: () =>
    stepOf(
      'the one that chooses is killed',
      ({ choosing }) => choosing,
      async (model, real) => {
        await real.endChooser();
        model.choosing = false;
      },
    ),
  dead: (at) =>
    stepOf(`the ticket ${Math.floor(at * 3)} of a dead one`, always, async (_, real) => {
      await real.dead(Math.floor(at * 3));
    }),
  reused: (at) =>
    stepOf(`the ticket ${Math.floor(at * 3)} of a pid given out again`, always, async (_, real) => {
      real.reused(Math.floor(at * 3));
    }),
};

/** All go on, and end one after the other: nobody waits for ever, and nothing is left. */
export async function drain(model: TurnsModel, real: RealTurns): Promise<void> {
  await real.endChooser();
  await real.endEngine();
  for (const name of model.stopped) real.run(name).child.kill('SIGCONT');
  model.stopped.clear();
  [model.choosing, model.engine] = [false, false];
  for (model.settle(); model.holder !== undefined; model.settle()) {
    await real.compare(model);
    const name = model.holder;
    await real.end(name);
    model.leaves(name);
  }
  // What the dead left is swept by whoever comes next.
  const { name } = await real.begin();
  model.queue.push(name);
  model.settle();
  await real.compare(model);
  await real.end(name);
  model.leaves(name);
  assert.deepEqual(real.tickets(), [], 'tickets that are left');
}
