/** What all resource types of this plugin share: the way from inputs to outputs and back. */
import {
  type Call,
  type CheckResult,
  type CreateResult,
  type DiffResult,
  InitialisationError,
  markLike,
  PluginError,
  type Properties,
  type ReadResult,
  type ResourceHandler,
  type UpdateResult,
} from '../../../plugins/provider-server.ts';
import type { VaultApi } from '../../../plugins/vault-api.ts';
import {
  type Attributes,
  defaultsFor,
  differenceOf,
  inputsFrom,
  markSecrets,
  mistakesIn,
  withoutInternals,
} from '../aws/attributes.ts';
import type { VaultServer } from './server.ts';

export abstract class VaultResource implements ResourceHandler {
  readonly previews = true;
  protected abstract readonly noun: string;
  protected abstract readonly attributes: Attributes;
  /** Whether a replacement deletes first: its name is said, and nobody else can have it. */
  protected readonly named: boolean = true;
  readonly #server: VaultServer;

  constructor(server: VaultServer) {
    this.#server = server;
  }

  protected abstract idOf(inputs: Properties): string;

  /**
   * Writes it, new or not.
   * @param made to be called as soon as it exists
   */
  protected abstract write(api: VaultApi, inputs: Properties, made: () => void): Promise<void>;

  /**
   * Looks at it.
   * @param state what was known of it; keeps what Vault does not tell
   * @returns its outputs; undefined when it is gone
   */
  protected abstract look(
    api: VaultApi,
    id: string,
    state: Properties,
  ): Promise<Properties | undefined>;

  protected abstract remove(api: VaultApi, id: string, state: Properties): Promise<void>;

  async check(olds: Properties, news: Properties, call: Call): Promise<CheckResult> {
    const failures = mistakesIn(this.attributes, news);
    const defaults = defaultsFor(this.attributes, undefined, { urn: call.urn, olds, news });
    return { inputs: { ...markSecrets(this.attributes, call.marked), ...defaults }, failures };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const { detailed, replaces } = differenceOf(this.attributes, olds, news);
    const diffs = Object.keys(detailed);
    return {
      changes: diffs.length > 0,
      replaces,
      diffs,
      detailedDiff: detailed,
      deleteBeforeReplace: replaces.length > 0 && this.named,
    };
  }

  async create(inputs: Properties, call: Call): Promise<CreateResult> {
    const said = withoutInternals(inputs);
    if (call.preview) return { id: '', outs: this.#mark(said, call) };
    const id = this.idOf(said);
    let exists = false;
    try {
      const outs = await this.#written(id, said, said, () => {
        exists = true;
      });
      return { id, outs: this.#mark(outs, call) };
    } catch (error) {
      const reason = this.#during('creating', id, error);
      // It exists: the engine has to know.
      if (!exists || !(reason instanceof PluginError)) throw reason;
      throw new InitialisationError(reason.message, id, this.#mark(said, call), [reason.message]);
    }
  }

  async update(id: string, olds: Properties, news: Properties, call: Call): Promise<UpdateResult> {
    const said = withoutInternals(news);
    const planned = { ...withoutInternals(olds), ...said };
    if (call.preview) return { outs: this.#mark(planned, call) };
    try {
      return { outs: this.#mark(await this.#written(id, said, planned, () => {}), call) };
    } catch (error) {
      throw this.#during('updating', id, error);
    }
  }

  async #written(
    id: string,
    said: Properties,
    planned: Properties,
    made: () => void,
  ): Promise<Properties> {
    const api = await this.#server.api();
    await this.write(api, said, made);
    const outs = await this.look(api, id, planned);
    if (outs === undefined) throw new PluginError('it is gone');
    return outs;
  }

  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    try {
      const found = await this.look(await this.#server.api(), id, state);
      if (found === undefined) return {} as ReadResult;
      const old = call.oldInputs;
      const imported = Object.keys(old).length === 0;
      const inputs = imported
        ? inputsFrom(this.attributes, found)
        : Object.fromEntries(
            Object.entries(old).map(([name, value]) => [name, name in found ? found[name] : value]),
          );
      return {
        id,
        props: this.#mark(found, call),
        inputs: markLike(markSecrets(this.attributes, inputs), call.marked) as Properties,
      };
    } catch (error) {
      throw this.#during('reading', id, error);
    }
  }

  async delete(id: string, state: Properties): Promise<void> {
    try {
      await this.remove(await this.#server.api(), id, state);
    } catch (error) {
      throw this.#during('deleting', id, error);
    }
  }

  #mark(outs: Properties, call: Call): Properties {
    return markLike(markSecrets(this.attributes, outs), call.marked) as Properties;
  }

  #during(doing: string, id: string, error: unknown): unknown {
    if (!(error instanceof PluginError)) return error;
    return new PluginError(`${doing} ${this.noun} (${id}): ${error.message}`);
  }
}
