import assert from 'node:assert/strict';
import type { Journal } from '../../../operations/rotation/journal.ts';
import type { Entry, Item, Ledger } from '../../../operations/rotation/ledger.ts';
import { openLine } from '../../../operations/rotation/open-lines.ts';
import { dueRevocations, revokeDue } from '../../../operations/rotation/pending.ts';
import { overlapEnd } from '../../../operations/rotation/revocation.ts';
import type { Rotation } from '../../../operations/rotation/rotation.ts';

const day = (at: number): string => `2026-11-${at}T00:00:00.000Z`;
const path = 'trading.kraken_api_key';
const items: readonly Item[] = [
  { id: 'aaaaaa-1', key: path, revoke: 'old', after: day(11) },
  { id: 'aaaaaa-2', key: 'trading', revoke: 'copies', after: day(11) },
];
const later: readonly Item[] = [
  { id: 'bbbbbb-1', key: 'trading', revoke: 'copies', after: day(12) },
];
const journal: Journal = {
  kept: [
    {
      id: 'aaaaaa',
      begun: day(10),
      keys: [{ path, old: 'v1:o', new: 'v1:n' }],
      items: items.slice(0, 1),
    },
  ],
};
const ledgerOf = (...open: readonly Item[]): Ledger => ({
  entries: [{ open, voids: [] } as unknown as Entry],
  heads: [],
});
const ids = (now: string, ledger = ledgerOf(...items), of = journal): readonly string[] => {
  const { credentials, copies } = dueRevocations(of, ledger, now);
  return [...credentials, ...copies].flatMap((each) => each.items.map(({ id }) => id));
};

describe('what an overlap has held back', () => {
  it('is due once it is over, and not before', () => {
    assert.deepEqual(ids(day(10)), []);
    assert.deepEqual(ids(day(11)), ['aaaaaa-1', 'aaaaaa-2']);
    assert.deepEqual(ids(day(11), ledgerOf()), []);
  });

  it('of copies is due with the latest overlap of their group: a store keeps them together', () => {
    const ledger = ledgerOf(...items, ...later);
    assert.deepEqual(ids(day(11), ledger), ['aaaaaa-1']);
    assert.deepEqual(ids(day(12), ledger), ['aaaaaa-1', 'aaaaaa-2', 'bbbbbb-1']);
  });

  it('of copies is due at once behind an emergency, with all others of the group', () => {
    const now: Item = { id: 'cccccc-1', key: 'trading', revoke: 'copies' };
    assert.deepEqual(ids(day(10), ledgerOf(...items, now)), ['aaaaaa-2', 'cccccc-1']);
    const other: Item = { ...now, key: 'monitoring' };
    assert.deepEqual(ids(day(10), ledgerOf(...items, other)), ['cccccc-1']);
  });

  it('is not what a rotation under way is about, or goes back to', () => {
    const current = { keys: [{ path }], voids: ['aaaaaa-1'] } as unknown as Rotation;
    assert.deepEqual(ids(day(11), undefined, { ...journal, current }), []);
    const other = { keys: [{ path: 'monitoring.telegram_token' }], voids: [] };
    const busy = { ...journal, current: other as unknown as Rotation };
    assert.deepEqual(ids(day(11), undefined, busy), ['aaaaaa-1', 'aaaaaa-2']);
  });

  it('is confirmed when it is done, and stays open when it is not', async () => {
    const play = async (by: readonly string[], gone: readonly string[]) => {
      const confirmed: string[] = [];
      const done = await revokeDue(dueRevocations(journal, ledgerOf(...items), day(11)), {
        revokeOld: async () => new Map(by.map((id) => [id, 'hooks/x'])),
        removeCopies: async () => gone,
        confirm: ({ id }, what) => void confirmed.push(`${id} ${what}`),
      });
      return [done, ...confirmed];
    };
    assert.deepEqual(await play(['aaaaaa-1'], ['trading']), [
      true,
      'aaaaaa-1 hooks/x',
      'aaaaaa-2 npm run rotate',
    ]);
    assert.deepEqual(await play([], []), [false]);
    // Without a hook a person revokes: nothing that a run could have done is left.
    assert.deepEqual(await play([], ['trading']), [true, 'aaaaaa-2 npm run rotate']);
  });

  it('is told with its time', () => {
    const again = 'npm run rotate -- --stack dev';
    const lines = items.map((item) => openLine(item, day(10), again));
    assert.match(
      lines[0] ?? '',
      /^open from 2026-11-11T.* on: revoke the old .* --confirm aaaaaa-1$/u,
    );
    assert.match(lines[1] ?? '', /^open from 2026-11-11T.* on: remove the old copies of trading/u);
    assert.match(openLine(items[0] as Item, day(11), again), /^open: revoke the old/u);
    const urgent: Item = { id: 'cccccc-1', key: path, revoke: 'old', urgent: true };
    assert.match(
      openLine(urgent, day(11), again),
      /^URGENT: revoke the old .* was made now, then /u,
    );
  });

  it('stays for as long as the setting says behind the proof', () => {
    assert.equal(
      overlapEnd({ proven: day(10) }, { rotation: { overlap: '24h' } }, day(10)),
      day(11),
    );
    assert.equal(overlapEnd({ proven: day(10) }, {}, day(10)), day(11));
    assert.equal(overlapEnd({ proven: day(10) }, {}, day(11)), undefined);
    assert.equal(overlapEnd({ proven: day(10) }, { rotation: { overlap: 0 } }, day(10)), undefined);
    const compromised = { proven: day(10), emergency: { bots: [] } };
    assert.equal(overlapEnd(compromised, { rotation: { overlap: '24h' } }, day(10)), undefined);
  });
});
