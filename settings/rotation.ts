/**
 * Checks the user's own hooks of a rotation: programs that are asked whether a new credential works, and
 * that revoke an old one. Nothing of them is delivered.
 */
import { entryOf, secretKeys } from '../components/catalog.ts';
import { nearest, pulumiCommand, removeCommand, shown, shownName } from './mistake.ts';
import { type Found, isMap, type RawSettings } from './raw.ts';

const steps = ['check', 'revoke'] as const;

/** What is issued together, and single keys: `trading.binance`, `trading.binance_api_key`. */
const words: readonly string[] = [
  ...new Set(
    secretKeys.flatMap((key) => {
      const { group, usedWith } = entryOf(key);
      return [`${group}.${usedWith}`, `${group}.${key}`];
    }),
  ),
];

const program = /^[\w./@+-]{1,200}$/u;

export function checkRotation({ config, stack }: RawSettings, found: Found): void {
  const map = config.rotation ?? {};
  if (!isMap(map)) {
    const fix = pulumiCommand(stack, 'config', 'rm', 'rotation');
    found({ what: 'rotation', got: 'something that is not a map', allowed: steps.join(', '), fix });
    return;
  }
  for (const [step, hooks] of Object.entries(map)) {
    const what = `rotation.${shownName(step)}`;
    const fix = removeCommand(stack, step, 'rotation');
    if (!(steps as readonly string[]).includes(step)) {
      const allowed = nearest(step, steps) ?? steps.join(', ');
      found({ what, got: 'an unknown field', allowed, fix });
    } else if (!isMap(hooks)) {
      found({ what, got: 'something that is not a map', allowed: 'a program a word', fix });
    } else {
      for (const [word, file] of Object.entries(hooks)) checkHook(what, word, file, fix, found);
    }
  }
}

function checkHook(step: string, word: string, file: unknown, fix: string, found: Found): void {
  if (!words.includes(word)) {
    const allowed = nearest(word, words) ?? 'words such as trading.binance, or the path of a key';
    found({ what: step, got: shown(word), allowed, fix });
  } else if (typeof file !== 'string' || !program.test(file) || file.startsWith('-')) {
    const got = typeof file === 'string' ? shown(file) : `a ${typeof file}`;
    const allowed = 'the path of a program, from the project or absolute, without arguments';
    found({ what: `${step}, ${word}`, got, allowed, fix });
  }
}
