import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftIn, listed, movedLines } from '../../../operations/engine/leftovers.ts';

describe('what a bot wrote', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'leftovers-'));
    for (const path of ['conf/.keep', 'data/trades.sqlite', 'logs/.keep', 'logs/a/b.log']) {
      mkdirSync(join(root, 'old/dev', path, '..'), { recursive: true });
      writeFileSync(join(root, 'old/dev', path), '');
    }
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const resolved = (directory: string): string => join(root, directory);

  it('is what holds more than a .keep', () => {
    assert.deepEqual(leftIn(join(root, 'old/dev')), ['data', 'logs']);
    assert.deepEqual(leftIn(join(root, 'nowhere')), []);
  });

  it('is named with the commands that move it, once the stack delivers elsewhere', () => {
    const [line, ...more] = movedLines(['old/dev', 'old/dev'], ['new/dev'], resolved);
    assert.deepEqual(more, []);
    assert.match(
      line ?? '',
      /^- old\/dev still holds data and logs, and the bot starts without them in new\/dev; stop it, then: cp -a old\/dev\/data old\/dev\/logs new\/dev\/ && rm -r old\/dev\/data old\/dev\/logs$/,
    );
  });

  it('is no word worth where nothing moved, or nothing was written', () => {
    assert.deepEqual(movedLines(['old/dev'], ['old//dev'], resolved), []);
    assert.deepEqual(movedLines([], ['new/dev'], resolved), []);
    assert.deepEqual(movedLines(['older/dev'], ['new/dev'], resolved), []);
    assert.deepEqual(movedLines(['old/dev'], [], resolved), []);
  });

  it('is listed as one says it', () => {
    assert.equal(listed(['conf']), 'conf');
    assert.equal(listed(['conf', 'data', 'logs']), 'conf, data and logs');
  });
});
