/** kill -9 of what takes part in a run, at a moment of its life. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { appearing, descendants, type Process } from './process-tree.ts';

/** Who can be killed, by the command that it was started with. */
export const victims = {
  command: /^(?:\S*\/)?node .*operations\/(?:start|pulumi)\.ts/,
  engine: /\/pulumi (?:.* )?up /,
  plugin: /^(?:\S*\/)?node .*plugins\/\w+\/main\.ts/,
} as const;

export type Victim = keyof typeof victims;
export const victimNames = Object.keys(victims) as readonly Victim[];

/** When: at a share of the victim's life, or as soon as something has happened. */
export type Moment =
  | { readonly share: number }
  | { readonly event: string; readonly happened: () => boolean };

export interface Kill {
  readonly victim: Victim;
  readonly moment: Moment;
  /** How long the victim lives in an undisturbed run, in milliseconds. */
  readonly lifetime: number;
  /** Which of several, from 0 up to 1: a run has a plugin a system. */
  readonly choice?: number;
  /** @default - every one that the victim's name says */
  readonly command?: RegExp;
}

export interface Killed {
  /** Milliseconds after the victim was there. */
  readonly after: number;
  /** `engine`, or the plugin's name. */
  readonly what: string;
}

/** Whether a child has ended, for who waits for something else. */
export function endOf(child: ChildProcess): () => boolean {
  return () => child.exitCode !== null || child.signalCode !== null;
}

/** @returns what was killed; undefined when the run was over before */
export async function killDuring(child: ChildProcess, kill: Kill): Promise<Killed | undefined> {
  const ended = endOf(child);
  const command = kill.command ?? victims[kill.victim];
  const first = await appearing(child.pid ?? 0, command, ended);
  if (first === undefined) return undefined;
  const begun = Date.now();
  if ('share' in kill.moment) await sleep(kill.lifetime * kill.moment.share);
  else while (!ended() && !kill.moment.happened()) await sleep(1);
  const all = descendants(child.pid ?? 0).filter((each) => command.test(each.command));
  const found = all[Math.floor((kill.choice ?? 0) * all.length)];
  if (found === undefined || ended()) return undefined;
  try {
    process.kill(found.pid, 'SIGKILL');
  } catch {
    return undefined;
  }
  return { after: Date.now() - begun, what: nameOf(kill.victim, found) };
}

function nameOf(victim: Victim, { command }: Process): string {
  const [, plugin] = /plugins\/(\w+)\/main\.ts/u.exec(command) ?? [];
  return victim === 'plugin' ? `plugin ${plugin}` : victim;
}

/** Milliseconds that each victim lives in a run, from when it was first seen. */
export async function lifetimesOf(
  child: ChildProcess,
  commands: Readonly<Record<Victim, RegExp>> = victims,
): Promise<ReadonlyMap<Victim, number>> {
  const ended = endOf(child);
  const lives = victimNames.map(async (victim) => {
    const found = await appearing(child.pid ?? 0, commands[victim], ended);
    const begun = Date.now();
    while (!ended() && found !== undefined && isThere(found.pid)) await sleep(5);
    return [victim, Date.now() - begun] as const;
  });
  return new Map(await Promise.all(lives));
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
