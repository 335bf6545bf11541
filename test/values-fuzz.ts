/**
 * Random values through a target, and back through whoever reads them there. A value is equal
 * afterwards, or was refused with a reason. What is read is compared by its SHA-256, so that a
 * reader elsewhere can say what it has read without showing it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { stringify } from 'yaml';
import { compose } from '../components/delivery/compose.ts';
import { quoted, refusesEnv } from '../components/delivery/env-file.ts';
import { refusalOf } from '../components/shape.ts';
import { FileResource } from '../plugins/hummingbot/file.ts';
import type { Tried } from './random-values.ts';

export interface Outcome {
  readonly equal: number;
  /** Refused values, by the reason that a user is told. */
  readonly refused: ReadonlyMap<string, number>;
  /** Of those that the shape alone refuses: how many the readers would have read equal. */
  readonly readable: ReadonlyMap<string, number>;
  /** Readers that read another value, with how many. */
  readonly unlike: ReadonlyMap<string, number>;
}

/** SHA-256 in hex, in the order of the values; undefined is nothing that was read. */
export type Digests = readonly (string | undefined)[];

export function digestOf(value: string | Uint8Array): string {
  return createHash('sha256').update(value).digest('hex');
}

export function count(map: Map<string, number>, what: string, many = 1): void {
  map.set(what, (map.get(what) ?? 0) + many);
}

/** What is known of values before they travel. */
export class Sorted {
  readonly refused = new Map<string, number>();
  /** Nobody refuses them. */
  readonly taken: string[] = [];
  /** What the shape alone refuses; they could travel. */
  readonly byShape: { readonly reason: string; readonly value: string }[] = [];

  /** @param refuses the rule of the target */
  constructor(tried: readonly Tried[], refuses: (value: string) => string | undefined) {
    for (const { shape, value } of tried) {
      const ofShape = refusalOf(shape, value)?.got;
      const ofTarget = refuses(value);
      const reason = ofShape ?? ofTarget;
      if (reason === undefined) this.taken.push(value);
      else count(this.refused, classOf(reason));
      if (ofShape !== undefined && ofTarget === undefined && value.isWellFormed()) {
        this.byShape.push({ reason: classOf(ofShape), value });
      }
    }
  }

  /** All that can travel: what nobody refuses, and then what the shape alone does. */
  get all(): readonly string[] {
    return [...this.taken, ...this.byShape.map(({ value }) => value)];
  }

  /**
   * @param reads by reader: digests of `taken`, or of `all`
   */
  outcome(reads: ReadonlyMap<string, Digests>): Outcome {
    const unlike = new Map<string, number>();
    const wrong = new Set<number>();
    for (const [name, read] of reads) {
      this.taken.forEach((value, at) => {
        if (read[at] === digestOf(value)) return;
        wrong.add(at);
        count(unlike, name);
      });
    }
    const readable = new Map<string, number>();
    const whole = [...reads.values()].filter((read) => read.length === this.all.length);
    this.byShape.forEach(({ reason, value }, at) => {
      const digest = digestOf(value);
      const same = whole.every((read) => read[this.taken.length + at] === digest);
      if (whole.length > 0 && same) count(readable, reason);
    });
    const { refused } = this;
    return { equal: this.taken.length - wrong.size, refused, readable, unlike };
  }
}

/** Numbers apart, a reason is one class. */
const classOf = (reason: string): string => reason.replaceAll(/\d+/gu, 'N');

export type FileTargetName = 'env-file' | 'compose';
const refusals = { 'env-file': refusesEnv, compose: compose.refuses } as const;

/** Who reads what a target wrote below `out` of a directory: digests in the order of the names. */
export type Reader = (directory: string, names: readonly string[]) => Digests;

/** Below the directory that a reader is given. */
export const writtenAt = {
  root: 'out',
  envFile: 'env',
  secret: (name: string) => `secrets/${name}`,
} as const;
const envFile = join(writtenAt.root, writtenAt.envFile);

const sh: Reader = (directory, names) => {
  const print = names.map((name) => `printf '%s\\0' "$${name}"`).join('\n');
  writeFileSync(join(directory, 'print'), `. ./${envFile}\n${print}\n`);
  const { stdout } = spawnSync('sh', ['print'], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return stdout.split('\0').slice(0, -1).map(digestOf);
};

const dotenv: Reader = (directory, names) => {
  const read = parse(readFileSync(join(directory, envFile)));
  return names.map((name) => digestOf(read[name] ?? ''));
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
    return names.map((name) => digestOf(read[name]?.replaceAll('$$', '$') ?? ''));
  };
}

const bytes: Reader = (directory, names) =>
  names.map((name) =>
    digestOf(readFileSync(join(directory, writtenAt.root, writtenAt.secret(name)))),
  );

/** Those that read what the shape alone refuses, too. */
const ownReaders: Readonly<Record<FileTargetName, Readonly<Record<string, Reader>>>> = {
  'env-file': { sh, dotenv },
  compose: { file: bytes },
};

/**
 * Writes values through a file target's own code, many in one file, and reads them back by each
 * reader.
 */
export async function carry(
  target: FileTargetName,
  tried: readonly Tried[],
  more: Readonly<Record<string, Reader>> = {},
): Promise<Outcome> {
  const sorted = new Sorted(tried, refusals[target]);
  const own = await readAll(target, sorted.all, ownReaders[target]);
  const others = await readAll(target, sorted.taken, more);
  return sorted.outcome(new Map([...own, ...others]));
}

/** What each reader reads of values that are written by the plugin's own resource. */
async function readAll(
  target: FileTargetName,
  values: readonly string[],
  readers: Readonly<Record<string, Reader>>,
): Promise<ReadonlyMap<string, Digests>> {
  const directory = mkdtempSync(join(tmpdir(), 'values-fuzz-'));
  const names = values.map((_, at) => `V${at}`);
  const file = new FileResource(directory);
  const { root } = writtenAt;
  try {
    if (target === 'env-file') {
      const content = values.map((value, at) => `V${at}=${quoted(value)}\n`).join('');
      await file.create({ root, path: writtenAt.envFile, content, mode: '0600' });
    } else {
      for (const [at, content] of values.entries()) {
        await file.create({ root, path: writtenAt.secret(`V${at}`), content, mode: '0400' });
      }
    }
    return new Map(Object.entries(readers).map(([name, read]) => [name, read(directory, names)]));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
