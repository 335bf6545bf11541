/** Asserts on what a run that failed has printed. */
import assert from 'node:assert/strict';
import { leaks } from '../canary.ts';
import type { Result } from './checkout.ts';

export const stackTrace = /^\s+at \S+ \(|node:internal|\.[cm]?[jt]s:\d+:\d+|goroutine \d/mu;

/** Lines of errors, without Pulumi's own last word. */
export function errorsIn({ stdout, stderr }: Result): readonly string[] {
  return `${stdout}\n${stderr}`
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('error: ') && line !== 'error: update failed');
}

/** A run that failed as it should: exit code 1, its lines, no value, no stack trace. */
export function assertFailed(
  result: Result,
  line: RegExp,
  canaries: ReadonlyMap<string, string>,
): void {
  const printed = `${result.stdout}\n${result.stderr}`;
  assert.deepEqual(leaks(printed, canaries), []);
  assert.equal(result.code, 1, printed);
  const errors = errorsIn(result);
  assert.equal(errors.length, 1, printed);
  assert.match(errors[0] ?? '', line);
  assert.doesNotMatch(printed, stackTrace);
}
