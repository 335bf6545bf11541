/** Checks the settings that are lists of names: targets, exchanges, services. */
import { type TargetName, targetOf } from '../components/delivery/targets.ts';
import { nearest, pulumiCommand, shown } from './mistake.ts';
import type { Found, listNames, RawSettings } from './raw.ts';

export function checkList<Name extends string>(
  { config, stack }: RawSettings,
  setting: (typeof listNames)[number],
  names: readonly Name[],
  found: Found,
): readonly Name[] {
  const value = config[setting] ?? [];
  if (!Array.isArray(value)) {
    found({
      what: setting,
      got: 'something that is not a list',
      allowed: `a list of ${names.join(', ')}`,
      fix: pulumiCommand(stack, 'config', 'set', `--path '${setting}[0]'`, names[0] ?? ''),
    });
    return [];
  }
  const chosen: Name[] = [];
  for (const [index, item] of value.entries()) {
    const path = `${setting}[${index}]`;
    const name = names.find((each) => each === item);
    const remove = pulumiCommand(stack, 'config', 'rm', `--path '${path}'`);
    if (name === undefined) {
      const near = typeof item === 'string' ? nearest(item, names) : undefined;
      // Removing the last one would leave a list that is refused in its turn, or a stack of nothing.
      const instead = near ?? (value.length === 1 ? names[0] : undefined);
      const set = pulumiCommand(stack, 'config', 'set', `--path '${path}'`, instead ?? '');
      found({
        what: path,
        got: typeof item === 'string' ? shown(item) : `a ${typeof item}`,
        allowed: names.join(', '),
        fix: instead === undefined ? remove : set,
      });
    } else if (chosen.includes(name)) {
      found({ what: path, got: `${name} a second time`, allowed: 'each once', fix: remove });
    } else {
      chosen.push(name);
    }
  }
  if (setting === 'targets' && value.length === 0) {
    found({
      what: setting,
      got: 'an empty list',
      allowed: `at least one of ${names.join(', ')}`,
      fix: pulumiCommand(stack, 'config', 'set', `--path '${setting}[0]'`, names[0] ?? ''),
    });
  }
  return chosen;
}

/** Two targets that own the same thing would undo each other. */
export function checkFights(raw: RawSettings, chosen: readonly TargetName[], found: Found): void {
  const owners = new Map<string, TargetName>();
  for (const name of chosen) {
    for (const claim of targetOf(name).claims) {
      const owner = owners.get(claim);
      if (owner !== undefined) {
        found({
          what: 'targets',
          got: `${owner} and ${name}, which both own ${claim}`,
          allowed: 'one of them',
          fix: pulumiCommand(
            raw.stack,
            'config',
            'rm',
            `--path 'targets[${chosen.indexOf(name)}]'`,
          ),
        });
      }
      owners.set(claim, name);
    }
  }
}
