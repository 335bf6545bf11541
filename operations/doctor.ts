/**
 * `npm run doctor -- --stack NAME`: what to run when a bot does not trade. It follows each key from
 * where it is set to where the bot reads it, and says what is wrong, with the command that mends it.
 * It changes nothing and shows no value.
 */
import { parseArgs } from 'node:util';
import { openConfig } from './doctor/config.ts';
import { diagnose } from './doctor/diagnosis.ts';
import { examine } from './doctor/examination.ts';
import { lookAtRotations } from './doctor/rotations.ts';
import { printed } from './doctor/table.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { prepareEngine } from './engine/engine.ts';

const usage = 'npm run doctor -- [--stack NAME] [--json]';

interface Request {
  readonly stack: string;
  readonly json: boolean;
}

/** @throws CommandError when the words are not known flags */
export function parseRequest(args: readonly string[]): Request {
  try {
    const options = {
      stack: { type: 'string', short: 's', default: 'dev' },
      json: { type: 'boolean', default: false },
    } as const;
    const { values } = parseArgs({ args: [...args], options });
    return values;
  } catch {
    throw new CommandError(`doctor: got an unknown option or word; allowed: ${usage}`);
  }
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.includes('--help') || words.includes('-h')) {
    console.log(`${usage}\nexit code 0: nothing is wrong; 1: something is (docs/doctor.md)`);
    return 0;
  }
  const { stack, json } = parseRequest(words);
  refuseSwallowedFlags('npm run doctor --', ['json']);
  const engine = await prepareEngine(stack, { lock: false });
  const facts = await examine(engine, await openConfig(engine));
  const findings = [...facts.findings, ...lookAtRotations(stack, facts.keys, facts.tags)];
  const diagnosis = diagnose({ ...facts, findings });
  console.log(json ? JSON.stringify(diagnosis, undefined, 2) : printed(diagnosis));
  return diagnosis.healthy ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
