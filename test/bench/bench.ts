/**
 * `npm run bench [-- PART] [-- --write]`: `program`, what the program costs and how it grows;
 * `cluster`, a whole stack on real servers. `--write` puts the tables into a page of docs.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { CommandError, runCommand } from '../../operations/engine/command-error.ts';
import type { Part } from './part.ts';

/** Each loads its own file, so that one does not need the servers of another. */
const parts: Readonly<
  Record<string, { readonly page: string; readonly measure: () => Promise<Part> }>
> = {
  program: {
    page: 'docs/benchmarks.md',
    measure: async () => await (await import('./program.ts')).measureProgram(),
  },
  cluster: {
    page: 'docs/benchmarks-cluster.md',
    measure: async () => await (await import('./cluster.ts')).measureCluster(),
  },
};

function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

function pageOf(name: string, commit: string, loadBefore: string, { lines }: Part): string {
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}`;
  const today = new Date().toISOString().slice(0, 10);
  const command = name === 'program' ? 'npm run bench' : `npm run bench -- ${name}`;
  const flags = name === 'program' ? ' -- --write' : ' --write';
  const more =
    name === 'program'
      ? 'A whole stack on real servers: [benchmarks-cluster.md](benchmarks-cluster.md).'
      : 'The program alone: [benchmarks.md](benchmarks.md).';
  return [
    name === 'program' ? '# Benchmarks' : `# Benchmarks: ${name}`,
    '',
    `Written by \`${command}${flags}\` on ${today} at commit ${commit}; ${machine}.`,
    `Load average (1 minute) at the start ${loadBefore}, at the end ${load()}.`,
    'Runs alternate; ratios are medians of the ratios round by round, and they are what to compare.',
    more,
    '',
    ...lines,
  ].join('\n');
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const [name = 'program', ...others] = words.filter((word) => word !== '--write');
  const part = parts[name];
  if (part === undefined || others.length > 0) {
    const allowed = `npm run bench -- [${Object.keys(parts).join('|')}] [--write]`;
    throw new CommandError(`bench: got ${JSON.stringify(words.join(' '))}; allowed: ${allowed}`);
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const loadBefore = load();
  const measured = await part.measure();
  const page = pageOf(name, commit, loadBefore, measured);
  console.log(page);
  if (words.includes('--write')) writeFileSync(part.page, page);
  if (measured.over.length === 0) return 0;
  console.error(`over the limit: ${measured.over.join('; ')}`);
  return 1;
}

await runCommand(main);
