/** Checks how each group travels, and who else may read it. */
import { type GroupName, groupNames } from '../components/catalog.ts';
import type { TargetName } from '../components/delivery/targets.ts';
import type { Cluster, Reader } from '../components/systems.ts';
import type { Manner } from '../components/values.ts';
import { nearest, pulumiCommand, removeCommand, shown, shownName } from './mistake.ts';
import { type Found, isMap, type RawSettings } from './raw.ts';
import { allowedSubjects, subjectOf } from './subject.ts';

export interface GroupManner extends Manner {
  /** `external`: somebody else writes the store; no value is asked for, and none is taken. */
  readonly source: 'stack' | 'external';
}

const choices = {
  naming: ['versioned', 'fixed'],
  source: ['stack', 'external'],
  env: ['files', 'values'],
} as const satisfies { [Field in keyof GroupManner]: readonly GroupManner[Field][] };

/** What our own bot mounts is versioned; what others read, who cannot follow a name, is fixed. */
const fallback: Record<GroupName, GroupManner> = {
  trading: { naming: 'versioned', source: 'stack', env: 'files' },
  infrastructure: { naming: 'fixed', source: 'stack', env: 'files' },
  monitoring: { naming: 'fixed', source: 'stack', env: 'files' },
};

/** @param outside targets that do not end in a cluster, where somebody else's Secret can be mounted */
export function checkGroups(
  raw: RawSettings,
  outside: readonly TargetName[],
  found: Found,
): Record<GroupName, GroupManner> {
  const { stack } = raw;
  const manners = { ...fallback };
  for (const [group, value] of groupEntries(raw, 'groups', found)) {
    if (!isMap(value)) {
      found({
        what: `groups.${group}`,
        got: `a ${typeof value}`,
        allowed: `a map of ${Object.keys(choices).join(', ')}`,
        fix: removeCommand(stack, group, 'groups'),
      });
      continue;
    }
    const chosen: Partial<Record<keyof GroupManner, string>> = {};
    for (const [field, choice] of Object.entries(value)) {
      const what = `groups.${group}.${shownName(field)}`;
      const names = Object.keys(choices);
      const known = Object.hasOwn(choices, field) ? (field as keyof GroupManner) : undefined;
      if (known === undefined) {
        const allowed = nearest(field, names) ?? names.join(', ');
        const fix = removeCommand(stack, field, `groups.${group}`);
        found({ what, got: 'an unknown field', allowed, fix });
        continue;
      }
      const allowed: readonly string[] = choices[known];
      if (typeof choice === 'string' && allowed.includes(choice)) {
        chosen[known] = choice;
      } else {
        found({
          what,
          got: typeof choice === 'string' ? shown(choice) : `a ${typeof choice}`,
          allowed: allowed.join(', '),
          fix: setCommand(stack, group, known, fallback[group][known]),
        });
      }
    }
    // Nobody could follow a suffix that somebody else's value does not change.
    const naming = chosen.source === 'external' ? { naming: 'fixed' } : {};
    manners[group] = { ...fallback[group], ...naming, ...chosen } as GroupManner;
    if (manners[group].source === 'external' && manners[group].naming === 'versioned') {
      found({
        what: `groups.${group}.naming`,
        got: 'versioned, with source external',
        allowed: 'fixed, because only a value that is known here gives a version',
        fix: setCommand(stack, group, 'naming', 'fixed'),
      });
    }
  }
  for (const group of groupNames.filter((name) => manners[name].source === 'external')) {
    if (outside.length > 0) {
      found({
        what: `groups.${group}.source`,
        got: `external, with target ${outside.join(', ')}`,
        allowed: 'stack, because nothing can be written there without its values',
        fix: setCommand(stack, group, 'source', 'stack'),
      });
    }
    const map = raw.config[group];
    for (const key of isMap(map) ? Object.keys(map) : []) {
      found({
        what: `${group}.${shownName(key)}`,
        got: 'a value, though somebody else writes the group',
        allowed: `none, or groups.${group}.source stack`,
        fix: removeCommand(stack, key, group),
      });
    }
  }
  return manners;
}

export function checkReaders(raw: RawSettings, found: Found): Cluster['readers'] {
  const readers: Partial<Record<GroupName, Reader[]>> = {};
  for (const [group, value] of groupEntries(raw, 'readers', found)) {
    if (!Array.isArray(value)) {
      found({
        what: `readers.${group}`,
        got: 'something that is not a list',
        allowed: 'a list of User:NAME, Group:NAME, ServiceAccount:NAMESPACE/NAME',
        fix: removeCommand(raw.stack, group, 'readers'),
      });
      continue;
    }
    for (const [index, item] of value.entries()) {
      const reader = subjectOf(item);
      if (reader === undefined) {
        found({
          what: `readers.${group}[${index}]`,
          got: typeof item === 'string' ? shown(item) : `a ${typeof item}`,
          allowed: allowedSubjects,
          fix: pulumiCommand(raw.stack, 'config', 'rm', `--path 'readers.${group}[${index}]'`),
        });
        continue;
      }
      readers[group] = [...(readers[group] ?? []), reader];
    }
  }
  return readers;
}

function groupEntries(
  raw: RawSettings,
  setting: 'groups' | 'readers',
  found: Found,
): readonly (readonly [GroupName, unknown])[] {
  const map = raw.config[setting] ?? {};
  if (!isMap(map)) {
    found({
      what: setting,
      got: 'something that is not a map',
      allowed: `a map of ${groupNames.join(', ')}`,
      fix: pulumiCommand(raw.stack, 'config', 'rm', setting),
    });
    return [];
  }
  return Object.entries(map).flatMap(([name, value]) => {
    const group = groupNames.find((each) => each === name);
    if (group !== undefined) return [[group, value] as const];
    found({
      what: `${setting}.${shownName(name)}`,
      got: 'a group that does not exist',
      allowed: nearest(name, groupNames) ?? groupNames.join(', '),
      fix: removeCommand(raw.stack, name, setting),
    });
    return [];
  });
}

function setCommand(stack: string, group: string, field: string, value: string): string {
  return pulumiCommand(stack, 'config', 'set', `--path 'groups.${group}.${field}'`, value);
}
