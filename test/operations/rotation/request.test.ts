import assert from 'node:assert/strict';
import { parseRequest } from '../../../operations/rotation/request.ts';
import { leaks, makeCanary } from '../../canary.ts';

function refusal(...args: string[]): string {
  try {
    parseRequest(args);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`it is taken: ${args.join(' ')}`);
}

describe('npm run rotate', () => {
  it('takes a stack and words, everything that is due, or everything', () => {
    const request = parseRequest(['--stack', 'prod', 'trading.binance', 'monitoring']);
    assert.equal(request.act, 'rotate');
    assert.equal(request.stack, 'prod');
    assert.deepEqual(request.words, ['trading.binance', 'monitoring']);
    assert.equal(parseRequest(['--due']).which, 'due');
    assert.equal(parseRequest(['--all', '--plan']).plan, true);
    assert.equal(parseRequest(['trading']).stack, 'dev');
  });

  it('goes on, goes back and confirms', () => {
    assert.equal(parseRequest(['--resume']).act, 'resume');
    assert.equal(parseRequest(['--abort']).act, 'abort');
    assert.equal(parseRequest(['--metrics']).act, 'metrics');
    assert.equal(parseRequest(['--revoke', '--stack', 'prod']).act, 'revoke');
    assert.deepEqual(parseRequest(['--back', 'trading.kraken']).words, ['trading.kraken']);
    assert.equal(parseRequest(['--confirm', 'abc-1']).item, 'abc-1');
  });

  it('takes what is compromised, and starts a bot with it only for who says so', () => {
    const request = parseRequest(['--compromised', 'trading.kraken']);
    assert.deepEqual([request.act, request.compromised], ['rotate', true]);
    assert.equal(parseRequest(['--compromised', '--all', '--even-if-running']).evenIfRunning, true);
    assert.equal(parseRequest(['--resume', '--even-if-running']).evenIfRunning, true);
    assert.equal(parseRequest(['--abort', '--start-bot']).startBot, true);
    for (const words of [
      ['--compromised'],
      ['--compromised', '--due'],
      ['--compromised', '--back', 'trading'],
      ['--even-if-running', 'trading'],
      ['--start-bot', '--resume'],
    ]) {
      assert.match(refusal(...words), /^rotate: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/u);
    }
  });

  it('refuses nothing at all, and what contradicts itself, in one line', () => {
    const lines = [
      refusal(),
      refusal('--due', 'trading'),
      refusal('--due', '--all'),
      refusal('--resume', '--abort'),
      refusal('--resume', '--confirm', 'abc-1'),
      refusal('--resume', 'trading'),
      refusal('--back'),
      refusal('--resume', '--plan'),
      refusal('--revoke', '--plan'),
      refusal('--revoke', 'trading'),
      refusal('--revoke', '--resume'),
      refusal('--metrics', 'trading'),
      refusal('--confirm'),
      refusal('--no-such-flag'),
    ];
    for (const line of lines)
      assert.match(line, /^rotate: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/u);
  });

  it('repeats no value that stands in the wrong place, and records none as a reason', () => {
    const canary = makeCanary('rotate-request');
    const lines = [
      refusal('--resume', canary),
      refusal(`--${canary}`),
      refusal('trading', '--why', canary),
      refusal('trading', '--confirm', canary, '--back'),
    ];
    assert.deepEqual(leaks(lines.join('\n'), new Map([['request', canary]])), []);
    assert.equal(
      parseRequest(['trading', '--why', 'the laptop was lost']).why,
      'the laptop was lost',
    );
  });
});
