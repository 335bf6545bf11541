/** Events added up: a row for each who, what and how. Its size follows the rows, not the log. */
import type { AccessEvent } from './event.ts';
import type { Judge } from './judge.ts';

export interface Row {
  readonly system: string;
  readonly who: string;
  readonly deed: string;
  readonly verb: string;
  readonly what: string;
  readonly outcome: 'done' | 'refused';
  /** Why it is expected; null: it is not. */
  readonly expected: string | null;
  readonly count: number;
  /** ISO times. */
  readonly first: string;
  readonly last: string;
  /** Addresses, a few. */
  readonly from: readonly string[];
}

type Open = { -readonly [Field in keyof Row]: Row[Field] } & {
  times: [number, number];
  addresses: Set<string>;
};

/**
 * Of each kind. More that differ are only counted: somebody may make names up, and what is refused takes
 * no place from what was done.
 */
const mostRows = 20_000;
const mostAddresses = 5;

export class Tally {
  readonly #judge: Judge;
  readonly #rows = {
    done: new Map<string, Open>(),
    refused: new Map<string, Open>(),
    expected: new Map<string, Open>(),
  };
  /** Events of rows that there was no place for, by whether they are expected. */
  readonly left = { strange: 0, expected: 0 };

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  add(event: AccessEvent): void {
    const { system, who, deed, verb, refused, at, from } = event;
    const outcome = refused ? 'refused' : 'done';
    const expected = this.#judge(event) ?? null;
    // Controllers make up a name for each pod.
    const isOneOfMany = deed === 'workload' && expected !== null;
    const what = (isOneOfMany ? event.resource : undefined) ?? event.what;
    const key = [system, who, deed, verb, what, outcome, ...event.also].join('\n');
    const rows = this.#rows[expected === null ? outcome : 'expected'];
    let row = rows.get(key);
    if (row === undefined) {
      if (rows.size >= mostRows) {
        this.left[expected === null ? 'strange' : 'expected']++;
        return;
      }
      row = {
        system,
        who,
        deed,
        verb,
        what,
        outcome,
        expected,
        count: 0,
        first: '',
        last: '',
        from: [],
        times: [at, at],
        addresses: new Set(),
      };
      rows.set(key, row);
    }
    row.count++;
    row.times = [Math.min(row.times[0], at), Math.max(row.times[1], at)];
    if (row.addresses.size < mostAddresses) row.addresses.add(from);
  }

  /** In order. */
  get rows(): readonly Row[] {
    const { done, refused, expected } = this.#rows;
    return [...done.values(), ...refused.values(), ...expected.values()]
      .map(({ times, addresses, ...row }) => ({
        ...row,
        first: new Date(times[0]).toISOString(),
        last: new Date(times[1]).toISOString(),
        from: [...addresses].toSorted(),
      }))
      .toSorted(inOrder);
  }
}

/** Not expected first, then the newest. */
export function inOrder(one: Row, other: Row): number {
  return (
    Number(one.expected !== null) - Number(other.expected !== null) ||
    Number(one.outcome === 'refused') - Number(other.outcome === 'refused') ||
    Date.parse(other.last) - Date.parse(one.last)
  );
}
