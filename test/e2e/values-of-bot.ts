/**
 * Random values through components/consumers/materialise.py into the encrypted files of the real bot,
 * and read by the bot's own login. What shape.ts lets pass, the bot reads; what it refuses, materialise.py
 * refuses too, which takes away one line feed at the end first, as editors leave it.
 */
import { entryOf, keystoreKey } from '../../components/catalog.ts';
import { programFiles } from '../../components/consumers/container.ts';
import { placeholderOf, refusalOf } from '../../components/shape.ts';
import { botFieldKeys } from '../guide-keys.ts';
import type { Tried } from '../random-values.ts';
import { count, type Digests, digestOf, type Outcome, Sorted } from '../values-fuzz.ts';
import type { BotPython } from './bot-python.ts';

/** Of each value: why materialise.py refuses it, or the SHA-256 of what the bot has read. */
type Answers = readonly { readonly refused: string | null; readonly read: string | null }[];

const keys = [...botFieldKeys, keystoreKey];

/** @param hashRounds of each encrypted text. @default - the bot's own, a million */
export function carryByBot(
  bot: BotPython,
  tried: readonly Tried[],
  hashRounds: number | null = null,
): Outcome {
  for (const [name, content] of Object.entries(programFiles(keys))) bot.put(name, content);
  const shapes = Object.fromEntries(keys.map((key) => [key, entryOf(key).shape]));
  const fillers = Object.fromEntries(
    Object.entries(shapes).map(([key, shape]) => [shape, placeholderOf(shape, key)]),
  );
  const asked = { values: tried, shapes, fillers, hashRounds };
  const answers = bot.ask('hummingbot-values.py', asked) as Answers;
  return judged(tried, answers);
}

/** @throws Error when there are not as many answers as values */
export function judged(tried: readonly Tried[], answers: Answers): Outcome {
  if (answers.length !== tried.length) throw new Error(`${answers.length} answers`);
  const unlike = new Map<string, number>();
  const reads: Digests = tried.flatMap(({ shape, value }, at) => {
    const { refused, read } = answers[at] ?? { refused: null, read: null };
    if (refusalOf(shape, value) === undefined) {
      if (refused !== null) count(unlike, `materialise.py, which refuses it (${refused})`);
      return [read ?? undefined];
    }
    const stripped = value.replace(/\n$/u, '');
    const refusal = refusalOf(shape, stripped);
    if (refusal !== undefined && refused === null) {
      count(unlike, `materialise.py, which takes what shape.ts refuses (${refusal.got})`);
    }
    if (refusal === undefined && read !== digestOf(stripped)) {
      count(unlike, 'the bot, of one with a line feed at the end');
    }
    return [];
  });
  const sorted = new Sorted(tried, () => undefined);
  const outcome = sorted.outcome(new Map([['the bot', reads]]));
  return { ...outcome, readable: new Map(), unlike: new Map([...outcome.unlike, ...unlike]) };
}
