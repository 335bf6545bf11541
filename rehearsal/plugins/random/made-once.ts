/**
 * What all resources of the random provider share: made once, kept in the state, replaced when
 * any input changes (every input of hashicorp/terraform-provider-random is RequiresReplace).
 */
import { isDeepStrictEqual } from 'node:util';
import type {
  CheckResult,
  CreateResult,
  DiffResult,
  ReadResult,
} from '@pulumi/pulumi/provider/provider.js';
import {
  failure,
  isUnknown,
  type Properties,
  type ResourceHandler,
} from '../../../plugins/provider-server.ts';

export abstract class MadeOnce implements ResourceHandler {
  /** Names of all inputs. */
  protected abstract readonly inputs: readonly string[];

  /** @returns what is wrong with the inputs, by property */
  protected abstract mistakes(inputs: Properties): readonly (readonly [string, string])[];
  abstract create(inputs: Properties): Promise<CreateResult>;

  async check(_olds: Properties, news: Properties): Promise<CheckResult> {
    const unexpected = Object.keys(news)
      .filter((name) => !this.inputs.includes(name) && !name.startsWith('__'))
      .map((name) => failure(name, `not an input; allowed: ${this.inputs.join(', ')}`));
    const wrong = this.mistakes(news).map(([name, reason]) => failure(name, reason));
    return { inputs: news, failures: [...unexpected, ...wrong] };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    // Outputs hold every default, inputs only what was said.
    const replaces = this.inputs.filter(
      (name) => news[name] !== undefined && !isDeepStrictEqual(olds[name], news[name]),
    );
    const dropped = ['keepers', 'prefix', 'overrideSpecial'].filter(
      (name) => olds[name] !== undefined && news[name] === undefined,
    );
    return { changes: replaces.length + dropped.length > 0, replaces: [...replaces, ...dropped] };
  }

  /** The state is the resource: there is nothing to look at. */
  async read(id: string, state: Properties): Promise<ReadResult> {
    return { id, props: this.marked(state) };
  }

  async delete(): Promise<void> {}

  /** Marks what the official schema marks as secret. */
  protected marked(outputs: Properties): Properties {
    return outputs;
  }
}

/** A whole number of at least `least`; unknown ones pass. */
export function wholeNumber(
  inputs: Properties,
  name: string,
  least: number,
): readonly (readonly [string, string])[] {
  const value = inputs[name];
  if (value === undefined || isUnknown(value)) return [];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return [];
  return [[name, `allowed: a whole number of at least ${least}`]];
}
