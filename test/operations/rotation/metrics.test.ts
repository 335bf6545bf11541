import assert from 'node:assert/strict';
import { type Entry, readLedger } from '../../../operations/rotation/ledger.ts';
import { metricsOf } from '../../../operations/rotation/metrics.ts';

const path = 'trading.binance_api_key';
const entry: Entry = {
  at: '2026-11-27T10:00:00.000Z',
  stack: 'prod',
  rotation: 'abc',
  did: 'rotated',
  who: 'someone',
  why: '',
  keys: [{ key: path, old: 'a', new: 'b', due: '2027-02-25' }],
  targets: [],
  checks: [],
  uncompared: [],
  failures: 0,
  open: [{ id: 'abc-1', key: path, revoke: 'old' }],
  voids: [],
  after: [],
  hash: 'x',
};

describe('the ages of values, for Prometheus', () => {
  it('are when each was rotated and is due, what is not over, and what is open', () => {
    const ledger = { entries: [entry], heads: [] };
    const text = metricsOf('prod', ['binance_api_key', 'redis_password'], { kept: [] }, ledger);
    const lines = text.split('\n').filter((line) => !line.startsWith('#'));
    const own = 'stack="prod",group="trading",key="binance_api_key",owner="trading-desk"';
    const other = 'stack="prod",group="infrastructure",key="redis_password",owner="platform"';
    assert.deepEqual(lines, [
      `hummingbot_secret_rotated_timestamp_seconds{${own}} 1795773600`,
      `hummingbot_secret_rotated_timestamp_seconds{${other}} 0`,
      // 90 days later.
      `hummingbot_secret_due_timestamp_seconds{${own}} 1803549600`,
      `hummingbot_secret_due_timestamp_seconds{${other}} 0`,
      'hummingbot_rotation_unfinished{stack="prod"} 0',
      'hummingbot_rotation_open_items{stack="prod"} 1',
      '',
    ]);
  });

  it('do not count what an overlap holds back until it is over', () => {
    const item = { id: 'abc-1', key: 'trading', revoke: 'copies' as const, after: '2026-11-28' };
    const ledger = { entries: [{ ...entry, open: [item] }], heads: [] };
    const open = (now: string) =>
      /open_items\{stack="prod"\} (\d)/u.exec(
        metricsOf('prod', [], { kept: [] }, ledger, now),
      )?.[1];
    assert.deepEqual([open('2026-11-27'), open('2026-11-28')], ['0', '1']);
  });

  it('are in the form that Prometheus reads: a help and a type before each, a line feed at the end', () => {
    const empty = readLedger('');
    assert.ok('entries' in empty);
    const text = metricsOf('dev', ['binance_api_key'], { kept: [] }, empty);
    assert.ok(text.endsWith('\n'));
    const form = /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+\{(?:[a-z]+="[\w-]+",?)+\} \d+)$/u;
    for (const line of text.trimEnd().split('\n')) assert.match(line, form);
    assert.equal(text.match(/^# TYPE [a-z_]+ gauge$/gmu)?.length, 4);
  });
});
