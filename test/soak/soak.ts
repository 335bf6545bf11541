/**
 * `npm run soak -- NAME`: what takes too long for every run of the tests, done once for real. The
 * result is written to docs/soak/NAME.md, with the commit and the machine that it was had on, and
 * the exit code says whether everything held.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { CommandError, runCommand } from '../../operations/engine/command-error.ts';

/** A fact of a soak: what was counted or measured, and whether it is as it has to be. */
export interface Figure {
  readonly what: string;
  readonly seen: string;
  /** Absent for a measurement that nothing is asked of. */
  readonly holds?: boolean;
}

export interface Soaked {
  readonly title: string;
  /** What was done, a paragraph. */
  readonly done: string;
  readonly figures: readonly Figure[];
  /** A line for each thing that went wrong; never a value. */
  readonly faults: readonly string[];
}

/** Each loads its own file, so that one does not need the servers of another. */
const soaks: Readonly<Record<string, () => Promise<Soaked>>> = {
  rotation: async () => await (await import('./rotation.ts')).soak(),
};

const project = resolve(import.meta.dirname, '../..');

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: project, encoding: 'utf8' }).trim();
}

/** One line: processors, memory, system. */
function machine(): string {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  const [{ model = 'unknown' } = {}] = cpus();
  return `${cpus().length} x ${model}, ${gib} GiB, ${process.platform} ${release()}, Node ${process.version}`;
}

/** What the soak is of; asked for before it, because a tree may change meanwhile. */
function commit(): string {
  const clean = git('status', '--porcelain', '--untracked-files=no') === '';
  return `${git('rev-parse', '--short=12', 'HEAD')}${clean ? '' : ', changed'}`;
}

function pageOf(name: string, of: string, { title, done, figures, faults }: Soaked): string {
  const rows = figures.map(({ what, seen, holds }) => {
    const verdict = holds === undefined ? '' : holds ? 'yes' : '**NO**';
    return `| ${what} | ${seen} | ${verdict} |`;
  });
  return [
    `# Soak: ${title}`,
    '',
    `<!-- Written by \`npm run soak -- ${name}\`. -->`,
    '',
    `${new Date().toISOString()}, commit ${of}, on ${machine()}.`,
    '',
    done,
    '',
    '| what | seen | as it has to be |',
    '|---|---|---|',
    ...rows,
    '',
    ...(faults.length === 0 ? [] : ['## Faults', '', ...faults.map((line) => `- ${line}`), '']),
  ].join('\n');
}

async function main(): Promise<number> {
  const [name = '', ...more] = process.argv.slice(2);
  const run = Object.hasOwn(soaks, name) ? soaks[name] : undefined;
  if (run === undefined || more.length > 0) {
    const got = JSON.stringify([name, ...more].join(' '));
    throw new CommandError(
      `soak: got ${got}; allowed: npm run soak -- NAME, with ${Object.keys(soaks).join(', ')}`,
    );
  }
  const of = commit();
  const result = await run();
  const path = join(project, 'docs', 'soak', `${name}.md`);
  mkdirSync(dirname(path), { recursive: true });
  const page = pageOf(name, of, result);
  writeFileSync(path, page);
  console.log(`\n${page}`);
  return result.faults.length === 0 && result.figures.every(({ holds }) => holds ?? true) ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
