/**
 * Checks what `npm run rotate` is told: the user's own hooks, programs that are asked whether a new
 * credential works and that revoke an old one; addresses of services that a new credential logs in to;
 * how long the old one stays; and what it has itself written down of each group's last rotation. Of these
 * only the last is delivered, as a tag.
 */
import { entryOf, type GroupName, groupNames, secretKeys } from '../components/catalog.ts';
import { mayBeValue, nearest, pulumiCommand, removeCommand, shown, shownName } from './mistake.ts';
import { type Found, isMap, type RawSettings } from './raw.ts';

const steps = ['check', 'revoke'] as const;
const fields = [...steps, 'address', 'overlap', 'last'] as const;

const unitSeconds = { m: 60, h: 60 * 60, d: 24 * 60 * 60 } as const;
const longestSeconds = 30 * unitSeconds.d;
/** A day: docs/decisions/0023-an-old-credential-stays-for-a-day.md */
const defaultOverlap = '24h';
/** Id of the rotation, its day, and the hash of what was known of it before its roll out. */
const lastForm = /^([a-z2-7]{6}) (\d{4}-\d\d-\d\d) ([0-9a-f]{64})$/u;

/** A group's last rotation, as config, outputs and stores have it in one text. */
export interface LastRotation {
  readonly id: string;
  /** `2026-11-27` */
  readonly day: string;
  readonly hash: string;
}

export function parseLast(text: string): LastRotation | undefined {
  const [, id, day, hash] = lastForm.exec(text) ?? [];
  return id && day && hash ? { id, day, hash } : undefined;
}

/** Texts of `parseLast` by group, of settings that were checked. */
export function lastRotations(rotation: unknown): Readonly<Partial<Record<GroupName, string>>> {
  return isMap(rotation) && isMap(rotation.last) ? rotation.last : {};
}

/**
 * How long an old credential and its copies stay behind a roll out, of settings that were checked.
 * @returns seconds
 */
export function overlapOf(rotation: unknown): number {
  const set = isMap(rotation) ? rotation.overlap : undefined;
  return secondsOf(set ?? defaultOverlap) ?? 0;
}

/** @returns undefined for what is no duration, or too long a one */
function secondsOf(value: unknown): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  if (String(value) === '0') return 0;
  const [, count, unit] = /^([1-9]\d{0,4})([mhd])$/u.exec(String(value)) ?? [];
  const seconds = Number(count) * unitSeconds[unit as keyof typeof unitSeconds];
  return seconds <= longestSeconds ? seconds : undefined;
}

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
    if (step === 'overlap') {
      if (secondsOf(hooks) !== undefined) continue;
      const got = typeof hooks === 'string' ? shown(hooks) : `a ${typeof hooks}`;
      const allowed = '0, or minutes, hours or days such as 90m, 24h or 7d, 30 days at most';
      const fix = pulumiCommand(stack, 'config', 'set', '--path', 'rotation.overlap', '24h');
      found({ what, got, allowed, fix });
    } else if (step === 'last') {
      if (isMap(hooks) && Object.entries(hooks).every(isLast)) continue;
      const got = 'something else than npm run rotate writes there';
      found({ what, got, allowed: 'what it has written, or nothing', fix });
    } else if (!(fields as readonly string[]).includes(step)) {
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

function isLast([group, text]: readonly [string, unknown]): boolean {
  const known = (groupNames as readonly string[]).includes(group);
  return known && typeof text === 'string' && lastForm.test(text);
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
