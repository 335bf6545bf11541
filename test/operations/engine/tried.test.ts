import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAbandoned } from '../../../operations/engine/abandoned.ts';
import { rememberTry, triedLately } from '../../../operations/engine/tried.ts';

describe('what is kept between runs', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tried-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('a try is remembered for a day, and what its file holds is kept', () => {
    const path = join(directory, 'below', 'mark');
    assert.equal(triedLately(path), false);
    rememberTry(path);
    assert.equal(triedLately(path), true);
    const hours = (ago: number): Date => new Date(Date.now() - ago * 3_600_000);
    writeFileSync(path, 'text');
    for (const [ago, lately] of [
      [23, true],
      [25, false],
      [-25, false],
    ] as const) {
      utimesSync(path, hours(ago), hours(ago));
      assert.equal(triedLately(path), lately, `${ago} hours ago`);
    }
    rememberTry(path);
    assert.equal(triedLately(path), true);
    assert.equal(readFileSync(path, 'utf8'), 'text');
  });

  it('what a killed process left is removed, and what a living one makes is not', () => {
    const { pid: dead } = spawnSync('true');
    for (const name of [
      `3.0.0.${dead}`,
      `3.0.0.${process.pid}`,
      '3.0.0',
      '3.0.0.unreachable',
      `4.${dead}`,
    ]) {
      mkdirSync(join(directory, name, 'inside'), { recursive: true });
    }
    removeAbandoned(directory, '3.0.0.');
    assert.deepEqual(
      readdirSync(directory).sort(),
      ['3.0.0', `3.0.0.${process.pid}`, '3.0.0.unreachable', `4.${dead}`].sort(),
    );
  });
});
