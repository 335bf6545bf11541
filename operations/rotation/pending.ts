/**
 * What earlier rotations have left to revoke, and whose overlap is over. Each is done, then written into
 * the ledger, then forgotten by the journal; after a kill in between it is done once more.
 */
import type { Journal, Kept } from './journal.ts';
import { dueItems, type Item, type Ledger, openItems } from './ledger.ts';
import { groupsOf } from './rotation.ts';

export interface Due {
  /** Old credentials whose ciphertext this machine's journal has, with their items alone. */
  readonly credentials: readonly Kept[];
  /** Groups whose copies are to go. */
  readonly copies: readonly { readonly group: string; readonly items: readonly Item[] }[];
}

export interface RevokingHands {
  /** @returns ids of items whose credential was revoked, with what has done it */
  revokeOld(kept: Kept): Promise<ReadonlyMap<string, string>>;
  /** @returns those of the groups of which no copy is left */
  removeCopies(groups: readonly string[]): Promise<readonly string[]>;
  /** Writes that an item is done, and forgets its old value. */
  confirm(item: Item, by: string): void;
}

/**
 * Copies of a group go together, so they wait for the latest overlap of the group, and for a rotation of
 * it that is not over. Those that were to go at once, as behind an emergency, take the others with them.
 * @param now ISO time
 */
export function dueRevocations({ current, kept }: Journal, ledger: Ledger, now: string): Due {
  const due = dueItems(ledger, now).filter(({ id }) => !current?.voids.includes(id));
  const ids = new Set(due.map(({ id }) => id));
  const credentials = kept.flatMap((each) => {
    const items = each.items.filter(({ id, revoke }) => revoke === 'old' && ids.has(id));
    const keys = each.keys.filter(({ path }) => items.some(({ key }) => key === path));
    return items.length === 0 ? [] : [{ ...each, keys, items }];
  });
  const busy = groupsOf(current?.keys ?? []);
  const open = openItems(ledger).filter(({ revoke }) => revoke === 'copies');
  const groups = [...new Set(open.map(({ key }) => key))].filter((group) => !busy.includes(group));
  const copies = groups
    .map((group) => ({ group, items: open.filter(({ key }) => key === group) }))
    .filter(
      ({ items }) =>
        items.every(({ id }) => ids.has(id)) || items.some(({ after }) => after === undefined),
    );
  return { credentials, copies };
}

/** @returns whether all of it is done */
export async function revokeDue(due: Due, hands: RevokingHands): Promise<boolean> {
  let left = 0;
  for (const kept of due.credentials) {
    const revoked = await hands.revokeOld(kept);
    for (const item of kept.items) {
      const by = revoked.get(item.id);
      if (by !== undefined) hands.confirm(item, by);
    }
  }
  if (due.copies.length === 0) return true;
  const gone = await hands.removeCopies(due.copies.map(({ group }) => group));
  for (const { group, items } of due.copies) {
    if (!gone.includes(group)) left += 1;
    else for (const item of items) hands.confirm(item, 'npm run rotate');
  }
  return left === 0;
}
