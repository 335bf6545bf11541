/**
 * `npm run drift -- --stack NAME`: what is not as the last `up` left it, over all targets: missing,
 * changed, stale and unknown secrets, and other tags, each with its cause and the command that mends
 * it. It changes nothing and shows no value (docs/drift.md).
 */
import { parseArgs } from 'node:util';
import { takeCensus } from './census/census.ts';
import { openConfig } from './doctor/config.ts';
import { exitCodeOf, json, printed } from './drift/report.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { prepareEngine } from './engine/engine.ts';

const usage = 'npm run drift -- [--stack NAME] [--format table|json]';
/** Nobody knows whether something drifted. */
const unasked = 2;

interface Request {
  readonly stack: string;
  readonly format: 'table' | 'json';
}

/** @throws CommandError when the words are not known flags */
export function parseRequest(args: readonly string[]): Request {
  try {
    const options = {
      stack: { type: 'string', short: 's', default: 'dev' },
      format: { type: 'string', default: 'table' },
    } as const;
    const { stack, format } = parseArgs({ args: [...args], options }).values;
    if (format === 'table' || format === 'json') return { stack, format };
  } catch {
    // As any other word.
  }
  throw new CommandError(
    `drift: got an unknown option or word; allowed: ${usage}; fix: put -- before the flags, and see docs/drift.md`,
  );
}

async function report(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.includes('--help') || words.includes('-h')) {
    console.log(
      `${usage}\nexit code 0: no drift; 1: drift; ${unasked}: something could not be asked (docs/drift.md)`,
    );
    return 0;
  }
  refuseSwallowedFlags('npm run drift --', ['format']);
  const { stack, format } = parseRequest(words);
  const engine = await prepareEngine(stack, { lock: false });
  const census = await takeCensus(engine, await openConfig(engine), { readers: false });
  const at = new Date().toISOString();
  console.log(format === 'json' ? json(census, at) : printed(census, at));
  return exitCodeOf(census);
}

/** A run that is refused has asked nobody. */
async function main(): Promise<number> {
  try {
    return await report();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    return unasked;
  }
}

if (import.meta.main) await runCommand(main);
