/**
 * Checks what a rotation asks: the user's own programs, which check a new credential and revoke an old
 * one, and addresses of services that a new credential logs in to. Nothing of them is delivered.
 */
import { entryOf, secretKeys } from '../components/catalog.ts';
import { mayBeValue, nearest, pulumiCommand, removeCommand, shown, shownName } from './mistake.ts';
import { type Found, isMap, type RawSettings } from './raw.ts';

const hookSteps = ['check', 'revoke'] as const;
const fields = [...hookSteps, 'address'] as const;

/** What is issued together, and single keys: `trading.binance`, `trading.binance_api_key`. */
const words: readonly string[] = [
  ...new Set(
    secretKeys.flatMap((key) => {
      const { group, usedWith } = entryOf(key);
      return [`${group}.${usedWith}`, `${group}.${key}`];
    }),
  ),
];

interface AddressForm {
  readonly protocols: readonly string[];
  /** A user in it: of the address, never a value of the stack's. */
  readonly user: boolean;
  readonly path: RegExp;
  readonly query: RegExp;
  readonly example: string;
}

const forms: Readonly<Record<string, AddressForm>> = {
  'infrastructure.postgres': {
    protocols: ['postgresql:', 'postgres:'],
    user: false,
    path: /^\/?$/u,
    query: /^(?:\?sslmode=(?:disable|require|verify-full))?$/u,
    example: 'postgresql://HOST:5432?sslmode=verify-full',
  },
  'infrastructure.redis': {
    protocols: ['redis:', 'rediss:'],
    user: true,
    path: /^(?:\/\d{0,3})?$/u,
    query: /^$/u,
    example: 'rediss://HOST:6379/0',
  },
  'monitoring.email': {
    protocols: ['smtp:', 'smtps:'],
    user: true,
    path: /^\/?$/u,
    query: /^$/u,
    example: 'smtps://USER@HOST:465',
  },
};

const program = /^[\w./@+-]{1,200}$/u;

export function checkRotation({ config, stack }: RawSettings, found: Found): void {
  const map = config.rotation ?? {};
  if (!isMap(map)) {
    const fix = pulumiCommand(stack, 'config', 'rm', 'rotation');
    found({
      what: 'rotation',
      got: 'something that is not a map',
      allowed: fields.join(', '),
      fix,
    });
    return;
  }
  for (const [step, hooks] of Object.entries(map)) {
    const what = `rotation.${shownName(step)}`;
    const fix = removeCommand(stack, step, 'rotation');
    if (!(fields as readonly string[]).includes(step)) {
      const allowed = nearest(step, fields) ?? fields.join(', ');
      found({ what, got: 'an unknown field', allowed, fix });
    } else if (!isMap(hooks)) {
      found({ what, got: 'something that is not a map', allowed: 'a program a word', fix });
    } else if (step === 'address') {
      for (const [word, text] of Object.entries(hooks)) checkAddress(word, text, fix, found);
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

/** It is shown to nobody: what is wrong with it may be the password in it. */
function checkAddress(word: string, text: unknown, fix: string, found: Found): void {
  const form = forms[word];
  const known = Object.keys(forms);
  if (form === undefined) {
    const allowed = nearest(word, known) ?? known.join(', ');
    found({ what: 'rotation.address', got: shown(word), allowed, fix });
    return;
  }
  const got = mistakeOf(text, form);
  const allowed = `an address such as ${form.example}, without a password`;
  if (got !== undefined) found({ what: `rotation.address, ${word}`, got, allowed, fix });
}

function mistakeOf(text: unknown, form: AddressForm): string | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return 'no address';
  const { protocol, username, password, hostname, pathname, search, hash } = new URL(text);
  if (!form.protocols.includes(protocol)) return 'an address of another kind';
  if (password !== '' || /^[^/]*\/\/[^/@]*:[^/@]*@/u.test(text))
    return 'an address with a password';
  if (hostname === '' || !/^[\w.:[\]-]{1,253}$/u.test(hostname)) return 'an address without a host';
  if (username !== '' && !form.user) return "an address with a user, which is the stack's own";
  if (username !== '' && !isUser(username)) return 'an address whose user may be a password';
  const isRight = form.path.test(pathname) && form.query.test(search) && hash === '';
  return isRight ? undefined : 'an address with more than its host';
}

function isUser(encoded: string): boolean {
  try {
    return !mayBeValue(decodeURIComponent(encoded));
  } catch {
    return false;
  }
}
