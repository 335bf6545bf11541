/** What a run that was killed was making: Pulumi keeps it in the state, and asks about it for ever. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';
import { projectName, workspace } from './workspace.ts';

/** Number of unfinished operations in this machine's own state; 0 where the state is elsewhere. */
export function pendingOperations(stack: string, state = workspace.state): number {
  const path = join(state, '.pulumi', 'stacks', projectName, `${stack}.json`);
  if (!existsSync(path)) return 0;
  const { checkpoint } = JSON.parse(readFileSync(path, 'utf8')) as {
    checkpoint?: { latest?: { pending_operations?: readonly unknown[] } };
  };
  return checkpoint?.latest?.pending_operations?.length ?? 0;
}

/**
 * Forgets them. A run makes again what is not in the state, whether it was being made or not; what
 * the target has already, it says.
 */
export async function forgetPending(engine: Engine): Promise<void> {
  const count = pendingOperations(engine.stack);
  if (count === 0) return;
  console.error(`- a run was killed while it made ${count} resources: they are made again`);
  const words = ['refresh', '--clear-pending-creates', '--yes', '--skip-preview'];
  await engine.ask([...words, '--stack', engine.stack]);
}
