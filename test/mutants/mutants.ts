/**
 * `npm run mutants`: takes every control away from our own program in turn, asks the policies, and
 * the unit tests about what no policy sees, and writes docs/policies.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { CommandError, runCommand } from '../../operations/engine/command-error.ts';
import { startProgress } from '../../operations/engine/progress.ts';
import { ownCommandsVariable } from '../../settings/mistake.ts';
import { Checkout } from '../e2e/checkout.ts';
import { policedStacks, type SeenStack, see } from '../policies/stacks.ts';
import { judgeMutant, mutants } from './judge.ts';
import { type Caught, pageOf } from './page.ts';
import { sourceMutants } from './source-mutants.ts';

const page = 'docs/policies.md';
/** Of all mutants; what must not be missed, by the issue. */
const wanted = 0.95;

async function byPolicies(): Promise<readonly Caught[]> {
  const seen = new Map<string, SeenStack>();
  for (const policed of policedStacks) seen.set(policed.name, await see(policed));
  return mutants.map((mutant) => {
    const stack = seen.get(mutant.stack);
    if (stack === undefined) throw new Error(`no stack ${mutant.stack}`);
    const rules = new Set(judgeMutant(mutant, stack).map(({ rule }) => rule.name));
    return { control: mutant.control, from: mutant.stack, by: [...rules] };
  });
}

/** On a copy of the tree: nobody's work is touched. */
async function byTests(): Promise<readonly Caught[]> {
  const checkout = new Checkout();
  try {
    const fails = (file: string): boolean => {
      const words = ['--no-config', '--timeout', '60000', file];
      const mocha = checkout.path('node_modules/mocha/bin/mocha.js');
      const env = checkout.environment();
      // The tests are not run by a command of ours.
      delete env[ownCommandsVariable];
      const { status, stdout } = spawnSync(process.execPath, [mocha, ...words], {
        cwd: checkout.directory,
        env,
        encoding: 'utf8',
      });
      // A test that cannot even be run has noticed nothing.
      return status !== 0 && /^\s+\d+ failing$/mu.test(stdout);
    };
    for (const file of new Set(sourceMutants.map(({ test }) => test))) {
      if (fails(file)) throw new CommandError(`${file}: got a failure with all controls in place`);
    }
    return sourceMutants.map(({ control, file, from, to, test }) => {
      const text = checkout.read(file);
      if (text.split(from).length !== 2) throw new Error(`${file}: not once: ${from}`);
      writeFileSync(checkout.path(file), text.replace(from, to));
      const noticed = fails(test);
      writeFileSync(checkout.path(file), text);
      return { control, from: file, by: noticed ? [test] : [] };
    });
  } finally {
    checkout.remove();
  }
}

function machine(): string {
  return `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.length > 0) {
    throw new CommandError(`mutants: got ${words.join(' ')}; allowed: npm run mutants`);
  }
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':!docs') !== '';
  const begun = Date.now();
  const progress = startProgress('taking controls away', 'about 1 minute');
  const caught = [...(await byPolicies()), ...(await byTests())];
  const missed = caught.filter(({ by }) => by.length === 0);
  const share = 1 - missed.length / caught.length;
  const seconds = Math.round((Date.now() - begun) / 1000);
  const run = {
    date: new Date().toISOString(),
    commit: `${git('rev-parse', '--short=12', 'HEAD')}${changed ? ', changed' : ''}`,
    machine: machine(),
    seconds,
  };
  writeFileSync(page, pageOf(run, caught));
  const line = `${caught.length - missed.length} of ${caught.length} controls are noticed when they are gone (${(share * 100).toFixed(1)} %); ${page}`;
  if (share >= wanted) progress.succeed(line);
  else progress.fail(line);
  for (const { control, from } of missed) console.error(`nobody notices: ${control} (${from})`);
  return share >= wanted ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
