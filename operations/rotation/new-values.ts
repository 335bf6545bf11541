/**
 * The second step: new values, of which each is what its key may have, and none the old one, one that
 * was replaced before, or another environment's. What passes leaves as ciphertext.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { entryOf, isSecretKey, type SecretKey } from '../../components/catalog.ts';
import { placeholderOf, refusalOf } from '../../components/shape.ts';
import { lineOf, type Mistake } from '../../settings/mistake.ts';
import { mistakesOf, stackFilePath } from '../doctor/config.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { projectDirectory } from '../engine/workspace.ts';
import type { Journal } from './journal.ts';
import { type Ledger, usedAfterAll } from './ledger.ts';
import type { RotatedKey } from './rotation.ts';
import { isWorthless, type Scope, tagOf } from './scope.ts';
import { type SealedConfig, valueIn, valuesElsewhere, withSealed } from './sealed-config.ts';
import { pathOf } from './selection.ts';
import { StateValues } from './state-values.ts';

/** The key of a path of the catalog. */
export function keyOf(path: string): SecretKey {
  const key = path.split('.')[1] ?? '';
  if (!isSecretKey(key)) throw new Error('a journal with a key that the catalog does not have');
  return key;
}

export interface TakenValues {
  readonly keys: readonly RotatedKey[];
  readonly uncompared: readonly string[];
  /** Items of new credentials that an earlier rotation did not use, and this one does. */
  readonly voids: readonly string[];
}

export class NewValues {
  readonly #engine: Engine;
  readonly #config: SealedConfig;
  readonly #scope: Scope;
  readonly #command: string;

  /** @param command that is run again when something is mended */
  constructor(engine: Engine, config: SealedConfig, scope: Scope, command: string) {
    this.#engine = engine;
    this.#config = config;
    this.#scope = scope;
    this.#command = command;
  }

  /**
   * @param given new values by key
   * @throws CommandError with a line for each that is refused; nothing has changed then
   */
  async take(
    keys: readonly SecretKey[],
    given: ReadonlyMap<SecretKey, string>,
    journal: Journal,
    ledger: Ledger,
  ): Promise<TakenValues> {
    const values = new Map(keys.map((key) => [key, given.get(key) ?? ''] as const));
    this.#refuse(malformed(values));
    const [state, others, replaced] = await Promise.all([
      StateValues.of(this.#engine),
      this.#elsewhere(keys.map(pathOf)),
      this.#replacedBefore(values, journal),
    ]);
    const olds = new Map(keys.map((key) => [key, this.#oldOf(key, state)] as const));
    this.#refuseUndelivered(olds, state);
    this.#refuse([
      ...same(values, olds, 'the old value, which it already has'),
      ...replaced,
      ...others.flatMap(([stack, theirs]) =>
        theirs === 'closed' ? [] : same(values, theirs, `the same value as stack ${stack} has`),
      ),
      ...(await this.#unfit(values)),
    ]);
    const sealed = await this.#config.seal(byPath(values));
    const generated = [...olds].filter(
      ([key, old]) => old !== undefined && this.#config.sealed(pathOf(key)) === null,
    );
    const worthwhile = generated.filter(([key, old]) => !isWorthless(key, old ?? ''));
    const before = await this.#config.seal(byPath(new Map(worthwhile)));
    const rotated = keys.map((key) => {
      const path = pathOf(key);
      const old = olds.get(key);
      return {
        path,
        old: this.#config.sealed(path) ?? before.get(path) ?? null,
        new: sealed.get(path) ?? null,
        unset: this.#config.sealed(path) === null,
        oldTag: tagOf(this.#scope.outputs, path) ?? '',
        newTag: state.tagOf(path, values.get(key) ?? ''),
        worth: old !== undefined && !isWorthless(key, old),
      };
    });
    return {
      uncompared: others.flatMap(([stack, theirs]) => (theirs === 'closed' ? [stack] : [])),
      keys: rotated,
      voids: usedAfterAll(ledger, new Map(rotated.map(({ path, newTag }) => [path, newTag]))),
    };
  }

  /** The value that is delivered now; undefined for what is left out. */
  #oldOf(key: SecretKey, state: StateValues): string | undefined {
    const path = pathOf(key);
    const set = valueIn(this.#scope.settings, path);
    if (set !== undefined) return set;
    const { source, optional, shape } = entryOf(key);
    if (source === 'generated') return state.generated(path);
    const filled = String(this.#scope.settings.placeholders) === 'true';
    if (!filled && optional) return undefined;
    return filled ? placeholderOf(shape, key) : undefined;
  }

  /** What is to be the old value must be what every place has. */
  #refuseUndelivered(olds: ReadonlyMap<SecretKey, string | undefined>, state: StateValues): void {
    const late = [...olds].filter(([key, old]) => {
      const path = pathOf(key);
      const tag = old === undefined ? undefined : state.tagOf(path, old);
      return tagOf(this.#scope.outputs, path) !== tag;
    });
    const { stack } = this.#engine;
    this.#refuse(
      late.map(([key]) => ({
        what: pathOf(key),
        got: 'a value that is set and not delivered yet',
        allowed: 'one that every target has',
        fix: `npm start -- --stack ${stack}, then ${this.#command}`,
      })),
    );
  }

  /** Values of the other stacks, by stack, as far as they open. */
  async #elsewhere(paths: readonly string[]) {
    const stacks = readdirSync(projectDirectory).flatMap((name) => {
      const [, stack] = /^Pulumi\.([a-z0-9_-]+)\.yaml$/u.exec(name) ?? [];
      return stack === undefined || stack === this.#engine.stack ? [] : [stack];
    });
    return await Promise.all(
      stacks.map(async (stack) => {
        const values = await valuesElsewhere(this.#engine, stack, paths);
        const known =
          values === 'closed'
            ? values
            : new Map([...values].map(([path, value]) => [keyOf(path), value] as const));
        return [stack, known] as const;
      }),
    );
  }

  /** An older credential is about to be revoked: whoever wants it back says so. */
  async #replacedBefore(
    values: ReadonlyMap<SecretKey, string>,
    journal: Journal,
  ): Promise<readonly Mistake[]> {
    const olds = journal.kept
      .flatMap(({ keys }) => keys)
      .flatMap(({ path, old }) => (old === null ? [] : [{ key: keyOf(path), old }]))
      .filter(({ key }) => values.has(key));
    // One run for all of them: within an overlap there is one more with each rotation.
    const opened = await this.#config.openAll(olds.map(({ old }) => old));
    if (opened === undefined) {
      console.log(
        '  not compared with values that were replaced before, which do not open any more',
      );
      return [];
    }
    const again = olds.filter(({ key, old }) => opened.get(old) === values.get(key));
    const found = new Map(again.map(({ key, old }) => [key, opened.get(old)] as const));
    return same(values, found, 'a value that was replaced and is to be revoked');
  }

  /** What the settings, and the targets among them, say of the new values. */
  async #unfit(values: ReadonlyMap<SecretKey, string>): Promise<readonly Mistake[]> {
    const { stack } = this.#engine;
    const settings: { [name: string]: unknown } = { ...this.#scope.settings };
    for (const [key, value] of values) {
      const { group } = entryOf(key);
      settings[group] = { ...(settings[group] as object | undefined), [key]: value };
    }
    const marks = new Map([...values.keys()].map((key) => [pathOf(key), 'v1:new'] as const));
    const text = withSealed(readFileSync(stackFilePath(stack), 'utf8'), marks);
    const fix = `${this.#command}, with another value`;
    return (await mistakesOf(stack, settings, text)).map((mistake) => ({ ...mistake, fix }));
  }

  #refuse(mistakes: readonly (Omit<Mistake, 'fix'> & { readonly fix?: string })[]): void {
    if (mistakes.length === 0) return;
    const fix = `${this.#command}, with another value`;
    const lines = mistakes.map(
      (each) => `${lineOf({ ...each, fix: each.fix ?? fix })}; nothing was changed`,
    );
    throw new CommandError(lines.join('\n'));
  }
}

/** Each against the shape of its key, and against the others: a key pasted twice is none of them. */
function malformed(values: ReadonlyMap<SecretKey, string>): readonly Omit<Mistake, 'fix'>[] {
  const seen = new Map<string, SecretKey>();
  return [...values].flatMap(([key, value]) => {
    const what = pathOf(key);
    const refusal = refusalOf(entryOf(key).shape, value);
    if (refusal !== undefined) return [{ what, ...refusal }];
    const allowed = 'a value of your own';
    if (isWorthless(key, value)) return [{ what, got: 'a placeholder or an example', allowed }];
    const twin = seen.get(value);
    seen.set(value, key);
    return twin === undefined
      ? []
      : [{ what, got: `the same value as ${pathOf(twin)}`, allowed: 'another one' }];
  });
}

function same(
  values: ReadonlyMap<SecretKey, string>,
  others: ReadonlyMap<SecretKey, string | undefined>,
  got: string,
): readonly Mistake[] {
  return [...values].flatMap(([key, value]) =>
    others.get(key) === value
      ? [{ what: pathOf(key), got, allowed: 'a new one', fix: 'make one at its issuer' }]
      : [],
  );
}

function byPath(values: ReadonlyMap<SecretKey, string | undefined>): ReadonlyMap<string, string> {
  return new Map([...values].map(([key, value]) => [pathOf(key), value ?? ''] as const));
}
