/**
 * Random values through the file targets, as these write them, and back through whoever reads them.
 * Many values stand in one file. A value is equal afterwards, or was refused with a reason.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'dotenv';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { compose } from '../components/delivery/compose.ts';
import { quoted, refusesEnv } from '../components/delivery/env-file.ts';
import { refusalOf, type Shape } from '../components/shape.ts';
import { FileResource } from '../plugins/hummingbot/file.ts';
import { seededBytes } from './fuzz-seed.ts';

export interface Tried {
  readonly shape: Shape;
  readonly value: string;
}

const label = ['EC', 'PRIVATE', 'KEY'].join(' ');
const pemOf = (seed: number, bytes: number, ending: string): string => {
  const lines =
    seededBytes(seed, 'pem', bytes)
      .toString('base64')
      .match(/.{1,64}/gu) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join(ending);
};

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 8 }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...[
        "'",
        '"',
        '$',
        '`',
        '\\',
        '#',
        '=',
        ' ',
        '\t',
        '!',
        '%s',
        '~',
        '{{x}}',
        'ż',
        '🐢',
        '\u00a0',
      ],
      ...['${HOME}', '$(id)', '$$', '`id`', '\\n', '\\u0041', '"\'', '&&', '*', ';', ',', ':'],
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r\n', '\r', '\0', '\u0001', '\u2028', '\ufeff') },
);

const line = fc
  .array(piece, { minLength: 1, maxLength: 7 })
  .map((pieces): Tried => ({ shape: 'line', value: pieces.join('') }));
const pem = fc
  .tuple(fc.nat(), fc.integer({ min: 1, max: 400 }), fc.constantFrom('\n', '\n', '\n', '\r\n', ' '))
  .map(([seed, bytes, ending]): Tried => ({ shape: 'pem', value: pemOf(seed, bytes, ending) }));

/** The same for the same seed. */
export function randomValues(seed: number, count: number): readonly Tried[] {
  const either = fc.oneof({ weight: 9, arbitrary: line }, { weight: 1, arbitrary: pem });
  return fc.sample(either, { seed, numRuns: count });
}

export type FileTargetName = 'env-file' | 'compose';
const refusals = { 'env-file': refusesEnv, compose: compose.refuses } as const;

export interface Outcome {
  equal: number;
  /** Refused values, by the reason that a user is told. */
  readonly refused: Map<string, number>;
  /** Of those that the shape alone refuses: how many the readers would have read equal. */
  readonly readable: Map<string, number>;
  /** Readers that read another value, with how many. */
  readonly unlike: Map<string, number>;
}

/** Who reads what a target wrote: values in their order. */
export type Reader = (directory: string, names: readonly string[]) => readonly string[];

const envFile = 'out/env';

const sh: Reader = (directory, names) => {
  const print = names.map((name) => `printf '%s\\0' "$${name}"`).join('\n');
  writeFileSync(join(directory, 'print'), `. ./${envFile}\n${print}\n`);
  const { stdout } = spawnSync('sh', ['print'], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return stdout.split('\0').slice(0, -1);
};

const dotenv: Reader = (directory, names) => {
  const read = parse(readFileSync(join(directory, envFile)));
  return names.map((name) => read[name] ?? '');
};

/** @param program Docker Compose v2, which interpolates the values into a container's environment */
export function composeReader(program: string): Reader {
  return (directory, names) => {
    const environment = Object.fromEntries(names.map((name) => [name, `\${${name}:?}`]));
    const document = { name: 'x', services: { all: { image: 'x:1', environment } } };
    writeFileSync(join(directory, 'all.yaml'), stringify(document));
    const words = ['--env-file', envFile, '-f', 'all.yaml', 'config', '--format', 'json'];
    const options = { cwd: directory, encoding: 'utf8', maxBuffer: 1 << 26 } as const;
    const { status, stdout } = spawnSync(program, words, options);
    if (status !== 0) return [];
    const read = JSON.parse(stdout).services.all.environment as Record<string, string>;
    // `config` prints a Compose file, in which a dollar is written twice.
    return names.map((name) => read[name]?.replaceAll('$$', '$') ?? '');
  };
}

function count(map: Map<string, number>, what: string): void {
  map.set(what, (map.get(what) ?? 0) + 1);
}

/** Numbers apart, a reason is one class. */
const classOf = (reason: string): string => reason.replaceAll(/\d+/gu, 'N');

/** Writes values through a target's own code, and reads them back by each reader. */
export async function carry(
  target: FileTargetName,
  tried: readonly Tried[],
  more: Readonly<Record<string, Reader>> = {},
): Promise<Outcome> {
  const outcome: Outcome = {
    equal: 0,
    refused: new Map(),
    readable: new Map(),
    unlike: new Map(),
  };
  const taken: string[] = [];
  const byShape: { reason: string; value: string }[] = [];
  for (const { shape, value } of tried) {
    const ofShape = refusalOf(shape, value)?.got;
    const ofTarget = refusals[target](value);
    const reason = ofShape ?? ofTarget;
    if (reason === undefined) taken.push(value);
    else count(outcome.refused, classOf(reason));
    if (ofShape !== undefined && ofTarget === undefined && value.isWellFormed()) {
      byShape.push({ reason: classOf(ofShape), value });
    }
  }
  const readers: Readonly<Record<string, Reader>> =
    target === 'env-file' ? { sh, dotenv, ...more } : more;
  const wrong = new Set<number>();
  for (const [name, read] of await readAll(target, taken, readers)) {
    taken.forEach((value, at) => {
      if (read[at] === value) return;
      wrong.add(at);
      count(outcome.unlike, name);
    });
  }
  outcome.equal = taken.length - wrong.size;
  const plain = target === 'env-file' ? { sh, dotenv } : {};
  const values = byShape.map(({ value }) => value);
  const reads = [...(await readAll(target, values, plain)).values()];
  byShape.forEach(({ reason, value }, at) => {
    if (reads.every((read) => read[at] === value)) count(outcome.readable, reason);
  });
  return outcome;
}

/** What each reader reads of values that are written by the plugin's own resource. */
async function readAll(
  target: FileTargetName,
  values: readonly string[],
  readers: Readonly<Record<string, Reader>>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const directory = mkdtempSync(join(tmpdir(), 'values-fuzz-'));
  const names = values.map((_, at) => `V${at}`);
  const file = new FileResource(directory);
  try {
    if (target === 'env-file') {
      const content = values.map((value, at) => `V${at}=${quoted(value)}\n`).join('');
      await file.create({ root: 'out', path: 'env', content, mode: '0600' });
      return new Map(Object.entries(readers).map(([name, read]) => [name, read(directory, names)]));
    }
    for (const [at, content] of values.entries()) {
      await file.create({ root: 'out', path: `secrets/V${at}`, content, mode: '0400' });
    }
    const bytes = names.map((name) => readFileSync(join(directory, 'out/secrets', name)));
    const byFile = bytes.map((each) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(each));
    return new Map([['file', byFile]]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
