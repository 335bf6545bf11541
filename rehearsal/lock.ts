/** One rehearsal a checkout, and one command on it at a time. */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '../operations/engine/command-error.ts';
import { rehearsalFolder } from '../operations/engine/workspace.ts';
import { identify, isRunning, type ProcessId, Servers } from './servers/process.ts';

const all = dirname(rehearsalFolder('x'));
const path = join(all, 'lock.json');

interface Holder extends ProcessId {
  readonly stack: string;
  readonly verb: string;
  readonly since: string;
}

function holder(): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

/** Stacks with a folder of a rehearsal, running or not. */
export function rehearsedStacks(): readonly string[] {
  try {
    return readdirSync(all, { withFileTypes: true }).flatMap((each) =>
      each.isDirectory() ? [each.name] : [],
    );
  } catch {
    return [];
  }
}

/**
 * Takes the lock; it is let go when this process ends, however it does.
 * @throws CommandError that names the rehearsal that is there
 */
export function takeLock(stack: string, verb: string): void {
  mkdirSync(all, { recursive: true, mode: 0o700 });
  const own: Holder = {
    pid: process.pid,
    started: identify(process.pid)?.started ?? '',
    stack,
    verb,
    since: new Date().toISOString(),
  };
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(own), { mode: 0o600 });
  try {
    for (;;) {
      const other = holder();
      if (other !== undefined && isRunning(other)) throw refusal(other);
      rmSync(path, { force: true });
      try {
        linkSync(temporary, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } finally {
    rmSync(temporary, { force: true });
  }
  process.once('exit', () => {
    if (holder()?.pid === process.pid) rmSync(path, { force: true });
    if (readdirSync(all).length === 0) rmdirSync(all);
  });
}

/** @throws CommandError when another stack's servers run */
export function refuseOthers(stack: string): void {
  for (const other of rehearsedStacks().filter((each) => each !== stack)) {
    const first = new Servers(rehearsalFolder(other)).list().find(isRunning);
    if (first === undefined) continue;
    const { pid, since } = first;
    throw refusal({ pid, stack: other, verb: 'up', since: new Date(since).toISOString() });
  }
}

function refusal({ pid, stack, verb, since }: Omit<Holder, 'started'>): CommandError {
  return new CommandError(
    `rehearse: got the rehearsal of ${stack} (${verb}, process ${pid}, since ${since}); allowed: one at a time; ` +
      `fix: wait for it, or npm run rehearse -- ${stack} down`,
  );
}
