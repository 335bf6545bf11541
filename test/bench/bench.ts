/**
 * `npm run bench [-- --write]`: what the program costs over two floors in the same runtime, by
 * itself and as a whole `pulumi preview`, and how it grows. Runs alternate, so that a machine that
 * slows down slows all of them; quote the ratios. `--write` puts the tables into docs/benchmarks.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startProgress } from '../../operations/engine/progress.ts';
import { Checkout } from '../e2e/checkout.ts';

const programs = join(import.meta.dirname, 'programs');
const rounds = 15;
const previewRounds = 7;
const sizes = [10, 100, 1000, 10_000];
const maxRatio = 1.25;
const maxSlope = 1.15;

interface Cost {
  readonly milliseconds: number;
  readonly mebibytes: number;
  readonly registrations: number;
}

interface Row {
  readonly name: string;
  readonly costs: readonly Cost[];
}

function config(): string {
  const { config } = parse(readFileSync('Pulumi.dev.yaml', 'utf8')) as { config: object };
  const text = (value: unknown): string =>
    typeof value === 'string' ? value : JSON.stringify(value);
  return JSON.stringify(Object.fromEntries(Object.entries(config).map(([k, v]) => [k, text(v)])));
}

function evaluate(program: string, more: NodeJS.ProcessEnv = {}): Cost {
  const env = { ...process.env, BENCH_CONFIG: config(), ...more };
  const args = ['--max-old-space-size=12000', join(import.meta.dirname, 'evaluate.ts'), program];
  return JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' })) as Cost;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs the alternatives in turn, once unmeasured. */
function alternate(
  times: number,
  what: string,
  runs: Readonly<Record<string, () => Cost>>,
): readonly Row[] {
  const progress = startProgress(what, `${times} rounds`);
  const rows = Object.entries(runs).map(([name, run]) => ({ name, run, costs: [] as Cost[] }));
  for (const { run } of rows) run();
  for (let round = 0; round < times; round++) {
    for (const row of rows) row.costs.push(row.run());
    progress.at((round + 1) / times);
  }
  progress.succeed(what);
  return rows;
}

/** Median of the ratios round by round. */
function ratio(of: Row | undefined, to: Row | undefined): number {
  const pairs = (of?.costs ?? []).map(
    (cost, at) => cost.milliseconds / (to?.costs[at]?.milliseconds ?? 1),
  );
  return median(pairs);
}

function floorsTable(rows: readonly Row[]): readonly string[] {
  const [empty, imports] = rows;
  return [
    '| program | median ms | min to max ms | peak MiB | to the empty one | to the one that only imports |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const times = row.costs.map(({ milliseconds }) => milliseconds);
      const spread = `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`;
      const memory = median(row.costs.map(({ mebibytes }) => mebibytes));
      const cells = [
        row.name,
        median(times).toFixed(0),
        spread,
        memory > 0 ? memory.toFixed(0) : 'not measured',
      ];
      return `| ${[...cells, ratio(row, empty).toFixed(2), ratio(row, imports).toFixed(2)].join(' | ')} |`;
    }),
  ];
}

/** Slope of the least-squares line through the logarithms. */
function slope(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (at: 0 | 1): number => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const over = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return over / logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

function growth(): {
  readonly table: readonly string[];
  readonly time: number;
  readonly memory: number;
} {
  const progress = startProgress('synthetic catalogs', 'about 1 minute');
  const floor = [0, 1, 2].map(() =>
    evaluate(join(programs, 'synthetic.ts'), { SYNTHETIC_SECRETS: '0' }),
  );
  const base = {
    milliseconds: median(floor.map(({ milliseconds }) => milliseconds)),
    mebibytes: median(floor.map(({ mebibytes }) => mebibytes)),
  };
  const rows = sizes.map((size, at) => {
    const runs = Array.from({ length: size < 10_000 ? 5 : 3 }, () =>
      evaluate(join(programs, 'synthetic.ts'), { SYNTHETIC_SECRETS: String(size) }),
    );
    progress.at((at + 1) / sizes.length);
    return {
      size,
      milliseconds: median(runs.map(({ milliseconds }) => milliseconds)),
      mebibytes: median(runs.map(({ mebibytes }) => mebibytes)),
      registrations: runs[0]?.registrations ?? 0,
    };
  });
  progress.succeed('synthetic catalogs');
  const over = (of: 'milliseconds' | 'mebibytes'): number =>
    slope(rows.filter(({ size }) => size >= 100).map((row) => [row.size, row[of] - base[of]]));
  const table = [
    '| secrets | resources | median ms | ms a secret, without the floor | peak MiB |',
    '| --- | --- | --- | --- | --- |',
    `| 0 (floor) | 12 | ${base.milliseconds.toFixed(0)} | | ${base.mebibytes.toFixed(0)} |`,
    ...rows.map((row) => {
      const each = (row.milliseconds - base.milliseconds) / row.size;
      return `| ${row.size} | ${row.registrations} | ${row.milliseconds.toFixed(0)} | ${each.toFixed(2)} | ${row.mebibytes.toFixed(0)} |`;
    }),
  ];
  return { table, time: over('milliseconds'), memory: over('mebibytes') };
}

/** Whole previews by the real engine, in checkouts that differ by index.ts alone. */
async function previews(): Promise<readonly Row[]> {
  const index: Record<string, string | undefined> = {
    'empty program': readFileSync(join(programs, 'empty.ts'), 'utf8'),
    'only the imports': readFileSync(join(programs, 'imports.ts'), 'utf8'),
    dev: undefined,
  };
  const checkouts: Checkout[] = [];
  try {
    const runs: Record<string, () => Cost> = {};
    for (const [name, text] of Object.entries(index)) {
      const checkout = new Checkout();
      checkouts.push(checkout);
      if (text !== undefined) writeFileSync(checkout.path('index.ts'), text);
      const up = ['up', '--yes', '--skip-preview', '--stack', 'dev'];
      const { code } = await checkout.pulumi(up);
      if (code !== 0) throw new Error(`pulumi up of "${name}" ended with ${code}`);
      runs[name] = () => preview(checkout);
    }
    return alternate(previewRounds, 'whole previews', runs);
  } finally {
    for (const checkout of checkouts) checkout.remove();
  }
}

function preview(checkout: Checkout): Cost {
  const begun = performance.now();
  const args = [
    '--require',
    './runtime-check.cjs',
    'operations/pulumi.ts',
    'preview',
    '--stack',
    'dev',
  ];
  const options = { cwd: checkout.directory, env: checkout.environment() };
  const { status } = spawnSync(process.execPath, args, options);
  if (status !== 0) throw new Error(`a preview ended with ${status}`);
  return { milliseconds: performance.now() - begun, mebibytes: 0, registrations: 0 };
}

const evaluation = alternate(rounds, 'program evaluation', {
  'empty program': () => evaluate(join(programs, 'empty.ts')),
  'only the imports': () => evaluate(join(programs, 'imports.ts')),
  dev: () => evaluate('index.ts'),
});
const wholePreviews = await previews();
const grown = growth();
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}`;
const page = [
  '# Benchmarks',
  '',
  `Written by \`npm run bench -- --write\` on ${new Date().toISOString().slice(0, 10)} at commit ${commit}; ${machine}.`,
  'Runs alternate; ratios are medians of the ratios round by round, and they are what to compare.',
  '',
  '## Evaluation of the program',
  '',
  `A process of its own under mocks that answer at once, from its start to its end, ${rounds} rounds.`,
  '',
  ...floorsTable(evaluation),
  '',
  '## A whole preview',
  '',
  `\`npm run pulumi -- preview\` on a stack that is up, without npm itself, ${previewRounds} rounds.`,
  '',
  ...floorsTable(wholePreviews),
  '',
  '## Growth',
  '',
  'Synthetic catalogs through both file targets, under mocks. Slope of the log-log line over the',
  `floor, from 100 to 10,000 secrets: ${grown.time.toFixed(2)} of time, ${grown.memory.toFixed(2)} of memory (1 is linear).`,
  '',
  ...grown.table,
  '',
];
console.log(page.join('\n'));
if (process.argv.includes('--write')) writeFileSync('docs/benchmarks.md', page.join('\n'));
const toImports = ratio(evaluation[2], evaluation[1]);
if (!(toImports <= maxRatio && grown.time <= maxSlope && grown.memory <= maxSlope)) {
  console.error(
    `over the limit: ratio ${toImports.toFixed(2)} (${maxRatio}), slopes ${grown.time.toFixed(2)} and ${grown.memory.toFixed(2)} (${maxSlope})`,
  );
  process.exitCode = 1;
}
