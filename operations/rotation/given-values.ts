/**
 * Where new values come from: a prompt, standard input, a file that its owner alone may read, or made
 * anew. Never from arguments or the environment, which others can read.
 */
import { randomInt } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { entryOf, environmentName, type SecretKey } from '../../components/catalog.ts';
import { lineOf } from '../../settings/mistake.ts';
import { CommandError } from '../engine/command-error.ts';
import { readEnvText } from '../import/env-file.ts';
import { shownPath } from '../import/reading.ts';
import { Prompt } from './prompt.ts';
import { pathOf } from './selection.ts';

/** As @pulumi/random makes them for this project: 32 letters and digits, 190 bits. */
const generatedLength = 32;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Room for all keys at their longest, ten times over. */
const maxBytes = 1024 * 1024;

export interface Asked {
  readonly stack: string;
  /** In the catalog's order. */
  readonly keys: readonly SecretKey[];
  /** Path of `--from-file`. */
  readonly file: string | undefined;
  /** The whole command, for hints. */
  readonly command: string;
}

export function generate(): string {
  return Array.from({ length: generatedLength }, () => alphabet[randomInt(alphabet.length)]).join(
    '',
  );
}

/** @throws CommandError for input that is no value of these keys; Interrupted */
export async function givenValues(asked: Asked): Promise<ReadonlyMap<SecretKey, string>> {
  const { keys, file } = asked;
  const typed = keys.filter((key) => entryOf(key).source !== 'generated');
  const made = new Map(
    keys.filter((key) => !typed.includes(key)).map((key) => [key, generate()] as const),
  );
  if (file !== undefined) return new Map([...made, ...readText(privateText(file), file, asked)]);
  if (typed.length === 0) return made;
  if (!process.stdin.isTTY) {
    // Not by a read of the descriptor, which a pipe refuses whose writer is slow.
    const given = await text(process.stdin);
    return new Map([...made, ...readText(given, 'standard input', asked)]);
  }
  const prompt = new Prompt();
  try {
    const given = new Map<SecretKey, string>();
    for (const key of typed) {
      const isPem = entryOf(key).shape === 'pem';
      const ends = isPem ? (line: string) => /^-----END /u.test(line) : undefined;
      given.set(key, await prompt.ask(`  new ${pathOf(key)}, not shown`, ends));
    }
    return new Map([...made, ...given]);
  } finally {
    prompt.end();
  }
}

/** The values in a text: one alone as it is, several as an env file with the guide's names. */
export function readText(
  text: string,
  where: string,
  { stack, keys, command }: Asked,
): ReadonlyMap<SecretKey, string> {
  const typed = keys.filter((key) => entryOf(key).source !== 'generated');
  const needed = typed.length === 0 ? keys : typed;
  const [only] = needed;
  const names = needed.map(environmentName).join(', ');
  const refuse = (what: string, got: string, allowed: string): CommandError =>
    new CommandError(
      lineOf({ what, got, allowed, fix: `mend it, then ${command}; nothing was changed` }),
    );
  if (text.trim() === '') throw refuse(shownPath(where), 'nothing', `a value of ${names}`);
  const named = needed.some((key) => new RegExp(`^(?:export )?${key}=`, 'imu').test(text));
  if (only !== undefined && needed.length === 1 && !named) {
    return new Map([[only, text.replace(/\r?\n$/u, '')]]);
  }
  const { found, unknown, mistakes } = readEnvText(text, where, { stack, command });
  if (mistakes.length > 0) throw new CommandError(mistakes.map(lineOf).join('\n'));
  const values = new Map<SecretKey, string>();
  for (const { key, value, where: at } of found) {
    if (!keys.includes(key)) throw refuse(`${key} in ${at}`, 'a key that is not asked for', names);
    if (values.has(key)) throw refuse(`${key} in ${at}`, 'a second value', 'one');
    values.set(key, entryOf(key).shape === 'pem' ? value.replace(/\n$/u, '') : value);
  }
  const [stranger] = unknown;
  if (stranger !== undefined) throw refuse(shownPath(where), `an unknown name, ${stranger}`, names);
  const missing = needed.find((key) => !values.has(key));
  if (missing !== undefined) throw refuse(pathOf(missing), 'no value', `${names} together`);
  return values;
}

/** @throws CommandError for a file that others may read too */
export function privateText(path: string): string {
  const refuse = (got: string, fix: string): CommandError =>
    new CommandError(
      `${shownPath(path)}: got ${got}; allowed: a file that its owner alone may read (0600); fix: ${fix}; nothing was changed`,
    );
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw refuse((error as NodeJS.ErrnoException).code ?? 'an error', 'name that file');
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw refuse('no file', 'name a file');
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw refuse(`mode ${mode}`, `chmod 600 ${shownPath(path)}, if nobody has read it`);
    }
    if (stat.size > maxBytes) throw refuse(`${stat.size} bytes`, 'name the file of the values');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
