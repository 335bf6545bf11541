/**
 * What was found out about a stack. No value is among the facts: what reads values says here only
 * how they are, so that nothing behind it can print one.
 */
import type { CatalogEntry, SecretKey } from '../../components/catalog.ts';
import type { Mistake } from '../../settings/mistake.ts';

/** A problem keeps the bot from trading, or will; a warning is only unusual. */
export interface Finding extends Mistake {
  readonly level: 'problem' | 'warning';
}

/** Whether a key has a value in the stack's config, and which. */
export type SetState =
  | 'own value'
  | 'placeholder'
  | 'generated'
  /** Somebody else writes the group. */
  | 'external'
  /** Optional, and not set. */
  | 'left out'
  | 'missing'
  /** It has no right form; the finding says why. */
  | 'malformed'
  | 'in the clear';

/** Whether a target has the value that is set. */
export type Arrival =
  | 'yes'
  | 'no'
  | 'older value'
  | 'another tag'
  | 'wrong mode'
  | 'unreadable'
  | 'not synced'
  /** Nobody could be asked, or nothing is expected. */
  | 'unknown';

export interface KeyFacts {
  readonly key: SecretKey;
  readonly entry: CatalogEntry;
  readonly set: SetState;
}

/** What one target has of the keys. */
export interface Delivered {
  readonly target: string;
  readonly arrivals: ReadonlyMap<SecretKey, Arrival>;
  readonly findings: readonly Finding[];
}

/** What the bot itself wrote down: names alone. */
export interface Report {
  readonly hummingbot: string;
  readonly materialised: readonly SecretKey[];
  /** Undefined before the bot has logged in. */
  readonly read: readonly SecretKey[] | undefined;
  /** The strategy that was started. */
  readonly trading: string | undefined;
  readonly at: string;
  /** Why it does not take what somebody else has written since. */
  readonly outside?: Mistake;
}

export interface BotFacts {
  /** Undefined when the bot could not be asked; the findings say why. */
  readonly report: Report | undefined;
  /** Starts the bot anew, so that it reads its keys again. */
  readonly restart: string;
  readonly findings: readonly Finding[];
}

export interface Facts {
  readonly stack: string;
  /** Keys in use, in the catalog's order. */
  readonly keys: readonly KeyFacts[];
  /** Of the settings and their values. */
  readonly findings: readonly Finding[];
  readonly deliveries: readonly Delivered[];
  /** Undefined where there is nothing to ask: the stack is not up. */
  readonly bot: BotFacts | undefined;
  /** The strategy that the settings name. */
  readonly strategy: string | undefined;
  /** What the outputs say of each group's last rotation. @default - the stack is not up */
  readonly tags?: Readonly<Record<string, { readonly rotation?: string }>>;
}

export function problem(what: string, got: string, allowed: string, fix: string): Finding {
  return { level: 'problem', what, got, allowed, fix };
}

export function warning(what: string, got: string, allowed: string, fix: string): Finding {
  return { level: 'warning', what, got, allowed, fix };
}

/** As one types it: `trading.binance_api_key`. */
export function pathOf({ key, entry }: Pick<KeyFacts, 'key' | 'entry'>): string {
  return `${entry.group}.${key}`;
}

/** Whether the bot has a field for a key: a passphrase that no connector reads is none of it. */
export function isOfBot({ entry }: Pick<KeyFacts, 'entry'>): boolean {
  return entry.consumers.includes('hummingbot') && entry.field !== undefined;
}

/** Whether something of a key should be at a target. */
export function isExpected({ set }: Pick<KeyFacts, 'set'>): boolean {
  return set !== 'left out' && set !== 'external';
}

/** Whether the next `up` can deliver a key: what stops it is a finding of its own. */
export function isDeliverable({ set }: Pick<KeyFacts, 'set'>): boolean {
  return set !== 'missing' && set !== 'malformed' && set !== 'in the clear';
}
