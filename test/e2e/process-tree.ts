/** Processes below another, as /proc shows them (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Arguments, joined by blanks. */
  readonly command: string;
}

/** All processes of the machine. */
export function processes(): readonly Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/u.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]);
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return [{ pid: Number(name), parent, command }];
    } catch {
      return []; // Ended meanwhile.
    }
  });
}

/** All processes below `root`, however deep. */
export function descendants(root: number): readonly Process[] {
  const all = processes();
  const found: Process[] = [];
  const below = new Set([root]);
  for (let before = -1; before !== found.length; ) {
    before = found.length;
    for (const each of all) {
      if (below.has(each.parent) && !below.has(each.pid)) {
        below.add(each.pid);
        found.push(each);
      }
    }
  }
  return found;
}

/** Waits for a process below `root` whose command matches; undefined when `root` ends before. */
export async function appearing(
  root: number,
  command: RegExp,
  ended: () => boolean,
): Promise<Process | undefined> {
  while (!ended()) {
    const found = descendants(root).find((each) => command.test(each.command));
    if (found !== undefined) return found;
    await sleep(5);
  }
  return undefined;
}
