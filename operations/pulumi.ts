/**
 * `npm run pulumi -- ARGS`: the Pulumi that `npm start` found, with the same home, backend,
 * passphrase and stack file. Whatever Pulumi can do, it does.
 */
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { prepareEngine } from './engine/engine.ts';
import { projectName, workspace } from './engine/workspace.ts';

/** Commands that name their stack themselves, or none. */
const withoutStack = ['stack', 'login', 'logout', 'version', 'plugin', 'help', 'about', 'whoami'];

/** Commands that take the stack's lock; `cancel` is there to break it. */
const locking = ['up', 'update', 'destroy', 'refresh', 'import', 'watch', 'state'];
/** Above it the engine of 3.259 prints properties as they cross its wire. */
const maxVerbosity = 3;

/** The stack among the arguments, in each of Pulumi's spellings; the last one counts. */
export function stackOf(args: readonly string[]): string | undefined {
  let stack: string | undefined;
  for (const [at, arg] of args.entries()) {
    if (arg === '--') break;
    const inOne = /^(?:--stack=|-s=?)(.+)$/u.exec(arg)?.[1];
    if (inOne !== undefined) stack = inOne;
    else if (arg === '--stack' || arg === '-s') stack = args[at + 1];
  }
  return stack;
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
  const tells = args.find((arg, at) => {
    if (/^--(?:tracing|otel-traces|profiling)/u.test(arg)) return true;
    // Short flags may stand together: -rv9.
    const found = /^(?:--verbose|-[a-uw-z]*v)=?(\d*)$/u.exec(arg);
    return found !== null && Number(found[1] === '' ? args[at + 1] : found[1]) > maxVerbosity;
  });
  if (tells === undefined) return;
  throw new CommandError(
    `pulumi: got ${tells}, and the self-built engine writes values into its debug log; ` +
      `allowed: up to -v=${maxVerbosity}, or the vendor's Pulumi; fix: leave it out, or install Pulumi (https://www.pulumi.com/docs/install/)`,
  );
}

/**
 * Refuses what would part this machine's copy of a stack file from its stack.
 * @throws CommandError with the way that keeps the values
 */
export function refuseParting(args: readonly string[], embedded: boolean): void {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const parts = words[1] === 'rename' || words[1] === 'change-secrets-provider';
  if (!embedded || words[0] !== 'stack' || !parts) return;
  throw new CommandError(
    `stack ${words[1]}: got the state in .local, whose values stand in a file of the old name and passphrase; ` +
      'allowed: with a backend of your own; fix: set PULUMI_BACKEND_URL, or make a stack file of the new name and import the values there',
  );
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  refuseValueInArguments(args);
  refuseParting(args, workspace.embedded);
  refuseSwallowedFlags(`npm run pulumi -- ${args[0] ?? 'up'}`);
  const named = stackOf(args);
  const engine = await prepareEngine(named ?? 'dev', { lock: locking.includes(args[0] ?? '') });
  refuseDebugLog(args, engine.cli.official);
  const own = withoutStack.includes(args[0] ?? 'help') || named !== undefined;
  return await engine.run(own ? args : [...args, '--stack', engine.stack]);
}

if (import.meta.main) await runCommand(main);
