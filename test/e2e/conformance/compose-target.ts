/**
 * A target whose files a bot reads that Docker Compose runs: a real Docker Engine, whose Compose starts
 * what is written. The container is a shell: what the bot makes of it is asked elsewhere
 * (docker-engine.e2e.ts).
 */
import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { isSecretKey, type SecretKey } from '../../../components/catalog.ts';
import { goTool } from '../../../operations/engine/go.ts';
import { DockerEngine } from '../../../rehearsal/docker-engine.ts';
import { dockerCompose } from '../../../rehearsal/tools/tools.ts';
import { directory, FileTarget } from './file-target.ts';

export abstract class ComposeTarget extends FileTarget {
  #engine: DockerEngine | undefined;
  #compose = '';

  /** What Compose is told of where the values are. */
  protected abstract readonly flags: readonly string[];
  /** Prints the container's keys and values, each ended by a NUL. */
  protected abstract readonly print: string;

  override async start(): Promise<void> {
    this.#compose = await goTool(dockerCompose);
    this.#engine = await DockerEngine.start();
    const { config } = parse(this.checkout.read('Pulumi.yaml'));
    this.#engine.importImage(config.image.default);
    await super.start();
  }

  override async end(): Promise<void> {
    await this.#engine?.stop();
    await super.end();
  }

  override get environment(): NodeJS.ProcessEnv {
    return this.#engine?.environment ?? {};
  }

  /** What a container of the bot's service has, as Docker Compose starts it. */
  async read(): Promise<ReadonlyMap<SecretKey, string>> {
    const words = ['--project-directory', directory, ...this.flags, 'run', '--rm', '--no-deps'];
    const shell = ['--entrypoint', '/bin/sh', 'hummingbot', '-c', this.print];
    const { code, stdout, stderr } = await this.run(this.#compose, [...words, ...shell]);
    assert.equal(code, 0, stderr);
    // It was asked for: no leak.
    this.checkout.forget(stdout);
    const parts = stdout.split('\0');
    const seen = new Map<SecretKey, string>();
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const key = (parts[at] ?? '').toLowerCase();
      if (isSecretKey(key)) seen.set(key, parts[at + 1] ?? '');
    }
    return seen;
  }
}
