/**
 * A target that ends in files of this machine: the stack dev, and a real Docker Engine whose Compose
 * starts what is written. The container is a shell: what the bot makes of it is asked elsewhere
 * (docker-engine.e2e.ts).
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { isSecretKey, type SecretKey } from '../../../components/catalog.ts';
import type { TargetName } from '../../../components/delivery/targets.ts';
import { goTool } from '../../../operations/engine/go.ts';
import { DockerEngine } from '../../../rehearsal/docker-engine.ts';
import { dockerCompose } from '../../../rehearsal/tools/tools.ts';
import { canaryValues } from '../../canary-values.ts';
import { Checkout, type FileFacts, type Result } from '../checkout.ts';
import type { ConformingTarget } from './target.ts';

const directory = 'out/dev';

export abstract class FileTarget implements ConformingTarget {
  abstract readonly name: TargetName;
  readonly stack = 'dev';
  readonly checkout = new Checkout();
  abstract readonly awkward: string;
  abstract readonly refused: ReadonlyMap<string, RegExp>;
  #engine: DockerEngine | undefined;
  #compose = '';

  /** What Compose is told of where the values are. */
  protected abstract readonly flags: readonly string[];
  /** Prints the container's keys and values, each ended by a NUL. */
  protected abstract readonly print: string;
  /** The file that a key lies in, below the stack's folder. */
  protected abstract fileOf(key: SecretKey): string;
  abstract value(key: SecretKey): Promise<string | undefined>;

  async start(): Promise<void> {
    this.#compose = await goTool(dockerCompose);
    this.#engine = await DockerEngine.start();
    const { config } = parse(this.checkout.read('Pulumi.yaml'));
    this.#engine.importImage(config.image.default);
    await this.checkout.import(canaryValues());
    await this.checkout.pulumi(['config', 'rm', 'targets', '--stack', 'dev']);
    const set = ['config', 'set', '--path', 'targets[0]', this.name, '--stack', 'dev'];
    assert.equal((await this.checkout.pulumi(set)).code, 0);
    const { code, stderr } = await this.checkout.npmStart();
    assert.equal(code, 0, stderr);
  }

  async end(): Promise<void> {
    await this.#engine?.stop();
    this.checkout.remove();
  }

  get environment(): NodeJS.ProcessEnv {
    return this.#engine?.environment ?? {};
  }

  async run(command: string, args: readonly string[], input?: string): Promise<Result> {
    const env = this.environment;
    return await this.checkout.run(command, args, input === undefined ? { env } : { env, input });
  }

  /** What a container of the bot's service has, as Docker Compose starts it. */
  async read(): Promise<ReadonlyMap<SecretKey, string>> {
    const words = ['--project-directory', directory, ...this.flags, 'run', '--rm', '--no-deps'];
    const shell = ['--entrypoint', '/bin/sh', 'hummingbot', '-c', this.print];
    const { code, stdout, stderr } = await this.run(this.#compose, [...words, ...shell]);
    assert.equal(code, 0, stderr);
    // It was asked for: no leak.
    const { printed } = this.checkout;
    printed.splice(printed.lastIndexOf(stdout), 1);
    const parts = stdout.split('\0');
    const seen = new Map<SecretKey, string>();
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const key = (parts[at] ?? '').toLowerCase();
      if (isSecretKey(key)) seen.set(key, parts[at + 1] ?? '');
    }
    return seen;
  }

  protected content(path: string): string | undefined {
    const facts = this.checkout.files(directory).get(path);
    return facts && Buffer.from(facts.content, 'latin1').toString();
  }

  async places(): Promise<readonly string[]> {
    return [...this.checkout.files(directory).keys()].toSorted();
  }

  async mark(): Promise<ReadonlyMap<string, FileFacts>> {
    return this.checkout.files(directory);
  }

  async writes(mark: unknown): Promise<readonly string[]> {
    const before = mark as ReadonlyMap<string, FileFacts>;
    const now = this.checkout.files(directory);
    const facts = (of: FileFacts | undefined): string => `${of?.inode} ${of?.modified} ${of?.mode}`;
    return [...new Set([...before.keys(), ...now.keys()])].filter(
      (path) => facts(before.get(path)) !== facts(now.get(path)),
    );
  }

  async remove(key: SecretKey): Promise<void> {
    rmSync(this.checkout.path(`${directory}/${this.fileOf(key)}`));
  }

  async edit(key: SecretKey, value: string): Promise<void> {
    const path = this.checkout.path(`${directory}/${this.fileOf(key)}`);
    rmSync(path);
    writeFileSync(path, value);
  }

  logs(): ReadonlyMap<string, string> {
    return new Map();
  }
}
