/** Rules from the catalog: every secret by its names, and by its form where nothing else has it. */
import {
  catalog,
  entryOf,
  exchanges,
  type SecretKey,
  secretKeys,
} from '../../components/catalog.ts';
import { ruleOf, type Shape } from '../../components/shape.ts';
import { assigned, type Rule } from './rule.ts';

/** Shapes that show what they are; the words are in each of them. */
const distinctShapes: Readonly<Partial<Record<Shape, readonly string[]>>> = {
  'slack-webhook': ['hooks.slack'],
  'telegram-token': [':'],
};

/** What stands for a value of no usual form: one word of characters that code has no use for. */
const someValue = '[A-Za-z0-9_.~+/=!@#%^&*?-]';
/** Names of values that are no credentials alone. */
const harmless: readonly SecretKey[] = ['postgres_user', 'postgres_db', 'telegram_chat_id'];

/** A pattern of the catalog for the middle of a text. */
function inside({ source }: RegExp): string {
  return source
    .replace(/^\^/u, '')
    .replace(/\$$/u, '')
    .replaceAll('\\/', '/')
    .replaceAll('{30,}', '{30,64}')
    .replace('[A-Za-z0-9/_-]+', '[A-Za-z0-9/_-]{24,256}')
    .replace('\\d{5,16}', '[0-9]{8,12}');
}

function distinctRules(): readonly Rule[] {
  const shaped = Object.entries(distinctShapes).map(
    ([shape, keywords]): Rule => ({
      id: `${shape}-by-form`,
      description: `value of the form of ${ruleOf(shape as Shape).allowed.split(',')[0]}`,
      regex: `(?:^|[^A-Za-z0-9_])(${inside(ruleOf(shape as Shape).pattern)})(?:[^A-Za-z0-9_-]|$)`,
      keywords,
      entropy: 3.5,
      allow: ['T00000000'],
      distinct: true,
    }),
  );
  const { usual } = entryOf('coinbase_api_key');
  if (usual === undefined) throw new Error('coinbase_api_key has lost its usual form');
  const coinbase: Rule = {
    id: 'coinbase-api-key-by-form',
    description: `Coinbase API key name, ${usual.is}`,
    regex: inside(usual.pattern),
    keywords: ['organizations/'],
    entropy: 3,
    distinct: true,
  };
  return [...shaped, coinbase];
}

/** The key, in capitals, with blanks or hyphens, and as Hummingbot's connector calls it. */
function namesOf(key: SecretKey): readonly string[] {
  const { field } = entryOf(key);
  const names = [key, ...(field === undefined ? [] : [field])];
  return [...new Set(names.map((name) => name.replaceAll('_', '[_-]?')))];
}

function namedRule(key: SecretKey): Rule {
  const { description, usual } = entryOf(key);
  const names = namesOf(key);
  const least = usual === undefined || usual.pattern.source.startsWith('^.') ? 8 : 16;
  return {
    id: key.replaceAll('_', '-'),
    description: `${description}, by its name`,
    regex: assigned(names.join('|'), `${someValue}{${least},}`),
    anyCase: true,
    keywords: [...new Set(names.map((name) => name.split('[')[0] ?? ''))],
    entropy: usual === undefined ? 2.5 : 2.8,
    // Words, paths of settings and expressions of programs.
    allow: ['^[A-Za-z_.-]+$', '^[0-9.]+$', '^https?:', '^[A-Za-z_.]+\\?\\.'],
    distinct: false,
  };
}

/** What an exchange gives out, behind any name that has the exchange's. */
function usualRules(): readonly Rule[] {
  return Object.keys(exchanges).map((exchange): Rule => {
    const forms = secretKeys
      .filter((key) => entryOf(key).usedWith === exchange)
      .flatMap((key) => entryOf(key).usual?.pattern ?? [])
      .map(inside)
      .filter((form) => !form.startsWith('.') && !form.startsWith('organizations'));
    const value = [...new Set(forms), '[A-Za-z0-9+/=_-]{32,128}'].join('|');
    return {
      id: `${exchange}-credential`,
      description: `credential of ${exchange}, behind a name of it`,
      regex: assigned(`${exchange}[A-Za-z0-9 _.-]{0,40}`, value),
      anyCase: true,
      keywords: [exchange],
      entropy: 3.3,
      allow: ['^[A-Za-z_.-]+$', '^[a-z0-9]+(?:[_-][a-z0-9]+)+$', '^[0-9a-f]{40}$', '^h1:|^sha'],
      distinct: false,
    };
  });
}

export function catalogRules(): readonly Rule[] {
  const named = (Object.keys(catalog) as SecretKey[]).filter((key) => !harmless.includes(key));
  return [...distinctRules(), ...named.map(namedRule), ...usualRules()];
}
