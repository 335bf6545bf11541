import { ownCommandsVariable } from '../../settings/mistake.ts';

/** What ends a command: one line for the user, and nothing of a stack trace. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/**
 * Refuses `npm start --stack=prod`: without `--` before it, npm keeps the flag to itself, and the
 * command would work on another stack than the one that was named.
 * @throws CommandError with the right form
 */
export function refuseSwallowedFlags(command: string): void {
  const stack = process.env.npm_config_stack;
  if (stack === undefined || stack === '') return;
  throw new CommandError(
    `--stack: got kept by npm, because no -- stands before it; allowed: flags behind --; fix: ${command} --stack ${stack}`,
  );
}

/** The line of a mistake, or of what the file system refused; undefined for a defect of ours. */
function lineOf(error: unknown): string | undefined {
  if (error instanceof CommandError) return error.message;
  const { code, path } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || typeof path !== 'string') return undefined;
  return `${path}: got ${code} from the file system; allowed: a path that can be read and written; fix: mend that path and run again`;
}

/** Runs a command's main function; a mistake of the user is one line and exit code 1. */
export async function runCommand(main: () => Promise<number>): Promise<void> {
  process.env[ownCommandsVariable] = 'npm';
  try {
    process.exitCode = await main();
  } catch (error) {
    const line = lineOf(error);
    if (line === undefined) throw error;
    console.error(line);
    process.exitCode = 1;
  }
}
