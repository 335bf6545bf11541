/** A target's own run of the conformance suite, in a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

const project = resolve(import.meta.dirname, '../../..');
const suffix = '.e2e.ts';

/** All that have an adapter. */
export const targets: readonly string[] = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(suffix))
  .map((name) => name.replace(suffix, ''));

/** Of Mocha's JSON reporter. */
export interface Report {
  readonly passes: readonly Test[];
  /** Of hooks too. */
  readonly failures: readonly Test[];
}

interface Test {
  readonly title: string;
  /** Milliseconds. */
  readonly duration?: number;
  readonly err: { readonly stack?: string; readonly message?: string };
}

/**
 * @param checks words of their titles. @default - all
 * @param more variables of its environment
 */
export async function runTarget(
  target: string,
  { checks, more = {} }: { readonly checks?: string; readonly more?: NodeJS.ProcessEnv } = {},
): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  try {
    const output = join(folder, `${target}.json`);
    const words = ['mocha', '--no-config', '--timeout', '1800000', '--reporter', 'json'];
    const some = checks === undefined ? [] : ['--grep', checks];
    const path = relative(project, join(import.meta.dirname, `${target}${suffix}`));
    const all = [...words, '--reporter-option', `output=${output}`, ...some, path];
    const child = spawn('npx', all, {
      cwd: project,
      env: { ...process.env, ...more },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await new Promise((settle) => child.on('close', settle));
    return JSON.parse(readFileSync(output, 'utf8')) as Report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
