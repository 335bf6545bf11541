/**
 * The bot that Docker Compose runs on this machine: given the new files, it starts once more. Where
 * none runs, nothing is started.
 */
import { spawn } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import { composeWords, isCompose, type Ran, runIn } from '../doctor/container.ts';
import { container } from '../doctor/report.ts';
import { projectDirectory } from '../engine/workspace.ts';
import type { Where } from './scope.ts';

/** As long as a bot may take to log in, in seconds. */
const patience = 600;

export interface Running {
  readonly target: string;
  readonly directory: string;
  /** What starts it, in words. */
  readonly words: readonly string[];
}

/** Finds the target whose Compose file the container was started from. */
export function runningBot(
  delivered: Readonly<Record<string, Where>>,
  run: (directory: string) => (program: string, args: readonly string[]) => Ran = runIn,
): Running | undefined {
  const running = Object.entries(delivered).flatMap(([target, where]) => {
    const words = where.next.split(' ');
    if (where.directory === undefined || !isCompose(where.next)) return [];
    const directory = isAbsolute(where.directory)
      ? where.directory
      : join(projectDirectory, where.directory);
    const [program = '', ...args] = composeWords(where.next);
    const { stdout } = run(directory)(program, [...args, 'ps', '--format', 'json', container]);
    if (!stdout.includes('{')) return [];
    const file = words[words.indexOf('-f') + 1];
    const name = words.includes('-f') && file !== undefined ? file : 'compose.yaml';
    return [{ target, directory, words, own: stdout.includes(`/${name}`) }];
  });
  return running.find(({ own }) => own) ?? running[0];
}

/** @returns whether the bot is up and has read its keys */
export async function restart({ directory, words }: Running): Promise<boolean> {
  const [program = '', ...args] = words;
  const wait = ['--wait', '--wait-timeout', String(patience)];
  const child = spawn(program, [...args, ...wait], {
    cwd: directory,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return await new Promise((settle) => {
    child.on('error', () => settle(false));
    child.on('close', (code) => settle(code === 0));
  });
}
