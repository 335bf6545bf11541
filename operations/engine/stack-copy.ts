/**
 * This machine's copy of a stack file. Pulumi writes the salt and the values into the stack file;
 * with the embedded backend both belong to this machine alone, so it gets a copy in `.local/`, and
 * the committed file stays as it is. What the committed file changes later is taken over, key by
 * key, unless the copy has changed the same key.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { CommandError } from './command-error.ts';
import { projectDirectory, workspace } from './workspace.ts';

type Config = Readonly<Record<string, unknown>>;

/**
 * Settles which stack file a run uses.
 * @param prepare makes the folder of the copies; called once the stack is known to have a file
 * @returns its path: the copy with the embedded backend, the committed file otherwise
 * @throws CommandError when the stack has no file, or the file is not YAML
 */
export function stackFileOf(stack: string, prepare: () => void): string {
  const committed = join(projectDirectory, `Pulumi.${stack}.yaml`);
  if (!existsSync(committed)) {
    throw new CommandError(
      `stack ${stack}: got no Pulumi.${stack}.yaml; allowed: a stack with a file of its settings; ` +
        `fix: cp Pulumi.dev.yaml Pulumi.${stack}.yaml and set its environment and targets`,
    );
  }
  prepare();
  if (!workspace.embedded) return committed;
  const copy = join(workspace.stacks, `Pulumi.${stack}.yaml`);
  const base = join(workspace.stacks, `Pulumi.${stack}.base.yaml`);
  const text = readFileSync(committed, 'utf8');
  if (!existsSync(copy)) writeWhole(copy, text);
  else if (existsSync(base) && readFileSync(base, 'utf8') !== text) {
    const sides = { committed: text, base: readFileSync(base, 'utf8') };
    const [merged, notes] = mergeStackFiles(stack, { ...sides, copy: readFileSync(copy, 'utf8') });
    for (const note of notes) console.error(note);
    writeWhole(copy, merged);
  }
  if (!existsSync(base) || readFileSync(base, 'utf8') !== text) writeWhole(base, text);
  return copy;
}

/** Whether a stack file says that its stack is protected; it does unless it says otherwise. */
export function isProtected(stackFile: string, project: string): boolean {
  const value = configOf(readFileSync(stackFile, 'utf8'), stackFile)[`${project}:protect`];
  return String(value) !== 'false';
}

/** Names of the targets that a stack file lists, checked by the program alone. */
export function targetsOf(stackFile: string, project: string): readonly string[] {
  const value = configOf(readFileSync(stackFile, 'utf8'), stackFile)[`${project}:targets`];
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
  const ours = configOf(sides.copy, `.local/stacks/${name}`);
  const before = configOf(sides.base, name);
  const after = configOf(sides.committed, name);
  const notes: string[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (same(before[key], after[key]) || same(ours[key], after[key])) continue;
    if (!same(ours[key], before[key])) {
      notes.push(`- ${name} has a new ${key}; this machine's own is kept`);
      continue;
    }
    notes.push(`- ${name} has a new ${key}; taken over`);
    if (after[key] === undefined) document.deleteIn(['config', key]);
    else document.setIn(['config', key], document.createNode(after[key]));
  }
  return [document.toString(), notes];
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

function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}
