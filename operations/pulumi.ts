/**
 * `npm run pulumi -- ARGS`: the Pulumi that `npm start` found, with the same home, backend,
 * passphrase and stack file. Whatever Pulumi can do, it does.
 */
import { CommandError, runCommand } from './engine/command-error.ts';
import { prepareEngine } from './engine/engine.ts';
import { projectName } from './engine/workspace.ts';

/** Commands that name their stack themselves, or none. */
const withoutStack = ['stack', 'login', 'logout', 'version', 'plugin', 'help', 'about', 'whoami'];

/** Above it the engine of 3.259 prints properties as they cross its wire. */
const maxVerbosity = 3;

export function stackOf(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '--stack' || arg === '-s');
  if (at >= 0) return args[at + 1];
  return args.find((arg) => arg.startsWith('--stack='))?.slice('--stack='.length);
}

/**
 * Refuses a value among the arguments: everybody on the machine can read them, and the shell
 * keeps them in its history.
 * @throws CommandError with the command that does it by prompt or standard input
 */
export function refuseValueInArguments(args: readonly string[]): void {
  if (args[0] !== 'config' || !['set', 'set-all'].includes(args[1] ?? '')) return;
  const secret = args.includes('--secret');
  if (args[1] === 'set-all') {
    if (!secret && !args.some((arg) => arg.startsWith('--secret'))) return;
    throw new CommandError(
      'config set-all --secret: got values among the arguments; allowed: standard input; ' +
        'fix: npm run import -- FILE, or one npm run pulumi -- config set --secret --path KEY each',
    );
  }
  const flagsWithValue = ['--stack', '-s', '--type', '--config-file', '--cwd', '-C', '--color'];
  const words = args
    .slice(2)
    .filter((arg, at, all) => !arg.startsWith('-') && !flagsWithValue.includes(all[at - 1] ?? ''));
  const key = words[0] ?? 'KEY';
  if (words.length > 1 && (secret || isValuePath(key))) {
    throw new CommandError(
      `config set ${key}: got a value among the arguments, where others can read it; allowed: a prompt or standard input; ` +
        `fix: npm run pulumi -- config set --secret --path '${key}', and revoke that value`,
    );
  }
}

function isValuePath(key: string): boolean {
  const path = key.startsWith(`${projectName}:`) ? key.slice(projectName.length + 1) : key;
  return /^(?:trading|infrastructure|monitoring)(?:[.[]|$)/u.test(path);
}

/**
 * Refuses the debug log of a Pulumi that writes values into it (`-v=9` of 3.259 does).
 * @throws CommandError with what to do instead
 */
export function refuseDebugLog(args: readonly string[], official: boolean): void {
  if (official) return;
  const at = args.findIndex((arg) => /^(?:-v|--verbose)(?:=|$|\d)/u.test(arg));
  const word = at < 0 ? '' : (args[at] ?? '').replace(/^(?:--verbose|-v)=?/u, '');
  const level = Number(word === '' && at >= 0 ? args[at + 1] : word);
  if (at < 0 || level <= maxVerbosity) return;
  throw new CommandError(
    `pulumi: got ${args[at]}, and the self-built engine writes values into its debug log; ` +
      `allowed: up to -v=${maxVerbosity}, or the vendor's Pulumi; fix: leave it out, or install Pulumi (https://www.pulumi.com/docs/install/)`,
  );
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  refuseValueInArguments(args);
  const named = stackOf(args);
  const engine = await prepareEngine(named ?? process.env.PULUMI_STACK ?? 'dev');
  refuseDebugLog(args, engine.cli.official);
  const own = withoutStack.includes(args[0] ?? 'help') || named !== undefined;
  return await engine.run(own ? args : [...args, '--stack', engine.stack]);
}

if (import.meta.main) await runCommand(main);
