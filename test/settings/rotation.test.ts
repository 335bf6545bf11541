import assert from 'node:assert/strict';
import { lineOf } from '../../settings/mistake.ts';
import { checkRotation, lastRotations, overlapOf, parseLast } from '../../settings/rotation.ts';
import { leaks, makeCanary } from '../canary.ts';

function mistakes(rotation: unknown): readonly string[] {
  const lines: string[] = [];
  const raw = { stack: 'dev', config: { rotation }, stackFile: undefined, projectDirectory: '.' };
  checkRotation(raw, (mistake) => void lines.push(lineOf(mistake)));
  return lines;
}

describe('the overlap of a rotation', () => {
  it('is a day unless something else is set, or nothing', () => {
    assert.equal(overlapOf(undefined), 24 * 60 * 60);
    assert.equal(overlapOf({ check: {} }), 24 * 60 * 60);
    for (const [overlap, seconds] of [
      ['0', 0],
      [0, 0],
      ['90m', 90 * 60],
      ['24h', 24 * 60 * 60],
      ['7d', 7 * 24 * 60 * 60],
      ['30d', 30 * 24 * 60 * 60],
    ] as const) {
      assert.deepEqual(mistakes({ overlap }), []);
      assert.equal(overlapOf({ overlap }), seconds, String(overlap));
    }
  });

  it('is refused in one line when it is no duration, or longer than 30 days', () => {
    for (const overlap of [
      '',
      'soon',
      '24',
      '1.5h',
      '-1h',
      '0h',
      '31d',
      '721h',
      '24 h',
      5,
      true,
      {},
      null,
      [1],
    ]) {
      const lines = mistakes({ overlap });
      assert.equal(lines.length, 1, JSON.stringify(overlap));
      assert.match(
        lines[0] ?? '',
        /^rotation\.overlap: got .+; allowed: 0, or minutes, .+; fix: .*rotation\.overlap 24h/u,
      );
    }
    const canary = makeCanary('overlap');
    const lines = mistakes({ overlap: canary }).join('\n');
    assert.deepEqual(leaks(lines, new Map([['overlap', canary]])), []);
  });
});

describe('what is said of the last rotation', () => {
  const text = `k4x2fa 2026-11-27 ${'0f'.repeat(32)}`;

  it('is an id, a day and a hash, by group', () => {
    assert.deepEqual(mistakes({ last: { trading: text } }), []);
    assert.deepEqual(lastRotations({ last: { trading: text } }), { trading: text });
    assert.deepEqual(lastRotations(undefined), {});
    assert.deepEqual(parseLast(text), { id: 'k4x2fa', day: '2026-11-27', hash: '0f'.repeat(32) });
    assert.equal(parseLast(`${text}0`), undefined);
  });

  it('is refused when npm run rotate has not written it, and not repeated', () => {
    const canary = makeCanary('last');
    for (const last of [text, [], { other: text }, { trading: canary }, { trading: 5 }]) {
      const lines = mistakes({ last });
      assert.equal(lines.length, 1, JSON.stringify(last));
      assert.match(
        lines[0] ?? '',
        /^rotation\.last: got something else than npm run rotate writes/u,
      );
      assert.deepEqual(leaks(lines.join('\n'), new Map([['last', canary]])), []);
    }
  });
});

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
