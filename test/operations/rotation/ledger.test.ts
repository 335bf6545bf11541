import assert from 'node:assert/strict';
import {
  type Broken,
  isWritten,
  type Ledger,
  type LedgerRecord,
  lastRotated,
  lineOf,
  openItems,
  readLedger,
  usedAfterAll,
} from '../../../operations/rotation/ledger.ts';

const record = (rotation: string, more: Partial<LedgerRecord> = {}): LedgerRecord => ({
  at: '2026-11-27T10:00:00.000Z',
  stack: 'dev',
  rotation,
  did: 'rotated',
  who: 'someone@example.org',
  why: '',
  keys: [{ key: 'trading.binance_api_key', old: 'aaaa', new: 'bbbb', due: '2027-02-25' }],
  targets: ['compose'],
  checks: [],
  uncompared: [],
  failures: 0,
  open: [{ id: `${rotation}-1`, key: 'trading.binance_api_key', revoke: 'old' }],
  voids: [],
  ...more,
});

function whole(text: string): Ledger {
  const ledger = readLedger(text);
  assert.ok('entries' in ledger, JSON.stringify(ledger));
  return ledger;
}

function broken(text: string): Broken {
  const ledger = readLedger(text);
  assert.ok('line' in ledger, 'it is whole');
  return ledger;
}

function append(text: string, ...records: readonly LedgerRecord[]): string {
  return records.reduce((all, each) => all + lineOf(each, whole(all)), text);
}

describe('the ledger', () => {
  const text = append('', record('one'), record('two'), record('three'));
  const lines = text.trimEnd().split('\n');

  it('is a chain: each line follows the one before it', () => {
    const { entries, heads } = whole(text);
    assert.deepEqual(
      entries.map(({ after }) => after),
      [[], [entries[0]?.hash], [entries[1]?.hash]],
    );
    assert.deepEqual(heads, [entries[2]?.hash]);
    assert.deepEqual(whole(''), { entries: [], heads: [] });
  });

  it('names the first line that was changed', () => {
    const changed = text.replace('"rotation":"two"', '"rotation":"too"');
    assert.deepEqual(broken(changed), { line: 2, got: 'an entry that was changed' });
  });

  it('names the line behind one that was taken out', () => {
    const without = `${lines[0]}\n${lines[2]}\n`;
    const got = 'an entry that follows one which is not there';
    assert.deepEqual(broken(without), { line: 2, got });
    assert.equal(broken(`${lines[1]}\n${lines[2]}\n`).line, 1);
  });

  it('names what is no line of it: a blank, a mark of a conflict, half a line, a second time', () => {
    assert.equal(broken(`${lines[0]}\n\n${lines[1]}\n`).line, 2);
    assert.equal(broken(`${lines[0]}\n<<<<<<< HEAD\n`).line, 2);
    assert.equal(broken(text.slice(0, -20)).line, 3);
    assert.equal(broken(text.slice(0, -1)).got, 'a line without its end');
    assert.equal(broken(`${text}${lines[2]}\n`).got, 'an entry for a second time');
  });

  it('refuses a chain that begins anew in its middle', () => {
    const other = append('', record('other'));
    assert.deepEqual(broken(text + other), { line: 4, got: 'an entry that follows none' });
  });

  it('refuses a changed line whose hash was made anew, by the line behind it', () => {
    const [first = '', second = ''] = lines;
    const forged = lineOf(record('two', { who: 'nobody' }), whole(`${first}\n`));
    assert.notEqual(forged, `${second}\n`);
    assert.equal(broken(`${first}\n${forged}${lines[2]}\n`).line, 3);
  });

  it('is merged by appending the lines of two branches; the next line follows both', () => {
    const base = append('', record('one'));
    const ours = append(base, record('two'), record('three')).slice(base.length);
    const theirs = append(base, record('four')).slice(base.length);
    const merged = base + ours + theirs;
    assert.equal(whole(merged).heads.length, 2);
    const after = append(merged, record('five'));
    assert.equal(whole(after).heads.length, 1);
    assert.equal(whole(after).entries.at(-1)?.after.length, 2);
    // From now on none of them can be taken out.
    assert.equal(broken(base + ours + after.slice(merged.length)).line, 4);
  });

  it('knows a record that is written, so that none is written twice', () => {
    const ledger = whole(text);
    assert.ok(isWritten(ledger, record('two', { at: '2026-12-01T00:00:00.000Z' })));
    assert.ok(!isWritten(ledger, record('two', { did: 'confirmed', confirms: 'two-1' })));
  });

  it('has the items that wait for a person, without those done or void', () => {
    const confirmed = record('one', { did: 'confirmed', confirms: 'one-1', keys: [], open: [] });
    const back = record('six', { did: 'went back', voids: ['three-1'] });
    const open = openItems(whole(append(text, confirmed, back)));
    assert.deepEqual(
      open.map(({ id }) => id),
      ['two-1', 'six-1'],
    );
  });

  it('says when each key got its value: the latest time, and not that of an abort', () => {
    const later = '2026-12-01T00:00:00.000Z';
    const more = append(
      text,
      record('later', { at: later }),
      record('merged', { at: '2026-11-28T00:00:00.000Z' }),
      record('aborted', { did: 'aborted', at: '2027-01-01T00:00:00.000Z' }),
    );
    assert.deepEqual([...lastRotated(whole(more))], [['trading.binance_api_key', later]]);
    const back = record('back', { did: 'went back', at: '2026-12-02T00:00:00.000Z' });
    assert.deepEqual([...lastRotated(whole(append(more, back)))], []);
  });

  it('knows a new credential that was not used and is given again, by its tag', () => {
    const key = 'trading.binance_api_key';
    const open = [{ id: 'one-1', key, revoke: 'unused' }] as const;
    const ledger = whole(append('', record('one', { did: 'aborted', open }), record('two')));
    assert.deepEqual(usedAfterAll(ledger, new Map([[key, 'bbbb']])), ['one-1']);
    assert.deepEqual(usedAfterAll(ledger, new Map([[key, 'cccc']])), []);
    assert.deepEqual(usedAfterAll(ledger, new Map([['trading.kraken_api_key', 'bbbb']])), []);
  });
});
