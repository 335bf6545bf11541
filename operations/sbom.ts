/** `npm run sbom`: the bill of materials, CycloneDX 1.6 in JSON, to standard output. */
import { CommandError, runCommand } from './engine/command-error.ts';
import { projectDirectory } from './engine/workspace.ts';
import { billOf } from './supply/bill.ts';

const usage = 'npm run --silent sbom > sbom.json';

async function main(): Promise<number> {
  const [word] = process.argv.slice(2);
  if (word === '--help' || word === '-h') {
    console.log(usage);
    return 0;
  }
  if (word !== undefined) throw new CommandError(`sbom: got an argument; allowed: ${usage}`);
  process.stdout.write(billOf(projectDirectory));
  return 0;
}

if (import.meta.main) await runCommand(main);
