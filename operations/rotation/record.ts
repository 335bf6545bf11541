/** What the ledger says of a rotation: names, tags and times. */
import { entryOf, isSecretKey } from '../../components/catalog.ts';
import { dueDay, type Item, type LedgerRecord } from './ledger.ts';
import type { Rotation } from './rotation.ts';

const none = {
  keys: [],
  targets: [],
  checks: [],
  uncompared: [],
  open: [],
  voids: [],
  failures: 0,
};

/** @param at ISO time */
export function recordOf(rotation: Rotation, stack: string, at: string): LedgerRecord {
  const { id, kind, goal, who, why, targets, checks, uncompared, failures } = rotation;
  const { follows, emergency } = rotation;
  const forward = kind === 'back' ? 'went back' : 'rotated';
  const did = goal === 'old' ? 'aborted' : forward;
  return {
    at,
    stack,
    rotation: id,
    did,
    who,
    why,
    keys: rotation.keys.map(({ path, oldTag, newTag = '' }) => {
      const key = path.split('.')[1] ?? '';
      const row = { key: path, old: oldTag, new: newTag };
      // What was to be replaced already is due at once.
      const days = did === 'rotated' && isSecretKey(key) ? entryOf(key).maxAgeDays : 0;
      return did === 'aborted' ? row : { ...row, due: dueDay(at, days) };
    }),
    targets,
    checks,
    uncompared,
    failures,
    open: rotation.items,
    voids: goal === 'old' ? [] : rotation.voids,
    ...(did !== 'aborted' && follows && { follows }),
    ...(emergency && { compromised: { stopped: emergency.bots } }),
  };
}

export interface Confirmed {
  /** ISO time. */
  readonly at: string;
  readonly who: string;
  readonly why: string;
  /** What has done it, such as a hook. @default - the person who says so */
  readonly by?: string;
}

/** @param item that is done */
export function confirmationOf(
  item: Item,
  stack: string,
  { at, who, why, by }: Confirmed,
): LedgerRecord {
  const rotation = item.id.split('-')[0] ?? '';
  const done = { at, stack, rotation, did: 'confirmed', who, why, ...none } as const;
  const checks = by === undefined ? [] : [{ what: item.key, result: 'revoked', by }];
  return { ...done, checks, confirms: item.id };
}
