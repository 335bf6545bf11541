/**
 * This machine's copy of a stack file. Pulumi writes the salt and the values into the stack file;
 * with the embedded backend both belong to this machine alone, so it gets a copy in `.local/`, and
 * the committed file stays as it is. What the committed file changes later is taken over, key by
 * key, unless the copy has changed the same key.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { isOrdinary, mayBeValue, pulumiCommand, shownName } from '../../settings/mistake.ts';
import { holdsValues } from '../../settings/plaintext.ts';
import { CommandError } from './command-error.ts';
import { droppedLines, type Own, withoutForeign } from './foreign-secrets.ts';
import { encryptionOf, opens, readPassphrase } from './passphrase.ts';
import { writePrivate, writeWhole } from './private-file.ts';
import { projectDirectory, projectName, shellWord, workspace } from './workspace.ts';

type Config = Readonly<Record<string, unknown>>;

export interface StackFile {
  /** The copy with the embedded backend, the committed file otherwise. */
  readonly path: string;
  readonly text: string;
}

/**
 * Settles which stack file a run uses.
 * @param prepare makes the folder of the copies, given the committed text; called once the stack
 *   is known to have a file
 * @throws CommandError when the stack has no file, or the file is not YAML
 */
export function stackFileOf(stack: string, prepare: (committed: string) => void): StackFile {
  const committed = join(projectDirectory, `Pulumi.${stack}.yaml`);
  // With the embedded backend Pulumi writes the copy alone, and what is kept is the copy's.
  const text = workspace.embedded ? textOf(committed) : wholeOf(committed);
  if (text === undefined) {
    throw new CommandError(
      `stack ${stack}: got no Pulumi.${stack}.yaml; allowed: a stack with a file of its settings; ` +
        `fix: cp Pulumi.dev.yaml Pulumi.${stack}.yaml and set its environment and targets`,
    );
  }
  prepare(text);
  if (!workspace.embedded) {
    keep(committed, text);
    return { path: committed, text };
  }
  const path = join(workspace.stacks, `Pulumi.${stack}.yaml`);
  const base = join(workspace.stacks, `Pulumi.${stack}.base.yaml`);
  const [copy, before] = [wholeOf(path), textOf(base)];
  let settled = copy;
  if (copy === undefined) {
    const own = withoutForeign(text, (salt) => opens(readPassphrase(), salt));
    for (const line of droppedLines(stack, own)) console.error(line);
    settled = own.text;
  } else if (before !== undefined && before !== text) {
    const [merged, notes] = mergeStackFiles(stack, { committed: text, base: before, copy });
    for (const note of notes) console.error(note);
    settled = merged;
  }
  if (settled !== undefined && settled !== copy) writeWhole(path, settled);
  if (before !== text) writeWhole(base, text);
  keep(path, settled ?? text);
  return { path, text: settled ?? text };
}

/** Bytes that a kill leaves at the most of a write that it cuts short, or a multiple of them. */
const pageBytes = 4096;
/** More than a write of a stack file takes. */
const writeMilliseconds = 500;

/**
 * A stack file's text. Pulumi writes the file in place: killed in the middle, it leaves an empty one, or
 * some pages. Then what it was before that run is put back, and only the change of that run is lost.
 */
function wholeOf(path: string): string | undefined {
  const text = textOf(path);
  const before = isCut(text) ? textOf(keptOf(path)) : undefined;
  if (before === undefined) return text;
  // Another command may be writing it at this moment.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, writeMilliseconds);
  const now = textOf(path);
  if (now !== text) return now;
  writeWhole(path, before, statSync(path).mode);
  console.error(
    `- ${relative(projectDirectory, path)} was cut short by a kill; it is as it was before that run: set once more what that run was setting`,
  );
  return before;
}

/**
 * Gives a copy that has no salt the one of another stack file, which Pulumi has just made.
 * @param made that file's path
 */
export function adoptSalt({ path }: StackFile, made: string): void {
  const text = textOf(path) ?? '';
  const { salt } = encryptionOf(textOf(made) ?? '');
  if (salt === '' || encryptionOf(text).salt !== '') return;
  const document = parseDocument(text);
  document.set('encryptionsalt', salt);
  writeWhole(path, document.toString());
}

function isCut(text: string | undefined): text is string {
  return text !== undefined && Buffer.byteLength(text) % pageBytes === 0 && !text.endsWith('\n');
}

function keptOf(path: string): string {
  return join(workspace.kept, basename(path));
}

/** Of a file that cannot be read nothing is kept: what was kept before may be all that there is. */
function keep(path: string, text: string): void {
  if (parseDocument(text).errors.length === 0) writePrivate(keptOf(path), text);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a stack is protected; it is unless its file says otherwise. */
export function isProtected(file: StackFile, project: string): boolean {
  return protectionOf(file, project) !== 'false';
}

/** Whether a protected stack's file says so, or nothing of it, in words that Pulumi takes. */
export function saysProtected(file: StackFile, project: string): boolean {
  return ['true', 'undefined'].includes(protectionOf(file, project));
}

function protectionOf({ path, text }: StackFile, project: string): string {
  const value = configOf(text, path)[`${project}:protect`];
  return typeof value === 'object' ? 'something else' : String(value);
}

/** Names of the targets that a stack file lists, checked by the program alone. */
export function targetsOf({ path, text }: StackFile, project: string): readonly string[] {
  const value = configOf(text, path)[`${project}:targets`];
  return Array.isArray(value) ? value.map(String) : [];
}

/** The three sides of a merge, as texts of stack files. */
export interface Sides {
  readonly committed: string;
  /** The committed file as it was when the copy last took it over. */
  readonly base: string;
  readonly copy: string;
}

/**
 * Takes over what the committed file changed, key by key.
 * @returns the copy's new text, and a line for each key that changed
 */
export function mergeStackFiles(stack: string, sides: Sides): readonly [string, readonly string[]] {
  const name = `Pulumi.${stack}.yaml`;
  const document = parseDocument(sides.copy);
  // Only what is encrypted as the copy is can be opened in the copy.
  const { salt } = encryptionOf(sides.copy);
  const [old, news] = [sides.base, sides.committed].map((text) =>
    withoutForeign(text, (theirs) => theirs === salt),
  ) as [Own, Own];
  const ours = configOf(sides.copy, `.local/stacks/${name}`);
  const before = configOf(old.text, name);
  const after = configOf(news.text, name);
  const dropped = news.dropped.filter((path) => !old.dropped.includes(path));
  const notes = [...droppedLines(stack, { ...news, dropped, foreign: false })];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (same(before[key], after[key]) || same(ours[key], after[key])) continue;
    if (!same(ours[key], before[key])) {
      const back = wayBack(stack, key, after[key]);
      notes.push(
        `- ${name} has a new ${shownSetting(key)}; this machine's own is kept; to take it: ${back}`,
      );
      continue;
    }
    notes.push(`- ${name} has a new ${shownSetting(key)}; taken over`);
    if (after[key] === undefined) document.deleteIn(['config', key]);
    else document.setIn(['config', key], document.createNode(after[key]));
  }
  return [document.toString(), notes];
}

/** Settings by name, without the project's before it. */
export function settingsOf({ path, text }: StackFile, project: string): Config {
  const entries = Object.entries(configOf(text, path));
  return Object.fromEntries(entries.map(([key, value]) => [key.replace(`${project}:`, ''), value]));
}

/** A setting's whole name, which somebody may have put a value into. */
function shownSetting(key: string): string {
  return key.split(':').map(shownName).join(':');
}

/** The commands that make this machine's own setting the committed one. */
function wayBack(stack: string, key: string, committed: unknown): string {
  const name = key.replace(`${projectName}:`, '');
  const byHand = `copy its lines into .local/stacks/Pulumi.${stack}.yaml`;
  if (!isOrdinary(name)) return byHand;
  const remove = pulumiCommand(stack, 'config', 'rm', name);
  if (committed === undefined) return remove;
  const set = (path: string, value: unknown): string =>
    pulumiCommand(stack, 'config', 'set', '--path', `'${path}'`, String(value));
  const simple = (value: unknown): boolean =>
    ['string', 'boolean', 'number'].includes(typeof value) &&
    /^[\w./:@+-]+$/u.test(String(value)) &&
    !mayBeValue(String(value));
  // A value is no part of a command, whatever setting somebody has put it into.
  if (holdsValues(name)) return byHand;
  if (simple(committed)) return set(name, committed);
  if (Array.isArray(committed) && committed.every(simple)) {
    return [remove, ...committed.map((item, at) => set(`${name}[${at}]`, item))].join(' && ');
  }
  return byHand;
}

function configOf(text: string, name: string): Config {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    const line = document.errors[0]?.linePos?.[0].line ?? 0;
    throw new CommandError(
      `${name}: got something that is not YAML in line ${line}; allowed: a Pulumi stack file; fix: mend that line${orPutBack(name)}`,
    );
  }
  const config = document.get('config');
  return isMap(config) ? (config.toJSON() as Config) : {};
}

/** @param name path of the file that commands use; any other has nothing that is kept for it */
function orPutBack(name: string): string {
  const path = resolve(projectDirectory, name);
  const isUsed = !workspace.embedded || dirname(path) === resolve(workspace.stacks);
  const kept = keptOf(path);
  return isUsed && existsSync(kept)
    ? `, or put back what the last command found: cp ${shellWord(kept)} ${shellWord(path)}`
    : '';
}

/** Equality as Pulumi writes: `false` comes back as `"false"`. */
function same(a: unknown, b: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, item) =>
      typeof item === 'boolean' || typeof item === 'number' ? String(item) : item,
    ) ?? '';
  return text(a) === text(b);
}
