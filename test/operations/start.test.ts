import assert from 'node:assert/strict';
import { parseRequest } from '../../operations/start.ts';

describe('npm start', () => {
  it('brings dev up when nothing is said', () => {
    assert.deepEqual(parseRequest([]), { verb: 'up', stack: 'dev', yes: false, policies: false });
  });

  it('takes a verb, a stack and --yes in any order', () => {
    const request = { verb: 'destroy', stack: 'prod', yes: true, policies: false };
    assert.deepEqual(parseRequest(['--stack', 'prod', 'destroy', '--yes']), request);
    assert.deepEqual(parseRequest(['destroy', '-y', '-s', 'prod']), request);
  });

  for (const words of [['upp'], ['up', 'down'], ['--nope'], ['--stack']]) {
    it(`refuses ${words.join(' ')} in one line`, () => {
      assert.throws(
        () => parseRequest(words),
        (error: Error) => {
          assert.match(
            error.message,
            /^npm start: got .*; allowed: npm start -- \[up\|preview\|destroy\]/,
          );
          return !error.message.includes('\n');
        },
      );
    });
  }
});
