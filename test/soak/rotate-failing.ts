/**
 * Every target that fails in the middle of a rotation, once and for good, through its adapter of the
 * conformance suite: its own real failure, and of those with a store the store's too. Linux and root.
 */
import { failingVariable } from '../e2e/conformance/suite.ts';
import { runTarget, targets } from '../e2e/conformance/target-run.ts';
import type { Rounds } from './rounds.ts';
import type { Figure, Soak } from './soak.ts';

/** As a title has it: how it fails, and for how long. */
const failure = /when (?<how>.+) (?<lasts>once|for good) in a rotation/u;

async function round(at: number): Promise<Parameters<Rounds['add']>[0]> {
  const target = targets[at] ?? '';
  const more = { [failingVariable]: target };
  const { passes, failures } = await runTarget(target, { checks: 'in a rotation', more });
  const faults = failures.map(({ title, err }) => `${title}: ${err.message?.split('\n')[0]}`);
  if (passes.length + failures.length === 0) faults.push('nothing was checked');
  const figures = passes.map(({ title, duration = 0 }) => {
    const { how = '', lasts = '' } = failure.exec(title)?.groups ?? {};
    return [`${how}, ${lasts}`, duration] as const;
  });
  return { round: at, what: target, faults, figures: Object.fromEntries(figures) };
}

export const soak: Soak = {
  rounds: targets.length,

  async run(rounds: Rounds): Promise<void> {
    for (const at of rounds.next()) rounds.add(await round(at));
  },

  summary(rounds) {
    const figures: Figure[] = rounds.flatMap(({ what, figures: checks, faults }) =>
      Object.entries(checks).map(([name, milliseconds]) => ({
        what: `\`${what}\`: ${name}`,
        seen: `${Math.round(milliseconds / 1000)} s`,
        holds: faults.length === 0,
      })),
    );
    return {
      title: 'targets that fail in the middle of a rotation',
      done:
        'One value is rotated by `npm run rotate` on each target, on its real systems, and held between its check and its roll out; ' +
        'then the target is broken. Once: it is mended as soon as the roll out has failed; the command takes the old value back ' +
        'in every place and ends with 1, and one `--resume` brings the new one. For good: the command and a `--resume` end with 1, the ' +
        'place has the old value or the new one, and once it is mended, one `--resume` brings the new one. ' +
        'Until then the hook that revokes the old credential is not asked; afterwards it was asked once, and nothing of ' +
        'what was between is left. Seconds are of the whole check.',
      figures,
    };
  },
};
