/**
 * A rotation to the values before the last one, as long as nobody has said that they are revoked, and
 * nobody else may have them.
 */
import { type Journal, type Kept, keptOf } from './journal.ts';
import { type Ledger, openItems } from './ledger.ts';
import type { Rotation } from './rotation.ts';

/** What a rotation begins with, beside its keys. */
export type Beginning = Pick<
  Rotation,
  'id' | 'begun' | 'who' | 'why' | 'targets' | 'before' | 'ran'
>;

export const begun = {
  goal: 'new',
  checks: [],
  uncompared: [],
  failures: 0,
  voids: [],
  items: [],
} as const;

/**
 * @param paths that go back; together, as they came
 * @param tags by path: of what is delivered now, and of the value that it goes back to
 * @returns undefined when there is nothing to go back to
 */
export function wayBack(
  journal: Journal,
  ledger: Ledger,
  paths: readonly string[],
  beginning: Beginning,
  tags: ReadonlyMap<string, { readonly oldTag: string; readonly newTag: string }>,
): Rotation | undefined {
  const kept = keptOf(journal, paths);
  if (kept === undefined || kept.compromised) return undefined;
  const voids = kept.items.filter(({ key }) => paths.includes(key)).map(({ id }) => id);
  const open = openItems(ledger).map(({ id }) => id);
  // A confirmation that a kill has cut off from this file stands in the ledger.
  if (!voids.every((id) => open.includes(id))) return undefined;
  return {
    ...beginning,
    ...begun,
    kind: 'back',
    due: 'check',
    voids,
    keys: keysBack(kept, paths).map((key) => ({
      ...key,
      ...(tags.get(key.path) ?? { oldTag: '', newTag: '' }),
    })),
  };
}

function keysBack({ keys }: Kept, paths: readonly string[]) {
  return keys
    .filter(({ path }) => paths.includes(path))
    .map(({ path, old, new: now }) => ({ path, old: now, new: old, worth: true }));
}

/**
 * The item that a person confirms.
 * @returns undefined when there is none, or a rotation is about to use its credential again
 */
export function confirmable(
  { current }: Journal,
  ledger: Ledger,
  id: string,
): ReturnType<typeof openItems>[number] | undefined {
  if (current?.voids.includes(id)) return undefined;
  return openItems(ledger).find((each) => each.id === id);
}
