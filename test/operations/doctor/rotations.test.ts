import assert from 'node:assert/strict';
import { entryOf } from '../../../components/catalog.ts';
import { judgeRotations } from '../../../operations/doctor/rotations.ts';
import { type Entry, type Ledger, readLedger } from '../../../operations/rotation/ledger.ts';
import { begun } from '../../../operations/rotation/way-back.ts';

const key = 'binance_api_key' as const;
const path = 'trading.binance_api_key';
const keys = [{ key, entry: entryOf(key), set: 'own value' as const }];
const none = { kept: [] };
const empty = readLedger('') as Ledger;
const entry: Entry = {
  at: '2026-08-01T10:00:00.000Z',
  stack: 'dev',
  rotation: 'abc',
  did: 'rotated',
  who: 'someone',
  why: '',
  keys: [{ key: path, old: 'a', new: 'b', due: '2026-10-30' }],
  targets: [],
  checks: [],
  uncompared: [],
  failures: 0,
  open: [],
  voids: [],
  after: [],
  hash: 'x',
};
const ledger = (more: Partial<Entry> = {}): Ledger => ({
  entries: [{ ...entry, ...more }],
  heads: [],
});
const on = (day: string) => new Date(`${day}T12:00:00.000Z`);

describe('what rotations have left to do', () => {
  it('is nothing where none was', () => {
    assert.deepEqual(judgeRotations('dev', keys, none, empty, on('2030-01-01')), []);
  });

  it('is a value that is due, from its day on', () => {
    assert.deepEqual(judgeRotations('dev', keys, none, ledger(), on('2026-10-29')), []);
    const [late, ...more] = judgeRotations('dev', keys, none, ledger(), on('2026-10-30'));
    assert.deepEqual(more, []);
    assert.deepEqual(late, {
      level: 'warning',
      what: 'rotation',
      got: `values that were due: ${path} (2026-10-30)`,
      allowed: 'younger ones (docs/catalog.md)',
      fix: 'npm run rotate -- --stack dev --due',
    });
    // Of a key that the stack does not use any more.
    assert.deepEqual(judgeRotations('dev', [], none, ledger(), on('2027-01-01')), []);
  });

  it('is a rotation that is not over, and a credential that nobody has confirmed as revoked', () => {
    const current = {
      ...{ ...begun, id: 'def', kind: 'rotate' as const, begun: '', who: '', why: '', targets: [] },
      due: 'taken back' as const,
      keys: [{ path, old: 'v1:o', new: 'v1:n', oldTag: '', worth: true }],
    };
    const open = [{ id: 'abc-1', key: path, revoke: 'old' as const }];
    const found = judgeRotations(
      'dev',
      keys,
      { current, kept: [] },
      ledger({ open }),
      on('2026-08-02'),
    );
    assert.deepEqual(
      found.map(({ got }) => got),
      [
        `a rotation of ${path} that is not over (taken back)`,
        `credentials that nobody has confirmed as revoked: abc-1 (old ${path})`,
      ],
    );
    assert.ok(!JSON.stringify(found).includes('v1:'));
  });

  it('is what an overlap has held back, once it is over', () => {
    const after = '2026-08-02T10:00:00.000Z';
    const open = [
      { id: 'abc-1', key: path, revoke: 'old' as const, after },
      { id: 'abc-2', key: 'trading', revoke: 'copies' as const, after },
    ];
    const judge = (day: string) => judgeRotations('dev', keys, none, ledger({ open }), on(day));
    assert.deepEqual(judge('2026-08-01'), []);
    const found = judge('2026-08-02');
    assert.deepEqual(
      found.map(({ got }) => got),
      [
        `credentials that nobody has confirmed as revoked: abc-1 (old ${path})`,
        'copies of replaced values whose overlap is over, of trading (abc-2)',
      ],
    );
    assert.equal(found[1]?.fix, 'npm run rotate -- --stack dev --revoke');
  });

  it('is a problem while somebody else may have a credential that works', () => {
    const item = { id: 'abc-1', key: path, revoke: 'old' as const };
    const urgent = { ...item, id: 'abc-2', urgent: true as const };
    const open = ledger({ open: [item, urgent] });
    const [found] = judgeRotations('dev', keys, none, open, on('2026-08-02'));
    assert.equal(found?.level, 'problem');
    assert.match(found?.got ?? '', /: abc-2 \(old .*\), abc-1 \(old /u);
  });
});
