/**
 * A tool that says what it was told: a program of its name that writes its own arguments and
 * environment down and becomes the tool. Each run of it is there, where who looks at /proc from
 * time to time misses those that end in between (sops takes less than 100 ms).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export class ToolRecord {
  /** To be the first on the PATH. */
  readonly directory = mkdtempSync(join(tmpdir(), 'tool-record-'));
  readonly #arguments = join(this.directory, 'arguments');
  readonly #environments = join(this.directory, 'environments');

  constructor(tool: string) {
    const script = [
      '#!/bin/sh',
      `cat /proc/$$/cmdline >> '${this.#arguments}'`,
      `cat /proc/$$/environ >> '${this.#environments}'`,
      `exec '${tool}' "$@"`,
    ];
    writeFileSync(join(this.directory, basename(tool)), `${script.join('\n')}\n`, { mode: 0o755 });
  }

  /** Of all its runs, one a line. */
  arguments(): string {
    return linesOf(this.#arguments);
  }

  /** Of all its runs, one a line. */
  environments(): string {
    return linesOf(this.#environments);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function linesOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'latin1').replaceAll('\0', '\n') : '';
}
