/** A target that ends in a namespace, on the servers of a rehearsal; its consumer is the bot's pod. */
import assert from 'node:assert/strict';
import { entryOf, groups, type SecretKey } from '../../../components/catalog.ts';
import type { TargetName } from '../../../components/delivery/targets.ts';
import { differences } from '../../../rehearsal/keystore.ts';
import { shownRequest } from '../audit-log.ts';
import type { Checkout, Result } from '../checkout.ts';
import { type Mark, RehearsedStack } from '../rehearsed-stack.ts';
import { type Breakage, noSecretWritten } from './breakage.ts';
import type { ConformingTarget } from './target.ts';
import { everyByteClass, pairsIn } from './values.ts';

export interface ClusterTargetArgs {
  readonly name: TargetName;
  readonly owner?: ConformingTarget['owner'];
  /** What lies at the target outside of the cluster. */
  readonly stored?: (stack: RehearsedStack) => Promise<readonly string[]>;
  /** Whether the stack is protected; what a store holds of a group cannot be taken away then. @default true */
  readonly protect?: boolean;
  /** What a user does before a group that was taken away comes back. @default - nothing */
  readonly bringBack?: (stack: RehearsedStack) => Promise<void>;
  /** All that was ever written there, by whoever deploys. @default - AWS's is known */
  readonly storeWrites?: (stack: RehearsedStack) => readonly string[];
  /** How its store fails; that the namespace takes no Secret is known. @default - it has no store */
  readonly storeFails?: (stack: RehearsedStack) => Breakage;
  /** Done once the stack is up, and what undoes it. @default - nothing */
  readonly prepare?: (stack: RehearsedStack) => Promise<() => Promise<void>>;
}

interface StoreMark extends Mark {
  readonly store: number;
}

export class ClusterTarget implements ConformingTarget {
  readonly name: TargetName;
  readonly stack = 'prod';
  readonly checkout: Checkout;
  readonly owner?: NonNullable<ConformingTarget['owner']>;
  readonly awkward = everyByteClass;
  readonly refused = new Map<string, RegExp>();
  readonly #stack: RehearsedStack;
  readonly #stored: (stack: RehearsedStack) => Promise<readonly string[]>;
  readonly #storeWrites: (stack: RehearsedStack) => readonly string[];
  readonly #bringBack: (stack: RehearsedStack) => Promise<void>;
  readonly breakages: readonly Breakage[];
  readonly #prepare: NonNullable<ClusterTargetArgs['prepare']>;
  #undo = async (): Promise<void> => {};

  constructor(args: ClusterTargetArgs) {
    const { name, owner, protect = true, stored = async () => [], storeWrites = () => [] } = args;
    this.#bringBack = args.bringBack ?? (async () => {});
    this.name = name;
    if (owner !== undefined) this.owner = owner;
    this.#stored = stored;
    this.#storeWrites = storeWrites;
    this.#stack = new RehearsedStack(this.stack);
    this.#stack.commit('targets', [name]);
    if (!protect) this.#stack.commit('protect', false);
    this.checkout = this.#stack.checkout;
    const store = args.storeFails?.(this.#stack);
    this.breakages = [...(store === undefined ? [] : [store]), noSecretWritten(this.#stack)];
    this.#prepare = args.prepare ?? (async () => async () => {});
  }

  async start(): Promise<void> {
    await this.#stack.start();
    this.#undo = await this.#prepare(this.#stack);
  }

  async end(): Promise<void> {
    await this.#undo();
    await this.#stack.end();
  }

  get environment(): NodeJS.ProcessEnv {
    return this.#stack.environment;
  }

  async run(command: string, args: readonly string[], input?: string): Promise<Result> {
    return await this.#stack.run(command, args, input);
  }

  /** The files that the pod sees; the bot's own keystore has to hold the same. */
  async read(): Promise<ReadonlyMap<SecretKey, string>> {
    const each = 'printf "%s\\0" "$(basename "$file")"; cat "$file"; printf "\\0"';
    const all = `for file in /etc/secrets/*/*; do ${each}; done`;
    const { stdout } = await this.#stack.inBot(['sh', '-c', all]);
    const seen = pairsIn(stdout);
    assert.deepEqual(differences(await this.#stack.keystore(), seen), []);
    return seen;
  }

  async value(key: SecretKey): Promise<string | undefined> {
    const data = (await this.#secrets()).get(groups[entryOf(key).group].secretName)?.data;
    const found = data?.[key];
    return found === undefined ? undefined : Buffer.from(found, 'base64').toString();
  }

  /** Secrets of the namespace, by their names without a suffix. */
  async #secrets() {
    const { namespace, access } = this.#stack;
    const { items } = await access.core.listNamespacedSecret({ namespace });
    return new Map(
      items.map((secret) => [(secret.metadata?.name ?? '').replace(/-[0-9a-f]{8}$/u, ''), secret]),
    );
  }

  async places(): Promise<readonly string[]> {
    const { namespace, access } = this.#stack;
    const { items } = await access.core.listNamespacedSecret({ namespace });
    const names = items.map(({ metadata }) => metadata?.name?.replace(/-[0-9a-f]{8}$/u, '-*'));
    return [...names.map(String), ...(await this.#stored(this.#stack))].toSorted();
  }

  async bringBack(): Promise<void> {
    await this.#bringBack(this.#stack);
  }

  async mark(): Promise<StoreMark> {
    return { ...this.#stack.mark(), store: this.#storeWrites(this.#stack).length };
  }

  async writes(mark: unknown): Promise<readonly string[]> {
    return [
      ...this.#stack.foreignWrites(mark as Mark).map(shownRequest),
      ...this.#stack.awsWrites(mark as Mark).map(({ action, about }) => `${action} ${about}`),
      ...this.#storeWrites(this.#stack).slice((mark as StoreMark).store),
    ];
  }

  async #nameOf(key: SecretKey): Promise<string> {
    const found = (await this.#secrets()).get(groups[entryOf(key).group].secretName);
    return found?.metadata?.name ?? '';
  }

  async remove(key: SecretKey): Promise<void> {
    const { namespace, access } = this.#stack;
    await access.core.deleteNamespacedSecret({ namespace, name: await this.#nameOf(key) });
  }

  async edit(key: SecretKey, value: string): Promise<void> {
    const patch = JSON.stringify({ stringData: { [key]: value } });
    const words = ['patch', 'secret', await this.#nameOf(key), '--patch', patch];
    assert.equal((await this.#stack.kubectl(...words)).code, 0);
  }

  logs(): ReadonlyMap<string, string> {
    return new Map([...this.#stack.logs()].map(([name, text]) => [name, text.toString('latin1')]));
  }
}
