/** What `npm run drift` says of a stack that is up on real servers. */
import assert from 'node:assert/strict';
import type { Drift, Unasked } from '../../operations/census/facts.ts';
import type { Result } from './checkout.ts';

type Run = (command: string, args: readonly string[]) => Promise<Result>;

/** @throws AssertionError when something could not be asked, or the exit code is not that of the findings */
export async function driftOf(run: Run, stack = 'prod'): Promise<readonly Drift[]> {
  const words = ['run', '--silent', 'drift', '--', '--stack', stack, '--format', 'json'];
  const { code, stdout, stderr } = await run('npm', words);
  assert.notEqual(stdout, '', stderr);
  const { drifts, unasked } = JSON.parse(stdout) as { drifts: Drift[]; unasked: Unasked[] };
  assert.deepEqual(unasked, []);
  assert.equal(code, drifts.length === 0 ? 0 : 1);
  for (const { cause, fix } of drifts) assert.ok(cause !== '' && fix !== '');
  return drifts;
}

export function linesOf(drifts: readonly Drift[]): readonly string[] {
  return drifts.map(({ kind, place }) => `${kind} ${place}`);
}
