/**
 * What all resource types of this plugin share: the way of the Terraform bridge from inputs to
 * outputs and back. A type says its attributes, and how it is made, found, changed and removed.
 */
import {
  type Call,
  type CheckResult,
  type CreateResult,
  containsUnknown,
  type DiffResult,
  InitialisationError,
  markLike,
  PluginError,
  type Properties,
  type ReadResult,
  type ResourceHandler,
  type UpdateResult,
} from '../../../plugins/provider-server.ts';
import type { Account } from './account.ts';
import { waitFor } from './attempts.ts';
import {
  type Attributes,
  type AutoName,
  defaultsFor,
  differenceOf,
  inputsFrom,
  markSecrets,
  mistakesIn,
  nameIsSaid,
  withoutInternals,
} from './attributes.ts';
import { during } from './errors.ts';

export abstract class AwsResource implements ResourceHandler {
  readonly previews = true;
  /** As the official provider's errors name it, such as "Secrets Manager Secret". */
  protected abstract readonly noun: string;
  protected abstract readonly attributes: Attributes;
  /** @default - it has no name of its own */
  protected readonly autoName: AutoName | undefined = undefined;
  /** Inputs of which the first that is set names it to a reader. */
  protected readonly namedBy: readonly string[] = ['name', 'secretId', 'secretArn', 'role'];
  protected readonly account: Account;

  constructor(account: Account) {
    this.account = account;
  }

  /**
   * Makes it.
   * @param made to be called with its id as soon as it exists
   */
  protected abstract make(
    inputs: Properties,
    made: (id: string) => void,
    call: Call,
  ): Promise<void>;

  /**
   * Looks at it.
   * @param state what was known of it; keeps what AWS does not tell
   * @returns its outputs; undefined when it is gone
   */
  protected abstract look(id: string, state: Properties): Promise<Properties | undefined>;
  protected abstract change(
    id: string,
    olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<void>;
  protected abstract remove(id: string, state: Properties, call: Call): Promise<void>;

  async check(olds: Properties, news: Properties, call: Call): Promise<CheckResult> {
    const failures = mistakesIn(this.attributes, news);
    const defaults = defaultsFor(this.attributes, this.autoName, { urn: call.urn, olds, news });
    const inputs = {
      ...markSecrets(this.attributes, call.marked),
      ...defaults,
      ...this.#tags(news),
    };
    return { inputs, failures };
  }

  /** All tags, those of the provider and those of the resource: a change of either is one. */
  #tags(news: Properties): Properties {
    if (this.attributes.tagsAll === undefined) return {};
    if (containsUnknown(news.tags)) return { tagsAll: unknownTags };
    return { tagsAll: { ...this.account.defaultTags, ...(news.tags as object | undefined) } };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const { detailed, replaces } = differenceOf(this.attributes, olds, news);
    const diffs = Object.keys(detailed);
    return {
      changes: diffs.length > 0,
      replaces,
      diffs,
      detailedDiff: detailed,
      deleteBeforeReplace: replaces.length > 0 && this.autoName !== undefined && nameIsSaid(news),
    };
  }

  async create(inputs: Properties, call: Call): Promise<CreateResult> {
    const said = withoutInternals(inputs);
    if (call.preview) return { id: '', outs: this.#mark(said, call) };
    let id: string | undefined;
    try {
      await this.make(
        said,
        (found) => {
          id = found;
        },
        call,
      );
      const made = id ?? '';
      const what = `${this.noun} (${made}) create`;
      const outs = await waitFor(call, what, async () => await this.look(made, said));
      return { id: made, outs: this.#mark(outs, call) };
    } catch (error) {
      const reason = during(`creating ${this.noun}${this.#nameIn(said)}`, error);
      // It exists: the engine has to know, or it would be made again.
      if (id === undefined || !(reason instanceof PluginError)) throw reason;
      const outs = this.#mark(said, call);
      throw new InitialisationError(reason.message, id, outs, [reason.message]);
    }
  }

  /** What is being made, before it has an id: ` (name)`. */
  #nameIn(inputs: Properties): string {
    const name = this.namedBy.map((each) => inputs[each]).find((each) => each !== undefined);
    return typeof name === 'string' && !containsUnknown(name) ? ` (${name})` : '';
  }

  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    const found = await this.#doing(`reading ${this.noun} (${id})`, () => this.look(id, state));
    if (found === undefined) return {} as ReadResult;
    const old = call.oldInputs;
    const imported = Object.keys(old).length === 0;
    const inputs = imported ? inputsFrom(this.attributes, found) : refreshed(old, found);
    return {
      id,
      props: this.#mark(found, call),
      inputs: markLike(markSecrets(this.attributes, inputs), call.marked) as Properties,
    };
  }

  async update(id: string, olds: Properties, news: Properties, call: Call): Promise<UpdateResult> {
    const said = withoutInternals(news);
    const planned = { ...withoutInternals(olds), ...said };
    if (call.preview) return { outs: this.#mark(planned, call) };
    const outs = await this.#doing(`updating ${this.noun} (${id})`, async () => {
      await this.change(id, olds, said, call);
      return await this.look(id, planned);
    });
    if (outs === undefined) throw new PluginError(`updating ${this.noun} (${id}): it is gone`);
    return { outs: this.#mark(outs, call) };
  }

  async delete(id: string, state: Properties, call: Call): Promise<void> {
    await this.#doing(`deleting ${this.noun} (${id})`, () => this.remove(id, state, call));
  }

  #mark(outs: Properties, call: Call): Properties {
    return markLike(markSecrets(this.attributes, outs), call.marked) as Properties;
  }

  async #doing<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw during(what, error);
    }
  }

  /** Whether an attribute is another than before. */
  protected changed(name: string, olds: Properties, news: Properties): boolean {
    const attribute = this.attributes[name];
    if (attribute === undefined) return false;
    return Object.keys(differenceOf({ [name]: attribute }, olds, news).detailed).length > 0;
  }
}

const unknownTags = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

/** Old inputs, each with what was found of it. */
function refreshed(old: Properties, found: Properties): Properties {
  return Object.fromEntries(
    Object.entries(old).map(([name, value]) => [name, name in found ? found[name] : value]),
  );
}
