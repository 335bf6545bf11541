/** A plugin that refuses: one line, the reason, and no value. */
import assert from 'node:assert/strict';
import { PluginError } from '../../plugins/provider-server.ts';
import { leaks } from '../canary.ts';

export async function assertRefused(
  act: Promise<unknown>,
  reason: RegExp,
  canaries: ReadonlyMap<string, string>,
): Promise<void> {
  await assert.rejects(act, (error: Error) => {
    assert.ok(error instanceof PluginError);
    assert.match(error.message, reason);
    assert.ok(!error.message.includes('\n'));
    assert.deepEqual(leaks(error.message, canaries), []);
    return true;
  });
}
