import { ownCommandsVariable } from '../../settings/mistake.ts';

/** What ends a command: one line for the user, and nothing of a stack trace. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/**
 * Refuses `npm start --stack=prod`: without `--` before it, npm keeps the flag to itself, and the
 * command would work on another stack than the one that was named. So it does with others: without
 * `--secret`, `config set` writes the value in the clear.
 * @param flags what the command takes beside --stack
 * @throws CommandError with the right form
 */
export function refuseSwallowedFlags(command: string, flags: readonly string[] = []): void {
  const kept = ['stack', ...flags].filter(
    (flag) => !['', 'false', undefined].includes(keptByNpm(flag)),
  );
  if (kept.length === 0) return;
  const names = kept.map((flag) => `--${flag}`).join(', ');
  // What npm took for the value of another flag may be a value indeed.
  const stack = keptByNpm('stack');
  const name = /^[a-z0-9_-]{1,40}$/u.test(stack ?? '') && stack !== 'true' ? stack : 'NAME';
  const fix = kept.map((flag) => (flag === 'stack' ? `--stack ${name}` : `--${flag}`)).join(' ');
  const it = kept.length === 1 ? 'it' : 'them';
  const more = kept.every((flag) => flag === 'stack') ? '' : ' and the rest of the command';
  throw new CommandError(
    `${names}: got kept by npm, because no -- stands before ${it}; allowed: flags behind --; fix: ${command} ${fix}${more}`,
  );
}

/** `--config-file` as `npm_config_config_file`. */
function keptByNpm(flag: string): string | undefined {
  return process.env[`npm_config_${flag.replaceAll('-', '_')}`];
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
