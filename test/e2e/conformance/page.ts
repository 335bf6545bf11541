/**
 * `npm run conformance`: runs the suite on every target, two at a time, and prints what came of it as a
 * table, target by check; `-- --write` writes it to docs/targets/conformance.md. A target that fails is
 * shown failing. Ends as Mocha does, with "N passing".
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError, runCommand } from '../../../operations/engine/command-error.ts';
import { runTarget, targets } from './target-run.ts';

const project = resolve(import.meta.dirname, '../../..');
const page = 'docs/targets/conformance.md';

interface Outcome {
  readonly target: string;
  /** By check, in the suite's order: seconds, or undefined when it failed. */
  readonly checks: ReadonlyMap<string, number | undefined>;
}

/** At once: each has servers of its own, and waits for them half of its time. */
const jobs = 2;

/** The longest first, so that two end at about the same time. */
const first = ['aws-secrets-manager', 'sealed-secrets', 'vault', 'kubernetes', 'swarm'];
const rank = (target: string): number => (first.indexOf(target) + 1 || first.length + 1) - 1;
const ordered = targets.toSorted((a, b) => rank(a) - rank(b));

async function outcomeOf(target: string): Promise<Outcome> {
  const begun = performance.now();
  const { passes, failures } = await runTarget(target);
  const checks = new Map<string, number | undefined>([
    ...passes.map(({ title, duration = 0 }) => [title, duration / 1000] as const),
    ...failures.map(({ title }) => [title, undefined] as const),
  ]);
  const failed = failures.length;
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  console.log(`- ${target}: ${checks.size - failed} of ${checks.size} checks pass, ${seconds} s`);
  for (const { title, err } of failures) console.log(`  ${title}:\n${err.stack ?? err.message}`);
  return { target, checks };
}

async function runAll(): Promise<readonly Outcome[]> {
  const outcomes = new Map<string, Outcome>();
  const waiting = [...ordered];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      outcomes.set(next, await outcomeOf(next));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return [...outcomes.values()].toSorted((a, b) => a.target.localeCompare(b.target));
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
    '`test/e2e/conformance/suite.ts`, a target is an adapter beside it. Written by `npm run conformance -- --write`',
    `${facts.join(', ')}. Seconds say how long a check took; an empty cell, that the target carries every`,
    'value, has no controller of its own that could bring a Secret back, or fails in the middle of a rotation in the soak `rotate-failing` alone.',
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
  const [word, ...more] = process.argv.slice(2);
  if ((word !== undefined && word !== '--write') || more.length > 0) {
    const got = process.argv.slice(2).join(' ');
    throw new CommandError(
      `conformance: got ${got}; allowed: nothing, or --write; fix: npm run conformance -- --write`,
    );
  }
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: project, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ', changed';
  const commit = `at commit ${git('rev-parse', '--short=12', 'HEAD')}${changed}`;
  const outcomes = await runAll();
  const date = new Date().toISOString().slice(0, 10);
  const shown = pageOf(outcomes, [`on ${date}`, commit]);
  if (word === '--write') {
    writeFileSync(join(project, page), shown);
    console.log(`wrote ${page}`);
  } else {
    console.log(shown.slice(shown.indexOf('| check')));
  }
  const all = outcomes.flatMap(({ checks }) => [...checks.values()]);
  const failed = all.filter((seconds) => seconds === undefined).length;
  console.log(`  ${all.length - failed} passing`);
  if (failed > 0) console.log(`  ${failed} failing`);
  return all.length > 0 && failed === 0 ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
