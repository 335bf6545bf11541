/**
 * This machine's copy of a stack file. Pulumi writes the salt and the values into the stack file;
 * with the embedded backend both belong to this machine alone, so it gets a copy in `.local/`, and
 * the committed file stays as it is. What the committed file changes later is taken over, key by
 * key, unless the copy has changed the same key.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { pulumiCommand } from '../../settings/mistake.ts';
import { isValueMap } from '../../settings/plaintext.ts';
import { CommandError } from './command-error.ts';
import { droppedLines, type Own, withoutForeign } from './foreign-secrets.ts';
import { encryptionOf, opens, readPassphrase } from './passphrase.ts';
import { writePrivate, writeWhole } from './private-file.ts';
import { projectDirectory, projectName, workspace } from './workspace.ts';

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
  const text = wholeOf(committed);
  if (text === undefined) {
    throw new CommandError(
      `stack ${stack}: got no Pulumi.${stack}.yaml; allowed: a stack with a file of its settings; ` +
        `fix: cp Pulumi.dev.yaml Pulumi.${stack}.yaml and set its environment and targets`,
    );
  }
  prepare(text);
  if (!workspace.embedded) {
    writePrivate(keptOf(committed), text);
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
  writePrivate(keptOf(path), settled ?? text);
  return { path, text: settled ?? text };
}

/** Bytes that a kill leaves at the most of a write that it cuts short, or a multiple of them. */
const pageBytes = 4096;

/**
 * A stack file's text. Pulumi writes the file in place: killed in the middle, it leaves an empty one, or
 * some pages. Then what it was before that run is put back, and only the change of that run is lost.
 */
function wholeOf(path: string): string | undefined {
  const text = textOf(path);
  const bytes = Buffer.byteLength(text ?? '');
  const isCut = text !== undefined && bytes % pageBytes === 0 && !text.endsWith('\n');
  const before = isCut ? textOf(keptOf(path)) : undefined;
  if (before === undefined) return text;
  writeWhole(path, before, statSync(path).mode);
  console.error(
    `- ${relative(projectDirectory, path)} was cut short by a kill; it is as it was before that run: set once more what that run was setting`,
  );
  return before;
}

function keptOf(path: string): string {
  return join(workspace.kept, basename(path));
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
      notes.push(`- ${name} has a new ${key}; this machine's own is kept; to take it: ${back}`);
      continue;
    }
    notes.push(`- ${name} has a new ${key}; taken over`);
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

/** The commands that make this machine's own setting the committed one. */
function wayBack(stack: string, key: string, committed: unknown): string {
  const name = key.replace(`${projectName}:`, '');
  const remove = pulumiCommand(stack, 'config', 'rm', name);
  if (committed === undefined) return remove;
  const set = (path: string, value: unknown): string =>
    pulumiCommand(stack, 'config', 'set', '--path', `'${path}'`, String(value));
  const simple = (value: unknown): boolean =>
    ['string', 'boolean', 'number'].includes(typeof value) && /^[\w./:@+-]+$/u.test(String(value));
  // A value of a group is no part of a command.
  const ordinary = /^[\w-]{1,40}$/u.test(name) && !isValueMap(name);
  if (ordinary && simple(committed)) return set(name, committed);
  if (ordinary && Array.isArray(committed) && committed.every(simple)) {
    return [remove, ...committed.map((item, at) => set(`${name}[${at}]`, item))].join(' && ');
  }
  return `copy its lines into .local/stacks/Pulumi.${stack}.yaml`;
}

function configOf(text: string, name: string): Config {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    const line = document.errors[0]?.linePos?.[0].line ?? 0;
    throw new CommandError(
      `${name}: got something that is not YAML in line ${line}; allowed: a Pulumi stack file; fix: mend that line`,
    );
  }
  const config = document.get('config');
  return isMap(config) ? (config.toJSON() as Config) : {};
}

/** Equality as Pulumi writes: `false` comes back as `"false"`. */
function same(a: unknown, b: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, item) =>
      typeof item === 'boolean' || typeof item === 'number' ? String(item) : item,
    ) ?? '';
  return text(a) === text(b);
}
