/** A user's mistake, said in one line: what, got, allowed, and the command that fixes it. */

import { relative } from 'node:path';
import { closest, distance } from 'fastest-levenshtein';
import { entryOf, isSecretKey } from '../components/catalog.ts';

export interface Mistake {
  /** The setting or the value's name. */
  readonly what: string;
  /** What was found; for a value never a character of it. */
  readonly got: string;
  readonly allowed: string;
  /** A command, or the one thing to do. */
  readonly fix: string;
}

export function lineOf({ what, got, allowed, fix }: Mistake): string {
  return `${what}: got ${got}; allowed: ${allowed}; fix: ${fix}`;
}

/** All mistakes of a run, together. */
export function report(stack: string, mistakes: readonly Mistake[]): string {
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
  const lines = mistakes.map((mistake) => `  ${lineOf(mistake)}`);
  return [`${count} in the settings of stack ${stack}; nothing was changed`, ...lines].join('\n');
}

/** Set in what this project's own commands run; without it, the user runs their own Pulumi. */
export const ownCommandsVariable = 'HUMMINGBOT_SECRETS_COMMANDS';

/** A Pulumi command as the user of this run would type it; every hint uses it. */
export function pulumiCommand(stack: string, ...words: string[]): string {
  const own = process.env[ownCommandsVariable] !== undefined;
  return [own ? 'npm run pulumi --' : 'pulumi', ...words, `--stack ${stack}`].join(' ');
}

/** The command that sets a secret; the value is never part of it. */
export function setSecretCommand(stack: string, path: string): string {
  const command = pulumiCommand(stack, 'config', 'set', '--secret', `--path '${path}'`);
  const key = path.split('.').at(-1) ?? '';
  // A prompt takes the first line only; the shell would get, and keep, the others.
  if (isSecretKey(key) && entryOf(key).shape === 'pem') {
    return `${command.replace('npm run pulumi', 'npm run -s pulumi')} < key.pem`;
  }
  return `${command} (asks for the value, or reads it from standard input)`;
}

/** "binance_api_key" for "binance_api_kye"; undefined when nothing is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const best = closest(name, [...names]);
  return best !== undefined && distance(name, best) <= Math.max(2, best.length / 3)
    ? best
    : undefined;
}

/**
 * Something that a user typed, safe to print: short, in one line, and nothing that may be a value
 * which was put in the wrong place.
 */
export function shown(text: string): string {
  return mayBeValue(text)
    ? `text that may be a value and is not shown (${text.length} characters)`
    : JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}

/**
 * Whether text may be a credential: made of other characters than names, versions, paths and ARNs,
 * or with a part too long or too mixed for a word. A password that is a plain word passes.
 */
export function mayBeValue(text: string): boolean {
  if (!/^[\w .,:/@+~*-]*$/u.test(text)) return true;
  return text.split(/[^A-Za-z0-9]+/u).some((part) => {
    const longest = /^\d+$/u.test(part) ? 12 : /^[A-Za-z]+$/u.test(part) ? 24 : 7;
    return part.length > longest;
  });
}

/**
 * A name that a user typed: as it is when it is an ordinary one. What stands behind a `=` may be a
 * value that was meant for the name before it.
 */
export function shownName(name: string): string {
  if (isOrdinary(name)) return name;
  const [before = '', ...behind] = name.split('=');
  if (mayBeValue(before)) return '(a name that is not shown)';
  return behind.length === 0 ? shown(name) : `${shown(before)}=...`;
}

/** The command that removes a name from the config, or what to do when none could name it. */
export function removeCommand(stack: string, name: string, parent?: string): string {
  const path = parent === undefined ? name : `${parent}.${name}`;
  return isOrdinary(name)
    ? pulumiCommand(stack, 'config', 'rm', `--path '${path}'`)
    : `take it out of ${fileOf(stack)} by hand`;
}

/** The stack file that a run reads; here it is named by Pulumi's variable. */
function fileOf(stack: string): string {
  const named = process.env.PULUMI_OPTION_CONFIG_FILE;
  return named ? relative(process.cwd(), named) : `Pulumi.${stack}.yaml`;
}

/** Whether a name can be typed, and shown, as it is. */
export function isOrdinary(name: string): boolean {
  return /^[\w-]{1,40}$/u.test(name) && !mayBeValue(name);
}
