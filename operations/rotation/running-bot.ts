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

export interface ComposeBot {
  /** By the Compose file that its container was started from. @default - none runs */
  readonly running?: Running;
  /** Why nobody knows whether one runs; no Docker at all runs none. */
  readonly silent?: typeof noRight | typeof noAnswer;
}

export const noRight = 'no right to use the Docker engine';
export const noAnswer = 'a Docker engine that does not answer';

export function composeBot(
  delivered: Readonly<Record<string, Where>>,
  run: RunIn = runIn,
): ComposeBot {
  const all = asked(delivered, run);
  const bots = all
    .filter(({ ran }) => ran.stdout.includes('{'))
    .map(({ ran, ...place }) => {
      const { words } = place;
      const file = words[words.indexOf('-f') + 1];
      const name = words.includes('-f') && file !== undefined ? file : 'compose.yaml';
      return { place, own: ran.stdout.includes(`/${name}`) };
    });
  const running = (bots.find(({ own }) => own) ?? bots[0])?.place;
  if (running !== undefined) return { running };
  const silent = all.map(({ ran }) => refusalIn(ran)).find((each) => each !== undefined);
  return silent === undefined ? {} : { silent };
}

function refusalIn({ code, stderr }: Ran): ComposeBot['silent'] {
  if (code === 0 || code === undefined) return undefined;
  if (/permission denied while trying to connect/iu.test(stderr)) return noRight;
  return /cannot connect|failed to connect|daemon running|no such host|refused/iu.test(stderr)
    ? noAnswer
    : undefined;
}

/** The bot of targets that ran before. */
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
