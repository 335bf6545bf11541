/** A soak on real servers of this machine: brought up, worked on, and taken down whatever happens. */
import { CommandError } from '../../operations/engine/command-error.ts';
import { duration } from '../../operations/engine/progress.ts';
import { canRehearse, type RehearsedStack } from '../e2e/rehearsed-stack.ts';
import type { Slice } from './rounds.ts';

export async function onRehearsal(
  stack: RehearsedStack,
  { until }: Slice,
  work: () => Promise<void>,
): Promise<void> {
  if (!canRehearse) {
    throw new CommandError(
      `soak: got ${process.platform}; allowed: Linux as root; fix: sudo npm run soak -- NAME`,
    );
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let ending: Promise<void> | undefined;
  const takeDown = async (): Promise<void> => {
    ending ??= stack.end();
    await ending;
  };
  const end = (): void => {
    console.error('\n- taking it down');
    takeDown().finally(() => process.exit(130));
  };
  for (const signal of signals) process.once(signal, end);
  try {
    const begun = Date.now();
    await stack.start();
    console.error(`- ${stack.stack} is up (${duration(Date.now() - begun)})`);
    if (Date.now() < until) await work();
  } finally {
    for (const signal of signals) process.off(signal, end);
    await takeDown();
  }
}
