import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pendingOperations } from '../../../operations/engine/pending.ts';

describe('what a killed run was making', () => {
  let state: string;
  before(() => {
    state = mkdtempSync(join(tmpdir(), 'pending-'));
    mkdirSync(join(state, '.pulumi/stacks/hummingbot-secrets'), { recursive: true });
  });
  after(() => rmSync(state, { recursive: true }));

  const write = (stack: string, latest: object | undefined): void =>
    writeFileSync(
      join(state, `.pulumi/stacks/hummingbot-secrets/${stack}.json`),
      JSON.stringify({ version: 3, checkpoint: { latest } }),
    );

  it('is counted in the state of this machine, and is nothing where there is none', () => {
    write('dev', { pending_operations: [{ type: 'creating' }, { type: 'creating' }] });
    write('clean', { resources: [] });
    write('new', undefined);
    assert.equal(pendingOperations('dev', state), 2);
    assert.equal(pendingOperations('clean', state), 0);
    assert.equal(pendingOperations('new', state), 0);
    assert.equal(pendingOperations('elsewhere', state), 0);
  });
});
