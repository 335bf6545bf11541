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
  readonly #record = join(this.directory, 'record');

  constructor(tool: string) {
    const script = [
      '#!/bin/sh',
      `cat /proc/$$/cmdline /proc/$$/environ >> '${this.#record}'`,
      `exec '${tool}' "$@"`,
    ];
    writeFileSync(join(this.directory, basename(tool)), `${script.join('\n')}\n`, { mode: 0o755 });
  }

  /** Arguments and variables of all its runs, one a line. */
  text(): string {
    return existsSync(this.#record)
      ? readFileSync(this.#record, 'latin1').replaceAll('\0', '\n')
      : '';
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
