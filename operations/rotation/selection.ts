/** Which keys a word means: a key, what it is used with, or a group, as far as the stack uses them. */
import {
  entryOf,
  type GroupName,
  groupNames,
  type SecretKey,
  secretKeys,
} from '../../components/catalog.ts';
import { lineOf, nearest, pulumiCommand, shown } from '../../settings/mistake.ts';
import { CommandError } from '../engine/command-error.ts';

/** What a stack can rotate. */
export interface Rotatable {
  readonly stack: string;
  /** Keys in use, in the catalog's order. */
  readonly used: readonly SecretKey[];
  /** Those among them that have no value and need none. */
  readonly leftOut: readonly SecretKey[];
  /** Groups that somebody else writes. */
  readonly external: readonly GroupName[];
}

/** `trading.binance_api_key` */
export function pathOf(key: SecretKey): string {
  return `${entryOf(key).group}.${key}`;
}

/** Every word that means something, with its keys. */
const meanings: ReadonlyMap<string, readonly SecretKey[]> = (() => {
  const all = new Map<string, SecretKey[]>();
  const add = (word: string, key: SecretKey): void => {
    all.set(word, [...(all.get(word) ?? []), key]);
  };
  for (const key of secretKeys) {
    const { group, usedWith } = entryOf(key);
    add(group, key);
    add(`${group}.${usedWith}`, key);
    add(pathOf(key), key);
  }
  return all;
})();

/**
 * @param words each a group, a group with what its keys are used with, or a path
 * @returns keys in the catalog's order
 * @throws CommandError for a word that means nothing here
 */
export function select(words: readonly string[], stack: Rotatable): readonly SecretKey[] {
  const chosen = new Set<SecretKey>();
  for (const word of words) {
    for (const key of keysOf(word, stack)) chosen.add(key);
  }
  return secretKeys.filter((key) => chosen.has(key));
}

function keysOf(word: string, stack: Rotatable): readonly SecretKey[] {
  const meant = meanings.get(word);
  if (meant === undefined) throw unknownWord(word, stack);
  const used = meant.filter((key) => stack.used.includes(key));
  const [first] = meant;
  if (used.length === 0 && first !== undefined) {
    const { usedWith } = entryOf(first);
    const known = wordsOf(stack);
    throw refusal({
      what: word,
      got: `what stack ${stack.stack} does not use`,
      allowed: known.join(', '),
      fix: `list ${usedWith} among its exchanges or services (${pulumiCommand(stack.stack, 'config')})`,
    });
  }
  const outside = used.find((key) => stack.external.includes(entryOf(key).group));
  if (outside !== undefined) {
    const { group } = entryOf(outside);
    throw refusal({
      what: word,
      got: `a group that somebody else writes (groups.${group}.source is external)`,
      allowed: 'a group whose values this stack sets',
      fix: 'rotate it where it is written',
    });
  }
  // What is optional and has no value is asked for only by its own name.
  return meant.length === 1 ? used : used.filter((key) => !stack.leftOut.includes(key));
}

/** Keys that a value can be given for. */
export function allOf({ used, leftOut, external }: Rotatable): readonly SecretKey[] {
  return used.filter((key) => !leftOut.includes(key) && !external.includes(entryOf(key).group));
}

/**
 * Keys that are due: older than the catalog lets them be, or of an age that nobody has recorded.
 * @param last ISO times by path
 * @param now ISO time
 */
export function dueOf(
  keys: readonly SecretKey[],
  last: ReadonlyMap<string, string>,
  now: string,
): readonly SecretKey[] {
  const day = 24 * 60 * 60_000;
  return keys.filter((key) => {
    const at = last.get(pathOf(key));
    const age = Date.parse(now) - Date.parse(at ?? '');
    return at === undefined || age >= entryOf(key).maxAgeDays * day;
  });
}

function unknownWord(word: string, stack: Rotatable): CommandError {
  const allowed = `${groupNames.join(', ')}, one of them with an exchange or a service, or a key`;
  // `binance` and `binance_api_key` alone name one thing, and are one word away from its path.
  const full = [...meanings.keys()].find((each) => each.split('.')[1] === word.split('.').at(-1));
  const inGroup = wordsOf(stack).filter((each) => each.split('.')[0] === word.split('.')[0]);
  const near = full ?? nearest(word, inGroup) ?? nearest(word, [...meanings.keys()]);
  const fix =
    near === undefined
      ? 'see docs/catalog.md'
      : `did you mean ${near}? npm run rotate -- --stack ${stack.stack} ${near}`;
  return refusal({ what: 'rotate', got: shown(word), allowed, fix });
}

function wordsOf({ used }: Rotatable): readonly string[] {
  return [...meanings].filter(([, keys]) => keys.some((key) => used.includes(key))).map(([w]) => w);
}

function refusal(mistake: Parameters<typeof lineOf>[0]): CommandError {
  return new CommandError(lineOf(mistake));
}
