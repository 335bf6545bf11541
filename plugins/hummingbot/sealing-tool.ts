/**
 * The user's programs that encrypt, `sops` and `kubeseal`: how they are run. Plaintext goes to them
 * by their standard input and nowhere else; files of ours hold what is public.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coerce, gte } from 'semver';
import { PluginError } from '../resource-handler.ts';

/** A key service that does not answer. */
const timeoutMilliseconds = 120_000;

export interface SealingTool {
  readonly name: string;
  /** A path in place of the name on the PATH. */
  readonly program: string;
  /** The first version that does what is asked of it. */
  readonly oldest: string;
  /** How it prints its version, and what it prints then. */
  readonly version: { readonly words: readonly string[]; readonly pattern: RegExp };
  /** Where to get it. */
  readonly source: string;
  /** Variables that it reads and may have. All others of its own are left out: they are options. */
  readonly own: { readonly prefix: RegExp; readonly kept?: RegExp };
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws PluginError when there is none, or one that is too old */
export async function versionOf(tool: SealingTool): Promise<string> {
  const { code, stdout } = await runTool(tool, tool.version.words);
  const version = coerce(tool.version.pattern.exec(stdout)?.[1] ?? '')?.version;
  if (code === 0 && version !== undefined && gte(version, tool.oldest)) return version;
  throw refusal(
    tool,
    version === undefined ? `a ${tool.name} that ends with ${code}` : `${tool.name} ${version}`,
  );
}

/** @throws PluginError when it cannot be started, or when the engine is asked to stop */
export async function runTool(
  tool: SealingTool,
  words: readonly string[],
  input = '',
  signal?: AbortSignal,
): Promise<Ended> {
  const child = spawn(tool.program, words, {
    env: environment(tool),
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(signal && { signal }),
  });
  // The `timeout` of spawn goes on for a program that cannot be started, and this process with it.
  const timer = setTimeout(() => child.kill(), timeoutMilliseconds);
  // One that ended already reads nothing; its exit code tells.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number>((settle, fail) => {
    child.on('error', ({ code }: NodeJS.ErrnoException) => {
      fail(
        code === 'ABORT_ERR'
          ? new PluginError(`${tool.name}: stopped`)
          : refusal(
              tool,
              code === 'ENOENT' ? `no ${tool.name} on the PATH` : `${code} at its start`,
            ),
      );
    });
    child.on('close', (status) => settle(status ?? 1));
  }).finally(() => clearTimeout(timer));
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

function refusal({ name, oldest, source }: SealingTool, got: string): PluginError {
  return new PluginError(
    `${name}: got ${got}; allowed: ${name} ${oldest} or newer; fix: install it (${source}), or put it on the PATH`,
  );
}

/** Not the stack's passphrase, and none of the variables that would be other options than ours. */
function environment({ own }: SealingTool): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^PULUMI_/u.test(name) && (!own.prefix.test(name) || (own.kept?.test(name) ?? false)),
  );
  return Object.fromEntries(kept);
}

/** Why it failed, in words of a known form alone: an error may quote what it could not read. */
export function reasonOf({ code, stderr }: Ended): string {
  const known =
    /\b(?:[A-Z]\w*(?:Exception|Denied|ExpiredToken)|InvalidClientTokenId|no such host|connection refused|no space left on device|no EC2 IMDS role found|failed to retrieve credentials|expired certificate)\b/u;
  const word = known.exec(stderr)?.[0];
  return word === undefined ? `exit code ${code}` : `${word} (exit code ${code})`;
}

/** Acts in a folder of its own, which goes afterwards. */
export async function inFolder<T>(
  { name }: SealingTool,
  act: (folder: string) => Promise<T>,
): Promise<T> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), `hummingbot-${name}-`));
    return await act(folder);
  } catch (error) {
    if (error instanceof PluginError) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new PluginError(`${name}: ${code} in ${tmpdir()}; fix: make room there and run again`);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
