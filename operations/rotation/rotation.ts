/**
 * A rotation as a chain of steps: what is due, and what follows from how it ended. Nothing here
 * touches a file or a system, so that every order of ends, crashes and resumptions can be tried.
 *
 *     value -> check -> roll out -> revoke -> record
 *                           |
 *                       take back -> taken back (rests: --resume tries once more, --abort records;
 *                                                a --resume before it is back tries once it is)
 *
 * A compromised key stops its bots first, and its old value is taken back for nobody:
 *
 *     stop -> value -> check -> roll out -> revoke -> record
 *                                   |
 *                                 held (rests: --resume tries once more)
 *     start -> record (an abort whose word is that the bots may run with the old value)
 *
 * Of values it knows ciphertext alone, as the stack file has it.
 */
import type { Item } from './ledger.ts';

/** What is done next. `taken back` and `held` wait for a person. */
export type Step =
  | 'stop'
  | 'start'
  | 'held'
  | 'value'
  | 'check'
  | 'roll out'
  | 'take back'
  | 'taken back'
  | 'revoke'
  | 'record';

/** A value as the stack's secrets provider encrypted it; null where the config has none. */
export type Sealed = string | null;

export interface RotatedKey {
  /** `trading.binance_api_key` */
  readonly path: string;
  /** The value before: kept until its credential is revoked. */
  readonly old: Sealed;
  /** Whether the config had nothing when it began: the old value was a generated one of the state. */
  readonly unset?: boolean;
  /** Absent until somebody gave it. */
  readonly new?: Sealed;
  /** Tags before and after: public, and no values. */
  readonly oldTag: string;
  readonly newTag?: string;
  /** Whether the old value is a credential that somebody has to revoke; a placeholder is none. */
  readonly worth: boolean;
}

export interface Check {
  /** `trading.binance`, or the path of a key. */
  readonly what: string;
  readonly result: 'passed' | 'none' | 'skipped';
  /** By what, such as a hook's name. */
  readonly by?: string;
}

/** Somebody else may have the old value: until the new one is proven, no bot runs with the old one. */
export interface Emergency {
  /** Targets whose bot ran when it began. */
  readonly bots: readonly string[];
}

export interface Rotation {
  /** Six letters and digits; items of its checklist begin with it. */
  readonly id: string;
  readonly kind: 'rotate' | 'back';
  /** ISO time. */
  readonly begun: string;
  readonly who: string;
  readonly why: string;
  readonly due: Step;
  /** `old` once it is aborted. */
  readonly goal: 'new' | 'old';
  readonly keys: readonly RotatedKey[];
  readonly targets: readonly string[];
  readonly checks: readonly Check[];
  /** Names of stacks whose values could not be opened for a comparison. */
  readonly uncompared: readonly string[];
  /** Whether the new values are rolled out once more as soon as the old ones are back. */
  readonly again?: true;
  /** Roll outs that failed. */
  readonly failures: number;
  /** Items of earlier rotations that a way back, or a value given once more, makes void. */
  readonly voids: readonly string[];
  readonly items: readonly Item[];
  /** What stores said of the last rotation of its groups before it, by group. */
  readonly before?: Readonly<Record<string, string>>;
  /** ISO time at which the new value was in every place. */
  readonly proven?: string;
  /** The ledger's last lines when that roll out began. */
  readonly follows?: readonly string[];
  readonly emergency?: Emergency;
  /** Targets whose bot Docker Compose ran on this machine when it began. */
  readonly ran?: readonly string[];
  /** Paths that somebody has set to a third value, which the way back left alone. */
  readonly foreign?: readonly string[];
  /** Takes its place once it is recorded. */
  readonly next?: Rotation;
}

/** A roll out that ended well everywhere. */
export interface Proven {
  readonly tags: ReadonlyMap<string, string>;
  /** ISO time. */
  readonly at: string;
  /** The ledger's last lines when it began. */
  readonly follows: readonly string[];
}

/** What has become of the old credentials. */
export interface Revoked {
  /** Paths whose old credential a hook has revoked at its issuer. */
  readonly revoked: readonly string[];
  /** Groups that still have copies of an old value where they are stored. */
  readonly copies: readonly string[];
  /** ISO time at which the overlap ends. @default - it is over */
  readonly after?: string;
}

/** How a step ended. */
export type Outcome =
  | { readonly of: 'stop' }
  | { readonly of: 'start' }
  | {
      readonly of: 'value';
      readonly keys: readonly RotatedKey[];
      readonly uncompared: readonly string[];
      /** Items of earlier rotations that these values make void. */
      readonly voids: readonly string[];
    }
  | { readonly of: 'check'; readonly checks: readonly Check[] }
  | ({ readonly of: 'roll out' } & Proven)
  | { readonly of: 'roll out'; readonly failed: true }
  /** @param foreign paths that somebody has set to a third value, which was left alone */
  | { readonly of: 'take back'; readonly foreign: readonly string[] }
  | ({ readonly of: 'revoke' } & Revoked);

/** @throws Error for an end of another step than the one that is due: a defect of ours */
export function advance(rotation: Rotation, outcome: Outcome): Rotation {
  if (outcome.of !== rotation.due) {
    throw new Error(`rotation: ${outcome.of} ended while ${rotation.due} was due`);
  }
  switch (outcome.of) {
    case 'stop':
      return { ...rotation, due: 'value' };
    case 'start':
      return { ...rotation, items: unusedItems(rotation, []), due: 'record' };
    case 'value': {
      const { keys, uncompared } = outcome;
      const voids = [...rotation.voids, ...outcome.voids];
      return { ...rotation, keys, uncompared, voids, due: 'check' };
    }
    case 'check':
      return { ...rotation, checks: outcome.checks, due: 'roll out' };
    case 'roll out': {
      if ('failed' in outcome) {
        const due = rotation.emergency === undefined ? 'take back' : 'held';
        return { ...rotation, failures: rotation.failures + 1, due };
      }
      const keys = rotation.keys.map((each) => {
        const newTag = outcome.tags.get(each.path);
        return newTag === undefined ? each : { ...each, newTag };
      });
      const { at: proven, follows } = outcome;
      return { ...rotation, keys, proven, follows, due: 'revoke' };
    }
    case 'take back': {
      if (rotation.goal === 'old') {
        return { ...rotation, items: unusedItems(rotation, outcome.foreign), due: 'record' };
      }
      const { again, foreign: _, ...rest } = rotation;
      const due = again ? 'roll out' : 'taken back';
      return outcome.foreign.length === 0
        ? { ...rest, due }
        : { ...rest, foreign: outcome.foreign, due };
    }
    case 'revoke':
      return { ...rotation, items: oldItems(rotation, outcome), due: 'record' };
  }
}

/**
 * One step further for who says `--resume`: what rests is rolled out once more, and what is not back
 * yet as soon as it is.
 */
export function resumed(rotation: Rotation): Rotation {
  if (rests(rotation)) return { ...rotation, due: 'roll out' };
  const { due, goal } = rotation;
  return due === 'take back' && goal === 'new' ? { ...rotation, again: true } : rotation;
}

export function rests({ due }: Rotation): boolean {
  return due === 'taken back' || due === 'held';
}

/**
 * The way back to the old values, from wherever it is.
 * @returns undefined once the new value is proven in every place: from there on it is a rotation of
 *   its own, `--back`
 */
export function aborted(rotation: Rotation): Rotation | undefined {
  const goal = 'old' as const;
  switch (rotation.due) {
    case 'stop':
    case 'start':
      return { ...rotation, goal, due: 'start' };
    case 'value':
    case 'check':
      return rotation.emergency === undefined
        ? givenUp(rotation)
        : { ...rotation, goal, due: 'start' };
    case 'roll out':
    case 'take back':
    case 'held':
    case 'taken back':
      // Once more, also what was taken back: somebody may have set a third value meanwhile.
      return { ...rotation, goal, due: 'take back' };
    case 'record':
      return rotation.goal === 'old' ? rotation : undefined;
    case 'revoke':
      return undefined;
  }
}

/** Over without another step: nothing has moved, and new credentials that were given are not used. */
export function givenUp(rotation: Rotation): Rotation {
  const items = unusedItems(rotation, rotation.foreign ?? []);
  return { ...rotation, goal: 'old', items, due: 'record' };
}

/** Whether it has come so far that something has to be kept or recorded: values, or bots that it stopped. */
export function holdsValues({ keys, emergency }: Rotation): boolean {
  return emergency !== undefined || keys.some((each) => each.new !== undefined);
}

/** Whether an `up` of now may start bots with what is compromised: nothing else may be set yet. */
export function forbidsUp({ emergency, due, goal, next }: Rotation): boolean {
  if (next !== undefined) return forbidsUp(next);
  const before: readonly Step[] = ['stop', 'value', 'check', 'roll out'];
  return emergency !== undefined && goal === 'new' && before.includes(due);
}

/**
 * An emergency in the place of a rotation that has moved nothing: of another emergency, with another value
 * or more keys; of an ordinary rotation, also of one that was taken back.
 * @param wanted at its begin
 * @returns undefined where it has moved something, or a key of another emergency would be forgotten
 */
export function superseded(rotation: Rotation, wanted: Rotation): Rotation | undefined {
  const current = rotation.next ?? rotation;
  const paths = wanted.keys.map(({ path }) => path);
  if (current.emergency === undefined) {
    if (!holdsValues(current)) return wanted;
    // Nothing of an ordinary one is on its way: the old values are in every place.
    const still: readonly Step[] = ['value', 'check', 'taken back'];
    return still.includes(current.due) ? { ...givenUp(current), next: wanted } : undefined;
  }
  if (!forbidsUp(current) || current.due === 'roll out') return undefined;
  if (!current.keys.every(({ path }) => paths.includes(path))) return undefined;
  const bots = [...(current.emergency?.bots ?? []), ...(wanted.emergency?.bots ?? [])];
  const next = { ...wanted, emergency: { bots: [...new Set(bots)] } };
  if (rotation.next !== undefined) return { ...rotation, next };
  // What was given has to be listed as unused.
  return current.keys.some((key) => key.new !== undefined) ? { ...givenUp(current), next } : next;
}

/** Old credentials that nobody has revoked yet, and their copies. */
function oldItems(
  { id, keys, emergency }: Rotation,
  { revoked, copies, after }: Revoked,
): readonly Item[] {
  const urgent = emergency !== undefined && { urgent: true as const };
  const old = keys
    .filter(({ path, worth }) => worth && !revoked.includes(path))
    .map(({ path }) => ({ key: path, revoke: 'old' as const, ...urgent }));
  const kept = copies.map((group) => ({ key: group, revoke: 'copies' as const }));
  return [...old, ...kept].map((each, at) => ({
    id: `${id}-${at + 1}`,
    ...each,
    ...(after !== undefined && { after }),
  }));
}

/** `trading`, of `trading.binance_api_key` and others. */
export function groupsOf(keys: readonly { readonly path: string }[]): readonly string[] {
  return [...new Set(keys.map(({ path }) => path.split('.')[0] ?? ''))];
}

/**
 * New credentials that were made and are not used, and old ones that a third value has replaced.
 * Those of a way back have their items from before.
 */
function unusedItems(
  { id, kind, keys, emergency }: Rotation,
  foreign: readonly string[],
): readonly Item[] {
  if (kind === 'back') return [];
  const unused = keys
    .filter((each) => each.new !== undefined)
    .map(({ path }) => ({ key: path, revoke: 'unused' as const }));
  const urgent = emergency !== undefined && { urgent: true as const };
  const replaced = keys
    .filter(({ path, worth }) => worth && foreign.includes(path))
    .map(({ path }) => ({ key: path, revoke: 'old' as const, ...urgent }));
  return [...unused, ...replaced].map((each, at) => ({ id: `${id}-${at + 1}`, ...each }));
}

/** Whether a ciphertext of the config is one that this rotation found or made. */
export function isOwn({ old, new: value, unset }: RotatedKey, now: Sealed): boolean {
  return now === old || now === value || (unset === true && now === null);
}
