/**
 * The rounds of a soak, kept in a file outside the tree: a soak of hours can be done in slices, each
 * of which goes on where the last one ended. A round that found a fault is done again by the next
 * slice, and that there was one is kept.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { workspace } from '../../operations/engine/workspace.ts';

export interface Round {
  readonly round: number;
  /** What it was done with. */
  readonly commit: string;
  /** ISO time. */
  readonly at: string;
  /** What was done, in a few words; the same words are one kind. */
  readonly what: string;
  /** A line each; never a value. */
  readonly faults: readonly string[];
  /** Measured, by name; milliseconds where the name says nothing else. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Slice {
  readonly commit: string;
  /** When no further round shall begin, in milliseconds since 1970. */
  readonly until: number;
  /** Only these rounds, for a look at one. */
  readonly only: readonly number[];
  /** What the random choices of the soak come from. */
  readonly seed: number;
}

export class Rounds {
  readonly #path: string;
  readonly #slice: Slice;
  readonly count: number;

  constructor(name: string, count: number, slice: Slice) {
    this.#path = join(workspace.cache, 'soak', `${name}-${slice.seed}.jsonl`);
    this.#slice = slice;
    this.count = count;
  }

  /** All outcomes, oldest first, those too that were done again. */
  all(): readonly Round[] {
    if (!existsSync(this.#path)) return [];
    const lines = readFileSync(this.#path, 'utf8').split('\n');
    return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Round);
  }

  /** The last outcome of each round, in order. */
  last(): readonly Round[] {
    const byRound = new Map(this.all().map((each) => [each.round, each]));
    return [...byRound.values()].sort((a, b) => a.round - b.round);
  }

  /** Rounds that were not done, or found a fault. */
  missing(): readonly number[] {
    const done = new Set(this.last().flatMap(({ round, faults }) => (faults.length ? [] : round)));
    return Array.from({ length: this.count }, (_, at) => at).filter((at) => !done.has(at));
  }

  /** Those that this slice may still begin, one by one; only some kind of them. */
  *next(isWanted: (round: number) => boolean = () => true): Generator<number> {
    const { only, until } = this.#slice;
    const wanted = only.length > 0 ? only : this.missing();
    for (const round of wanted.filter(isWanted)) {
      if (Date.now() > until) return;
      yield round;
    }
  }

  add(round: Omit<Round, 'commit' | 'at'>): void {
    const { commit } = this.#slice;
    const at = new Date().toISOString();
    mkdirSync(dirname(this.#path), { recursive: true });
    appendFileSync(this.#path, `${JSON.stringify({ ...round, commit, at })}\n`);
    const faults = round.faults.map((line) => `\n    FAULT ${line}`).join('');
    console.error(`- round ${round.round + 1} of ${this.count}: ${round.what}${faults}`);
  }

  /** After the page is written. */
  forget(): void {
    rmSync(this.#path, { force: true });
  }
}

/** The end of what a run said, on one line of a fault. */
export function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join(' / ');
}

/** `least .. median .. most` */
export function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return [0, Math.floor((sorted.length - 1) / 2), sorted.length - 1]
    .map((at) => String(Math.round(sorted[at] ?? Number.NaN)))
    .join(' .. ');
}

/** Growth a hundred rounds, as a share of the first size. @param points round in its row, and size */
export function growthOf(points: readonly (readonly [number, number])[]): number {
  const sorted = points.toSorted(([a], [b]) => a - b);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined || last[0] === first[0]) return 0;
  return (((last[1] - first[1]) / first[1]) * 100) / (last[0] - first[0]);
}
