import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeEmptyAttributes, removeHalfWritten } from '../../../operations/engine/stack-lock.ts';

describe('what a killed backend was writing', () => {
  let state: string;
  before(() => {
    state = mkdtempSync(join(tmpdir(), 'state-'));
  });
  after(() => rmSync(state, { recursive: true }));

  const folders: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    [
      'stacks/hummingbot-secrets',
      ['dev.json', 'dev.json.bak', 'dev.json.bak.attrs', 'devel.json.18ebb0a991da0029.tmp'],
      ['dev.json.bak.18ebb0a991da0029.tmp', 'dev.json.18ebb0a991da0029.tmp', 'dev.json.attrs'],
    ],
    [
      'history/hummingbot-secrets/dev',
      ['dev-1795723097051106392.checkpoint.json'],
      ['dev-1795723097051106392.history.json.18ebb0a991da0029.tmp'],
    ],
    [
      'backups/hummingbot-secrets/dev',
      ['dev.1795723097052394896.json'],
      ['dev.1795723097052394896.json.18ebb0a991da0029.tmp'],
    ],
  ];

  it('is removed, and nothing else: no state, no history, nothing of another stack', () => {
    for (const [folder, kept, gone] of folders) {
      const path = join(state, '.pulumi', folder);
      mkdirSync(path, { recursive: true });
      for (const name of [...kept, ...gone]) {
        writeFileSync(join(path, name), name === 'dev.json.bak.attrs' ? '{}' : '');
      }
    }
    removeHalfWritten('dev', state);
    removeEmptyAttributes('dev', state);
    for (const [folder, kept] of folders) {
      const left = readdirSync(join(state, '.pulumi', folder));
      assert.deepEqual(left.toSorted(), kept.toSorted(), folder);
    }
    // Nothing is there before the first run.
    removeHalfWritten('dev', join(state, 'none'));
    removeEmptyAttributes('dev', join(state, 'none'));
  });
});
