/**
 * A target that ends in encrypted files for git: the stack dev, and the real decryption with a key
 * that the stack itself never has, as a GitOps controller does it: build, then decrypt.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { entryOf, groups, isSecretKey, type SecretKey } from '../../../components/catalog.ts';
import type { TargetName } from '../../../components/delivery/targets.ts';
import { goTool, toolDirectory } from '../../../operations/engine/go.ts';
import { kubernetes, sops } from '../../../rehearsal/tools/tools.ts';
import { canaryValues } from '../../canary-values.ts';
import { Checkout, type FileFacts, type Result } from '../checkout.ts';
import { readOnlyFolder } from './breakage.ts';
import type { ConformingTarget } from './target.ts';
import { everyByteClass } from './values.ts';

const directory = 'gitops/dev';

/** An age key of a controller, outside of the checkout. */
export class AgeKey {
  readonly recipient: string;
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'age-'));

  /** Needs the tool `sops`, which has age-keygen beside it. */
  constructor() {
    this.path = join(this.#folder, 'keys.txt');
    const keygen = join(toolDirectory(sops), 'age-keygen');
    assert.equal(spawnSync(keygen, ['-o', this.path]).status, 0);
    this.recipient = spawnSync(keygen, ['-y', this.path], { encoding: 'utf8' }).stdout.trim();
  }

  /**
   * What the key opens: the document in the clear, or why not.
   * @param more flags of `sops decrypt`
   */
  open(
    document: string,
    ...more: readonly string[]
  ): { readonly text: string } | { readonly reason: string } {
    const words = ['decrypt', '--input-type', 'yaml', '--output-type', 'yaml'];
    const { status, stdout, stderr } = spawnSync(
      join(toolDirectory(sops), 'sops'),
      [...words, ...more, '--filename-override', 'document.yaml'],
      {
        input: document,
        encoding: 'utf8',
        env: { ...process.env, SOPS_AGE_KEY_FILE: this.path, HOME: this.#folder },
      },
    );
    return status === 0 ? { text: stdout } : { reason: stderr };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

export interface SecretManifest extends Manifest {
  readonly data: Readonly<Record<string, string>>;
}

export function isSecret(manifest: Manifest): manifest is SecretManifest {
  return manifest.kind === 'Secret';
}

/**
 * What Flux applies: the folder as Kustomize builds it, each document decrypted afterwards as JSON
 * and, because Kustomize orders fields anew, without a look at the whole's MAC; that of each value
 * is still checked (kustomize-controller, internal/decryptor).
 */
export function builtForFlux(folder: string, key: AgeKey): readonly Manifest[] {
  const kubectl = join(toolDirectory(kubernetes), 'kubectl');
  const built = spawnSync(kubectl, ['kustomize', folder], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
  return parseAllDocuments(built.stdout).map((document) => {
    const built = document.toJSON();
    if (!('sops' in built)) return built as Manifest;
    const opened = key.open(JSON.stringify(built), '--ignore-mac');
    assert.ok('text' in opened, 'reason' in opened ? opened.reason : '');
    return parse(opened.text) as Manifest;
  });
}

export class GitTarget implements ConformingTarget {
  readonly name: TargetName = 'sops';
  readonly stack = 'dev';
  readonly checkout = new Checkout();
  readonly breakages = [readOnlyFolder(() => this.checkout.path(directory))];
  readonly awkward = everyByteClass;
  readonly refused = new Map<string, RegExp>();
  #key: AgeKey | undefined;

  async start(): Promise<void> {
    await goTool(sops);
    await goTool(kubernetes);
    this.#key = new AgeKey();
    await this.checkout.import(canaryValues());
    await this.checkout.pulumi(['config', 'rm', 'targets', '--stack', 'dev']);
    for (const [setting, value] of [
      ['targets[0]', this.name],
      ['recipients[0]', this.#key.recipient],
    ]) {
      const set = ['config', 'set', '--path', String(setting), String(value), '--stack', 'dev'];
      assert.equal((await this.checkout.pulumi(set)).code, 0);
    }
    const { code, stdout, stderr } = await this.run('npm', ['start']);
    assert.equal(code, 0, stdout + stderr);
  }

  async end(): Promise<void> {
    this.#key?.remove();
    this.checkout.remove();
  }

  get environment(): NodeJS.ProcessEnv {
    return { PATH: [toolDirectory(sops), process.env.PATH].join(delimiter) };
  }

  async run(command: string, args: readonly string[], input?: string): Promise<Result> {
    const env = this.environment;
    return await this.checkout.run(command, args, input === undefined ? { env } : { env, input });
  }

  #secrets(): readonly SecretManifest[] {
    assert.ok(this.#key);
    return builtForFlux(this.checkout.path(directory), this.#key).filter(isSecret);
  }

  /** Of all that the controller makes, what the catalog gives the bot. */
  async read(): Promise<ReadonlyMap<SecretKey, string>> {
    const seen = new Map<SecretKey, string>();
    for (const { data, metadata } of this.#secrets()) {
      assert.equal(metadata.namespace, 'hummingbot');
      for (const [key, value] of Object.entries(data)) {
        assert.ok(isSecretKey(key), key);
        if (!entryOf(key).consumers.includes('hummingbot')) continue;
        seen.set(key, Buffer.from(value, 'base64').toString());
      }
    }
    return seen;
  }

  async value(key: SecretKey): Promise<string | undefined> {
    const path = this.#pathOf(key);
    const document = this.checkout.files(directory).get(path);
    if (document === undefined) return undefined;
    const opened = this.#key?.open(Buffer.from(document.content, 'latin1').toString());
    if (opened === undefined || !('text' in opened)) return undefined;
    const value = (parse(opened.text) as SecretManifest).data[key];
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
  }

  #pathOf(key: SecretKey): string {
    return `encrypted/${groups[entryOf(key).group].secretName}.yaml`;
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
    const facts = (of: FileFacts | undefined): string => `${of?.inode} ${of?.modified}`;
    return [...new Set([...before.keys(), ...now.keys()])].filter(
      (path) => facts(before.get(path)) !== facts(now.get(path)),
    );
  }

  async remove(key: SecretKey): Promise<void> {
    rmSync(this.checkout.path(`${directory}/${this.#pathOf(key)}`));
  }

  async edit(key: SecretKey, value: string): Promise<void> {
    const path = this.checkout.path(`${directory}/${this.#pathOf(key)}`);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^( +mac: ).*$/mu, `$1${value}`));
  }

  logs(): ReadonlyMap<string, string> {
    return new Map();
  }
}
