/**
 * A rotation that is held between its check and its roll out, so that something can be broken in its
 * middle: by hooks of the user's, which also say when an old credential was revoked.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Result } from '../checkout.ts';
import type { ConformingTarget } from './target.ts';

/** What happens at its stations. */
export interface Stations {
  /** The new value is checked, and nothing has moved. */
  readonly beforeRollOut?: () => Promise<void>;
  /** The roll out has failed, and the old value is not taken back yet. */
  readonly beforeTakingBack?: () => Promise<void>;
}

export class HeldRotation {
  readonly #target: ConformingTarget;
  /** `monitoring.grafana_api_key` */
  readonly #path: string;
  readonly #folder: string;

  constructor(target: ConformingTarget, path: string) {
    this.#target = target;
    this.#path = path;
    this.#folder = mkdtempSync(join(target.checkout.temporary, 'held-'));
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }

  /** Sets the hooks, and that nothing is waited for before a revocation. */
  async hold(): Promise<void> {
    const wait = `while [ ! -e '${this.#at('go')}' ]; do sleep 0.05; done`;
    const hooks = {
      check: ['cat > /dev/null', `: > '${this.#at('checked')}'`, wait],
      revoke: ['cat > /dev/null', `echo asked >> '${this.#at('revoked')}'`],
    };
    for (const [name, lines] of Object.entries(hooks)) {
      writeFileSync(this.#at(name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
    }
    const settings = Object.keys(hooks).map((step) => [
      '--plaintext',
      `rotation.${step}["${this.#path}"]=${this.#at(step)}`,
    ]);
    const overlap = ['--plaintext', 'rotation.overlap=0'];
    await this.#config(['set-all', '--path', ...settings.flat(), ...overlap]);
  }

  /** Takes the hooks away. */
  async letGo(): Promise<void> {
    await this.#config(['rm', 'rotation']);
    rmSync(this.#folder, { recursive: true });
  }

  async #config(words: readonly string[]): Promise<void> {
    const all = ['run', '--silent', 'pulumi', '--', 'config', ...words];
    const { code, stderr } = await this.#target.run('npm', [...all, '--stack', this.#target.stack]);
    assert.equal(code, 0, stderr);
  }

  /** How often the hook was asked to revoke an old credential. */
  get revocations(): number {
    const path = this.#at('revoked');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
  }

  /** @param words `--resume`, or what is rotated */
  async rotate(words: readonly string[], input: string, stations: Stations = {}): Promise<Result> {
    for (const name of ['checked', 'go']) rmSync(this.#at(name), { force: true });
    const { checkout, stack, environment } = this.#target;
    const all = ['run', '--silent', 'rotate', '--', '--stack', stack, ...words];
    const child = checkout.start('npm', all, environment);
    const ended = checkout.finish(child, input);
    let over = false;
    const note = (): void => {
      over = true;
    };
    ended.then(note, note);
    let said = '';
    const takingBack = new Promise<void>((settle) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk;
        if (said.includes('take back the old value')) settle();
      });
    });
    while (!existsSync(this.#at('checked')) && !over) await sleep(50);
    try {
      if (!over) await stations.beforeRollOut?.();
    } finally {
      writeFileSync(this.#at('go'), '');
    }
    await Promise.race([takingBack, ended]);
    if (!over) await stations.beforeTakingBack?.();
    return await ended;
  }
}
