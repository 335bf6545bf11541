/** What a revocation that an overlap held back does to a real stack. */
import type { Engine } from '../engine/engine.ts';
import { author } from './author.ts';
import { Copies } from './copies.ts';
import { loadJournal, storeJournal, storeRecord } from './files.ts';
import { hookOf } from './hooks.ts';
import { type Kept, without } from './journal.ts';
import type { Item } from './ledger.ts';
import { keyOf } from './new-values.ts';
import type { RevokingHands } from './pending.ts';
import { confirmationOf } from './record.ts';
import { revoke } from './revocation.ts';
import { groupsOf } from './rotation.ts';
import { type Scope, tagOf } from './scope.ts';
import { SealedConfig, valueIn } from './sealed-config.ts';
import { StateValues } from './state-values.ts';

export class OwnRevokingHands implements RevokingHands {
  readonly #engine: Engine;
  readonly #config: SealedConfig;
  readonly #scope: Scope;

  constructor(engine: Engine, scope: Scope) {
    this.#engine = engine;
    this.#config = new SealedConfig(engine);
    this.#scope = scope;
  }

  async revokeOld({ keys, items, compromised }: Kept): Promise<ReadonlyMap<string, string>> {
    const { settings } = this.#scope;
    const hooked = keys.filter(({ path }) => hookOf(settings, 'revoke', keyOf(path)) !== undefined);
    if (hooked.length === 0) return new Map();
    const opened = await this.#config.openAll(hooked.flatMap(({ old }) => old ?? []));
    if (opened === undefined) {
      const paths = hooked.map(({ path }) => path).join(', ');
      const ids = items.map(({ id }) => id).join(', ');
      console.error(
        `${paths}: got old values that do not open any more, as behind another passphrase or key, so no hook is asked; allowed: values of the stack's own key; fix: revoke them where they were made, then npm run rotate -- --stack ${this.#engine.stack} --confirm ID (${ids})`,
      );
      return new Map();
    }
    const found = await Copies.look(this.#engine, groupsOf(hooked));
    const used = await this.#inUse(hooked, opened);
    for (const path of used) {
      const { stack } = this.#engine;
      console.error(
        `${path}: got the old value, in use again, so it is not revoked; allowed: another one; fix: npm run rotate -- --stack ${stack} ${path}`,
      );
    }
    const old = hooked
      .filter(({ path }) => !used.includes(path))
      .filter((each) => compromised || !groupsOf([each]).some((group) => found.isLeft(group)))
      .map((each) => ({ ...each, worth: true }));
    const revoked = await revoke(old, {
      stack: this.#engine.stack,
      settings,
      open: async (sealed) => await this.#config.open(sealed),
    });
    return new Map(
      items.flatMap(({ id, key }) => {
        const by = revoked.get(key);
        return by === undefined ? [] : [[id, by] as const];
      }),
    );
  }

  /** Paths whose old value somebody has set again, or an `up` has delivered again. */
  async #inUse(
    keys: Kept['keys'],
    opened: ReadonlyMap<string, string>,
  ): Promise<readonly string[]> {
    const { settings, outputs } = this.#scope;
    const state = await StateValues.of(this.#engine);
    return keys
      .filter(({ path, old }) => {
        const value = opened.get(old ?? '');
        if (value === undefined) return false;
        return (
          valueIn(settings, path) === value || tagOf(outputs, path) === state.tagOf(path, value)
        );
      })
      .map(({ path }) => path);
  }

  async removeCopies(groups: readonly string[]): Promise<readonly string[]> {
    return await (await Copies.look(this.#engine, groups)).remove();
  }

  confirm(item: Item, by: string): void {
    const { stack } = this.#engine;
    const at = new Date().toISOString();
    storeRecord(stack, confirmationOf(item, stack, { at, who: author(), why: '', by }));
    storeJournal(stack, without(loadJournal(stack), [item.id]));
  }
}
