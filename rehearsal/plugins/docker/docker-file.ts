/**
 * `docker:index/secret:Secret` and `docker:index/serviceConfig:ServiceConfig`, after
 * internal/provider/resource_docker_{secret,config}.go: immutable, so any change replaces.
 */
import { isDeepStrictEqual } from 'node:util';
import { DockerError, isMissing } from '../../../plugins/docker-api.ts';
import {
  type Call,
  type CheckResult,
  type CreateResult,
  type DiffResult,
  isObject,
  isUnknown,
  markLike,
  PluginError,
  type Properties,
  type ReadResult,
  type ResourceHandler,
} from '../../../plugins/provider-server.ts';
import { type Attributes, differenceOf, markSecrets, mistakesIn, text } from '../aws/attributes.ts';
import { type Engine, told } from './engine.ts';

export interface Label {
  readonly label: string;
  readonly value: string;
}

const taken = 409;

/** A set: its order says nothing. */
export const sameLabels = (old: unknown, now: unknown): boolean =>
  isDeepStrictEqual(labelMap(old), labelMap(now));

export function labelMap(labels: unknown): Readonly<Record<string, string>> {
  const list = Array.isArray(labels) ? (labels as readonly Label[]) : [];
  const sorted = list.toSorted((a, b) => String(a.label).localeCompare(String(b.label)));
  return Object.fromEntries(sorted.map(({ label, value }) => [label, value]));
}

const labels = (value: unknown): string | undefined =>
  Array.isArray(value) && value.every((item) => isUnknown(item) || isObject(item))
    ? undefined
    : 'allowed: a list of {label, value}';

const base64 = (value: unknown): string | undefined =>
  typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value
    ? undefined
    : 'allowed: base64 with its padding';

export class DockerFile implements ResourceHandler {
  readonly #engine: Engine;
  readonly #noun: 'secret' | 'config';
  readonly #attributes: Attributes;

  constructor(engine: Engine, noun: 'secret' | 'config') {
    this.#engine = engine;
    this.#noun = noun;
    this.#attributes = {
      name: { input: 'required', replaces: true, mistake: text },
      data: {
        input: 'required',
        replaces: true,
        mistake: base64,
        ...(noun === 'secret' && { secret: true }),
      },
      labels: { input: 'optional', replaces: true, mistake: labels, same: sameLabels },
    };
  }

  async check(_olds: Properties, news: Properties, call: Call): Promise<CheckResult> {
    const failures = mistakesIn(this.#attributes, news);
    return { inputs: markSecrets(this.#attributes, call.marked), failures };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const { detailed, replaces } = differenceOf(this.#attributes, olds, news);
    const diffs = Object.keys(detailed);
    // The bridge deletes first only when the new one would have the name of the old.
    const deleteBeforeReplace = replaces.length > 0 && olds.name === news.name;
    return {
      changes: diffs.length > 0,
      replaces,
      diffs,
      detailedDiff: detailed,
      deleteBeforeReplace,
    };
  }

  async create(inputs: Properties, call: Call): Promise<CreateResult> {
    const { name, data, labels: given } = inputs;
    const doing = `creating Docker ${this.#noun} ${String(name)}`;
    try {
      const body = { Name: name, Data: data, Labels: labelMap(given) };
      const { signal } = call;
      const made = await this.#engine.api().post(`/${this.#noun}s/create`, { body, signal });
      return { id: String(made.ID), outs: this.#mark({ name, data, labels: given }, call) };
    } catch (error) {
      if (error instanceof DockerError && error.code === taken) {
        throw new PluginError(
          `${doing}: got ${taken}, one of that name is there; allowed: a new name; ` +
            `fix: docker ${this.#noun} rm ${String(name)}`,
        );
      }
      // Its words might quote what it was given.
      throw told(doing, error, false);
    }
  }

  /** Of a secret the engine tells its name alone; data and labels stay what the state has. */
  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    try {
      const { Spec } = await this.#engine.api().get(`/${this.#noun}s/${id}`, call);
      const spec = (Spec ?? {}) as { Name?: string; Data?: string };
      const data = this.#noun === 'secret' ? state.data : spec.Data;
      const found = { ...state, name: spec.Name, data };
      const inputs = { ...call.oldInputs, name: spec.Name, data };
      return { id, props: this.#mark(found, call), inputs: this.#mark(inputs, call) };
    } catch (error) {
      if (isMissing(error)) return {};
      throw told(`reading Docker ${this.#noun} ${id}`, error, true);
    }
  }

  async delete(id: string, state: Properties): Promise<void> {
    try {
      await this.#engine.api().remove(`/${this.#noun}s/${id}`);
    } catch (error) {
      throw told(`deleting Docker ${this.#noun} ${String(state.name)}`, error, true);
    }
  }

  #mark(outs: Properties, call: Call): Properties {
    return markLike(markSecrets(this.#attributes, outs), call.marked) as Properties;
  }
}
