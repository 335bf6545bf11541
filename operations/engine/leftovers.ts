/** What a bot wrote where its stack delivered: nobody but its owner moves or removes it. */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Keeps a directory of the bot's before the bot has written into it. */
const keeper = '.keep';

/** @returns names, in order, of what holds something in a directory; none when there is none */
export function leftIn(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => holdsSomething(join(directory, name), name))
    .sort();
}

function holdsSomething(path: string, name: string): boolean {
  if (!lstatSync(path).isDirectory()) return name !== keeper;
  return readdirSync(path).some((each) => holdsSomething(join(path, each), each));
}

/**
 * What to say after a stack has delivered to another directory: the bot would start without what
 * it has kept in the old one.
 * @param directories where the stack delivered before and now, as a user names them
 * @param resolved the path of a directory
 */
export function movedLines(
  before: readonly string[],
  now: readonly string[],
  resolved: (directory: string) => string,
): readonly string[] {
  const [target] = now;
  const current = now.map(resolved);
  if (target === undefined) return [];
  return [...new Set(before)]
    .filter((directory) => !current.includes(resolved(directory)))
    .flatMap((directory) => {
      const names = leftIn(resolved(directory));
      if (names.length === 0) return [];
      const paths = names.map((name) => `${directory}/${name}`).join(' ');
      return [
        `- ${directory} still holds ${listed(names)}, and the bot starts without them in ${target}; ` +
          `stop it, then: cp -a ${paths} ${target}/ && rm -r ${paths}`,
      ];
    });
}

/** "conf, data and logs" */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
