/**
 * `npm run access -- --stack NAME`: who can read which secret today, asked of the systems
 * themselves, against what the settings say. It changes nothing and reads no value.
 */
import { parseArgs } from 'node:util';
import type { Format } from './access/format.ts';
import { exitCodeOf, reportOf } from './access/report.ts';
import { formatOf, withNotAsked } from './access/request.ts';
import { review } from './access/review.ts';
import { readScope } from './access/scope.ts';
import { shown } from './access/shown.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';

const usage = 'npm run access -- [--stack NAME] [--format table|markdown|json]';
const help = `${usage}
exit code 0: as expected; 1: differences; 2: a system could not be asked (docs/access.md)`;

interface Request {
  readonly stack: string;
  readonly format: Format;
}

/** @throws CommandError when the words are not known flags */
export function parseRequest(args: readonly string[]): Request {
  const options = {
    stack: { type: 'string', short: 's', default: 'dev' },
    format: { type: 'string', short: 'f', default: 'table' },
  } as const;
  let values: { readonly stack: string; readonly format: string };
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch {
    throw new CommandError(
      `access: got an unknown option or word; allowed: ${usage}; fix: one of them`,
    );
  }
  return { stack: values.stack, format: formatOf('access', values.format) };
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.includes('--help') || words.includes('-h')) {
    console.log(help);
    return 0;
  }
  const { stack, format } = parseRequest(words);
  refuseSwallowedFlags('npm run access --', ['format']);
  const { outOfReach, ...answers } = await review(await readScope(stack));
  const report = reportOf(stack, new Date().toISOString(), answers, outOfReach);
  console.log(shown(report, format));
  return exitCodeOf(report);
}

if (import.meta.main) await runCommand(async () => await withNotAsked(main));
