/** Checks the value maps. Plaintext is looked at here, and nothing of it is printed. */
import {
  type CatalogEntry,
  entryOf,
  type GroupName,
  isSecretKey,
  keysOf,
  type SecretKey,
} from '../components/catalog.ts';
import { type TargetName, targetOf } from '../components/delivery/targets.ts';
import { refusalOf } from '../components/shape.ts';
import {
  type Mistake,
  nearest,
  pulumiCommand,
  removeCommand,
  setSecretCommand,
  shownName,
} from './mistake.ts';
import { plaintextMistake } from './plaintext.ts';
import type { Found, RawSettings } from './raw.ts';

/** @returns values that passed, by key, still in the clear: the caller marks them as secret */
export function checkValues(
  raw: RawSettings,
  group: GroupName,
  chosen: readonly TargetName[],
  found: Found,
): ReadonlyMap<SecretKey, string> {
  const { config, stack, stackFile } = raw;
  const map = config[group] ?? {};
  const values = new Map<SecretKey, string>();
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    found({
      what: group,
      got: 'something that is not a map of values',
      allowed: 'one secret a key',
      fix: `${pulumiCommand(stack, 'config', 'rm', group)}, then ${setSecretCommand(stack, `${group}.KEY`)}`,
    });
    return values;
  }
  const entries = Object.entries(map);
  const plaintext = entries.length > 0 ? (stackFile?.plaintextLeaves(group) ?? []) : [];
  for (const [key, value] of entries) {
    const what = `${group}.${key}`;
    if (!isSecretKey(key) || entryOf(key).group !== group) {
      found(unknownKey(stack, group, key));
      continue;
    }
    const set = setSecretCommand(stack, what);
    if (plaintext.includes(key)) {
      found(plaintextMistake(stack, what, stackFile?.path ?? ''));
    } else if (!stackFile?.has(group, key) && !stackFile?.importsEnvironment) {
      const got = `a value that is not in ${stackFile?.path ?? `Pulumi.${stack}.yaml`}, so it cannot be told whether it is encrypted`;
      const fix = 'name the stack file by PULUMI_OPTION_CONFIG_FILE instead of --config-file';
      found({ what, got, allowed: 'a value in the stack file', fix });
    } else if (typeof value !== 'string' && typeof value !== 'number') {
      const got = value === null ? 'an empty value' : `a ${typeof value}`;
      found({ what, got, allowed: 'text', fix: set });
    } else {
      const text = String(value);
      const refused = refusal(key, text, chosen);
      if (refused === undefined) values.set(key, text);
      else found({ what, ...refused, fix: set });
    }
  }
  return values;
}

function refusal(
  key: SecretKey,
  value: string,
  chosen: readonly TargetName[],
): Pick<Mistake, 'got' | 'allowed'> | undefined {
  const refused = refusalOf(entryOf(key).shape, value);
  if (refused !== undefined) return refused;
  for (const name of chosen) {
    const reason = targetOf(name).refuses(value);
    if (reason !== undefined) return { got: reason, allowed: `what target ${name} can carry` };
  }
  return undefined;
}

/** The values of a group together fit into what a target carries. */
export function checkGroup(
  { stack }: RawSettings,
  group: GroupName,
  entries: ReadonlyMap<SecretKey, CatalogEntry>,
  values: ReadonlyMap<SecretKey, string>,
  chosen: readonly TargetName[],
  found: Found,
): void {
  // What is generated or a placeholder is short; its key counts.
  const whole = new Map([...entries.keys()].map((key) => [key, values.get(key) ?? '']));
  for (const name of chosen) {
    const refused = targetOf(name).refusesGroup?.(whole);
    if (refused === undefined) continue;
    const allowed = `${refused.allowed}, which target ${name} can carry`;
    found({
      what: group,
      got: refused.got,
      allowed,
      fix: `shorter values: ${setSecretCommand(stack, `${group}.KEY`)}`,
    });
  }
}

function unknownKey(stack: string, group: GroupName, key: string): Mistake {
  const what = `${group}.${shownName(key)}`;
  const fix = removeCommand(stack, key, group);
  if (isSecretKey(key)) {
    const right = entryOf(key).group;
    return { what, got: 'a key of another group', allowed: `${right}.${key}`, fix };
  }
  const keys = keysOf(group);
  const near = nearest(key, keys);
  return { what, got: 'an unknown key', allowed: near ?? keys.join(', '), fix };
}

/** Every key in use has a value, unless it is optional or generated. */
export function checkMissing(
  { config, stack }: RawSettings,
  group: GroupName,
  entries: ReadonlyMap<SecretKey, CatalogEntry>,
  values: ReadonlyMap<SecretKey, string>,
  found: Found,
): void {
  const map = config[group];
  const set = typeof map === 'object' && map !== null ? Object.keys(map) : [];
  for (const [key, entry] of entries) {
    // A value that was refused above is not missing.
    if (entry.optional || entry.source === 'generated' || values.has(key) || set.includes(key)) {
      continue;
    }
    const what = `${group}.${key}`;
    const allowed = `a value, because ${entry.usedWith} is listed`;
    found({ what, got: 'nothing', allowed, fix: setSecretCommand(stack, what) });
  }
}
