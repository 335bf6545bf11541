/**
 * The types of the settings in a stack file against the `config` block of Pulumi.yaml. Pulumi
 * checks them too, before the program runs, but ends at the first and names no remedy. What it
 * takes was seen with 3.259: a text may be any scalar, "true" is a boolean and "5" an integer;
 * inside of a list only texts are texts.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseDocument } from 'yaml';
import { type Mistake, pulumiCommand, report } from '../../settings/mistake.ts';
import { plaintextMistakes } from '../../settings/plaintext.ts';
import { parseStackFile } from '../../settings/stack-file.ts';
import { CommandError } from './command-error.ts';
import { projectDirectory, projectName } from './workspace.ts';

/** A type in Pulumi.yaml; others than these are left to Pulumi. */
export interface Schema {
  readonly type?: string;
  readonly items?: Schema;
  readonly default?: unknown;
}

/** Commands of Pulumi that check the config of the stack; `destroy` and `refresh` do not. */
const programCommands = ['up', 'update', 'preview', 'pre', 'watch', 'import'];
const flagsWithValue = ['--stack', '-s', '--cwd', '-C', '--color', '--config-file'];

/** The command among Pulumi's arguments: `up` of `--stack dev up`. */
export function verbOf(args: readonly string[]): string | undefined {
  return args.find(
    (arg, at) => !arg.startsWith('-') && !flagsWithValue.includes(args[at - 1] ?? ''),
  );
}

/** Whether a command writes the config into the backend's history. */
export function keepsConfig(args: readonly string[]): boolean {
  return ['destroy', 'down', 'dn', 'refresh'].includes(verbOf(args) ?? '');
}

export function runsProgram(args: readonly string[]): boolean {
  return programCommands.includes(verbOf(args) ?? '') || args.includes('--run-program');
}

/** Whether a command works on what the stack has made, and is not asked for values. */
export function isOperation(args: readonly string[]): boolean {
  return (runsProgram(args) || keepsConfig(args)) && !args.includes('--show-secrets');
}

/**
 * Refuses what must not reach the engine: settings of a wrong type, and values in the clear, which
 * it would copy into the backend's history before the program could refuse them.
 * @throws CommandError with a line for each
 */
export function refuseWrongSettings(stack: string, path: string, stackFile: string): void {
  const project = parseDocument(readFileSync(join(projectDirectory, 'Pulumi.yaml'), 'utf8'));
  const { config } = project.toJS() as { config?: Readonly<Record<string, Schema>> };
  const mistakes = [
    ...wrongTypes(stack, stackFile, config ?? {}),
    ...plaintextMistakes(stack, parseStackFile(shownPath(path), stackFile, projectName)),
  ];
  if (mistakes.length > 0) throw new CommandError(report(stack, mistakes));
}

/** @throws CommandError with a line for each value in the clear */
export function refusePlaintext(stack: string, path: string, stackFile: string): void {
  const file = parseStackFile(shownPath(path), stackFile, projectName);
  const mistakes = plaintextMistakes(stack, file);
  if (mistakes.length > 0) throw new CommandError(report(stack, mistakes));
}

/** As a user would name it, who stands in the project. */
function shownPath(path: string): string {
  const below = relative(projectDirectory, path);
  return below.startsWith('..') ? path : below;
}

/**
 * Finds every setting of a wrong type. No value is shown, of whatever setting.
 * @param schemas types by the setting's name
 */
export function wrongTypes(
  stack: string,
  stackFile: string,
  schemas: Readonly<Record<string, Schema>>,
): readonly Mistake[] {
  const file: unknown = parseDocument(stackFile).toJS();
  const config = isMap(file) ? file.config : undefined;
  if (!isMap(config)) return [];
  return Object.entries(config).flatMap(([key, value]) => {
    const name = key.replace(`${projectName}:`, '');
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    return schema === undefined ? [] : wrongParts(stack, name, value, schema, schema);
  });
}

/** @param setting schema of the whole setting, of which `schema` may be that of a part */
function wrongParts(
  stack: string,
  path: string,
  value: unknown,
  schema: Schema,
  setting: Schema,
): readonly Mistake[] {
  const top = schema === setting;
  if (isRight(value, schema, top)) {
    const { items } = schema;
    if (!Array.isArray(value) || items === undefined) return [];
    return value.flatMap((item, at) => wrongParts(stack, `${path}[${at}]`, item, items, setting));
  }
  const fix = top
    ? remedy(stack, path, schema)
    : pulumiCommand(stack, 'config', 'rm', `--path '${path}'`);
  return [{ what: path, got: kindOf(value), allowed: allowedFor(schema), fix }];
}

/** Whether a value is of a type, whatever its items are of. */
function isRight(value: unknown, { type }: Schema, top: boolean): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isMap(value) && !isEncrypted(value);
  // What is encrypted can be judged by Pulumi alone.
  if (isEncrypted(value)) return true;
  if (type === 'string') return typeof value === 'string' || (top && !isStructured(value));
  if (type === 'boolean')
    return value === 'true' || value === 'false' || typeof value === 'boolean';
  if (type === 'integer') return Number.isInteger(value) || isWholeNumber(value);
  return true;
}

function isWholeNumber(value: unknown): boolean {
  return typeof value === 'string' && /^[+-]?\d+$/u.test(value);
}

function isStructured(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return isStructured(value) && !Array.isArray(value);
}

/** `secure: ...`, the form in which Pulumi writes what is encrypted. */
function isEncrypted(value: unknown): boolean {
  return isMap(value) && Object.keys(value).length === 1 && typeof value.secure === 'string';
}

function kindOf(value: unknown): string {
  if (isEncrypted(value)) return 'one encrypted text';
  if (Array.isArray(value)) return 'a list';
  if (isMap(value)) return 'a map';
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'number' ? 'a number' : 'text';
}

function allowedFor({ type, items }: Schema): string {
  if (type === 'array')
    return items === undefined ? 'a list' : `a list, of each ${allowedFor(items)}`;
  if (type === 'object') return 'a map of names and values';
  if (type === 'boolean') return 'true, false';
  return type === 'integer' ? 'a whole number' : 'text';
}

const flagsOfTypes: Readonly<Record<string, string>> = {
  boolean: '--type bool',
  integer: '--type int',
};

/** The command that makes a setting right: its default, or without it. */
function remedy(stack: string, name: string, { type = '', items, ...schema }: Schema): string {
  const remove = pulumiCommand(stack, 'config', 'rm', name);
  const set = (path: string, value: string, flags: readonly string[]): string =>
    pulumiCommand(stack, 'config', 'set', path, quoted(value), ...flags);
  const flag = flagsOfTypes[type];
  if (type === 'array') {
    const [first] = Array.isArray(schema.default) ? schema.default : [];
    const simple = ['string', 'integer', 'boolean'].includes(items?.type ?? '');
    if (!simple) return remove;
    const value = first === undefined ? 'NAME' : `${first}`;
    return `${remove}, then ${set(`--path '${name}[0]'`, value, [])} and so on`;
  }
  if (type === 'object') return remove;
  const value = schema.default ?? '';
  return value === '' ? remove : set(name, `${value}`, flag === undefined ? [] : [flag]);
}

function quoted(value: string): string {
  return /^[\w./:@+-]+$/u.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
