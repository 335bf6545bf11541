import assert from 'node:assert/strict';
import { cutOff, cutOffLine, lastOf } from '../../../operations/rotation/last-entry.ts';
import {
  type Ledger,
  lineOf,
  plannedHash,
  readLedger,
} from '../../../operations/rotation/ledger.ts';
import { recordOf } from '../../../operations/rotation/record.ts';
import type { Rotation } from '../../../operations/rotation/rotation.ts';
import { begun } from '../../../operations/rotation/way-back.ts';

const rotation = (id: string): Rotation => ({
  ...begun,
  id,
  begun: '2026-11-27T10:00:00.000Z',
  who: 'someone',
  why: '',
  kind: 'rotate',
  due: 'roll out',
  targets: ['compose'],
  keys: [{ path: 'trading.kraken_api_key', old: 'v1:o', oldTag: 'a', newTag: 'b', worth: true }],
});

function whole(text: string): Ledger {
  const ledger = readLedger(text);
  assert.ok('entries' in ledger, JSON.stringify(ledger));
  return ledger;
}

/** The ledger behind a rotation, and what stores were told of it before. */
function recorded(text: string, id: string, who = 'someone'): readonly [string, string] {
  const { heads } = whole(text);
  const last = lastOf(rotation(id), 'dev', heads);
  const ended = { ...rotation(id), who, failures: 1, follows: heads };
  const record = recordOf(ended, 'dev', '2026-11-28T00:00:00.000Z');
  return [text + lineOf(record, whole(text)), last];
}

describe('the last entry of a ledger', () => {
  const [one, first] = recorded('', 'aaaaaa');
  const [two, second] = recorded(one, 'bbbbbb');
  const tags = (trading: string) => ({ trading: { rotation: trading }, monitoring: {} });
  const cut = (text: string, said: string, journal = {}): string =>
    cutOff('dev', tags(said), { kept: [], ...journal }, whole(text))?.got ?? '';

  it('is known before its roll out, by id, day and a hash of all that is known then', () => {
    assert.match(second, /^bbbbbb 2026-11-27 [0-9a-f]{64}$/u);
    assert.equal(cut(two, second), '');
    // A stack that another branch has rolled out names an earlier one.
    assert.equal(cut(two, first), '');
    assert.equal(cut('', ''), '');
  });

  it('is missed when it was cut off, and not while its rotation is under way', () => {
    assert.equal(cut(one, second), 'no line of rotation bbbbbb of 2026-11-27, the last of trading');
    assert.equal(cut('', first), 'no line of rotation aaaaaa of 2026-11-27, the last of trading');
    assert.equal(cut(one, second, { current: rotation('bbbbbb') }), '');
    assert.match(
      cutOffLine('dev', tags(second), { kept: [] }, whole(one)) ?? '',
      /^[^\n]*ledger\/dev\.jsonl: got no line [^\n]+; allowed: [^\n]+; fix: git pull, [^\n]+$/u,
    );
  });

  it('is found to be another when it, or what it follows, was written anew with all hashes', () => {
    const [forged] = recorded(one, 'bbbbbb', 'nobody');
    assert.match(cut(forged, second), /^another line of rotation bbbbbb/u);
    const [other] = recorded('', 'aaaaaa', 'nobody');
    assert.match(cut(recorded(other, 'bbbbbb')[0], second), /^another line of rotation bbbbbb/u);
  });

  it('is another when it no longer says that the key was compromised', () => {
    const urgent = { ...rotation('bbbbbb'), emergency: { bots: ['compose'] } };
    const last = lastOf(urgent, 'dev', whole(one).heads);
    const { compromised, ...record } = recordOf(
      { ...urgent, follows: whole(one).heads },
      'dev',
      '2026-11-28T00:00:00.000Z',
    );
    assert.deepEqual(compromised, { stopped: ['compose'] });
    assert.equal(cut(one + lineOf({ ...record, compromised }, whole(one)), last), '');
    const forged = one + lineOf(record, whole(one));
    assert.match(cut(forged, last), /^another line of rotation bbbbbb/u);
  });

  it('is the same whatever it left to do, when it ended, and who came in between', () => {
    const { heads } = whole(one);
    const record = recordOf(
      { ...rotation('bbbbbb'), follows: heads },
      'dev',
      '2026-11-27T00:00:00.000Z',
    );
    const open = [{ id: 'bbbbbb-1', key: 'trading', revoke: 'copies' as const }];
    const later = { ...record, at: '2027-01-01T00:00:00.000Z', open, failures: 3 };
    assert.equal(plannedHash(later), plannedHash(record));
    const [between] = recorded(one, 'cccccc');
    assert.equal(cut(between + lineOf(later, whole(between)), second), '');
  });
});
