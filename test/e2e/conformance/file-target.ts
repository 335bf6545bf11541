/** A target that ends in files of this machine: the stack dev, and whoever reads what is written. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import type { SecretKey } from '../../../components/catalog.ts';
import type { TargetName } from '../../../components/delivery/targets.ts';
import { canaryValues } from '../../canary-values.ts';
import { Checkout, type FileFacts, type Result } from '../checkout.ts';
import { readOnlyFolder } from './breakage.ts';
import type { ConformingTarget } from './target.ts';

export const directory = 'out/dev';

export abstract class FileTarget implements ConformingTarget {
  abstract readonly name: TargetName;
  readonly stack = 'dev';
  readonly checkout = new Checkout();
  readonly breakages = [readOnlyFolder(() => this.checkout.path(directory))];
  abstract readonly awkward: string;
  abstract readonly refused: ReadonlyMap<string, RegExp>;

  /** The file that a key lies in, below the stack's folder. */
  protected abstract fileOf(key: SecretKey): string;
  abstract value(key: SecretKey): Promise<string | undefined>;
  abstract read(): Promise<ReadonlyMap<SecretKey, string>>;

  async start(): Promise<void> {
    await this.checkout.import(canaryValues());
    await this.checkout.pulumi(['config', 'rm', 'targets', '--stack', 'dev']);
    const set = ['config', 'set', '--path', 'targets[0]', this.name, '--stack', 'dev'];
    assert.equal((await this.checkout.pulumi(set)).code, 0);
    const { code, stderr } = await this.checkout.npmStart();
    assert.equal(code, 0, stderr);
  }

  async end(): Promise<void> {
    this.checkout.remove();
  }

  get environment(): NodeJS.ProcessEnv {
    return {};
  }

  async run(command: string, args: readonly string[], input?: string): Promise<Result> {
    const env = this.environment;
    return await this.checkout.run(command, args, input === undefined ? { env } : { env, input });
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
