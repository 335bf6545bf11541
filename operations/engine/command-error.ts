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

/** Runs a command's main function; a mistake of the user is one line and exit code 1. */
export async function runCommand(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
