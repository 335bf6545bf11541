/** Copies of old values that stores keep of themselves: which groups have some, and taking them away. */
import { openConfig } from '../doctor/config.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { awsVersionOf, removeAwsCopies } from './aws-copies.ts';
import { oldPlaces } from './old-places.ts';
import { StackState } from './stack-state.ts';
import { removeVaultCopies, vaultSecretOf } from './vault-copies.ts';

/**
 * Says what should be gone and is not.
 * @returns groups of which an old value is, or may be, somewhere
 */
export async function heldCopies(
  engine: Engine,
  groups: readonly string[],
): Promise<readonly string[]> {
  const { left, state } = await look(engine, groups);
  const isStored = (group: string): boolean =>
    [awsVersionOf, vaultSecretOf].some((find) => find(group, state) !== undefined);
  return groups.filter((group) => left.has(group) || isStored(group));
}

/**
 * Takes old versions away, of groups of which nothing old is elsewhere.
 * @returns groups of which no copy is left; of the others it has said why
 */
export async function removeCopies(
  engine: Engine,
  groups: readonly string[],
): Promise<readonly string[]> {
  const { left, state } = await look(engine, groups);
  const gone: string[] = [];
  for (const group of groups.filter((each) => !left.has(each))) {
    try {
      for (const remove of [removeAwsCopies, removeVaultCopies]) {
        const removed = await remove(group, state);
        if (removed !== undefined) console.log(`  ${removed.place}: ${counted(removed.count)}`);
      }
      gone.push(group);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      console.error(`${error.message}, then npm run rotate -- --stack ${engine.stack} --revoke`);
    }
  }
  return gone;
}

function counted(versions: number): string {
  if (versions === 0) return 'no old version is left';
  return versions === 1 ? '1 old version removed' : `${versions} old versions removed`;
}

interface Looked {
  /** Groups of which something old is, or may be, where an `up` should have taken it away. */
  readonly left: ReadonlySet<string>;
  readonly state: StackState;
}

async function look(engine: Engine, groups: readonly string[]): Promise<Looked> {
  const { stack } = engine;
  const { settings } = await openConfig(engine);
  const state = await StackState.of(engine);
  if (state.unfinished > 0) {
    console.error(
      `state of stack ${stack}: got ${state.unfinished} resources that an up has left unfinished; allowed: none; fix: npm start -- --stack ${stack}, then npm run rotate -- --stack ${stack} --revoke`,
    );
    return { left: new Set(groups), state };
  }
  const left = await oldPlaces({ stack, groups, state, settings });
  for (const line of new Set(left.map((each) => each.line))) console.error(line);
  return { left: new Set(left.map(({ group }) => group)), state };
}
