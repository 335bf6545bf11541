/**
 * The embedded backend's lock on a stack. A killed Pulumi leaves it behind, and what it was
 * writing; it is broken only when its process is gone on this very host.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from './command-error.ts';
import { isProgram } from './process.ts';
import { startProgress } from './progress.ts';
import { projectName, workspace } from './workspace.ts';

const patienceMilliseconds = 10 * 60_000;

interface Lock {
  readonly path: string;
  readonly pid: number;
  readonly hostname: string;
}

/**
 * Breaks locks of the dead and waits for the living.
 * @throws CommandError when another host holds the lock, or the wait takes too long
 */
export async function settleLocks(stack: string): Promise<void> {
  const begun = Date.now();
  let progress: ReturnType<typeof startProgress> | undefined;
  for (;;) {
    const holder = locksOf(stack).find((lock) => !broken(lock));
    if (holder === undefined) {
      progress?.succeed(`the other run on stack ${stack} has ended`);
      removeHalfWritten(stack);
      return;
    }
    const cancel = `npm run pulumi -- cancel --yes --stack ${stack}`;
    if (holder.hostname !== hostname()) {
      throw new CommandError(
        `stack ${stack}: got a lock of host ${holder.hostname}; allowed: one run at a time; fix: if that run is gone, ${cancel}`,
      );
    }
    progress ??= startProgress(
      `waiting for the run of process ${holder.pid} on stack ${stack}`,
      'it holds the lock',
    );
    progress.at(undefined);
    if (Date.now() - begun > patienceMilliseconds) {
      throw new CommandError(
        `stack ${stack}: got a lock of process ${holder.pid} for ten minutes; allowed: one run at a time; fix: end it, or ${cancel}`,
      );
    }
    await sleep(500);
  }
}

/**
 * What the backend was writing when it was killed; its files are renamed when they are whole. Only for
 * who has the stack to himself.
 */
export function removeHalfWritten(stack: string, state = workspace.state): void {
  for (const path of ownFiles(stack, state)) {
    if (/\.[0-9a-f]{8,}\.tmp$/u.test(path)) rmSync(path, { force: true });
  }
}

/**
 * Beside each of its files the backend writes an `.attrs` in place. Killed there, it leaves an empty one,
 * and reads neither any more ("failed to load checkpoint: EOF"); without one it reads the file
 * (gocloud.dev, blob/fileblob/attrs.go). So it may be taken away also from who is writing it.
 */
export function removeEmptyAttributes(stack: string, state = workspace.state): void {
  for (const path of [...ownFiles(stack, state), join(state, '.pulumi', 'meta.yaml.attrs')]) {
    if (!path.endsWith('.attrs')) continue;
    if (statSync(path, { throwIfNoEntry: false })?.size === 0) rmSync(path, { force: true });
  }
}

/** Paths of what the backend keeps of a stack. */
function ownFiles(stack: string, state: string): readonly string[] {
  const root = join(state, '.pulumi');
  const own = ['history', 'backups'].map((name) => join(root, name, projectName, stack));
  return [join(root, 'stacks', projectName), ...own].flatMap((path) =>
    entries(path)
      .filter((name) => name.startsWith(`${stack}.`) || name.startsWith(`${stack}-`))
      .map((name) => join(path, name)),
  );
}

function locksOf(stack: string): readonly Lock[] {
  const directory = join(workspace.state, '.pulumi', 'locks', 'organization', projectName, stack);
  return entries(directory)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readLock(join(directory, name)));
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readLock(path: string): readonly Lock[] {
  try {
    const { pid, hostname: host } = JSON.parse(readFileSync(path, 'utf8'));
    return [{ path, pid: Number(pid), hostname: String(host) }];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    // What may not be read may be a living one's.
    if (!(error instanceof SyntaxError)) throw error;
    // A lock that a kill cut short names no process that could still hold it.
    rmSync(path, { force: true });
    return [];
  }
}

function broken(lock: Lock): boolean {
  if (lock.hostname !== hostname() || isProgram(lock.pid, 'pulumi')) return false;
  console.error(`- process ${lock.pid} is gone; its lock is broken`);
  for (const suffix of ['', '.attrs']) rmSync(`${lock.path}${suffix}`, { force: true });
  return true;
}
