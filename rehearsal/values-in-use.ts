/** The keys that a stack asks for, by its exchanges and services, and who uses them. */
import { entryOf, type GroupName, type SecretKey, secretKeys } from '../components/catalog.ts';
import { projectName } from '../operations/engine/workspace.ts';
import { settingIn } from './stack-file.ts';

export interface KeyInUse {
  readonly group: GroupName;
  readonly key: SecretKey;
}

/** @param text of the stack file */
export function keysInUse(text: string): readonly KeyInUse[] {
  const listed = ['exchanges', 'services'].flatMap((name) => {
    const value = settingIn(text, projectName, name);
    return Array.isArray(value) ? value.map(String) : [];
  });
  return secretKeys
    .map((key) => ({ key, entry: entryOf(key) }))
    .filter(({ entry }) => listed.includes(entry.usedWith))
    .filter(({ entry }) => groupOption(text, entry.group, 'source') !== 'external')
    .map(({ key, entry }) => ({ key, group: entry.group }));
}

/** Those of a group that the bot sees. */
export function botKeys(text: string, group: GroupName): readonly SecretKey[] {
  return keysInUse(text)
    .filter((each) => each.group === group && entryOf(each.key).consumers.includes('hummingbot'))
    .map(({ key }) => key);
}

/** An option of the setting `groups`; undefined when it is unset. */
export function groupOption(text: string, group: GroupName, option: string): unknown {
  const groups = settingIn(text, projectName, 'groups');
  if (typeof groups !== 'object' || groups === null) return undefined;
  const own = (groups as Record<string, unknown>)[group];
  return typeof own === 'object' && own !== null
    ? (own as Record<string, unknown>)[option]
    : undefined;
}
