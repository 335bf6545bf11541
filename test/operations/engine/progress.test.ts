import assert from 'node:assert/strict';
import { isAlive, isProgram } from '../../../operations/engine/process.ts';
import { duration } from '../../../operations/engine/progress.ts';

describe('what takes long', () => {
  it('is said in seconds, then in minutes', () => {
    assert.equal(duration(400), '0 s');
    assert.equal(duration(59_000), '59 s');
    assert.equal(duration(61_400), '1 min 1 s');
  });
});

describe('a process', () => {
  it('is alive or not, whatever number is asked for', () => {
    assert.equal(isAlive(process.pid), true);
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 30]) assert.equal(isAlive(pid), false);
  });

  it("that was given a dead one's number is another program", () => {
    assert.equal(isProgram(process.pid, 'pulumi'), false);
  });
});
