/**
 * Which values a run has changed, by their tags before and after it. Not by the engine's event log
 * (`--event-log`): it holds generated passwords in the clear (seen with 3.259).
 */

/** Tags of the keys, by group. */
export type Tags = Readonly<Record<string, { readonly keys: Readonly<Record<string, string>> }>>;

/** Keys that a longer list does not name. */
const maxNamed = 12;

/** "Changed: trading.binance_api_key": which values a run changes, by their tags. */
export function changeLines(before: Tags, after: Tags): readonly string[] {
  const [old, now] = [byPath(before), byPath(after)];
  const lines = [
    line(
      'Changed',
      [...now.keys()].filter((key) => old.has(key) && old.get(key) !== now.get(key)),
    ),
    line(
      'New',
      [...now.keys()].filter((key) => !old.has(key)),
    ),
    line(
      'No longer delivered',
      [...old.keys()].filter((key) => !now.has(key)),
    ),
  ].flat();
  return lines.length > 0 ? lines : ['Changed: no value'];
}

function line(what: string, keys: readonly string[]): readonly string[] {
  if (keys.length === 0) return [];
  return [`${what}: ${keys.length > maxNamed ? `${keys.length} values` : keys.join(', ')}`];
}

function byPath(tags: Tags): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(tags).flatMap(([group, { keys }]) =>
      Object.entries(keys).map(([key, tag]): [string, string] => [`${group}.${key}`, tag]),
    ),
  );
}
