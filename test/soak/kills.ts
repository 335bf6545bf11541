/** What the soaks that kill have in common: moments, and what their pages say of the victims. */
import { statSync } from 'node:fs';
import { victimNames } from '../e2e/victims.ts';
import type { Round } from './rounds.ts';
import type { Figure } from './soak.ts';

/** @returns whether a file is another one, or was written, since this was asked for */
export function changeOf(path: string): () => boolean {
  const before = timeOf(path);
  return () => timeOf(path) !== before;
}

function timeOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs}`;
}

export function killFigures(rounds: readonly Round[], perVictim: number): readonly Figure[] {
  return victimNames.map((victim) => {
    const own = rounds.filter(({ what }) => what.startsWith(victim));
    return {
      what: `kills of the ${victim}`,
      seen: String(own.length),
      holds: own.length === perVictim,
    };
  });
}

/** What was killed when, so that nobody has to believe that it was spread. */
export function listOf(what: readonly string[]): readonly Figure[] {
  const kinds = new Map<string, string[]>();
  for (const each of what) {
    const [kind = '', when = ''] = each.split(' at ');
    kinds.set(kind, [...(kinds.get(kind) ?? []), when]);
  }
  return [...kinds].map(([kind, whens]) => ({
    what: `moments, ${kind}`,
    seen: whens.join(', '),
  }));
}
