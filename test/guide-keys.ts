/** The 23 keys of the guide, which the stacks of this repository use; the catalog has one more. */
import {
  entryOf,
  type GroupName,
  keysOf,
  keystoreKey,
  type SecretKey,
  secretKeys,
} from '../components/catalog.ts';

export const guideKeys: readonly SecretKey[] = secretKeys.filter((key) => key !== keystoreKey);

export function guideKeysOf(group: GroupName): readonly SecretKey[] {
  return keysOf(group).filter((key) => key !== keystoreKey);
}

/** What Hummingbot has a field for, of those. */
export const botFieldKeys = guideKeys.filter((key) => entryOf(key).field !== undefined);
