/** A rotation of keys that somebody else may have: which bots it stops first, and what it begins with. */
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { isCompose } from '../doctor/container.ts';
import { findBots, refuseUnstopped, stopped } from './bots.ts';
import type { Request } from './request.ts';
import type { Rotation } from './rotation.ts';
import { type Scope, tagOf } from './scope.ts';
import { pathOf } from './selection.ts';
import { type Beginning, begun } from './way-back.ts';

/**
 * Targets whose bot is to be stopped; those too that an emergency of before has stopped.
 * @throws CommandError with a line for each bot that cannot be stopped from here
 */
export async function botsOf(
  scope: Scope,
  { stack, words, which, evenIfRunning }: Request,
  keys: readonly SecretKey[],
): Promise<readonly string[]> {
  const users = new Set(keys.flatMap((key) => entryOf(key).consumers));
  for (const user of users) {
    if (user === 'hummingbot') continue;
    console.log(`  a person has to stop ${user}, which this stack does not run`);
  }
  if (!users.has('hummingbot')) return [];
  const { settings, outputs } = scope;
  const { bots, troubles } = await findBots({ settings, delivered: outputs.delivered });
  for (const { name } of bots) console.log(`  ${name} is stopped first`);
  if (bots.length === 0 && troubles.length === 0) console.log('  no bot runs that is known here');
  const chosen = which === 'all' ? '--all' : words.join(' ');
  const command = `npm run rotate -- --stack ${stack} --compromised ${chosen}`;
  refuseUnstopped(troubles, command, evenIfRunning);
  return bots.map(({ target }) => target);
}

/** Stops the bots of an emergency that cannot begin yet, of which nothing is recorded. */
export async function stopAtOnce({ settings, outputs: { delivered } }: Scope): Promise<void> {
  const { bots, troubles } = await findBots({ settings, delivered });
  for (const { what, got } of troubles) console.error(`${what}: got ${got}: stop its bot by hand`);
  for (const bot of bots) {
    const got = await stopped(bot);
    if (got !== undefined) {
      console.error(`${bot.name}: got ${got}: stop it by hand (docs/emergency.md)`);
      continue;
    }
    const { directory, next = '' } = delivered[bot.target] ?? {};
    const how = isCompose(next) ? `cd ${directory} && ${next}` : 'npm start';
    console.log(`  ${bot.name}: stopped, which nothing has recorded: ${how} starts it again`);
  }
}

/** Whether the bot has it, which the stack runs. */
export function isOfBot(key: SecretKey): boolean {
  return entryOf(key).consumers.includes('hummingbot');
}

export function emergencyOf(
  { outputs }: Scope,
  keys: readonly SecretKey[],
  bots: readonly string[],
  beginning: Beginning,
): Rotation {
  return {
    ...beginning,
    ...begun,
    kind: 'rotate',
    due: 'stop',
    emergency: { bots },
    keys: keys.map((key) => {
      const path = pathOf(key);
      return { path, old: null, oldTag: tagOf(outputs, path) ?? '', worth: false };
    }),
  };
}
