import assert from 'node:assert/strict';
import { finished, keptOf, parseJournal, without } from '../../../operations/rotation/journal.ts';
import { type Ledger, openItems } from '../../../operations/rotation/ledger.ts';
import { recordOf } from '../../../operations/rotation/record.ts';
import {
  aborted,
  advance,
  forbidsUp,
  holdsValues,
  type Outcome,
  type Rotation,
  resumed,
  superseded,
} from '../../../operations/rotation/rotation.ts';
import { begun, confirmable, wayBack } from '../../../operations/rotation/way-back.ts';

const path = 'trading.binance_api_key';
const beginning = {
  id: 'abc',
  begun: '2026-11-27T10:00:00.000Z',
  who: 'someone',
  why: '',
  targets: ['compose'],
};
const start: Rotation = {
  ...beginning,
  ...begun,
  kind: 'rotate',
  due: 'value',
  keys: [{ path, old: 'v1:old', oldTag: 'aaaa', worth: true }],
};
const valued: Outcome = {
  of: 'value',
  keys: [{ path, old: 'v1:old', new: 'v1:new', oldTag: 'aaaa', worth: true }],
  uncompared: ['prod'],
  voids: [],
};
const rolled: Outcome = {
  of: 'roll out',
  tags: new Map([[path, 'bbbb']]),
  at: '2026-11-27T10:05:00.000Z',
  follows: ['hash'],
};
const nothing = { of: 'revoke', revoked: [], copies: [] } as const;
const play = (...outcomes: readonly Outcome[]): Rotation => outcomes.reduce(advance, start);
const checked: Outcome = { of: 'check', checks: [{ what: path, result: 'none' }] };
const done = play(valued, checked, rolled, nothing);

describe('a rotation', () => {
  it('goes from step to step, and its old credential is an item until somebody confirms', () => {
    assert.equal(play(valued).due, 'check');
    assert.equal(play(valued, checked).due, 'roll out');
    assert.equal(play(valued, checked, rolled).due, 'revoke');
    assert.equal(done.due, 'record');
    assert.deepEqual(done.items, [{ id: 'abc-1', key: path, revoke: 'old' }]);
  });

  it('has no item for what a hook has revoked, or for a placeholder', () => {
    const revoked = play(valued, checked, rolled, { ...nothing, revoked: [path] });
    assert.deepEqual(revoked.items, []);
    const worthless = {
      ...play(valued, checked, rolled),
      keys: [{ ...start.keys[0], worth: false }],
    };
    const end = advance(worthless as Rotation, nothing);
    assert.deepEqual(end.items, []);
  });

  it('leaves what an overlap holds back, and copies that are still there, as items with their time', () => {
    const after = '2026-11-28T10:05:00.000Z';
    const held = play(valued, checked, rolled, { ...nothing, copies: ['trading'], after });
    assert.deepEqual(held.items, [
      { id: 'abc-1', key: path, revoke: 'old', after },
      { id: 'abc-2', key: 'trading', revoke: 'copies', after },
    ]);
    // The journal keeps what a way back needs, and copies need none.
    const [kept] = finished({ kept: [], current: held }).kept;
    assert.deepEqual(kept?.items, held.items.slice(0, 1));
    const copies = play(valued, checked, rolled, {
      ...nothing,
      revoked: [path],
      copies: ['trading'],
    });
    assert.deepEqual(copies.items, [{ id: 'abc-1', key: 'trading', revoke: 'copies' }]);
    assert.deepEqual(finished({ kept: [], current: copies }), { kept: [] });
  });

  it('makes the items void of what an earlier one did not use, and this one was given', () => {
    const given = play({ ...valued, voids: ['abb-1'] });
    assert.deepEqual(given.voids, ['abb-1']);
    assert.deepEqual(recordOf({ ...done, voids: given.voids }, 'dev', beginning.begun).voids, [
      'abb-1',
    ]);
    // It did not come to be used.
    assert.deepEqual(
      recordOf({ ...done, voids: given.voids, goal: 'old' }, 'dev', beginning.begun).voids,
      [],
    );
  });

  it('says which paths have a third value when it is taken back', () => {
    const failed = play(valued, checked, { of: 'roll out', failed: true });
    const back = advance(failed, { of: 'take back', foreign: [path] });
    assert.deepEqual([back.due, back.foreign], ['taken back', [path]]);
    const again = advance({ ...back, due: 'take back' }, { of: 'take back', foreign: [] });
    assert.equal(again.foreign, undefined);
  });

  it('makes way for an emergency as long as the old values are in every place', () => {
    const urgent: Rotation = { ...start, id: 'urg', due: 'stop', emergency: { bots: ['compose'] } };
    const failed = play(valued, checked, { of: 'roll out', failed: true });
    const back = advance(failed, { of: 'take back', foreign: [] });
    for (const each of [play(valued), back]) {
      const taken = superseded(each, urgent);
      assert.deepEqual([taken?.due, taken?.goal, taken?.next], ['record', 'old', urgent]);
      assert.deepEqual(taken?.items, [{ id: 'abc-1', key: path, revoke: 'unused' }]);
      assert.ok(taken && forbidsUp(taken));
      assert.deepEqual(finished({ current: taken, kept: [] }).current, urgent);
    }
    // Nothing was given yet: there is nothing to record.
    assert.equal(superseded(start, urgent), urgent);
    // What a third value has replaced is a person's to revoke.
    const foreign = advance(failed, { of: 'take back', foreign: [path] });
    assert.deepEqual(
      superseded(foreign, urgent)?.items.map(({ revoke }) => revoke),
      ['unused', 'old'],
    );
    for (const each of [play(valued, checked), failed, play(valued, checked, rolled)]) {
      assert.equal(superseded(each, urgent), undefined);
    }
  });

  it('takes the old value back when a roll out fails, and rests; resumed, it rolls out again', () => {
    const failed = play(valued, checked, { of: 'roll out', failed: true });
    assert.deepEqual([failed.due, failed.failures], ['take back', 1]);
    const back = advance(failed, { of: 'take back', foreign: [] });
    assert.equal(back.due, 'taken back');
    assert.equal(resumed(back).due, 'roll out');
    const again = resumed(failed);
    assert.equal(again.due, 'take back');
    const once = advance(again, { of: 'take back', foreign: [] });
    assert.equal(once.due, 'roll out');
    // Once: a roll out that fails then rests behind the next way back.
    const twice = advance(once, { of: 'roll out', failed: true });
    assert.equal(advance(twice, { of: 'take back', foreign: [] }).due, 'taken back');
  });

  it('can be aborted until the new value is in every place, and leaves an item for an unused one', () => {
    assert.deepEqual(aborted(start)?.items, []);
    assert.deepEqual(aborted(play(valued))?.items, [{ id: 'abc-1', key: path, revoke: 'unused' }]);
    const half = aborted(play(valued, checked));
    assert.deepEqual([half?.due, half?.goal], ['take back', 'old']);
    const foreign = half && advance(half, { of: 'take back', foreign: [path] });
    assert.deepEqual(
      foreign?.items.map(({ revoke }) => revoke),
      ['unused', 'old'],
    );
    assert.equal(aborted(play(valued, checked, rolled)), undefined);
    assert.equal(aborted(done), undefined);
  });

  it('refuses an end of a step that is not due', () => {
    assert.throws(() => advance(start, rolled), /roll out ended while value was due/u);
  });

  it('is recorded with tags, checks and the next due day, and without a value', () => {
    const record = recordOf(done, 'dev', '2026-11-27T10:00:00.000Z');
    assert.equal(record.did, 'rotated');
    const [key] = record.keys;
    assert.deepEqual(key, { key: path, old: 'aaaa', new: 'bbbb', due: '2027-02-25' });
    assert.deepEqual(record.uncompared, ['prod']);
    assert.deepEqual(record.follows, ['hash']);
    assert.ok(!JSON.stringify(record).includes('v1:'));
  });
});

describe('a rotation of what somebody else may have', () => {
  const urgent: Rotation = { ...start, due: 'stop', emergency: { bots: ['compose'] } };
  const playUrgent = (...outcomes: readonly Outcome[]): Rotation =>
    outcomes.reduce(advance, urgent);
  const stopped: Outcome = { of: 'stop' };
  const failed: Outcome = { of: 'roll out', failed: true };

  it('stops the bot before it asks for a value, and keeps that it did', () => {
    assert.ok(holdsValues(urgent));
    assert.equal(playUrgent(stopped).due, 'value');
    assert.ok(holdsValues(playUrgent(stopped)));
  });

  it('forbids an up that may start the bot with what is set, until the new value is', () => {
    for (const outcomes of [[], [stopped], [stopped, valued], [stopped, valued, checked]]) {
      assert.ok(forbidsUp(playUrgent(...outcomes)));
    }
    assert.ok(!forbidsUp(playUrgent(stopped, valued, checked, failed)));
    assert.ok(!forbidsUp(playUrgent(stopped, valued, checked, rolled)));
    assert.ok(!forbidsUp(start));
  });

  it('takes no old value back when its roll out fails', () => {
    const held = playUrgent(stopped, valued, checked, failed);
    assert.deepEqual([held.due, held.failures], ['held', 1]);
    assert.equal(resumed(held).due, 'roll out');
  });

  it('has urgent items, which stand first, and nobody goes back to what it replaced', () => {
    const done = playUrgent(stopped, valued, checked, rolled, nothing);
    assert.deepEqual(done.items, [{ id: 'abc-1', key: path, revoke: 'old', urgent: true }]);
    const copied = playUrgent(stopped, valued, checked, rolled, {
      ...nothing,
      copies: ['trading'],
    });
    assert.deepEqual(copied.items.slice(1), [{ id: 'abc-2', key: 'trading', revoke: 'copies' }]);
    const record = { ...recordOf(done, 'dev', beginning.begun), after: [], hash: 'x' };
    assert.deepEqual(record.follows, ['hash']);
    assert.deepEqual(record.compromised, { stopped: ['compose'] });
    const open = [{ id: 'x-1', key: 'y', revoke: 'old' as const }];
    const ledger = { entries: [{ ...record, open }, record], heads: [] };
    assert.deepEqual(
      openItems(ledger).map(({ id }) => id),
      ['abc-1', 'x-1'],
    );
    const journal = finished({ kept: [], current: done });
    assert.equal(journal.kept[0]?.compromised, true);
    const other = { ...beginning, id: 'def' };
    assert.equal(wayBack(journal, ledger, [path], other, new Map()), undefined);
  });

  it('is aborted by a start of the bot with the old value, wherever it is', () => {
    assert.equal(aborted(urgent)?.due, 'start');
    const asked = aborted(playUrgent(stopped, valued));
    assert.equal(asked?.due, 'start');
    const over = asked && advance(asked, { of: 'start' });
    assert.deepEqual([over?.due, over?.items[0]?.revoke], ['record', 'unused']);
    assert.equal(aborted(playUrgent(stopped, valued, checked, failed))?.due, 'take back');
  });

  it('is superseded by one of all its keys, and lists what was given as unused', () => {
    const others = { ...urgent, id: 'def', emergency: { bots: ['swarm'] } };
    const bots = ['compose', 'swarm'];
    assert.deepEqual(superseded(playUrgent(stopped), others), { ...others, emergency: { bots } });
    const over = superseded(playUrgent(stopped, valued), others);
    assert.deepEqual([over?.id, over?.due, over?.items[0]?.revoke], ['abc', 'record', 'unused']);
    assert.ok(over !== undefined && forbidsUp(over));
    assert.equal(finished({ kept: [], current: over }).current?.id, 'def');
    assert.equal(superseded(over, { ...others, id: 'ghi' })?.next?.id, 'ghi');
    assert.equal(superseded(playUrgent(stopped), { ...others, keys: [] }), undefined);
    assert.equal(superseded(playUrgent(stopped, valued, checked), others), undefined);
  });
});

describe('the way back', () => {
  const journal = finished({ kept: [], current: done });
  const record = { ...recordOf(done, 'dev', beginning.begun), after: [], hash: 'x' };
  const ledger: Ledger = { entries: [record], heads: ['x'] };
  const tags = new Map([[path, { oldTag: 'bbbb', newTag: 'aaaa' }]]);
  const other = { ...beginning, id: 'def' };

  it('swaps old and new, and makes the item void: that credential is in use again', () => {
    const back = wayBack(journal, ledger, [path], other, tags);
    assert.deepEqual(back?.keys, [
      { path, old: 'v1:new', new: 'v1:old', worth: true, oldTag: 'bbbb', newTag: 'aaaa' },
    ]);
    assert.deepEqual(back?.voids, ['abc-1']);
    assert.ok(back !== undefined && holdsValues(back));
    assert.equal(confirmable({ ...journal, current: back }, ledger, 'abc-1'), undefined);
    assert.equal(confirmable(journal, ledger, 'abc-1')?.key, path);
  });

  it('is closed once the old credential is confirmed as revoked, in the journal or the ledger', () => {
    assert.deepEqual(without(journal, ['abc-1']), { kept: [] });
    const confirmed = { ...record, did: 'confirmed' as const, confirms: 'abc-1', open: [] };
    const entries = [record, confirmed];
    assert.equal(wayBack(journal, { entries, heads: [] }, [path], other, tags), undefined);
  });

  it('is there only for keys that were rotated together last', () => {
    assert.equal(keptOf(journal, [path])?.id, 'abc');
    assert.equal(keptOf(journal, [path, 'trading.binance_secret_key']), undefined);
    assert.equal(keptOf({ kept: [] }, [path]), undefined);
  });

  it('is not there after an abort', () => {
    const back = aborted(play(valued));
    assert.ok(back !== undefined);
    assert.deepEqual(finished({ kept: [], current: back }), { kept: [] });
  });

  it('stands in a journal, which is nothing else', () => {
    assert.deepEqual(parseJournal(JSON.stringify(journal)), journal);
    for (const text of ['', '{}', '[]', '{"kept":{}}']) {
      assert.throws(() => parseJournal(text), SyntaxError);
    }
  });
});
