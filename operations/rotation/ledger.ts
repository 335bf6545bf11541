/**
 * What was rotated, by whom and why: one JSON object a line, in a file meant for git. Each line
 * names the hashes of the lines that it follows, so that a line that was changed or taken out is
 * found. Lines of two branches that are merged by appending (`merge=union`) both follow the same
 * one, and the next line follows both. It holds names, tags and times, and never a value.
 *
 * The last line of a file can be taken away without a trace in the file. So the stack's outputs and its
 * stores have the last rotation of each group (last-entry.ts).
 */
import { createHash } from 'node:crypto';

/** Something that is still to be done, open until it is confirmed. */
export interface Item {
  /** The rotation's id and a number: `k4x9fa-1`. */
  readonly id: string;
  /** `trading.binance_api_key`; of copies the group, `trading` */
  readonly key: string;
  /**
   * Which credential is to be revoked at its issuer: the replaced one, or a new one never used; or
   * that copies of the replaced one are to be removed where the group is stored.
   */
  readonly revoke: 'old' | 'unused' | 'copies';
  /** ISO time before which it is not done: the end of the overlap. @default - at once */
  readonly after?: string;
  /** Somebody else may have it. */
  readonly urgent?: true;
}

export interface LedgerRecord {
  /** ISO time. */
  readonly at: string;
  readonly stack: string;
  /** The rotation's id. */
  readonly rotation: string;
  readonly did: 'rotated' | 'went back' | 'aborted' | 'confirmed';
  readonly who: string;
  readonly why: string;
  readonly keys: readonly {
    readonly key: string;
    readonly old: string;
    readonly new: string;
    /** Day on which the new value is due; absent where the old one stays. */
    readonly due?: string;
  }[];
  readonly targets: readonly string[];
  readonly checks: readonly {
    readonly what: string;
    readonly result: string;
    readonly by?: string;
  }[];
  /** Stacks whose values could not be opened, so that nobody knows whether they are others. */
  readonly uncompared: readonly string[];
  /** How many roll outs failed, and were taken back, before it. */
  readonly failures: number;
  readonly open: readonly Item[];
  /** Items that are no longer to be done: their credential is in use again. */
  readonly voids: readonly string[];
  /** The item that is done, for `confirmed`. */
  readonly confirms?: string;
  /** Hashes of the lines that were the last ones when its roll out began; see `plannedHash`. */
  readonly follows?: readonly string[];
  /** Of an emergency: the targets whose bots were stopped first. */
  readonly compromised?: { readonly stopped: readonly string[] };
}

export interface Entry extends LedgerRecord {
  /** Hashes of the lines that it follows; none for the first. */
  readonly after: readonly string[];
  /** SHA-256 of the line without its own hash, in hex. */
  readonly hash: string;
}

export interface Ledger {
  readonly entries: readonly Entry[];
  /** Hashes that nothing follows yet; more than one after a merge. */
  readonly heads: readonly string[];
}

/** The first line that is not as it was written. */
export interface Broken {
  /** From 1. */
  readonly line: number;
  readonly got: string;
}

const form = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/u;

export function readLedger(text: string): Ledger | Broken {
  const lines = text.split('\n');
  const entries: Entry[] = [];
  const known = new Set<string>();
  const heads = new Set<string>();
  for (const [at, whole] of lines.entries()) {
    const last = at === lines.length - 1;
    if (last && whole === '') break;
    const broken = (got: string): Broken => ({ line: at + 1, got });
    if (last) return broken('a line without its end');
    const [, body = '', hash = ''] = form.exec(whole) ?? [];
    if (hash === '') return broken('no entry');
    if (hashOf(`${body}}`) !== hash) return broken('an entry that was changed');
    const entry = JSON.parse(whole) as Entry;
    if (known.has(hash)) return broken('an entry for a second time');
    if (entry.after.length === 0 && at > 0) return broken('an entry that follows none');
    if (entry.after.some((each) => !known.has(each))) {
      return broken('an entry that follows one which is not there');
    }
    entries.push(entry);
    known.add(hash);
    heads.add(hash);
    for (const each of entry.after) heads.delete(each);
  }
  return { entries, heads: [...heads] };
}

/** @returns the line of a record, with its line feed */
export function lineOf(record: LedgerRecord, { heads }: Ledger): string {
  const body = JSON.stringify({ ...record, after: heads });
  return `${body.slice(0, -1)},"hash":"${hashOf(body)}"}\n`;
}

function hashOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

/**
 * The hash of what is known of a rotation before it is rolled out: all but when it ended, how often
 * it failed and what it left to do. Outputs and stores get it in the very roll out, and because it
 * covers the lines that were there, a line that goes, or is written anew with all behind it, is found.
 */
export function plannedHash(record: LedgerRecord): string {
  const { stack, rotation, did, who, why, targets, checks, uncompared, follows = [] } = record;
  const { compromised } = record;
  const keys = record.keys.map(({ key, old, new: now }) => ({ key, old, new: now }));
  const known = { stack, rotation, did, who, why, keys, targets, checks, uncompared, follows };
  return hashOf(JSON.stringify({ ...known, compromised }));
}

/** Whether a record stands there already, as after a kill behind the writing of it. */
export function isWritten({ entries }: Ledger, record: LedgerRecord): boolean {
  return entries.some(
    ({ rotation, did, confirms }) =>
      rotation === record.rotation && did === record.did && confirms === record.confirms,
  );
}

/** What waits for a person: what is urgent, then the oldest. */
export function openItems({ entries }: Ledger): readonly Item[] {
  const closed = new Set(
    entries.flatMap(({ voids, confirms }) => [...voids, ...(confirms ? [confirms] : [])]),
  );
  const open = entries.flatMap((entry) => entry.open).filter(({ id }) => !closed.has(id));
  return open.toSorted((one, other) => Number(other.urgent ?? 0) - Number(one.urgent ?? 0));
}

/**
 * Open items of new credentials that a rotation was given and did not use, and that are given again: to
 * revoke them would take what is about to be in use.
 * @param tags of the values that are given, by path
 */
export function usedAfterAll(ledger: Ledger, tags: ReadonlyMap<string, string>): readonly string[] {
  return openItems(ledger)
    .filter(({ id, key, revoke }) => {
      if (revoke !== 'unused') return false;
      const entry = ledger.entries.find(({ open }) => open.some((item) => item.id === id));
      const given = entry?.keys.find((each) => each.key === key)?.new;
      return given !== undefined && given !== '' && tags.get(key) === given;
    })
    .map(({ id }) => id);
}

/** What of it is to be done now. @param now ISO time */
export function dueItems(ledger: Ledger, now: string): readonly Item[] {
  return openItems(ledger).filter(({ after }) => after === undefined || after <= now);
}

/**
 * When each key got the value that it has, by path. Keys that were never rotated are not there, nor
 * are those that went back: how old their value is, nobody has written down.
 */
export function lastRotated({ entries }: Ledger): ReadonlyMap<string, string> {
  const last = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.did !== 'rotated' && entry.did !== 'went back') continue;
    for (const { key } of entry.keys) {
      if (entry.at >= (last.get(key)?.at ?? '')) last.set(key, entry);
    }
  }
  return new Map(
    [...last].flatMap(([key, { did, at }]) => (did === 'rotated' ? [[key, at] as const] : [])),
  );
}

/** The day on which a value is due again: `2027-02-25`. */
export function dueDay(at: string, maxAgeDays: number): string {
  const day = 24 * 60 * 60_000;
  return new Date(Date.parse(at) + maxAgeDays * day).toISOString().slice(0, 10);
}
