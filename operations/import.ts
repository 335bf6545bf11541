/**
 * `npm run import -- --stack NAME FILE|DIRECTORY`: takes over the guide's `.env.secrets` or its
 * `secrets/` tree, or files with Hummingbot's own field names, and sets every value as a secret by
 * standard input. It prints names and nothing else.
 */
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'dotenv';
import { entryOf, environmentName, type SecretKey, secretKeys } from '../components/catalog.ts';
import { refusalOf } from '../components/shape.ts';
import { lineOf, type Mistake, shown } from '../settings/mistake.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { type Engine, prepareEngine } from './engine/engine.ts';

/** Larger files hold no value of the catalog. */
const maxFileBytes = 64 * 1024;
const maxDepth = 4;

/** A value as it was found: the name, and where. */
export interface Found {
  readonly name: string;
  readonly value: string;
  readonly where: string;
}

export interface Plan {
  readonly values: ReadonlyMap<SecretKey, string>;
  /** Names, with their files, that the catalog does not know. */
  readonly unknown: readonly string[];
  readonly mistakes: readonly Mistake[];
}

/** The guide's names, and the fields of Hummingbot's connector files: `binance_api_secret`. */
const names: ReadonlyMap<string, SecretKey> = new Map([
  ...secretKeys.flatMap((key): [string, SecretKey][] => {
    const field = entryOf(key).field;
    return field === undefined ? [] : [[environmentName(field), key]];
  }),
  ...secretKeys.map((key): [string, SecretKey] => [environmentName(key), key]),
]);

/**
 * Reads a file or a directory.
 * @throws CommandError when there is nothing to read
 */
export function readValues(path: string): readonly Found[] {
  try {
    return statSync(path).isDirectory() ? readTree(path, 1) : readEnvFile(path);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'an error';
    throw new CommandError(
      `${path}: got ${code}; allowed: an env file, or a directory with a file a key; fix: npm run import -- --stack NAME .env.secrets`,
    );
  }
}

function readEnvFile(path: string): readonly Found[] {
  const values = parse(text(path));
  return Object.entries(values).map(([name, value]) => ({ name, value, where: path }));
}

function readTree(directory: string, depth: number): readonly Found[] {
  const entries = readdirSync(directory, { withFileTypes: true })
    // Kubernetes mounts hold `..data` beside the links that lead into it.
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => readEntry(join(directory, entry.name), entry, depth));
}

function readEntry(path: string, entry: Dirent, depth: number): readonly Found[] {
  if (entry.isDirectory()) return depth < maxDepth ? readTree(path, depth + 1) : [];
  const stat = statSync(path);
  if (!stat.isFile() || stat.size > maxFileBytes) return [];
  // `echo` and editors end a file with a newline that is not part of the value: exactly one.
  const value = text(path).replace(/\n$/u, '');
  return [{ name: basename(path, '.txt'), value, where: path }];
}

function text(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(readFileSync(path));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandError(
      `${path}: got bytes that are not UTF-8; allowed: text in UTF-8; fix: convert the file`,
    );
  }
}

/** Finds the key of every name, and what is wrong with the values. */
export function planImport(found: readonly Found[], command: string): Plan {
  const values = new Map<SecretKey, string>();
  const unknown: string[] = [];
  const mistakes: Mistake[] = [];
  for (const { name, value, where } of found) {
    const key = names.get(environmentName(name));
    const mistake = (got: string, allowed: string, fix: string): void =>
      void mistakes.push({
        what: `${entryOf(key ?? 'binance_api_key').group}.${key}`,
        got,
        allowed,
        fix,
      });
    if (key === undefined) {
      unknown.push(`${shown(name)} in ${where}`);
      continue;
    }
    const fix = `mend ${where}, then ${command}`;
    const refused = refusalOf(entryOf(key).shape, value);
    const before = values.get(key);
    if (refused !== undefined) mistake(refused.got, refused.allowed, fix);
    else if (/^(?:your_|secure_(?:database|redis)_password$)/u.test(value)) {
      mistake("the guide's example", 'a value of your own', fix);
    } else if (before !== undefined && before !== value) {
      mistake('two different values', 'one', fix);
    } else values.set(key, value);
  }
  return { values, unknown, mistakes };
}

async function main(): Promise<number> {
  refuseSwallowedFlags('npm run import --');
  const { path, stack } = parseRequest(process.argv.slice(2));
  const plan = planImport(readValues(path), `npm run import -- --stack ${stack} ${path}`);
  for (const name of plan.unknown) console.log(`not in the catalog, left out: ${name}`);
  if (plan.mistakes.length > 0) {
    throw new CommandError([...plan.mistakes.map(lineOf), 'Nothing was set.'].join('\n'));
  }
  if (plan.values.size === 0) {
    throw new CommandError(
      `${path}: got no name of the catalog; allowed: names such as BINANCE_API_KEY; fix: see docs/catalog.md`,
    );
  }
  const engine = await prepareEngine(stack, { lock: false });
  for (const [key, value] of plan.values) await setSecret(engine, key, value);
  console.log(`${plan.values.size} of stack ${stack} set. Next: npm start -- --stack ${stack}`);
  return 0;
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
