/**
 * Runs on one stack of this machine take turns. Pulumi's own lock is taken a second after a run has
 * begun, and only refuses: whoever came in that second ended with its error, and so did all of three
 * that waited for one that was killed (seen with 3.259). Here a run that comes while another is at
 * work waits for it; those who wait go in the order in which they came.
 *
 * It is Lamport's bakery with files: one says that it is choosing, takes a number above all that are
 * there, and waits for who was choosing meanwhile and for lower numbers. Each file is written by its
 * owner alone, and names it, so that a dead one's can be taken away by anybody at any time, which is
 * what a lock file that all share cannot give.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from './command-error.ts';
import { isAlive, isProgram, startOf } from './process.ts';
import { startProgress } from './progress.ts';
import { workspace } from './workspace.ts';

const patienceMilliseconds = 10 * 60_000;
const pollMilliseconds = 200;

interface Ticket {
  readonly name: string;
  /** 0 while it is being chosen. */
  readonly number: number;
  readonly pid: number;
  /** When its process began, as /proc says it: pids are given out again. */
  readonly started: string;
}

const held = new Map<string, Turn>();

export class Turn {
  readonly #directory: string;
  #name: string;

  private constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
  }

  /**
   * Waits until it is this process's turn, which then ends with the process.
   * @throws CommandError when one run takes longer than anybody waits
   */
  static async take(stack: string, directory = join(workspace.turns, stack)): Promise<Turn> {
    const own = held.get(directory);
    if (own !== undefined) return own;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const who = `${process.pid}-${startOf(process.pid) ?? '0'}`;
    const turn = new Turn(directory, `0-${who}`);
    writeFileSync(join(directory, turn.#name), '', { mode: 0o600 });
    process.once('exit', () => turn.end());
    const number = 1 + Math.max(0, ...ticketsIn(directory).map((each) => each.number));
    turn.#become(`${number}-${who}`);
    await turn.#wait(stack, { name: turn.#name, number, pid: process.pid });
    held.set(directory, turn);
    return turn;
  }

  /** Writes down who is at work for this process, and may outlive it. */
  note(engine: number | undefined): void {
    const path = join(this.#directory, this.#name);
    // Not there any more when a rehearsal was taken down beside it.
    if (existsSync(path)) writeFileSync(path, String(engine ?? ''), { mode: 0o600 });
  }

  end(): void {
    held.delete(this.#directory);
    rmSync(join(this.#directory, this.#name), { force: true });
  }

  #become(name: string): void {
    renameSync(join(this.#directory, this.#name), join(this.#directory, name));
    this.#name = name;
  }

  async #wait(stack: string, own: Pick<Ticket, 'name' | 'number' | 'pid'>): Promise<void> {
    let progress: ReturnType<typeof startProgress> | undefined;
    let [other, since] = ['', Date.now()];
    for (;;) {
      const before = (await this.#others()).filter((each) => isBefore(each, own));
      const [first] = before.sort(inOrder);
      if (first === undefined) {
        progress?.succeed(`it is this run's turn on stack ${stack}`);
        return;
      }
      // Chosen in no time: not worth a word.
      const isChoosing = first.number === 0 && Date.now() - since < 1000;
      if (first.name !== other) [other, since] = [first.name, Date.now()];
      if (!isChoosing) {
        const text = `waiting for the run of process ${first.pid} on stack ${stack}`;
        progress ??= startProgress(text, 'one run at a time');
        progress.at(undefined);
      }
      if (Date.now() - since > patienceMilliseconds) {
        throw new CommandError(
          `stack ${stack}: got a run of process ${first.pid} for ten minutes; allowed: one run at a time; fix: wait for it, or end it, and run again`,
        );
      }
      await sleep(isChoosing ? 10 : pollMilliseconds);
    }
  }

  /**
   * The living ones. A name that changes while the directory is read may not be seen at all; it
   * changes once only, so that two equal looks have missed nothing.
   */
  async #others(): Promise<Ticket[]> {
    for (let before: string | undefined; ; await sleep(5)) {
      const all = ticketsIn(this.#directory).filter(({ name }) => name !== this.#name);
      const dead = all.filter((each) => !this.#lives(each));
      for (const { name } of dead) rmSync(join(this.#directory, name), { force: true });
      const living = all.filter((each) => !dead.includes(each));
      const seen = living.map(({ name }) => name).join();
      if (seen === before) return living;
      before = seen;
    }
  }

  #lives({ name, pid, started }: Ticket): boolean {
    // Of an earlier process that had this one's pid.
    if (pid === process.pid) return false;
    if (isAlive(pid) && (startOf(pid) ?? '0') === started) return true;
    try {
      return isProgram(Number(readFileSync(join(this.#directory, name), 'utf8')), 'pulumi');
    } catch {
      return false; // Ended meanwhile.
    }
  }
}

function ticketsIn(directory: string): readonly Ticket[] {
  return readdirSync(directory).flatMap((name) => {
    const [, number, pid, started = ''] = /^(\d+)-(\d+)-(\d+)$/u.exec(name) ?? [];
    return number === undefined
      ? []
      : [{ name, number: Number(number), pid: Number(pid), started }];
  });
}

function isBefore(other: Ticket, own: Pick<Ticket, 'number' | 'pid'>): boolean {
  return other.number === 0 || inOrder(other, own) < 0;
}

function inOrder(a: Pick<Ticket, 'number' | 'pid'>, b: Pick<Ticket, 'number' | 'pid'>): number {
  return a.number - b.number || a.pid - b.pid;
}

/** Tells the turns of this process who is at work in them. */
export function noteEngine(pid: number | undefined): void {
  for (const turn of held.values()) turn.note(pid);
}
