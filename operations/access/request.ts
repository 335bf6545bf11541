/** What somebody asks of a report, from the words behind `--`. */
import { CommandError } from '../engine/command-error.ts';
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

/** Runs a report: a mistake of the user is one line and exit code 2, because 1 says what was found. */
export async function withNotAsked(main: () => Promise<number>): Promise<number> {
  try {
    return await main();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    return notAsked;
  }
}
