/** What somebody asks of a report, from the words behind `--`. */
import { CommandError } from '../engine/command-error.ts';
import { codeOf } from './file-system.ts';
import { type Format, formats } from './format.ts';

/** @throws CommandError naming the formats */
export function formatOf(command: string, word: string): Format {
  const format = formats.find((each) => each === word);
  if (format !== undefined) return format;
  throw new CommandError(
    `${command}: got an unknown format; allowed: ${formats.join(', ')}; fix: --format table`,
  );
}

/** What ends a report that could not be made, as one line and an exit code of its own. */
export const notAsked = 2;

/**
 * Runs a report: a mistake of the user, and a file that may not be read, is one line and exit code 2,
 * because 1 says what was found.
 */
export async function withNotAsked(main: () => Promise<number>): Promise<number> {
  try {
    return await main();
  } catch (error) {
    const code = codeOf(error);
    if (code !== undefined) {
      const { path = 'a file' } = error as NodeJS.ErrnoException;
      console.error(
        `${path}: got ${code}; allowed: a file that may be read; fix: ls -l ${path} says whose it is`,
      );
    } else if (error instanceof CommandError) console.error(error.message);
    else throw error;
    return notAsked;
  }
}
