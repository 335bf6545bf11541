/**
 * `npm run soak -- NAME [--minutes N] [--seed N]`: what takes too long for every run of the tests,
 * done once for real, by rounds. With --minutes no round begins after that time, and the next run
 * goes on; the one that ends the last round writes the result to docs/soak/NAME.md, with the commits
 * and the machine that it was had on. The exit code says whether everything held.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../../operations/engine/command-error.ts';
import { type Round, Rounds, type Slice } from './rounds.ts';

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

/** A soak's own part: how many rounds, how to do them, and what they say together. */
export interface Soak {
  readonly rounds: number;
  /** Does what `rounds.next()` gives. */
  run(rounds: Rounds, slice: Slice): Promise<void>;
  /** Of the last outcome of each round. */
  summary(rounds: readonly Round[], seed: number): Omit<Soaked, 'faults'>;
}

/** Each loads its own file, so that one does not need the servers of another. */
const soaks: Readonly<Record<string, () => Promise<Soak>>> = {
  'at-once': async () => (await import('./at-once.ts')).soak,
  faults: async () => (await import('./faults.ts')).soak,
  'inventory-page': async () => (await import('./inventory-page.ts')).soak,
  'kills-dev': async () => (await import('./kills-dev.ts')).soak,
  'kills-prod': async () => (await import('./kills-prod.ts')).soak,
  'rotate-at-once': async () => (await import('./rotate-at-once.ts')).soak,
  'rotate-compose': async () => (await import('./rotate-compose.ts')).soak,
  'rotate-failing': async () => (await import('./rotate-failing.ts')).soak,
  'rotate-kills': async () => (await import('./rotate-kills.ts')).soak,
  'rotate-kills-prod': async () => (await import('./rotate-kills-prod.ts')).soak,
  'rotate-kubernetes': async () => (await import('./rotate-kubernetes.ts')).soak,
  'rotate-model': async () => (await import('./rotate-model.ts')).soak,
  'rotate-targets': async () => (await import('./rotate-targets.ts')).soak,
  rotation: async () => (await import('./rotation.ts')).soak,
  runs: async () => (await import('./runs.ts')).soak,
  servers: async () => (await import('./servers.ts')).soak,
  settings: async () => (await import('./settings.ts')).soak,
  'settings-cli': async () => (await import('./settings-cli.ts')).soak,
  values: async () => (await import('./values.ts')).soak,
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

/** One line for the commits that the rounds were done with. */
function commitsOf(rounds: readonly Round[]): string {
  const commits = [...new Set(rounds.map(({ commit }) => commit))];
  return commits
    .map((each) => {
      const own = rounds.filter(({ commit }) => commit === each).length;
      return commits.length === 1 ? each : `${each} (${own} rounds)`;
    })
    .join(', ');
}

function parseRequest(args: readonly string[]) {
  const usage = `npm run soak -- NAME [--minutes N] [--seed N] [--only ROUND], with ${Object.keys(soaks).join(', ')}`;
  const refused = new CommandError(
    `soak: got ${JSON.stringify(args.join(' '))}; allowed: ${usage}`,
  );
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        minutes: { type: 'string', default: 'Infinity' },
        seed: { type: 'string', default: '1' },
        only: { type: 'string', multiple: true, default: [] },
      },
    });
    const [name = '', ...more] = positionals;
    const load = Object.hasOwn(soaks, name) ? soaks[name] : undefined;
    const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
    const only = values.only.map((each) => Number(each) - 1);
    const wrong = more.length > 0 || [minutes, seed, ...only].some(Number.isNaN);
    if (load === undefined || wrong) throw refused;
    return { name, load, minutes, seed, only };
  } catch {
    throw refused;
  }
}

async function main(): Promise<number> {
  const { name, load, minutes, seed, only } = parseRequest(process.argv.slice(2));
  const until = Date.now() + minutes * 60_000;
  const slice = { commit: commit(), until, seed, only };
  const soak = await load();
  const rounds = new Rounds(name, soak.rounds, slice);
  await soak.run(rounds, slice);
  const missing = rounds.missing().length;
  console.error(`- ${soak.rounds - missing} of ${soak.rounds} rounds hold`);
  if (missing > 0 && Number.isFinite(minutes)) return 0;
  const last = rounds.last();
  const faults = last.flatMap(({ round, faults: lines }) =>
    lines.map((line) => `round ${round + 1}: ${line}`),
  );
  const summary = soak.summary(last, seed);
  const again = rounds.all().length - last.length;
  const figures = [
    { what: 'rounds', seen: String(last.length), holds: missing === 0 },
    { what: 'rounds that were done again after a fault was mended', seen: String(again) },
    ...summary.figures,
  ];
  const path = join(project, 'docs', 'soak', `${name}.md`);
  mkdirSync(dirname(path), { recursive: true });
  const page = pageOf(name, commitsOf(last), { ...summary, figures, faults });
  writeFileSync(path, page);
  console.log(`\n${page}`);
  const holds = faults.length === 0 && figures.every((each) => each.holds ?? true);
  if (holds) rounds.forget();
  return holds ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
