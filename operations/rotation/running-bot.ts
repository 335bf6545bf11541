/**
 * The bot that Docker Compose runs on this machine: stopped, or, given the new files, started once more.
 * Where none runs, nothing is started.
 */
import { spawn } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import { composeWords, isCompose, type Ran, runIn } from '../doctor/container.ts';
import { container } from '../doctor/report.ts';
import type { Where } from '../engine/stack-outputs.ts';
import { projectDirectory } from '../engine/workspace.ts';

/** As long as a bot may take to log in, in seconds. */
const patience = 600;

export interface Running {
  readonly target: string;
  readonly directory: string;
  /** What starts it, in words. */
  readonly words: readonly string[];
}

type RunIn = (directory: string) => (program: string, args: readonly string[]) => Ran;

interface Asked extends Running {
  readonly ran: Ran;
}

/** Every Compose file of a stack, and what Docker says of the bot in its project. */
function asked(delivered: Readonly<Record<string, Where>>, run: RunIn): readonly Asked[] {
  return Object.entries(delivered).flatMap(([target, where]) => {
    const place = placeOf(target, where);
    if (place === undefined) return [];
    const [program = '', ...args] = composeWords(where.next);
    const ran = run(place.directory)(program, [...args, 'ps', '--format', 'json', container]);
    return [{ ...place, ran }];
  });
}

function placeOf(target: string, { directory: shown, next }: Where): Running | undefined {
  if (shown === undefined || !isCompose(next)) return undefined;
  const directory = isAbsolute(shown) ? shown : join(projectDirectory, shown);
  return { target, directory, words: next.split(' ') };
}

/** Finds the target whose Compose file the container was started from. */
export function runningBot(
  delivered: Readonly<Record<string, Where>>,
  run: RunIn = runIn,
): Running | undefined {
  const running = asked(delivered, run)
    .filter(({ ran }) => ran.stdout.includes('{'))
    .map(({ ran, ...place }) => {
      const { words } = place;
      const file = words[words.indexOf('-f') + 1];
      const name = words.includes('-f') && file !== undefined ? file : 'compose.yaml';
      return { place, own: ran.stdout.includes(`/${name}`) };
    });
  return (running.find(({ own }) => own) ?? running[0])?.place;
}

/** The bot of targets that ran when it was stopped. */
export function stoppedBot(
  delivered: Readonly<Record<string, Where>>,
  targets: readonly string[],
): Running | undefined {
  const places = targets.map((target) => {
    const where = delivered[target];
    return where && placeOf(target, where);
  });
  return places.find((place) => place !== undefined);
}

/** Why nobody knows whether a bot runs; no Docker at all runs none. */
export function unaskable(
  delivered: Readonly<Record<string, Where>>,
  run: RunIn = runIn,
): string | undefined {
  const refusals = asked(delivered, run).map(({ ran: { code, stderr } }) => {
    if (code === 0 || code === undefined) return undefined;
    if (/permission denied/iu.test(stderr)) return 'no right to use the Docker engine';
    return /cannot connect|failed to connect|daemon running|no such host|refused/iu.test(stderr)
      ? 'a Docker engine that does not answer'
      : undefined;
  });
  return refusals.find((each) => each !== undefined);
}

/** @returns whether the bot is up and has read its keys */
export async function restart({ directory, words }: Running): Promise<boolean> {
  return await done(directory, [...words, '--wait', '--wait-timeout', String(patience)]);
}

/** Stops it, with the time that it may take to cancel its orders. @returns whether none runs any more */
export async function stop(bot: Running, run: RunIn = runIn): Promise<boolean> {
  const words = composeWords(bot.words.join(' '));
  if (!(await done(bot.directory, [...words, 'stop', container]))) return false;
  const [program = '', ...args] = words;
  const left = run(bot.directory)(program, [...args, 'ps', '--format', 'json', container]);
  return left.code === 0 && !left.stdout.includes('{');
}

async function done(cwd: string, words: readonly string[]): Promise<boolean> {
  const [program = '', ...args] = words;
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  return await new Promise((settle) => {
    child.on('error', () => settle(false));
    child.on('close', (code) => settle(code === 0));
  });
}
