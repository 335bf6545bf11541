/**
 * What belongs to this machine alone, and the environment that Pulumi runs in.
 *
 * `.local/` (git-ignored): Pulumi's home, the state, the passphrase and this machine's copies of
 * the stack files, so that a run leaves `git status` clean. Whoever has a backend or a passphrase
 * of their own says so by Pulumi's own variables, and then theirs is used.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { ownCommandsVariable } from '../../settings/mistake.ts';
import { CommandError } from './command-error.ts';

export const projectName = 'hummingbot-secrets';
export const projectDirectory = resolve(import.meta.dirname, '../..');

/**
 * Names the stack that is rehearsed. `npm run rehearse` sets it, for itself and for what it starts:
 * home, state, passphrase and stack files are then the rehearsal's own, below its folder.
 */
export const rehearsalVariable = 'HUMMINGBOT_SECRETS_REHEARSAL';

/** Folder of a stack's rehearsal. */
export function rehearsalFolder(stack: string): string {
  return join(projectDirectory, '.local', 'rehearsal', stack);
}

function rehearsedStack(): string | undefined {
  return process.env[rehearsalVariable] || undefined;
}

/** Settled at each use: a rehearsal begins in the middle of a process. */
function local(...below: readonly string[]): string {
  const stack = rehearsedStack();
  return stack === undefined
    ? join(projectDirectory, '.local', ...below)
    : join(rehearsalFolder(stack), 'workspace', ...below);
}

export const workspace = {
  /** Pulumi's home: plugins, logs, which stack is selected. */
  get home(): string {
    return local('pulumi');
  },
  get stacks(): string {
    return local('stacks');
  },
  get state(): string {
    return local('state');
  },
  get passphrase(): string {
    return local('passphrase');
  },
  /** Who waits for whom, a folder a stack. */
  get turns(): string {
    return local('turns');
  },
  /** Stack files as they were before the last run. */
  get kept(): string {
    return local('kept');
  },
  /** What a run failed to make and may be there all the same, a file a stack. */
  get doubtful(): string {
    return local('doubtful');
  },
  /** How far the rotation of each stack has come. */
  get rotations(): string {
    return local('rotations');
  },
  /** What was rotated, a file a stack; meant for git, but in a rehearsal. */
  get ledgers(): string {
    return this.rehearsal === undefined ? join(projectDirectory, 'ledger') : local('ledger');
  },
  /** Tools that are built or installed; outside the tree, shared by all checkouts. */
  cache: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), projectName),
  /** Whether state lies in `.local`, because the user has named no backend. */
  get embedded(): boolean {
    return !process.env.PULUMI_BACKEND_URL;
  },
  /**
   * The stack whose rehearsal this is: its home and its backend are the rehearsal's own. What it
   * deploys is gone with its servers, so its tools may be self-built, whatever the stack is.
   */
  get rehearsal(): string | undefined {
    return this.embedded ? rehearsedStack() : undefined;
  },
};

/** The file of the embedded backend that holds a stack's state. */
export function stateFile(stack: string): string {
  return join(workspace.state, '.pulumi', 'stacks', projectName, `${stack}.json`);
}

/** Whether the user has named a passphrase, as Pulumi asks for it. */
export function ownPassphrase(): boolean {
  const { PULUMI_CONFIG_PASSPHRASE: word, PULUMI_CONFIG_PASSPHRASE_FILE: file } = process.env;
  return word !== undefined || Boolean(file);
}

/** Makes the folders; a user's own backend needs only Pulumi's home. */
export function prepareWorkspace(): void {
  refuseMissingBackend(process.env.PULUMI_BACKEND_URL ?? '');
  const own = workspace.embedded ? [workspace.stacks, workspace.state] : [];
  for (const directory of [local(), workspace.home, ...own]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
}

/**
 * Refuses a backend in a folder that is not there, of which Pulumi says `unable to open state
 * directory` and no more.
 * @throws CommandError with the command that makes it
 */
export function refuseMissingBackend(url: string): void {
  if (!url.startsWith('file://')) return;
  const path = (url.slice('file://'.length).split('?')[0] ?? '').replace(/^~(?=\/|$)/u, homedir());
  const directory = resolve(projectDirectory, path);
  if (existsSync(directory)) return;
  throw new CommandError(
    `PULUMI_BACKEND_URL: got a folder that is not there; allowed: file:// and a folder; fix: mkdir -p -m 700 ${shellWord(directory)}`,
  );
}

export function shellWord(text: string): string {
  return /^[\w./:@+-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Logs of a Pulumi that does not redact all it writes; encrypted, but not worth keeping. Another one may
 * be writing there: what that leaves is removed at its own end.
 */
export function removeLogs(): void {
  rmSync(join(workspace.home, 'logs'), { recursive: true, force: true, maxRetries: 5 });
}

/** Variables that make an engine write properties, values among them, to a file or the screen. */
const debugLogs = ['PULUMI_OPTION_VERBOSE', 'PULUMI_OPTION_TRACING', 'PULUMI_DEBUG_GRPC'];

export interface EngineEnvironment {
  /** Folder of the CLI and its language host. */
  readonly bin: string;
  /** Stack that counts where no --stack is given; over what `pulumi stack select` has written. */
  readonly stack: string;
  /**
   * Stack file that the CLI reads and writes.
   * @default - none, for commands without a stack
   */
  readonly stackFile?: string;
}

/** Variables for a run of Pulumi. No value among them: the passphrase is named by its file. */
export function pulumiEnvironment({ bin, stack, stackFile }: EngineEnvironment): NodeJS.ProcessEnv {
  const inherited = { ...process.env };
  for (const name of debugLogs) delete inherited[name];
  const watch = `--require "${join(projectDirectory, 'engine-watch.cjs')}"`;
  return {
    ...inherited,
    PULUMI_HOME: workspace.home,
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    // Plugins are settled before the run; a download in its middle would be noise.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    PULUMI_STACK: stack,
    ...(stackFile !== undefined && { PULUMI_OPTION_CONFIG_FILE: stackFile }),
    // `stack rm` would delete the stack file.
    PULUMI_OPTION_PRESERVE_CONFIG: 'true',
    NODE_OPTIONS: [inherited.NODE_OPTIONS, watch].filter(Boolean).join(' '),
    NODE_COMPILE_CACHE: join(workspace.cache, 'node-compile-cache'),
    PATH: [bin, join(projectDirectory, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    ...(workspace.embedded && { PULUMI_BACKEND_URL: `file://${workspace.state}` }),
    ...(workspace.embedded &&
      !ownPassphrase() && { PULUMI_CONFIG_PASSPHRASE_FILE: workspace.passphrase }),
    [ownCommandsVariable]: 'npm',
  };
}
