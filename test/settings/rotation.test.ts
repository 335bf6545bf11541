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

  it('are addresses of services too, with everything but a password', () => {
    const address = {
      'infrastructure.postgres': 'postgresql://db.example.com:5433/?sslmode=require',
      'infrastructure.redis': 'rediss://alerts@[::1]:6379/0',
      'monitoring.email': 'smtps://alerts%40example.com@smtp.example.com',
    };
    assert.deepEqual(mistakes({ address }), []);
    const canary = makeCanary('address');
    const wrong: readonly (readonly [string, unknown, RegExp])[] = [
      ['infrastructure.redis', `redis://:${canary}@host`, /got an address with a password; /u],
      ['infrastructure.redis', 'redis://user:@host', /got an address with a password; /u],
      ['infrastructure.redis', `redis://${canary}@host`, /got an address whose user may be a /u],
      ['infrastructure.redis', 'redis://%zz@host', /got (?:no address|an address whose user may)/u],
      ['infrastructure.redis', `redis://host/0?password=${canary}`, /got an address with more /u],
      ['infrastructure.redis', 'https://host', /got an address of another kind; /u],
      ['infrastructure.redis', canary, /got no address; /u],
      ['infrastructure.redis', 5, /got no address; /u],
      ['infrastructure.postgres', 'postgresql://bot@host', /got an address with a user, which /u],
      ['infrastructure.postgres', 'postgresql://host/db', /got an address with more /u],
      ['infrastructure.postgres', 'postgresql:///x', /got an address without a host; /u],
      ['infrastructure.postgres', 'postgresql://host?sslmode=prefer', /got an address with more /u],
      ['monitoring.email', `smtp://x:${canary}@host`, /got an address with a password; /u],
      ['infrastructure.vault', 'https://host', /^rotation\.address: got /u],
      ['trading.kraken', 'https://host', /^rotation\.address: got /u],
    ];
    const lines = wrong.map(([word, text, line]) => {
      const [found = '', ...more] = mistakes({ address: { [word]: text } });
      assert.deepEqual(more, [], word);
      assert.match(found, line);
      assert.match(found, /^rotation\.address.*: got .+; allowed: .+; fix: [^\n]+$/u);
      return found;
    });
    assert.equal(mistakes({ address: 'redis://host' }).length, 1);
    assert.deepEqual(leaks(lines.join('\n'), new Map([['address', canary]])), []);
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
