/**
 * What the program costs over two floors in the same runtime, by itself and as a whole `pulumi
 * preview`, and how it grows. Runs alternate, so that a machine that slows down slows all of them;
 * quote the ratios.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startProgress } from '../../operations/engine/progress.ts';
import { workspace } from '../../operations/engine/workspace.ts';
import { Checkout } from '../e2e/checkout.ts';
import { median } from './median.ts';
import type { Part } from './part.ts';

const programs = join(import.meta.dirname, 'programs');
const rounds = 15;
const previewRounds = 7;
/** Secrets and rounds: what 10 of them add is near the noise of a process, so it takes more. */
const sizes = [
  [10, 15],
  [100, 9],
  [1000, 5],
  [10_000, 3],
] as const;
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
  // As the engine has it: types are stripped and code is compiled once.
  const cache = { NODE_COMPILE_CACHE: join(workspace.cache, 'node-compile-cache') };
  const env = { ...process.env, ...cache, BENCH_CONFIG: config(), ...more };
  const args = ['--max-old-space-size=12000', join(import.meta.dirname, 'evaluate.ts'), program];
  return JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' })) as Cost;
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

type Measure = 'milliseconds' | 'mebibytes';

interface Size {
  readonly secrets: number;
  readonly registrations: number;
  /** Medians of the whole process. */
  readonly whole: Readonly<Record<Measure, number>>;
  /** What the secrets add: the least of the size without the least of its floors. */
  readonly added: Readonly<Record<Measure, number>>;
}

interface Growth {
  readonly sizes: readonly Size[];
  readonly floor: Readonly<Record<Measure, number>>;
}

/** Floor and size in turn, so that a machine that slows down slows both. */
function measureGrowth(): Growth {
  const synthetic = (secrets: number): Cost =>
    evaluate(join(programs, 'synthetic.ts'), { SYNTHETIC_SECRETS: String(secrets) });
  const progress = startProgress('synthetic catalogs', 'about 2 minutes');
  const floors: Cost[] = [];
  synthetic(0);
  const measured = sizes.map(([secrets, times], at) => {
    const pairs = Array.from({ length: times }, () => [synthetic(0), synthetic(secrets)] as const);
    floors.push(...pairs.map(([floor]) => floor));
    progress.at((at + 1) / sizes.length);
    const registrations = pairs[0]?.[1].registrations ?? 0;
    const whole = both((measure) => median(pairs.map(([, cost]) => cost[measure])));
    // The fastest runs: what disturbs a process only ever adds to it.
    const least = (at: 0 | 1, of: Measure): number =>
      Math.min(...pairs.map((pair) => pair[at][of]));
    const added = both((measure) => least(1, measure) - least(0, measure));
    return { secrets, registrations, whole, added };
  });
  progress.succeed('synthetic catalogs');
  const floor = both((measure) => median(floors.map((cost) => cost[measure])));
  return { sizes: measured, floor };
}

function both(of: (measure: Measure) => number): Record<Measure, number> {
  return { milliseconds: of('milliseconds'), mebibytes: of('mebibytes') };
}

/** NaN when a size added nothing that could be measured: the machine was too busy. */
function slopeOf({ sizes }: Growth, what: 'whole' | 'added', measure: Measure): number {
  return slope(sizes.map((size) => [size.secrets, size[what][measure]]));
}

function growthTable({ sizes, floor }: Growth): readonly string[] {
  return [
    '| secrets | resources | median ms | ms a secret, over the floor | peak MiB | MiB over the floor |',
    '| --- | --- | --- | --- | --- | --- |',
    `| 0 (floor) | | ${floor.milliseconds.toFixed(0)} | | ${floor.mebibytes.toFixed(0)} | |`,
    ...sizes.map(({ secrets, registrations, whole, added }) => {
      const each = (added.milliseconds / secrets).toFixed(2);
      const cells = [secrets, registrations, whole.milliseconds.toFixed(0), each];
      const memory = [whole.mebibytes.toFixed(0), added.mebibytes.toFixed(1)];
      return `| ${[...cells, ...memory].join(' | ')} |`;
    }),
  ];
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

export async function measureProgram(): Promise<Part> {
  const evaluation = alternate(rounds, 'program evaluation', {
    'empty program': () => evaluate(join(programs, 'empty.ts')),
    'only the imports': () => evaluate(join(programs, 'imports.ts')),
    dev: () => evaluate('index.ts'),
  });
  const wholePreviews = await previews();
  const grown = measureGrowth();
  const slopes = (
    [
      ['what the secrets add, over the floor', 'added'],
      ['the whole process, with the floor', 'whole'],
    ] as const
  ).map(([name, what]) => ({
    name,
    time: slopeOf(grown, what, 'milliseconds'),
    memory: slopeOf(grown, what, 'mebibytes'),
  }));
  const lines = [
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
    'Synthetic catalogs through both file targets, under mocks; the floor is the same program without',
    'secrets, run in turn with each size. Slopes of the log-log line over 10, 100, 1,000 and 10,000',
    `secrets (1 is linear, at most ${maxSlope}). The first is the one that shows growth; in the second the floor`,
    'hides it while there are few.',
    '',
    '| slope of | time | memory |',
    '| --- | --- | --- |',
    ...slopes.map(
      ({ name, time, memory }) => `| ${name} | ${time.toFixed(2)} | ${memory.toFixed(2)} |`,
    ),
    '',
    ...growthTable(grown),
    '',
  ];
  const toImports = ratio(evaluation[2], evaluation[1]);
  const over = [
    ...(toImports <= maxRatio ? [] : [`ratio ${toImports.toFixed(2)} (at most ${maxRatio})`]),
    ...slopes.flatMap(({ name, time, memory }) =>
      [time, memory]
        .filter((each) => !(each <= maxSlope))
        .map((each) =>
          Number.isNaN(each)
            ? `no slope of ${name}: a size added nothing; run it on a machine that does nothing else`
            : `slope ${each.toFixed(2)} of ${name} (at most ${maxSlope})`,
        ),
    ),
  ];
  return { lines, over };
}
