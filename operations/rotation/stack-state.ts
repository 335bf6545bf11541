/** A stack's state as far as old copies are concerned: what it has of stores, and what it has yet to remove. */

import type { Deployment, Stored } from '../engine/adoption.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';

/** A place of the stack's outputs. */
interface Delivered {
  readonly directory?: string;
  readonly namespace?: string;
  readonly service?: string;
}

export class StackState {
  readonly #state: Deployment;

  constructor(state: Deployment) {
    this.#state = state;
  }

  /** @throws CommandError when it cannot be had */
  static async of({ ask, stack }: Engine): Promise<StackState> {
    const { code, stdout } = await ask(['stack', 'export', '--stack', stack]);
    if (code === 0) return new StackState(JSON.parse(stdout) as Deployment);
    throw new CommandError(
      `state of stack ${stack}: got exit code ${code} from pulumi stack export; allowed: a state that can be read; fix: npm run pulumi -- stack export --stack ${stack} says why`,
    );
  }

  get #resources(): readonly Stored[] {
    return this.#state.deployment.resources ?? [];
  }

  /** How much the last run has left to remove, or to find out about. */
  get unfinished(): number {
    const pending = this.#state.deployment.pending_operations ?? [];
    return this.#resources.filter((each) => each.delete === true).length + pending.length;
  }

  get #outputs(): Readonly<Record<string, unknown>> {
    const stack = this.#resources.find(({ type }) => type === 'pulumi:pulumi:Stack');
    return (stack?.outputs ?? {}) as Readonly<Record<string, unknown>>;
  }

  get delivered(): Readonly<Record<string, Delivered>> {
    return (this.#outputs.delivered ?? {}) as Readonly<Record<string, Delivered>>;
  }

  /** Of a group's values, as they were delivered last. */
  tagOf(group: string): string | undefined {
    const tags = this.#outputs.tags as Readonly<Record<string, { group?: string }>> | undefined;
    return tags?.[group]?.group;
  }

  /** Those of a type that are not to be removed. */
  ofType(type: string): readonly Stored[] {
    return this.#resources.filter((each) => each.type === type && each.delete !== true);
  }

  /** The one of a type and a name. */
  find(type: string, name: string): Stored | undefined {
    return this.ofType(type).find(({ urn }) => urn.endsWith(`::${name}`));
  }

  /** Inputs of the provider that a resource is made by. */
  providerOf({ provider }: Stored): Readonly<Record<string, unknown>> {
    const urn = String(provider).split('::').slice(0, -1).join('::');
    return this.#resources.find((each) => each.urn === urn)?.inputs ?? {};
  }
}
