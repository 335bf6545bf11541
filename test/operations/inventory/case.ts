/** Inventories to show: one that has everything, and one of any size. */
import { entryOf, secretKeys } from '../../../components/catalog.ts';
import type { Census } from '../../../operations/census/facts.ts';
import type { Inventory, Secret } from '../../../operations/inventory/inventory.ts';
import { inventoryOf } from '../../../operations/inventory/inventory.ts';
import { type LedgerRecord, lineOf, readLedger } from '../../../operations/rotation/ledger.ts';
import { keyFacts } from '../doctor/case.ts';

export const now = new Date('2026-11-27T12:00:00Z');
const paths = secretKeys.map((key) => `${entryOf(key).group}.${key}`);

/** Seen since the first of November, by every key's own file. */
export const census: Census = {
  stack: 'prod',
  keys: secretKeys.map((key) =>
    keyFacts(
      key,
      key === 'coinbase_passphrase'
        ? 'left out'
        : entryOf(key).source === 'generated'
          ? 'generated'
          : 'own value',
    ),
  ),
  tags: new Map(paths.map((path, at) => [path, `tag${'abcdefghijklmnopqrstuvwxyz'[at]}aaaaaa`])),
  targets: ['compose', 'env-file'],
  sightings: secretKeys
    .filter((key) => key !== 'coinbase_passphrase')
    .flatMap((key) =>
      ['compose', 'env-file'].map((target) => ({
        target,
        place: `out/${target}/${key}`,
        keys: [key],
        tag: 'aaaaaaaaaa',
        since: '2026-11-01T00:00:00.000Z',
        readers: [{ who: 'user bot', by: 'mode 0400', live: true }],
      })),
    ),
  drifts: [],
  unasked: [],
};

/** Binance was rotated long ago, Kraken in time, KuCoin nearly three months ago. */
export function ledger() {
  const record = (keys: readonly string[], at: string): LedgerRecord => ({
    at,
    stack: 'prod',
    rotation: at.slice(0, 7),
    did: 'rotated',
    who: 'somebody',
    why: '',
    keys: keys.map((key) => ({ key, old: 'a', new: 'b' })),
    targets: [],
    checks: [],
    uncompared: [],
    failures: 0,
    open: [],
    voids: [],
  });
  const of = (name: string): readonly string[] => paths.filter((path) => path.includes(name));
  let text = '';
  for (const each of [
    record(of('binance'), '2026-06-01T00:00:00.000Z'),
    record(of('kucoin'), '2026-09-05T00:00:00.000Z'),
    record(of('kraken'), '2026-11-20T00:00:00.000Z'),
  ]) {
    const before = readLedger(text);
    if ('got' in before) throw new Error(before.got);
    text += lineOf(each, before);
  }
  const read = readLedger(text);
  if ('got' in read) throw new Error(read.got);
  return read;
}

export const sample: Inventory = inventoryOf(census, ledger(), now);

/** The same, with a reader that no system was asked about. */
export const granted: Inventory = {
  ...sample,
  secrets: sample.secrets.map((each) => ({
    ...each,
    readers: [...each.readers, { who: 'role reader', by: 'policy reader', live: false }],
  })),
};

/** As many secrets as asked for, of several groups and owners; every fifth one overdue. */
export function inventoryOfSize(size: number): Inventory {
  const secrets = Array.from({ length: size }, (_, at): Secret => {
    const [from] = [sample.secrets[at % sample.secrets.length]];
    if (from === undefined) throw new Error('no sample');
    const group = `${from.group}-${at % 7}`;
    return {
      ...from,
      group,
      key: `${group}.${from.key.split('.')[1]}_${at}`,
      status: at % 5 === 0 ? 'overdue' : 'in time',
      ageDays: at % 400,
    };
  });
  return { ...sample, secrets };
}
