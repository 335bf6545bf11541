/**
 * `npm run import -- --stack NAME FILE|DIRECTORY`: takes over the guide's `.env.secrets` or its
 * `secrets/` tree, or files with Hummingbot's own field names, and sets every value as a secret by
 * standard input. It prints names and nothing else.
 */
import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { entryOf, type SecretKey } from '../components/catalog.ts';
import { isExample, placeholderOf, refusalOf } from '../components/shape.ts';
import { lineOf, type Mistake } from '../settings/mistake.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { type Engine, prepareEngine } from './engine/engine.ts';
import { type Again, readEnvText } from './import/env-file.ts';
import { type Reading, shownPath, textOf } from './import/reading.ts';
import { readTree } from './import/tree.ts';

/** Room for all keys at their longest, ten times over. */
const maxEnvBytes = 1024 * 1024;
/** Files that are named one by one; a wrong directory may hold thousands. */
const maxNamed = 20;

type Settings = Readonly<Record<string, unknown>>;

export interface Plan {
  readonly values: ReadonlyMap<SecretKey, string>;
  readonly mistakes: readonly Mistake[];
}

/**
 * Reads a file or a directory.
 * @throws CommandError when there is nothing to read
 */
export function readValues(path: string, again: Again): Reading {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return readTree(path);
    if (stat.size <= maxEnvBytes) return readEnvText(textOf(path, true), path, again);
    throw new CommandError(
      `${shownPath(path)}: got ${stat.size} bytes; allowed: an env file of at most ${maxEnvBytes}; fix: name the file of the secrets alone`,
    );
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { code = 'an error', path: at = path } = error as NodeJS.ErrnoException;
    throw new CommandError(
      `${shownPath(at)}: got ${code}; allowed: an env file, or a directory with a file a key; fix: npm run import -- --stack ${again.stack} .env.secrets`,
    );
  }
}

/** Brings what was found together, and finds what is wrong with the values. */
export function planImport({ found, mistakes: refused }: Reading, command: string): Plan {
  const values = new Map<SecretKey, string>();
  const mistakes: Mistake[] = [...refused];
  for (const { key, value: whole, where } of found) {
    const { group, shape } = entryOf(key);
    // The line feed that ends a PEM's file is none of the value, as with standard input.
    const value = shape === 'pem' ? whole.replace(/\n$/u, '') : whole;
    // Without a value: missing, which leftOut says.
    if (value === '' && !values.has(key)) continue;
    const fix = `mend ${where}, then ${command}`;
    const mistake = (got: string, allowed: string): void =>
      void mistakes.push({ what: `${group}.${key}`, got, allowed, fix });
    const refusal = refusalOf(shape, value);
    const before = values.get(key);
    if (refusal !== undefined) mistake(refusal.got, refusal.allowed);
    else if (isExample(value)) {
      mistake("the guide's example", 'a value of your own');
    } else if (before !== undefined && before !== value) mistake('two different values', 'one');
    else values.set(key, value);
  }
  return { values, mistakes };
}

/**
 * Refuses placeholders of another stack for one that takes none.
 * @param settings of the stack that is imported into
 */
export function refusedPlaceholders(
  { values }: Plan,
  settings: Settings,
  command: string,
): readonly Mistake[] {
  if (String(settings.placeholders) === 'true') return [];
  return [...values].flatMap(([key, value]) => {
    const { group, shape } = entryOf(key);
    if (value !== placeholderOf(shape, key)) return [];
    const fix = `put your own in its place, or take it out, then ${command}`;
    return [{ what: `${group}.${key}`, got: 'a placeholder', allowed: 'a value of your own', fix }];
  });
}

/** Names of the values that a stack has no use for. */
export function unused({ values }: Plan, { exchanges, services }: Settings): readonly string[] {
  const listed = [exchanges, services].flatMap((list) => (Array.isArray(list) ? list : []));
  return [...values.keys()].flatMap((key) => {
    const { group, usedWith } = entryOf(key);
    return listed.includes(usedWith)
      ? []
      : [`${group}.${key}: set, but not used while ${usedWith} is not listed`];
  });
}

/** What is not taken over, a line each. */
export function leftOut({ unknown, skipped, found }: Reading): readonly string[] {
  const more = skipped.length - maxNamed;
  const empty = found.filter(({ value }) => value === '');
  return [
    ...empty.map(({ key, where }) => `without a value, left out: ${key} in ${where}`),
    ...unknown.map((name) => `not in the catalog, left out: ${name}`),
    ...skipped.slice(0, maxNamed).map((file) => `not read, left out: ${file}`),
    ...(more > 0 ? [`not read, left out: ${more} more`] : []),
  ];
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.includes('--help') || words.includes('-h')) {
    console.log('npm run import -- --stack NAME FILE|DIRECTORY');
    return 0;
  }
  refuseSwallowedFlags('npm run import --');
  const { path, stack } = parseRequest(words);
  standWhereTheUserDoes();
  const command = `npm run import -- --stack ${stack} ${forShell(path)}`;
  const reading = readValues(path, { stack, command });
  const plan = planImport(reading, command);
  for (const line of leftOut(reading)) console.log(line);
  refuse(plan.mistakes);
  if (plan.values.size === 0) {
    throw new CommandError(
      `${shownPath(path)}: got no name of the catalog; allowed: names such as BINANCE_API_KEY; fix: see docs/catalog.md`,
    );
  }
  const engine = await prepareEngine(stack, { lock: false });
  refuse(refusedPlaceholders(plan, engine.settings, command));
  for (const [key, value] of plan.values) await setSecret(engine, key, value);
  for (const line of unused(plan, engine.settings)) console.log(line);
  const empty = reading.found.filter(({ value }) => value === '');
  const left = reading.unknown.length + reading.skipped.length + empty.length;
  const also = left === 0 ? '' : `, ${left} left out`;
  console.log(
    `${plan.values.size} of stack ${stack} set${also}. Next: npm start -- --stack ${stack}`,
  );
  return 0;
}

/** @throws CommandError with a line for each mistake */
function refuse(mistakes: readonly Mistake[]): void {
  if (mistakes.length === 0) return;
  throw new CommandError([...mistakes.map(lineOf), 'Nothing was set.'].join('\n'));
}

/** npm runs scripts in the package's folder; a user's path is relative to where npm was called. */
function standWhereTheUserDoes(): void {
  const { INIT_CWD: place, npm_lifecycle_event: script } = process.env;
  // Of this npm, and not of one that some script of it calls.
  if (place !== undefined && script === 'import') process.chdir(place);
}

/** A path as a shell takes it. */
function forShell(path: string): string {
  return /^[\w./:@%+=,-]+$/u.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

async function setSecret(engine: Engine, key: SecretKey, value: string): Promise<void> {
  const path = `${entryOf(key).group}.${key}`;
  const words = ['config', 'set', '--secret', '--path', path, '--stack', engine.stack];
  const { code } = await engine.ask(words, value);
  if (code !== 0) {
    throw new CommandError(
      `${path}: got exit code ${code} from pulumi config set; what was set before it stays; fix: run the same command again`,
    );
  }
  console.log(`set ${path}`);
}

function parseRequest(args: readonly string[]): { readonly path: string; readonly stack: string } {
  const usage = 'allowed: npm run import -- --stack NAME FILE|DIRECTORY';
  try {
    const options = { stack: { type: 'string', short: 's', default: 'dev' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    const [path] = positionals;
    if (path !== undefined && positionals.length === 1) return { path, stack: values.stack };
    throw new CommandError(`import: got ${positionals.length} paths; ${usage}`);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`import: got an unknown option; ${usage}`);
  }
}

if (import.meta.main) await runCommand(main);
