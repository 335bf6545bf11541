/**
 * A stack's config as it is encrypted. Pulumi encrypts, into a copy aside; what it made is set in the
 * stack file by one rename, all of it at once, so that a kill leaves no half of a credential.
 */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { settingsIn, stackFilePath } from '../doctor/config.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { writeDurably, writePrivate } from '../engine/private-file.ts';
import { projectDirectory, projectName, workspace } from '../engine/workspace.ts';
import type { Sealed } from './rotation.ts';

/** A setting of copies alone, for texts that belong to no key of the config. */
const aside = 'aside';
/** Each is a Pulumi of about 100 MB. */
const mostAtOnce = 4;

export class SealedConfig {
  readonly #engine: Engine;
  readonly #path: string;
  /** Folder of the copies. */
  readonly #aside: string;
  #copies = 0;
  #open = 0;
  /** Values that were sealed or opened here, by their ciphertext: nobody is asked to open them again. */
  readonly #known = new Map<string, string>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#path = stackFilePath(engine.stack);
    this.#aside = join(workspace.rotations, `aside-${engine.stack}`);
  }

  /** @param path `trading.binance_api_key` @returns null where the config has nothing of it */
  sealed(path: string, text = readFileSync(this.#path, 'utf8')): Sealed {
    const node = parseDocument(text).getIn([...placeOf(path), 'secure']);
    return typeof node === 'string' ? node : null;
  }

  /**
   * Sets all of them, or takes them out, by one rename.
   * @param last what is to be said of the last rotation of groups
   */
  set(values: ReadonlyMap<string, Sealed>, last: ReadonlyMap<string, string | null>): void {
    const before = readFileSync(this.#path, 'utf8');
    const after = withLast(withSealed(before, values), last);
    if (after !== before) writeDurably(this.#path, after, statSync(this.#path).mode & 0o777);
  }

  /**
   * Has Pulumi encrypt values, which it gets by standard input: some at once, because each derives the
   * passphrase's key anew.
   * @param values by path
   * @throws CommandError when it does not
   */
  async seal(values: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> {
    const text = readFileSync(this.#path, 'utf8');
    const left = [...values];
    const sealed = new Map<string, string>();
    const sealSome = async (aside: string): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [path, value] = next;
        const words = ['config', 'set', '--secret', '--path', path];
        const { code } = await this.#ask(aside, words, value);
        const made = code === 0 ? this.sealed(path, readFileSync(aside, 'utf8')) : null;
        if (made === null) throw unsealed(path, 'pulumi config set', code);
        sealed.set(path, made);
        this.#known.set(made, value);
      }
    };
    const count = Math.min(availableParallelism(), mostAtOnce, values.size);
    const ended = await Promise.allSettled(
      Array.from({ length: count }, async () => await this.#beside(text, sealSome)),
    );
    for (const each of ended) if (each.status === 'rejected') throw each.reason;
    return new Map([...values.keys()].map((path) => [path, sealed.get(path) ?? '']));
  }

  /**
   * Has Pulumi decrypt values. What it gives is secret, and stays in this process.
   * @param values by path
   * @throws CommandError when they do not open
   */
  async open(values: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> {
    const opened = await this.#decrypted([...values.values()]);
    const [first = ''] = values.keys();
    if (typeof opened === 'number') throw unsealed(first, 'pulumi config', opened);
    return new Map([...values].map(([path, sealed]) => [path, opened.get(sealed) ?? '']));
  }

  /**
   * The same of any ciphertext, whatever key it belongs to.
   * @returns values by their ciphertext; undefined when they do not open, as behind a change of the
   *   stack's key
   */
  async openAll(texts: readonly string[]): Promise<ReadonlyMap<string, string> | undefined> {
    const opened = await this.#decrypted(texts);
    return typeof opened === 'number' ? undefined : opened;
  }

  /** One run for all that is not known yet. @returns values by their ciphertext, or its exit code */
  async #decrypted(texts: readonly string[]): Promise<ReadonlyMap<string, string> | number> {
    const left = [...new Set(texts)].filter((sealed) => !this.#known.has(sealed));
    const code = left.length === 0 ? 0 : await this.#learn(left);
    return code === 0
      ? new Map(texts.map((sealed) => [sealed, this.#known.get(sealed) ?? '']))
      : code;
  }

  async #learn(texts: readonly string[]): Promise<number> {
    const name = (at: number): string => `t${at}`;
    const changes = texts.map((now, at): Change => {
      const place = ['config', `${projectName}:${aside}`, name(at)];
      return { place, leaf: [...place, 'secure'], now };
    });
    const text = withChanges(readFileSync(this.#path, 'utf8'), changes);
    return await this.#beside(text, async (path) => {
      const { code, stdout } = await this.#ask(path, ['config', '--json', '--show-secrets']);
      if (code !== 0) return code;
      const settings = settingsIn(stdout);
      for (const [at, sealed] of texts.entries()) {
        this.#known.set(sealed, valueIn(settings, `${aside}.${name(at)}`) ?? '');
      }
      return 0;
    });
  }

  /** What a killed run has left there goes too. */
  async #beside<T>(text: string, use: (aside: string) => Promise<T>): Promise<T> {
    this.#copies += 1;
    this.#open += 1;
    const path = join(this.#aside, `Pulumi.${this.#engine.stack}.${this.#copies}.yaml`);
    try {
      writePrivate(path, text);
      return await use(path);
    } finally {
      this.#open -= 1;
      if (this.#open === 0) rmSync(this.#aside, { recursive: true, force: true });
    }
  }

  async #ask(aside: string, words: readonly string[], input?: string) {
    const { stack } = this.#engine;
    return await this.#engine.ask([...words, '--config-file', aside, '--stack', stack], input);
  }
}

/** @param settings opened, by name @returns undefined where there is nothing of it */
export function valueIn(
  settings: Readonly<Record<string, unknown>>,
  path: string,
): string | undefined {
  const [group = '', key = ''] = path.split('.');
  const map = settings[group] as Readonly<Record<string, unknown>> | undefined;
  const value = map !== null && typeof map === 'object' ? map[key] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** The text of a stack file with other ciphertext. */
export function withSealed(text: string, values: ReadonlyMap<string, Sealed>): string {
  const changes = [...values].map(([path, sealed]): Change => {
    const place = placeOf(path);
    return { place, leaf: [...place, 'secure'], now: sealed };
  });
  return withChanges(text, changes);
}

/** The text of a stack file that says something else of the last rotation of groups. */
export function withLast(text: string, last: ReadonlyMap<string, string | null>): string {
  const changes = [...last].map(([group, now]): Change => {
    const place = ['config', `${projectName}:rotation`, 'last', group];
    return { place, leaf: place, now };
  });
  return withChanges(text, changes);
}

interface Change {
  readonly place: readonly string[];
  /** Where the text itself stands. */
  readonly leaf: readonly string[];
  /** Null takes it out. */
  readonly now: string | null;
}

function withChanges(text: string, changes: readonly Change[]): string {
  const document = parseDocument(text);
  let changed = false;
  for (const { place, leaf, now } of changes) {
    if (now === (document.getIn(leaf) ?? null)) continue;
    changed = true;
    if (now !== null) {
      document.setIn(leaf, now);
      continue;
    }
    document.deleteIn(place);
    // What is empty without it.
    for (let at = place.slice(0, -1); at.length > 1; at = at.slice(0, -1)) {
      const map = document.getIn(at);
      if (isMap(map) && map.items.length === 0) document.deleteIn(at);
    }
  }
  // As it is indented now: by four from Pulumi, by two from most people.
  const indent = /^config:\n( +)/mu.exec(text)?.[1]?.length ?? 2;
  return changed ? document.toString({ lineWidth: 0, flowCollectionPadding: false, indent }) : text;
}

function placeOf(path: string): readonly string[] {
  const [group = '', key = ''] = path.split('.');
  return ['config', `${projectName}:${group}`, key];
}

function unsealed(path: string, by: string, code: number): CommandError {
  return new CommandError(
    `${path}: got exit code ${code} from ${by}; allowed: a config that Pulumi opens; fix: npm run doctor says what is wrong with it; nothing was changed`,
  );
}

/** Values of the same keys in another stack, as far as whoever runs this can open them. */
export async function valuesElsewhere(
  engine: Engine,
  other: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string> | 'closed'> {
  const own = stackFilePath(other);
  const file = existsSync(own) ? own : join(projectDirectory, `Pulumi.${other}.yaml`);
  const document = parseDocument(readFileSync(file, 'utf8'));
  if (!paths.some((path) => document.hasIn(placeOf(path)))) return new Map();
  const words = ['config', '--json', '--show-secrets', '--config-file', file, '--stack', other];
  const { code, stdout } = await engine.ask(words);
  if (code !== 0) return 'closed';
  const settings = settingsIn(stdout);
  return new Map(
    paths.flatMap((path) => {
      const value = valueIn(settings, path);
      return value === undefined ? [] : [[path, value] as const];
    }),
  );
}
