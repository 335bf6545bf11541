/** What ends a command: one line for the user, and nothing of a stack trace. */
export class CommandError extends Error {
  override name = 'CommandError';
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
