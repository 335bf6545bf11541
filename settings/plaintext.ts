/** Values that stand in the stack file in the clear: found before the engine copies them anywhere. */
import { entryOf, groupNames, isSecretKey, keysOf } from '../components/catalog.ts';
import {
  isOrdinary,
  type Mistake,
  nearest,
  pulumiCommand,
  removeCommand,
  setSecretCommand,
  shownName,
} from './mistake.ts';
import type { StackFile } from './stack-file.ts';

/** @param what the value's name, of the catalog */
export function plaintextMistake(stack: string, what: string, path: string): Mistake {
  return {
    what,
    got: `plaintext in ${path}`,
    allowed: 'a secret',
    fix: `${setSecretCommand(stack, what)}; if it was ever committed, revoke it`,
  };
}

/** `trading.binance_api_key` as a setting of that name, as without `--path`. */
export function strayValueMistake(stack: string, name: string): Mistake {
  return {
    what: name,
    got: 'a value among the settings, in the clear, as when --path and --secret do not reach Pulumi',
    allowed: 'a secret inside its group',
    fix: `${pulumiCommand(stack, 'config', 'rm', `'${name}'`)}, then ${setSecretCommand(stack, name)}, and revoke that value`,
  };
}

/** A name that is none of the catalog may hold a value itself, and is not shown then. */
function unknownStray(stack: string, name: string, path: string): Mistake {
  const ordinary = name.split('.').every(isOrdinary);
  const remove = ordinary ? pulumiCommand(stack, 'config', 'rm', `'${name}'`) : byHand(path);
  return {
    what: ordinary ? name : `${name.split('.')[0]}.KEY`,
    got: 'an unknown name of a value among the settings',
    allowed: 'a secret inside its group',
    fix: `${remove}, and revoke that value`,
  };
}

function byHand(path: string): string {
  return `take it out of ${path} by hand`;
}

/** Every value in the clear, inside of its group or beside it. */
export function plaintextMistakes(stack: string, file: StackFile): readonly Mistake[] {
  const inside = groupNames.flatMap((group) =>
    file.plaintextLeaves(group).map((key) => {
      if (isSecretKey(key) && entryOf(key).group === group) {
        return plaintextMistake(stack, `${group}.${key}`, file.path);
      }
      const got = `plaintext of an unknown key in ${file.path}`;
      const near = nearest(key, keysOf(group));
      const remove = near === undefined ? byHand(file.path) : removeCommand(stack, key, group);
      const fix = `${remove}, and revoke that value`;
      const what = near === undefined ? `${group}.KEY` : `${group}.${shownName(key)}`;
      return { what, got, allowed: near ?? 'a secret of the catalog', fix };
    }),
  );
  const beside = file
    .names()
    .filter((name) => groupNames.some((group) => name.startsWith(`${group}.`)))
    .map((name) =>
      valueNameOf(name) === undefined
        ? unknownStray(stack, name, file.path)
        : strayValueMistake(stack, name),
    );
  return [...inside, ...beside];
}

/** The value's name, when a setting is one: `trading.binance_api_key` set without `--path`. */
export function valueNameOf(name: string): string | undefined {
  const [group, key = '', ...more] = name.split('.');
  if (more.length > 0) return undefined;
  return isSecretKey(key) && entryOf(key).group === group ? name : undefined;
}

/** Whether a setting is a group, or a value outside of its group: nothing of it may be shown. */
export function holdsValues(name: string): boolean {
  const [group, ...keys] = name.split('.');
  return groupNames.some((each) => each === group) || [name, ...keys].some(isSecretKey);
}
