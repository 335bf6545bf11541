/** What is left of old values: where an `up` should have taken them away, and in stores, which keep copies. */
import { openConfig } from '../doctor/config.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { awsVersionOf, removeAwsCopies } from './aws-copies.ts';
import { oldPlaces } from './old-places.ts';
import { StackState } from './stack-state.ts';
import { removeVaultCopies, vaultSecretOf } from './vault-copies.ts';

export class Copies {
  readonly #engine: Engine;
  readonly #groups: readonly string[];
  readonly #state: StackState;
  readonly #left: ReadonlySet<string>;

  private constructor(
    engine: Engine,
    groups: readonly string[],
    state: StackState,
    left: ReadonlySet<string>,
  ) {
    this.#engine = engine;
    this.#groups = groups;
    this.#state = state;
    this.#left = left;
  }

  /** Looks where an `up` should have taken old values away, and says of each that is still there. */
  static async look(engine: Engine, groups: readonly string[]): Promise<Copies> {
    const { stack } = engine;
    const { settings } = await openConfig(engine);
    const state = await StackState.of(engine);
    if (state.unfinished > 0) {
      console.error(
        `state of stack ${stack}: got resources that an up has left unfinished (${state.unfinished}); allowed: none; fix: npm start -- --stack ${stack}, then npm run rotate -- --stack ${stack} --revoke`,
      );
      return new Copies(engine, groups, state, new Set(groups));
    }
    const left = await oldPlaces({ stack, groups, state, settings });
    for (const line of new Set(left.map((each) => each.line))) console.error(line);
    return new Copies(engine, groups, state, new Set(left.map(({ group }) => group)));
  }

  /** Whether what an `up` should have taken away of a group is, or may be, still there. */
  isLeft(group: string): boolean {
    return this.#left.has(group);
  }

  /** Groups of which an old value is, or may be, somewhere. */
  get held(): readonly string[] {
    const isStored = (group: string): boolean =>
      [awsVersionOf, vaultSecretOf].some((find) => find(group, this.#state) !== undefined);
    return this.#groups.filter((group) => this.isLeft(group) || isStored(group));
  }

  /**
   * Takes old versions away, of groups of which nothing old is elsewhere.
   * @returns groups of which no copy is left; of the others it has said why
   */
  async remove(): Promise<readonly string[]> {
    const gone: string[] = [];
    for (const group of this.#groups.filter((each) => !this.isLeft(each))) {
      try {
        for (const remove of [removeAwsCopies, removeVaultCopies]) {
          const removed = await remove(group, this.#state);
          if (removed !== undefined) console.log(`  ${removed.place}: ${counted(removed.count)}`);
        }
        gone.push(group);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        const { stack } = this.#engine;
        console.error(`${error.message}, then npm run rotate -- --stack ${stack} --revoke`);
      }
    }
    return gone;
  }
}

function counted(versions: number): string {
  if (versions === 0) return 'no old version is left';
  return versions === 1 ? '1 old version removed' : `${versions} old versions removed`;
}
