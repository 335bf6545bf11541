/**
 * Ten rotations on each target by `npm run rotate`, through its adapter of the conformance suite: how
 * long each takes until its new value can be read there. Linux and root.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rotationsVariable, timesVariable } from '../e2e/conformance/suite.ts';
import { runTarget, targets } from '../e2e/conformance/target-run.ts';
import { type Rounds, spread } from './rounds.ts';
import type { Figure, Soak } from './soak.ts';

const rotations = 10;
/** The most from the command's start until the new value can be read, in milliseconds. */
const mostTime = 10_000;

async function round(at: number): Promise<Parameters<Rounds['add']>[0]> {
  const target = targets[at] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'rotate-targets-'));
  try {
    const file = join(folder, 'times');
    const more = { [rotationsVariable]: `${rotations}`, [timesVariable]: file };
    const { passes, failures } = await runTarget(target, { checks: 'rotates by', more });
    const holds = passes.length === 1 && failures.length === 0;
    const faults = holds ? [] : [failures[0]?.err.message ?? 'nothing was checked'];
    const times = holds ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
    const late = times.filter((each) => each > mostTime);
    faults.push(...late.map((each) => `it could be read after ${each} ms`));
    const figures = Object.fromEntries(times.map((each, serial) => [`time ${serial}`, each]));
    return { round: at, what: target, faults, figures };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const soak: Soak = {
  rounds: targets.length,

  async run(rounds: Rounds): Promise<void> {
    for (const at of rounds.next()) rounds.add(await round(at));
  },

  summary(rounds) {
    const figures: Figure[] = rounds.map(({ what, figures: times }) => {
      const all = Object.values(times);
      return {
        what: `\`${what}\`, ms`,
        seen: spread(all),
        holds: all.length === rotations && Math.max(...all) <= mostTime,
      };
    });
    return {
      title: 'rotations on each target',
      done:
        `${rotations} rotations of one value on each target by \`npm run rotate\`, on its real systems: from the command's start ` +
        'to the begin of the look that found the new value at its place, where its consumer reads it (git targets: in the file). The value is one that no ' +
        'bot reads, so that there is no preflight, no shutdown and no start to be taken off. Of a swarm it is the end of the command, because only a task can look. ' +
        'Figures of three numbers are the least, the median and the most.',
      figures,
    };
  },
};
