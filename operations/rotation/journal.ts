/**
 * How far the rotation of a stack has come, and what can be gone back to: a file of this machine
 * alone, in `.local/`, written before each step begins. Its values are ciphertext of the stack's own
 * secrets provider, the same as in the stack file.
 */
import type { Item } from './ledger.ts';
import { holdsValues, type Rotation, type Sealed } from './rotation.ts';

/** A rotation that is over, whose old credentials are not revoked yet. */
export interface Kept {
  readonly id: string;
  /** ISO time of its begin. */
  readonly begun: string;
  readonly keys: readonly {
    readonly path: string;
    readonly old: Sealed;
    readonly new: Sealed;
  }[];
  readonly items: readonly Item[];
  /** Whether somebody else may have the old values: nobody goes back to them. */
  readonly compromised?: true;
}

export interface Journal {
  readonly current?: Rotation;
  /** Oldest first. */
  readonly kept: readonly Kept[];
}

export const emptyJournal: Journal = { kept: [] };

/** The journal with what has become of its rotation; one whose record is written is over. */
export function withCurrent(journal: Journal, current: Rotation): Journal {
  return { ...journal, current };
}

/** After the record: what can be gone back to is kept, and what a way back made void is not. */
export function finished({ current, kept }: Journal): Journal {
  if (current === undefined) return { kept };
  const { id, begun, goal, items, voids, emergency, next } = current;
  if (next !== undefined) return { kept, current: next };
  if (goal === 'old' || !holdsValues(current)) return { kept };
  // Copies need no journal: who removes them asks the stores and the ledger.
  const own = items.filter(({ revoke }) => revoke !== 'copies');
  const open = new Set(own.map(({ key }) => key));
  const keys = current.keys
    .filter(({ path }) => open.has(path))
    .map(({ path, old, new: value = null }) => ({ path, old, new: value }));
  const before = without({ kept }, voids).kept;
  const compromised = emergency && { compromised: true as const };
  const last = { id, begun, keys, items: own, ...compromised };
  return { kept: keys.length === 0 ? before : [...before, last] };
}

/** Forgets the old values of items that are done. */
export function without({ current, kept }: Journal, items: readonly string[]): Journal {
  const left = kept.flatMap((each) => {
    const open = each.items.filter(({ id }) => !items.includes(id));
    const keys = each.keys.filter(({ path }) => open.some(({ key }) => key === path));
    return keys.length === 0 ? [] : [{ ...each, keys, items: open }];
  });
  return { ...(current && { current }), kept: left };
}

/** The last rotation of which all of these can go back together. */
export function keptOf({ kept }: Journal, paths: readonly string[]): Kept | undefined {
  const last = kept.findLast(({ keys }) => keys.some(({ path }) => paths.includes(path)));
  return last !== undefined && paths.every((path) => last.keys.some((key) => key.path === path))
    ? last
    : undefined;
}

/** @throws SyntaxError for what is no journal */
export function parseJournal(text: string): Journal {
  const journal = JSON.parse(text) as Partial<Journal>;
  if (!Array.isArray(journal.kept)) throw new SyntaxError('no journal of a rotation');
  return journal as Journal;
}
