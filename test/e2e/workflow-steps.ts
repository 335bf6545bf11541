/**
 * Runs the `run:` steps of a workflow's job on this machine, as GitHub's runner does: its shell, its
 * files, its expressions, and an environment in which nothing is of whoever runs the tests. Actions
 * (`uses:`) are not run: there is no GitHub to get them from.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, Step } from '../workflows/workflow.ts';
import type { Checkout, Result } from './checkout.ts';

/** What a process needs to run at all, and where tools are cached. */
const own = ['PATH', 'HOME', 'LANG', 'XDG_CACHE_HOME'];

export interface RunnerOptions {
  /** What expressions may name: `vars.AWS_REGION`, `inputs.stack`. Anything else is refused. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Of the machine: where state is, tools that stand in for GitHub's. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Steps that are not run, by name: what the checkout has already. */
  readonly done?: readonly string[];
}

export interface JobRun {
  readonly code: number;
  /** By the name of the step, in their order. */
  readonly steps: ReadonlyMap<string, Result>;
  /** What the job shows on the run's page. */
  readonly summary: string;
}

/** @throws Error when an expression is none of those that our workflows use */
export async function runJob(
  checkout: Checkout,
  { steps = [], env = {} }: Job,
  { contexts = {}, environment = {}, done = [] }: RunnerOptions = {},
): Promise<JobRun> {
  const folder = join(checkout.temporary, 'runner');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const [summary = '', output = ''] = ['summary.md', 'output'].map((name) => join(folder, name));
  writeFileSync(summary, '');
  const machine = {
    ...environmentOf(checkout),
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_REF_NAME: 'main',
    GITHUB_REPOSITORY: 'OWNER/NAME',
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_OUTPUT: output,
    RUNNER_TEMP: folder,
    ...environment,
  };
  const known: Record<string, string> = { ...contexts };
  const results = new Map<string, Result>();
  let code = 0;
  for (const step of steps) {
    const { name = step.run ?? '', run } = step;
    if (run === undefined || done.includes(name) || !isDue(step, code, known)) continue;
    const script = join(folder, 'step.sh');
    writeFileSync(script, run);
    rmSync(output, { force: true });
    const result = await checkout.run(
      'bash',
      ['--noprofile', '--norc', '-eo', 'pipefail', script],
      { env: { ...machine, ...filled(env, known), ...filled(step.env ?? {}, known) } },
    );
    results.set(name, result);
    if (result.code !== 0) code ||= result.code;
    for (const line of existsSync(output) ? readFileSync(output, 'utf8').split('\n') : []) {
      const [key, value] = line.split('=', 2);
      if (value !== undefined) known[`steps.${step.id}.outputs.${key}`] = value;
    }
  }
  return { code, steps: results, summary: readFileSync(summary, 'utf8') };
}

/** Takes away all that is not asked for: `Checkout.run` adds what stands in this process. */
function environmentOf(checkout: Checkout): Record<string, string | undefined> {
  const mine = Object.keys(process.env).filter((name) => !own.includes(name));
  return {
    ...Object.fromEntries(mine.map((name) => [name, undefined])),
    TMPDIR: checkout.temporary,
    GITHUB_SHA: headOf(checkout),
  };
}

function headOf({ directory }: Checkout): string {
  return spawnSync('git', ['rev-parse', 'HEAD'], {
    cwd: directory,
    encoding: 'utf8',
  }).stdout.trim();
}

function filled(
  env: Readonly<Record<string, string>>,
  known: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, text]) => [
      name,
      text.replaceAll(/\$\{\{ (.*?) \}\}/gu, (_all, expression: string) =>
        evaluated(expression, known),
      ),
    ]),
  );
}

/** A name, a literal, or one after `||` when the first is empty. */
function evaluated(expression: string, known: Readonly<Record<string, string>>): string {
  const literal = /^'([^']*)'$/u.exec(expression)?.[1];
  if (literal !== undefined) return literal;
  if (!/^[a-zA-Z_]+(?:\.[a-zA-Z_-]+)+$/u.test(expression))
    throw new Error(`no expression that this runner knows: ${expression}`);
  // What is not set is empty, as on GitHub; a misspelt name is actionlint's to find.
  return known[expression] ?? '';
}

/** `A != B`, `A == B` and `always()`, joined by `&&`; without always(), only while no step failed. */
function isDue(
  { if: condition = '' }: Step,
  failed: number,
  known: Readonly<Record<string, string>>,
): boolean {
  const terms = condition === '' ? [] : condition.split(' && ');
  const always = terms.includes('always()');
  if (failed !== 0 && !always) return false;
  return terms
    .filter((term) => term !== 'always()')
    .every((term) => {
      const [left = '', sign, right = ''] = term.split(/ ([!=]=) /u);
      if (sign === undefined) throw new Error(`no condition that this runner knows: ${term}`);
      return (evaluated(left, known) === evaluated(right, known)) === (sign === '==');
    });
}
