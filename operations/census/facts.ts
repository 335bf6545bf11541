/**
 * What was found of a stack's secrets in the places that they were delivered to. No value is among
 * it: what reads a value says only whether it is the delivered one.
 */
import type { GroupName, SecretKey } from '../../components/catalog.ts';
import type { KeyFacts } from '../doctor/facts.ts';

/** Somebody who may read a secret where it is. */
export interface Reader {
  /** `ServiceAccount hummingbot/condor`, `user root`, `role arn:aws:iam::...` */
  readonly who: string;
  /** By what: `mode 0400`, `Role hummingbot-trading-reader`. */
  readonly by: string;
  /** Whether the system itself was asked; otherwise it is what the stack grants. */
  readonly live: boolean;
}

/** Something of the stack's own, as a system shows it. */
export interface Sighting {
  readonly target: string;
  /** As one names it: `out/dev/secrets/trading/binance_api_key`, `Secret hummingbot/hummingbot-monitoring`. */
  readonly place: string;
  readonly keys: readonly SecretKey[];
  /** As it stands there; undefined where the place shows none. */
  readonly tag: string | undefined;
  /** ISO time since when it has been there as it is, by the system's own clock. */
  readonly since: string | undefined;
  readonly readers: readonly Reader[];
}

/** `changed`: by somebody else than this stack. `stale`: of before the last change. */
export type DriftKind = 'missing' | 'changed' | 'stale' | 'unknown' | 'other tag';

export interface Drift {
  readonly kind: DriftKind;
  readonly target: string;
  readonly place: string;
  /** Tags, modes, names. */
  readonly expected: string;
  readonly found: string;
  readonly cause: string;
  readonly fix: string;
}

/** A question that has no answer. */
export interface Unasked {
  readonly target: string;
  readonly what: string;
  readonly got: string;
  readonly fix: string;
}

/** What one place, or all, had to say. */
export interface Answers {
  readonly sightings: readonly Sighting[];
  readonly drifts: readonly Drift[];
  readonly unasked: readonly Unasked[];
}

export interface Census extends Answers {
  readonly stack: string;
  /** Keys in use, in the catalog's order. */
  readonly keys: readonly KeyFacts[];
  /** Of the last `up`, by path; of a group that somebody else writes there is none. */
  readonly tags: ReadonlyMap<string, string>;
  /** Targets that the settings name. */
  readonly targets: readonly string[];
}

/** A group that was delivered, as a place should have it. */
export interface Expected {
  readonly group: GroupName;
  /** Keys that have a value, in the catalog's order. */
  readonly keys: readonly SecretKey[];
  /** Of the last `up`; undefined of a group that somebody else writes. */
  readonly tag: string | undefined;
}

export const none: Answers = { sightings: [], drifts: [], unasked: [] };

export function together(all: readonly Answers[]): Answers {
  return {
    sightings: all.flatMap(({ sightings }) => sightings),
    drifts: all.flatMap(({ drifts }) => drifts),
    unasked: all.flatMap(({ unasked }) => unasked),
  };
}

/** A tag that a system gives back may be anything. */
export function shownTag(tag: string | undefined): string {
  return tag !== undefined && /^[a-z2-7]{10}$/u.test(tag) ? `tag ${tag}` : 'no tag of ours';
}
