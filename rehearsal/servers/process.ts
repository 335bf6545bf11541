/**
 * Server processes that outlive the command that started them. What is needed to find and end one
 * lies in a file, so that another command, or the one after a kill -9, can do it.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../../operations/engine/command-error.ts';
import { writePrivate } from '../../operations/engine/private-file.ts';

const stopSeconds = 10;
const pollMilliseconds = 50;

/** A process of this host, told apart from a later one of the same pid. */
export interface ProcessId {
  readonly pid: number;
  /** Start time in clock ticks since boot (proc(5), field 22 of stat). */
  readonly started: string;
}

export interface ServerRecord extends ProcessId {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly log: string;
}

export interface ServerSpec {
  readonly name: string;
  readonly command: readonly string[];
  /**
   * Variables beside PATH; undefined takes one away.
   * @default - none: a server gets nothing of the user's
   */
  readonly environment?: NodeJS.ProcessEnv;
  /** Whether it answers as it should. An error counts as no. */
  readonly healthy: () => Promise<boolean>;
  /** Seconds in which it has to become healthy. */
  readonly seconds: number;
  /**
   * Whether the command forks the server, as `nsenter --pid` does: the child is the one to stop.
   * @default false
   */
  readonly forks?: boolean;
}

/** Fields of /proc/PID/stat behind the name, which may hold blanks itself; [0] is the state. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessId | undefined {
  const stat = statOf(pid);
  return stat === undefined ? undefined : { pid, started: stat[19] ?? '' };
}

/** Whether it is there and no zombie. */
export function isRunning({ pid, started }: ProcessId): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat[19] === started && stat[0] !== 'Z';
}

export function childOf(parent: number): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
  return pids.map(Number).find((pid) => statOf(pid)?.[1] === `${parent}`);
}

/**
 * Processes whose environment names a folder by a variable: of what was started and not yet recorded
 * when its starter was killed.
 */
export function processesMarked(variable: string, folder: string): readonly ProcessId[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
  return pids.flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const own = Number(pid) === process.pid || !environment.includes(`${variable}=${folder}`);
      return own ? [] : (identify(Number(pid)) ?? []);
    } catch {
      return []; // Ended meanwhile, or somebody else's.
    }
  });
}

/** Ends a process by its pid: SIGTERM, then SIGKILL. Returns when it is gone. */
export async function stopProcess(id: ProcessId, seconds = stopSeconds): Promise<void> {
  let signal: NodeJS.Signals = 'SIGTERM';
  let deadline = Date.now() + seconds * 1000;
  if (isRunning(id)) send(id, signal);
  while (isRunning(id)) {
    if (Date.now() > deadline) {
      if (signal === 'SIGKILL') {
        throw new CommandError(
          `process ${id.pid}: got no end after SIGKILL; allowed: one that ends; fix: look what holds it (ps -o stat,wchan ${id.pid}), and run the same command again`,
        );
      }
      signal = 'SIGKILL';
      deadline = Date.now() + stopSeconds * 1000;
      send(id, signal);
    }
    await sleep(pollMilliseconds);
  }
}

function send({ pid }: ProcessId, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The server processes of one rehearsal, in the order of their start. */
export class Servers {
  readonly #records: string;
  readonly #logs: string;

  /** @param folder of the rehearsal; records and logs lie below it */
  constructor(folder: string) {
    this.#records = join(folder, 'servers');
    this.#logs = join(folder, 'logs');
  }

  /** All that were started and not stopped, oldest first, whether they still run or not. */
  list(): readonly ServerRecord[] {
    let names: readonly string[] = [];
    try {
      names = readdirSync(this.#records).filter((name) => name.endsWith('.json'));
    } catch {
      return [];
    }
    return names
      .map((name) => JSON.parse(readFileSync(join(this.#records, name), 'utf8')) as ServerRecord)
      .sort((a, b) => a.since - b.since);
  }

  running(name: string): ServerRecord | undefined {
    return this.list().find((record) => record.name === name && isRunning(record));
  }

  /** Path of a server's log. */
  log(name: string): string {
    return join(this.#logs, `${name}.log`);
  }

  /** Takes in a process that something else started. */
  record(name: string, pid: number, log = this.log(name)): ServerRecord {
    const id = identify(pid);
    if (id === undefined) throw endedAtOnce(name, log);
    const record = { name, ...id, since: Date.now(), log };
    writePrivate(join(this.#records, `${name}.json`), JSON.stringify(record));
    return record;
  }

  /**
   * Starts a server and waits until it is healthy.
   * @throws CommandError with the place of its log
   */
  async start(spec: ServerSpec): Promise<ServerRecord> {
    const record = await this.spawn(spec);
    for (const deadline = Date.now() + spec.seconds * 1000; ; ) {
      if (await spec.healthy().catch(() => false)) return record;
      if (!isRunning(record)) throw endedAtOnce(spec.name, record.log);
      if (Date.now() > deadline) {
        throw new CommandError(
          `${spec.name}: got no healthy answer in ${spec.seconds} s; allowed: a server that answers; fix: see ${record.log}`,
        );
      }
      await sleep(pollMilliseconds);
    }
  }

  /** Starts a process of its own session, with its output in its log. */
  async spawn({
    name,
    command,
    environment,
    forks = false,
  }: Omit<ServerSpec, 'healthy' | 'seconds'>) {
    mkdirSync(this.#logs, { recursive: true, mode: 0o700 });
    const path = this.log(name);
    const log = openSync(path, 'a', 0o600);
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      stdio: ['ignore', log, log],
      env: { PATH: process.env.PATH, ...environment },
      detached: true,
    });
    closeSync(log);
    const pid = await new Promise<number>((settle, fail) => {
      child.once('error', fail).once('spawn', () => settle(child.pid ?? 0));
    });
    child.unref();
    if (!forks) return this.record(name, pid, path);
    for (const deadline = Date.now() + stopSeconds * 1000; Date.now() < deadline; ) {
      const forked = childOf(pid);
      if (forked !== undefined) return this.record(name, forked, path);
      if (child.exitCode !== null) break;
      await sleep(5);
    }
    throw endedAtOnce(name, path);
  }

  async stop(name: string, seconds = stopSeconds): Promise<void> {
    const record = this.list().find((each) => each.name === name);
    if (record === undefined) return;
    await stopProcess(record, seconds);
    rmSync(join(this.#records, `${name}.json`), { force: true });
  }

  /** Stops all, the last started first. */
  async stopAll(): Promise<void> {
    for (const { name } of this.list().toReversed()) await this.stop(name);
  }
}

function endedAtOnce(name: string, log: string): CommandError {
  return new CommandError(
    `${name}: got an end right after its start; allowed: a server that runs; fix: see ${log}`,
  );
}
