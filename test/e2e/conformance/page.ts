/**
 * `npm run conformance`: runs the suite on every target and writes what came of it as a table, target
 * by check, to docs/targets/conformance.md. A target that fails is shown failing.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { CommandError, runCommand } from '../../../operations/engine/command-error.ts';

const project = resolve(import.meta.dirname, '../../..');
const page = 'docs/targets/conformance.md';

/** Of Mocha's JSON reporter. */
interface Report {
  readonly passes: readonly Test[];
  /** Of hooks too. */
  readonly failures: readonly Test[];
}

interface Test {
  readonly title: string;
  readonly duration?: number;
}

interface Outcome {
  readonly target: string;
  /** By check, in the suite's order: seconds, or undefined when it failed. */
  readonly checks: ReadonlyMap<string, number | undefined>;
}

const specs = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.e2e.ts'));

async function runTarget(spec: string, folder: string): Promise<Outcome> {
  const target = spec.replace('.e2e.ts', '');
  const output = join(folder, `${target}.json`);
  const mocha = ['--no-config', '--timeout', '900000', '--reporter', 'json'];
  const path = relative(project, join(import.meta.dirname, spec));
  const words = ['mocha', ...mocha, '--reporter-option', `output=${output}`, path];
  process.stdout.write(`- ${target} ... `);
  const begun = performance.now();
  const child = spawn('npx', words, { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise((settle) => child.on('close', settle));
  const { passes, failures } = JSON.parse(readFileSync(output, 'utf8')) as Report;
  const checks = new Map<string, number | undefined>([
    ...passes.map(({ title, duration = 0 }) => [title, duration / 1000] as const),
    ...failures.map(({ title }) => [title, undefined] as const),
  ]);
  const failed = failures.length;
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  console.log(`${checks.size - failed} of ${checks.size} checks pass, ${seconds} s`);
  return { target, checks };
}

/** The page; a check that a target does not have is one that its systems make no sense of. */
export function pageOf(outcomes: readonly Outcome[], facts: readonly string[]): string {
  const checks = [...new Set(outcomes.flatMap((each) => [...each.checks.keys()]))];
  const cell = ({ checks: of }: Outcome, check: string): string => {
    if (!of.has(check)) return '';
    const seconds = of.get(check);
    return seconds === undefined ? '**fails**' : `${seconds.toFixed(1)} s`;
  };
  return [
    '# Conformance',
    '',
    'Every target does the same, on its real systems, seen by its real consumer: the suite is',
    '`test/e2e/conformance/suite.ts`, a target is an adapter beside it. Written by `npm run conformance`',
    `${facts.join(', ')}. Seconds say how long a check took; an empty cell, that the target has no controller`,
    'of its own that could bring a Secret back.',
    '',
    `| check | ${outcomes.map(({ target }) => `\`${target}\``).join(' | ')} |`,
    `| --- |${outcomes.map(() => ' --- |').join('')}`,
    ...checks.map(
      (check) => `| ${check} | ${outcomes.map((each) => cell(each, check)).join(' | ')} |`,
    ),
    '',
  ].join('\n');
}

async function main(): Promise<number> {
  if (process.argv.length > 2) {
    throw new CommandError('conformance: got a word; allowed: npm run conformance');
  }
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: project, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ', changed';
  const commit = `at commit ${git('rev-parse', '--short=12', 'HEAD')}${changed}`;
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  try {
    const outcomes: Outcome[] = [];
    for (const spec of specs) outcomes.push(await runTarget(spec, folder));
    const date = new Date().toISOString().slice(0, 10);
    writeFileSync(join(project, page), pageOf(outcomes, [`on ${date}`, commit]));
    console.log(`wrote ${page}`);
    const all = outcomes.flatMap(({ checks }) => [...checks.values()]);
    return all.length > 0 && all.every((seconds) => seconds !== undefined) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await runCommand(main);
