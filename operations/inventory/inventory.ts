/** Every secret of a stack with what is known of it, for all forms that it is shown in. No value is among it. */
import { type CatalogEntry, keystoreKey } from '../../components/catalog.ts';
import type { Census, Reader, Unasked } from '../census/facts.ts';
import { type KeyFacts, pathOf, type SetState } from '../doctor/facts.ts';
import { dueDay, type Ledger, lastRotated } from '../rotation/ledger.ts';

/** `unrecorded`: nobody has written down when its value was made. `not set`: there is none. */
export type Status = 'overdue' | 'due soon' | 'unrecorded' | 'in time' | 'not set';

export interface Seen {
  readonly target: string;
  readonly place: string;
  /** What the place carries; null where it carries none, or not the delivered one. */
  readonly tag: string | null;
  /** ISO time, by the place's own clock. */
  readonly since: string | null;
}

export interface Secret {
  /** `trading.binance_api_key` */
  readonly key: string;
  readonly group: string;
  readonly owner: string;
  /** How its value comes about. */
  readonly source: 'config' | 'generated' | 'external';
  readonly set: SetState;
  /** Of the last `up`. */
  readonly tag: string | null;
  /** Programs that use it; none is known where it is empty. */
  readonly consumers: readonly string[];
  /** Targets that carry it. */
  readonly targets: readonly string[];
  /** Where it was seen, each system asked. */
  readonly seen: readonly Seen[];
  /** Whole days that the oldest place has it for: the value is as old, or older. */
  readonly ageDays: number | null;
  readonly maxAgeDays: number;
  /** ISO time of the last rotation that the ledger has. */
  readonly rotated: string | null;
  /** Day; without a recorded rotation the latest that it can be. */
  readonly due: string | null;
  readonly status: Status;
  readonly readers: readonly Reader[];
}

export interface Inventory {
  readonly stack: string;
  /** ISO time. */
  readonly at: string;
  readonly secrets: readonly Secret[];
  /** Questions that nobody answered. */
  readonly unasked: readonly Unasked[];
}

const day = 24 * 60 * 60_000;
const soonDays = 14;

export function inventoryOf(census: Census, ledger: Ledger, now: Date): Inventory {
  const last = lastRotated(ledger);
  return {
    stack: census.stack,
    at: now.toISOString(),
    secrets: census.keys.map((each) => secretOf(each, census, last.get(pathOf(each)), now)),
    unasked: census.unasked,
  };
}

function secretOf(
  { key, entry, set }: KeyFacts,
  census: Census,
  rotated: string | undefined,
  now: Date,
): Secret {
  const path = pathOf({ key, entry });
  const sightings = census.sightings.filter(({ keys }) => keys.includes(key));
  const times = sightings.flatMap(({ since, tag }) =>
    since === undefined || (tag === undefined && set !== 'external') ? [] : [since],
  );
  const [since] = times.sort();
  const from = rotated ?? since;
  const due = from === undefined ? undefined : dueDay(from, entry.maxAgeDays);
  const readers = new Map(
    sightings.flatMap((each) => each.readers).map((each) => [`${each.who} ${each.by}`, each]),
  );
  return {
    key: path,
    group: entry.group,
    owner: entry.owner,
    source: set === 'external' ? 'external' : set === 'generated' ? 'generated' : 'config',
    set,
    tag: census.tags.get(path) ?? null,
    consumers: consumersOf(key, entry),
    targets: set === 'left out' ? [] : census.targets,
    seen: sightings.map(({ target, place, tag, since: at }) => {
      return { target, place, tag: tag ?? null, since: at ?? null };
    }),
    ageDays: since === undefined ? null : Math.max(0, Math.floor((+now - Date.parse(since)) / day)),
    maxAgeDays: entry.maxAgeDays,
    rotated: rotated ?? null,
    due: due ?? null,
    status: statusOf(set, due, rotated !== undefined || set === 'external', now),
    readers: [...readers.values()],
  };
}

function statusOf(set: SetState, due: string | undefined, recorded: boolean, now: Date): Status {
  if (set === 'left out') return 'not set';
  const today = now.toISOString().slice(0, 10);
  const soon = new Date(+now + soonDays * day).toISOString().slice(0, 10);
  if (due !== undefined && due <= today) return 'overdue';
  if (!recorded || due === undefined) return 'unrecorded';
  return due <= soon ? 'due soon' : 'in time';
}

/** What the bot has no field for, it does not use, though it sees it; its keystore's password apart. */
function consumersOf(key: string, { consumers, field }: CatalogEntry): readonly string[] {
  return consumers.filter(
    (name) => name !== 'hummingbot' || field !== undefined || key === keystoreKey,
  );
}

export function count({ secrets }: Inventory, status: Status): number {
  return secrets.filter((each) => each.status === status).length;
}

/** The sum, in one line. */
export function summaryOf(inventory: Inventory): string {
  const { secrets, unasked } = inventory;
  const words = (['overdue', 'due soon', 'unrecorded', 'not set'] as const).flatMap((status) => {
    const found = count(inventory, status);
    return found === 0
      ? []
      : [`${found} ${status === 'unrecorded' ? 'without a recorded rotation' : status}`];
  });
  const idle = secrets.filter(({ consumers }) => consumers.length === 0).length;
  return [
    `${secrets.length} ${secrets.length === 1 ? 'secret' : 'secrets'}`,
    ...words,
    ...(idle === 0 ? [] : [`${idle} without a known consumer`]),
    ...(unasked.length === 0 ? [] : [`${unasked.length} questions without an answer`]),
  ].join(', ');
}
