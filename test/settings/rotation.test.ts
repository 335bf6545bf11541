import assert from 'node:assert/strict';
import { lineOf } from '../../settings/mistake.ts';
import { checkRotation } from '../../settings/rotation.ts';
import { leaks, makeCanary } from '../canary.ts';

function mistakes(rotation: unknown): readonly string[] {
  const lines: string[] = [];
  const raw = { stack: 'dev', config: { rotation }, stackFile: undefined, projectDirectory: '.' };
  checkRotation(raw, (mistake) => void lines.push(lineOf(mistake)));
  return lines;
}

describe('the hooks of a rotation', () => {
  it('are programs for what is issued together, or for a key', () => {
    assert.deepEqual(mistakes(undefined), []);
    assert.deepEqual(mistakes({}), []);
    const check = {
      'trading.binance': 'hooks/check-binance',
      'monitoring.email_password': '/opt/x',
    };
    assert.deepEqual(mistakes({ check, revoke: check }), []);
  });

  it('are refused a line each: another step, another word, no program, one with arguments', () => {
    for (const rotation of [
      'text',
      [],
      { chek: {} },
      { check: 'hooks/x' },
      { check: { 'trading.binanse': 'hooks/x' } },
      { check: { trading: 'hooks/x' } },
      { check: { 'trading.binance': 5 } },
      { check: { 'trading.binance': '' } },
      { check: { 'trading.binance': 'hooks/x --flag' } },
      { revoke: { 'trading.binance': '-x' } },
    ]) {
      const lines = mistakes(rotation);
      assert.equal(lines.length, 1, JSON.stringify(rotation));
      assert.match(lines[0] ?? '', /^rotation\S*.*: got .+; allowed: .+; fix: [^\n]+$/u);
    }
    assert.match(
      mistakes({ check: { 'trading.binanse': 'x' } })[0] ?? '',
      /allowed: trading\.binance/u,
    );
  });

  it('are not repeated where one may be a value', () => {
    const canary = makeCanary('hooks');
    const lines = [
      ...mistakes({ [canary]: {} }),
      ...mistakes({ check: { [canary]: 'x' } }),
      ...mistakes({ check: { 'trading.binance': `${canary} x` } }),
    ];
    assert.equal(lines.length, 3);
    assert.deepEqual(leaks(lines.join('\n'), new Map([['hooks', canary]])), []);
  });
});
