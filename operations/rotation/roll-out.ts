/** Brings one side's values to every target, and finds by their tags that it is done. */
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { type Outputs, outputsOf } from '../engine/stack-outputs.ts';
import { upArguments } from '../engine/up.ts';
import { isOwn, type RotatedKey } from './rotation.ts';
import { composeBot, restart, stoppedBot } from './running-bot.ts';
import { tagOf } from './scope.ts';
import type { SealedConfig } from './sealed-config.ts';

/** How it ended, for who knows the time and the ledger. */
export type RolledOut =
  | {
      readonly end: 'done';
      readonly tags: ReadonlyMap<string, string>;
      readonly foreign: readonly string[];
    }
  | { readonly end: 'failed' }
  | { readonly end: 'interrupted' };

/** What a roll out knows of the last `up`. */
export interface Known {
  /** Whether settings and program are what they were then: no preview is needed to find what is protected. */
  readonly valuesAlone: boolean;
  /** Targets whose bot starts once more, though none runs: it was stopped, or has run when it began. */
  readonly stopped?: readonly string[];
}

/**
 * @param last what stores are to say of the last rotation of its groups
 * @param engine prepared with the stack's lock
 * @throws CommandError when somebody has set a third value meanwhile; nothing is changed then
 */
export async function rollOut(
  engine: Engine,
  config: SealedConfig,
  keys: readonly RotatedKey[],
  side: 'new' | 'old',
  last: ReadonlyMap<string, string | null>,
  { valuesAlone, stopped = [] }: Known = { valuesAlone: false },
): Promise<RolledOut> {
  const { stack } = engine;
  const foreign = keys
    .filter((each) => !isOwn(each, config.sealed(each.path)))
    .map(({ path }) => path);
  if (side === 'new' && foreign.length > 0) {
    throw new CommandError(
      `${foreign.join(', ')}: got a third value, set since the rotation began; allowed: the old one or the new one; fix: npm run rotate -- --stack ${stack} --abort, which leaves it as it is`,
    );
  }
  const own = keys.filter(({ path }) => !foreign.includes(path));
  config.set(new Map(own.map((each) => [each.path, each[side] ?? null])), last);
  const ended = await up(engine, valuesAlone);
  if (ended !== 'done') return { end: ended };
  const outputs = await outputsOf(engine);
  const tags = new Map(keys.map(({ path }) => [path, (outputs && tagOf(outputs, path)) ?? '']));
  const late = own.filter((each) => tags.get(each.path) !== each[`${side}Tag`]);
  for (const { path } of late) {
    console.error(`${path}: got another tag than that of the ${side} value behind the roll out`);
  }
  if (late.length > 0 || outputs === undefined) return { end: 'failed' };
  if (!(await botStarts(outputs, stopped, side))) return { end: 'failed' };
  return { end: 'done', tags, foreign };
}

/** Starts the bots that were stopped with what is set, as it is. */
export async function startAgain(
  engine: Engine,
  { valuesAlone, stopped = [] }: Known,
): Promise<RolledOut['end']> {
  if (stopped.length === 0) return 'done';
  const ended = await up(engine, valuesAlone);
  if (ended !== 'done') return ended;
  const outputs = await outputsOf(engine);
  return outputs !== undefined && (await botStarts(outputs, stopped, 'old')) ? 'done' : 'failed';
}

/** Of a cluster or a swarm the `up` has started it. */
async function botStarts(
  { delivered }: Outputs,
  stopped: readonly string[],
  side: 'new' | 'old',
): Promise<boolean> {
  const bot = composeBot(delivered).running ?? stoppedBot(delivered, stopped);
  if (bot === undefined || (await restart(bot))) return true;
  console.error(`${bot.words.join(' ')}: got a bot that does not start with the ${side} values`);
  return false;
}

async function up(engine: Engine, valuesAlone: boolean): Promise<RolledOut['end']> {
  let interrupted = false;
  const note = (): void => {
    interrupted = true;
  };
  process.on('SIGINT', note).on('SIGTERM', note);
  try {
    const code = await engine.run(upArguments({ ...engine, agreed: true, valuesAlone }));
    if (code === 0) return 'done';
    return interrupted ? 'interrupted' : 'failed';
  } catch (error) {
    // What is refused before Pulumi starts, as by a swarm that does not answer, is a failure as well;
    // of a rotation the config has changed by then.
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message.replaceAll('; nothing was changed', ''));
    return 'failed';
  } finally {
    process.off('SIGINT', note).off('SIGTERM', note);
  }
}
