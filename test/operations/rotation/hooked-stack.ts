/** A stack of no engine with a hook that says what it was told, and a console that is heard. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stackFilePath } from '../../../operations/doctor/config.ts';
import { writeDurably } from '../../../operations/engine/private-file.ts';
import { rehearsalFolder, rehearsalVariable } from '../../../operations/engine/workspace.ts';

export class HookedStack {
  readonly name: string;
  readonly directory: string;
  readonly hook: string;
  /** What the hook was told last; no file before. */
  readonly heard: string;
  /** Lines of the console while it is listened to. */
  readonly said: string[] = [];
  readonly #variable = process.env[rehearsalVariable];
  readonly #console = { log: console.log, error: console.error };

  constructor(name: string) {
    this.name = `${name}-test-${process.pid}`;
    this.directory = mkdtempSync(join(tmpdir(), `${name}-`));
    this.hook = join(this.directory, 'hook');
    this.heard = join(this.directory, 'heard');
  }

  /** From now on the workspace is its own. */
  start(): void {
    process.env[rehearsalVariable] = this.name;
    writeFileSync(this.hook, `#!/bin/sh\ncat > '${this.heard}'\n`, { mode: 0o755 });
  }

  writeFile(text: string): void {
    writeDurably(stackFilePath(this.name), text);
  }

  /** Forgets what the hook was told before. */
  listen(): void {
    for (const each of ['log', 'error'] as const)
      console[each] = (line) => void this.said.push(line);
    rmSync(this.heard, { force: true });
  }

  unlisten(): void {
    Object.assign(console, this.#console);
  }

  end(): void {
    rmSync(this.directory, { recursive: true });
    rmSync(rehearsalFolder(this.name), { recursive: true, force: true });
    if (this.#variable === undefined) delete process.env[rehearsalVariable];
    else process.env[rehearsalVariable] = this.#variable;
  }
}
