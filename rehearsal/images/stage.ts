/**
 * Stages of an image: folders of the cache, each made once, whose names change with what they are made
 * of. Outside the tree, shared by all checkouts.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { removeAbandoned } from '../../operations/engine/abandoned.ts';
import { CommandError } from '../../operations/engine/command-error.ts';
import { startProgress } from '../../operations/engine/progress.ts';

const building = '.building-';

export interface Stage {
  readonly name: string;
  /** Paths of the files that it is made of. */
  readonly files: readonly string[];
  /** Whatever else it is made of: identities of earlier stages, too. */
  readonly of: readonly unknown[];
  readonly estimate: string;
  /** Lines that its commands print, about: tells how far it is. */
  readonly lines: number;
}

/** Runs a command of a stage; rejects with the last that it said. */
export type Step = (command: readonly string[]) => Promise<void>;

/** Name of a stage's folder. */
export function identityOf({ name, files, of }: Stage): string {
  const hash = createHash('sha256').update(JSON.stringify(of));
  for (const file of files) hash.update(readFileSync(file));
  return `${name}-${hash.digest('hex').slice(0, 12)}`;
}

/**
 * Makes a stage's folder unless it is there. It is made beside its place and renamed, so that what is
 * there is whole; of two that make it at once the later one throws its own away.
 * @param cache folder of all stages
 * @returns the folder
 * @throws CommandError when a command fails
 */
export async function made(
  stage: Stage,
  cache: string,
  make: (work: string, step: Step) => Promise<void>,
): Promise<string> {
  const folder = join(cache, identityOf(stage));
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  removeAbandoned(cache, building);
  const work = join(cache, `${building}${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  const progress = startProgress(`making ${stage.name}`, stage.estimate);
  let lines = 0;
  const onLine = (): void => progress.at(Math.min(++lines / stage.lines, 0.99));
  try {
    await make(work, async (command) => await run(stage, command, onLine));
    if (!existsSync(folder)) renameSync(work, folder);
  } catch (error) {
    progress.fail(`making ${stage.name} failed`);
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  progress.succeed(`made ${stage.name}`);
  return folder;
}

/** What commands get of this machine's variables: how to fetch. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^PIP_|^(?:https?|no)_proxy$|^SSL_CERT_/iu.test(name),
  );
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return { ...Object.fromEntries(kept), PATH: path, HOME: '/root', LC_ALL: 'C.UTF-8' };
}

async function run(
  { name }: Stage,
  [program = '', ...args]: readonly string[],
  onLine: () => void,
): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  const stop = (): void => void child.kill('SIGKILL');
  process.once('exit', stop);
  let said = '';
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      if (line.trim() !== '') said = line.trim();
      onLine();
    });
  }
  const code = await new Promise<number>((settle) => {
    child.on('error', () => settle(127));
    child.on('close', (status) => settle(status ?? 1));
  });
  process.removeListener('exit', stop);
  if (code === 0) return;
  throw new CommandError(
    `${name}: got "${said || `exit code ${code}`}"; allowed: root on Debian, its mirror, and PyPI; fix: npm run tools tries it again`,
  );
}
