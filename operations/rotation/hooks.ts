/**
 * Programs of the user's that check and revoke credentials (setting `rotation`). They get one JSON
 * object by standard input and answer by their exit code; what they print is thrown away, because it
 * may hold a value.
 */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { projectDirectory } from '../engine/workspace.ts';
import { pathOf } from './selection.ts';

export interface Question {
  readonly step: 'check' | 'revoke';
  readonly stack: string;
  /** `trading.binance`, or the path of a key. */
  readonly what: string;
  /** Values by key. */
  readonly new: Readonly<Record<string, string>>;
  /** Of `revoke` alone. */
  readonly old?: Readonly<Record<string, string>>;
}

export interface Hook {
  /** The word that it is set for. */
  readonly what: string;
  readonly program: string;
}

/** Longer than a call to an issuer takes; a hook that hangs must not hold a rotation for ever. */
const patienceMilliseconds = 120_000;

/** The hook of a key: its own, or that of what it is issued with. */
export function hookOf(
  settings: Readonly<Record<string, unknown>>,
  step: Question['step'],
  key: SecretKey,
): Hook | undefined {
  const hooks = (settings.rotation as Readonly<Record<string, unknown>> | undefined)?.[step];
  const { group, usedWith } = entryOf(key);
  for (const what of [pathOf(key), `${group}.${usedWith}`]) {
    const program = (hooks as Readonly<Record<string, unknown>> | undefined)?.[what];
    if (typeof program === 'string') return { what, program };
  }
  return undefined;
}

/** @returns undefined when it says yes, else what it did instead */
export async function askHook(
  { program }: Hook,
  question: Question,
  patience = patienceMilliseconds,
): Promise<string | undefined> {
  const child = spawn(resolve(projectDirectory, program), [], {
    cwd: projectDirectory,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // The `timeout` of spawn goes on for a program that cannot be started, and this process with it.
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  child.stdin.on('error', () => {}).end(JSON.stringify(question));
  try {
    return await new Promise((settle) => {
      child.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? 'an error'));
      child.on('close', (code, signal) =>
        settle(
          code === 0 ? undefined : signal === null ? `exit code ${code}` : `no end (${signal})`,
        ),
      );
    });
  } finally {
    clearTimeout(timer);
  }
}
