/**
 * `npm run leaks`: looks for secrets in the clear, in the working tree, in what is staged or in the
 * whole history. It names file, line and rule, and nothing of what it has found.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { projectDirectory } from './engine/workspace.ts';
import { allowedName, readAllowed } from './leaks/allowed.ts';
import { ownValues } from './leaks/own-values.ts';
import { Repository } from './leaks/repository.ts';
import type { Finding } from './leaks/scan.ts';
import { type Search, searchHistory, searchStaged, searchTree } from './leaks/search.ts';

const usage = 'npm run leaks -- [--staged | --history]';

interface Request {
  readonly staged: boolean;
  readonly history: boolean;
}

/** @throws CommandError when the words are not known flags */
export function parseRequest(args: readonly string[]): Request {
  try {
    const flag = { type: 'boolean', default: false } as const;
    const { values } = parseArgs({ args: [...args], options: { staged: flag, history: flag } });
    if (!values.staged || !values.history) return values;
  } catch {
    // What stands there is not repeated.
  }
  throw new CommandError(`leaks: got other words than one of its flags; allowed: ${usage}`);
}

/** A line a finding, and what to do. */
export function reportOf(findings: readonly Finding[]): readonly string[] {
  return [
    ...findings.map(
      ({ path, line, rule, fingerprint }) => `${printable(path)}:${line}: ${rule}  ${fingerprint}`,
    ),
    '',
    `${findings.length === 1 ? '1 finding' : `${findings.length} findings`}. Revoke what was ever committed or pushed, then take it out;`,
    `what is no secret: its last column, two blanks and a reason as a line of ${allowedName} (docs/leaks.md)`,
  ];
}

/** A name of a file may hold line feeds and what a terminal obeys. */
function printable(path: string): string {
  return path.replaceAll(/\p{Cc}/gu, '?');
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.includes('--help') || words.includes('-h')) {
    console.log(`${usage}\nexit code 0: nothing was found; 1: something was (docs/leaks.md)`);
    return 0;
  }
  const { staged, history } = parseRequest(words);
  refuseSwallowedFlags('npm run leaks --', ['staged', 'history']);
  const begun = performance.now();
  const allowed = readAllowed(join(projectDirectory, allowedName));
  const { automaton, stacks, closed } = ownValues();
  const repository = new Repository(projectDirectory);
  const searches: Search[] = staged
    ? [await searchStaged(repository, automaton)]
    : [await searchTree(repository, automaton)];
  if (history) searches.push(await searchHistory(repository, automaton));
  const findings = searches
    .flatMap((search) => search.findings)
    .filter(({ fingerprint }) => !allowed.has(fingerprint));
  if (findings.length > 0) console.log(reportOf(findings).join('\n'));
  const count = searches.reduce((sum, search) => sum + search.count, 0);
  const megabytes = searches.reduce((sum, search) => sum + search.bytes, 0) / 1e6;
  const seconds = (performance.now() - begun) / 1000;
  const exact = stacks.length === 0 ? 'no stack' : stacks.join(', ');
  const others = closed.length === 0 ? '' : `; those of ${closed.join(', ')} do not open here`;
  console.error(
    `${findings.length === 0 ? 'No leak' : 'Looked'} in ${count} files, ${megabytes.toFixed(1)} MB, ${seconds.toFixed(1)} s; values of ${exact}${others}`,
  );
  return findings.length === 0 ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
