/** A Pulumi that is ready to run one stack: CLI, plugins, stack file, lock and stack. */
import { type SpawnOptions, type StdioOptions, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shown } from '../../settings/mistake.ts';
import { allowedStackNames, stackNamePattern } from '../../settings/stack-name.ts';
import { type Cli, findCli } from './cli.ts';
import { CommandError } from './command-error.ts';
import { type Heard, withEvents } from './events.ts';
import { FailedCreates, rememberCreates } from './failed-creates.ts';
import { scrubbedOutput } from './output/scrubbed-output.ts';
import { scrubbed } from './output/scrubber.ts';
import {
  encryptionOf,
  preparePassphrase,
  refuseWrongPassphrase,
  requirePassphrase,
} from './passphrase.ts';
import { settlePending } from './pending.ts';
import { preparePlugins } from './plugins.ts';
import {
  adoptSalt,
  isProtected,
  type StackFile,
  saysProtected,
  settingsOf,
  stackFileOf,
  targetsOf,
} from './stack-copy.ts';
import { removeEmptyAttributes, settleLocks } from './stack-lock.ts';
import {
  isOperation,
  keepsConfig,
  refusePlaintext,
  refuseWrongSettings,
  runsProgram,
  verbOf,
} from './stack-types.ts';
import { hiddenValues } from './stack-values.ts';
import { refuseNoManager } from './swarm-manager.ts';
import { noteEngine, Turn } from './turn.ts';
import {
  prepareWorkspace,
  projectDirectory,
  projectName,
  pulumiEnvironment,
  removeLogs,
  stateFile,
  workspace,
} from './workspace.ts';

export interface Runner {
  readonly cli: Cli;
  /** Runs Pulumi on the terminal. @returns its exit code */
  run(args: readonly string[], heard?: Heard): Promise<number>;
  /** Runs Pulumi with something on its standard input. @returns exit code and what it printed */
  ask(args: readonly string[], input?: string, heard?: Heard): Promise<Answer>;
}

export interface Engine extends Runner {
  readonly stack: string;
  readonly protected: boolean;
  /** Settings in its stack file, without the project's name; values as they are encrypted. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `yes` has what is printed elsewhere than on a terminal scrubbed of the stack's values. */
export const scrubVariable = 'HUMMINGBOT_SECRETS_SCRUB';

/** Commands that make and delete what the state says. */
const changing = new Set('up update destroy down dn'.split(' '));

/**
 * Makes everything ready that a run needs.
 * @param lock whether the run takes the stack's lock: then it waits for the one who has it
 * @param program whether the program will run, so that its settings are checked before all else
 * @throws CommandError with one line when something is missing and cannot be had
 */
export async function prepareEngine(
  stack: string,
  { lock, program = false }: { readonly lock: boolean; readonly program?: boolean },
): Promise<Engine> {
  if (!stackNamePattern.test(stack)) {
    throw new CommandError(
      `stack: got ${shown(stack)}; allowed: ${allowedStackNames}; fix: --stack dev`,
    );
  }
  // The cheap checks first: nobody waits for a build to learn of a typing mistake.
  const stackFile = stackFileOf(stack, (committed) => {
    requirePassphrase(stack, committed);
    prepareWorkspace();
    preparePassphrase();
  });
  const protectedStack = isProtected(stackFile, projectName);
  if (workspace.rehearsal !== undefined && workspace.rehearsal !== stack) {
    throw new CommandError(
      `stack: got ${stack} in the rehearsal of ${workspace.rehearsal}; allowed: ${workspace.rehearsal}; fix: --stack ${workspace.rehearsal}`,
    );
  }
  if (program) refuseWrongSettings(stack, stackFile.path, stackFile.text);
  refuseWrongPassphrase(stack, stackFile.text);
  // A stack whose protection cannot be read is protected, but any Pulumi may mend its settings.
  const unclear = protectedStack && !saysProtected(stackFile, projectName);
  const officialOnly = protectedStack && !unclear && workspace.rehearsal === undefined;
  const cli = await findCli(officialOnly);
  preparePlugins(cli, officialOnly, targetsOf(stackFile, projectName));
  if (workspace.embedded) removeEmptyAttributes(stack);
  if (workspace.embedded && lock) {
    await Turn.take(stack);
    // Of a Pulumi that nobody here has started, and of one that is dead.
    await settleLocks(stack);
  }
  const env = pulumiEnvironment({ bin: cli.bin, stack, stackFile: stackFile.path });
  const hidden = (): ReadonlyMap<string, string> =>
    process.env[scrubVariable] === 'yes' ? hiddenValues(stack, stackFile.path) : new Map();
  const runner = runnerOf(cli, env, hidden);
  const engine: Engine = {
    ...runner,
    stack,
    protected: protectedStack,
    settings: settingsOf(stackFile, projectName),
    run: async (args) => {
      if (unclear ? verbOf(args) !== 'config' : runsProgram(args)) {
        refuseWrongSettings(stack, stackFile.path, stackFile.text);
      } else if (keepsConfig(args)) refusePlaintext(stack, stackFile.path, stackFile.text);
      await refuseNoManager(verbOf(args), engine.settings);
      if (!lock || !changing.has(verbOf(args) ?? '')) return await runner.run(args);
      const doubtful = await settlePending(engine);
      // Who asks for the events has them; a second log takes the place of the first.
      if (args.some((word) => word.startsWith('--event-log'))) return await runner.run(args);
      const failed = new FailedCreates(doubtful);
      const code = await withEvents(
        (event) => failed.hear(event),
        async (heard) => await runner.run(args, heard),
      );
      rememberCreates(stack, code === 0 ? [] : failed.doubtful);
      return code;
    },
  };
  await selectStack(engine, stackFile);
  return engine;
}

/**
 * Makes Pulumi ready for a command that needs no stack: none is made, no stack file is read.
 * @param stack the one that Pulumi takes for the selected one, if it is there
 */
export async function prepareRunner(stack: string): Promise<Runner> {
  prepareWorkspace();
  const cli = await findCli(false);
  return runnerOf(cli, pulumiEnvironment({ bin: cli.bin, stack }));
}

/** @param values that output must not show. @default - none, for commands without a stack */
function runnerOf(
  cli: Cli,
  env: NodeJS.ProcessEnv,
  values: () => ReadonlyMap<string, string> = () => new Map(),
): Runner {
  const program = join(cli.bin, 'pulumi');
  return {
    cli,
    run: async (args, { flags, environment } = { flags: [], environment: {} }) =>
      await withoutLogs(cli, () =>
        runOnTerminal(
          program,
          [...args, ...flags],
          { ...env, ...environment },
          isOperation(args) ? values : () => new Map(),
        ),
      ),
    ask: async (args, input, { flags, environment } = { flags: [], environment: {} }) => {
      const answer = await withoutLogs(cli, () =>
        runQuietly(program, [...args, ...flags], { ...env, ...environment }, input),
      );
      // Its last line becomes a message.
      return answer.stderr === ''
        ? answer
        : { ...answer, stderr: scrubbed(answer.stderr, values()) };
    },
  };
}

/**
 * Makes the stack in the backend unless it is there. Making one writes a salt into the stack file
 * beside Pulumi.yaml, whatever --config-file says, so with the embedded backend it is done in a
 * folder that is thrown away, and this machine's copy takes over the salt: Pulumi itself would
 * write one into it in place.
 */
async function selectStack(engine: Engine, stackFile: StackFile): Promise<void> {
  const { provider } = encryptionOf(stackFile.text);
  if (workspace.embedded && existsSync(stateFile(engine.stack))) return;
  const aside = mkdtempSync(join(tmpdir(), `${projectName}-`));
  try {
    writeFileSync(join(aside, 'Pulumi.yaml'), `name: ${projectName}\nruntime: nodejs\n`);
    // Without it a new stack would get a passphrase, whatever its file says (seen with 3.259).
    const named = provider === '' ? [] : ['--secrets-provider', provider];
    const words = workspace.embedded
      ? ['stack', 'init', engine.stack, '--no-select', '--cwd', aside]
      : ['stack', 'select', engine.stack, '--create', ...named];
    const { code, stderr } = await engine.ask(words);
    if (code === 0 && workspace.embedded) {
      adoptSalt(stackFile, join(aside, `Pulumi.${engine.stack}.yaml`));
    }
    // Another run may have been faster.
    if (code === 0 || (workspace.embedded && existsSync(stateFile(engine.stack)))) return;
    const reason = stderr.trim().split('\n').at(-1) ?? '';
    throw new CommandError(`stack ${engine.stack}: cannot be made: ${reason}`);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Removes the logs of a Pulumi that does not redact them, its own and those of a killed one. */
async function withoutLogs<T>(cli: Cli, run: () => Promise<T>): Promise<T> {
  if (!cli.official) removeLogs();
  try {
    return await run();
  } finally {
    if (!cli.official) removeLogs();
  }
}

const spawnOptions = (env: NodeJS.ProcessEnv): SpawnOptions => ({ cwd: projectDirectory, env });

async function runOnTerminal(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  values: () => ReadonlyMap<string, string>,
): Promise<number> {
  const output = scrubbedOutput(values);
  const stdio: StdioOptions = ['inherit', ...output.stdio];
  const child = spawn(program, args, { ...spawnOptions(env), stdio });
  output.begun();
  noteEngine(child.pid);
  // Ctrl-C reaches Pulumi by the terminal: it ends in order, and this process waits for it.
  const wait = (): void => {};
  const pass = (): void => void child.kill('SIGINT');
  process.on('SIGINT', wait).on('SIGTERM', pass);
  try {
    return await new Promise((settle, fail) => {
      child.on('error', fail);
      child.on('close', (code, signal) => settle(code ?? (signal === null ? 1 : 130)));
    });
  } finally {
    await output.finish();
    process.off('SIGINT', wait).off('SIGTERM', pass);
  }
}

async function runQuietly(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input: string | undefined,
): Promise<Answer> {
  const child = spawn(program, [...args, '--non-interactive'], {
    ...spawnOptions(env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  noteEngine(child.pid);
  child.stdin?.on('error', () => {}).end(input ?? '');
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number>((settle, fail) => {
    child.on('error', fail);
    child.on('close', (status) => settle(status ?? 1));
  });
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}
