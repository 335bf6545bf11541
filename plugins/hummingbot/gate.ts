/**
 * What the gates of the local plugin share. A gate keeps nothing in a cluster: create and update
 * wait for something there, or fail, so that Pulumi goes on, or changes nothing more. An empty
 * output says that a refresh found it undone, and that the next update waits again.
 */
import { isDeepStrictEqual } from 'node:util';
import { KubernetesError, type KubernetesObject } from '../kubernetes-api.ts';
import {
  type Call,
  type CheckResult,
  type CreateResult,
  type DiffResult,
  failure,
  isObject,
  isUnknown,
  markLike,
  PluginError,
  type Properties,
  type ReadResult,
  type ResourceHandler,
  secret,
  type UpdateResult,
} from '../provider-server.ts';

export interface GateInputs {
  /** Contents of a kubeconfig, or its path. Secret. */
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Of the object that is waited for. */
  readonly name: string;
  readonly deadlineSeconds: number;
}

const place = ['namespace', 'name'];
const notFound = 404;

export abstract class Gate<Inputs extends GateInputs> implements ResourceHandler {
  /** The resource type, for messages. */
  protected abstract readonly type: string;
  /** The inputs that a gate has beside those of all gates; a change of one waits anew. */
  protected abstract readonly own: Readonly<Record<string, 'string' | 'number' | 'object'>>;
  protected abstract readonly defaultDeadlineSeconds: number;
  /** Name of the output that a wait ends with. */
  protected abstract readonly output: string;
  /** Inputs that a preview may lack. */
  protected readonly late: readonly string[] = [];

  /** @returns the output: what was found, and never empty */
  protected abstract wait(inputs: Inputs, call: Call): Promise<string>;
  abstract read(id: string, state: Properties, call: Call): Promise<ReadResult>;

  async check(_olds: Properties, news: Properties, call?: Call): Promise<CheckResult> {
    const inputs: Properties = { deadlineSeconds: this.defaultDeadlineSeconds, ...news };
    const unknown = (name: string): boolean =>
      isUnknown(inputs[name]) || (this.late.includes(name) && inputs[name] === undefined);
    const kinds = {
      kubeconfig: 'string',
      namespace: 'string',
      name: 'string',
      ...this.own,
      deadlineSeconds: 'number',
    };
    const failures = Object.entries(kinds)
      .filter(([name, kind]) => !unknown(name) && kindOf(inputs[name]) !== kind)
      .map(([name, kind]) => failure(name, `got ${kindOf(inputs[name])}; allowed: ${kind}`));
    const { deadlineSeconds } = inputs;
    if (typeof deadlineSeconds === 'number' && !(deadlineSeconds > 0)) {
      failures.push(failure('deadlineSeconds', `got ${deadlineSeconds}; allowed: more than 0`));
    }
    return { inputs: marked(inputs, call), failures };
  }

  /** The kubeconfig is how one looks, not what one looks at: another one is no difference. */
  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const differ = (name: string): boolean => !isDeepStrictEqual(olds[name], news[name]);
    const replaces = place.filter(differ);
    const updates = [...Object.keys(this.own), 'deadlineSeconds'].filter(differ);
    if (olds[this.output] === '') updates.push(this.output);
    const detailedDiff = Object.fromEntries([
      ...replaces.map((name) => [name, { kind: 'update-replace' as const }]),
      ...updates.map((name) => [name, { kind: 'update' as const }]),
    ]);
    const diffs = Object.keys(detailedDiff);
    return { changes: diffs.length > 0, replaces, diffs, detailedDiff };
  }

  async create(inputs: Properties, call: Call): Promise<CreateResult> {
    const { namespace, name } = inputs as unknown as Inputs;
    return { id: `${namespace}/${name}`, outs: await this.#waited(inputs, call) };
  }

  async update(
    _id: string,
    _olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<UpdateResult> {
    return { outs: await this.#waited(news, call) };
  }

  async delete(): Promise<void> {}

  async #waited(inputs: Properties, call: Call): Promise<Properties> {
    const found = await this.wait(inputs as unknown as Inputs, call);
    return marked({ ...inputs, [this.output]: found }, call);
  }

  /**
   * The inputs that a refresh looks with: an update without a difference keeps the old outputs and
   * saves the new inputs.
   * @throws PluginError for a gate that is imported
   */
  protected inputsOf(state: Properties, call: Call): Inputs {
    const inputs: Properties = { ...state, ...call.oldInputs };
    if (typeof inputs.kubeconfig !== 'string') {
      throw new PluginError(`${this.type}: cannot be imported; run the program instead`);
    }
    return inputs as unknown as Inputs;
  }

  /** What a refresh found; an empty output says "not now". */
  protected found(id: string, state: Properties, output: string, call: Call): ReadResult {
    return { id, props: marked({ ...state, [this.output]: output }, call) };
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof KubernetesError && error.code === notFound;
}

/** An object that is asked for; undefined when it is not there. */
export async function orNothing(
  asked: Promise<KubernetesObject>,
): Promise<KubernetesObject | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function kindOf(value: unknown): string {
  return typeof value === 'object' && !isObject(value) ? 'list or null' : typeof value;
}

/** The kubeconfig is always a secret; of the rest what was one stays one. */
export function marked(state: Properties, call?: Call): Properties {
  const others = markLike(state, call?.marked ?? {}) as Properties;
  return { ...others, kubeconfig: secret(state.kubeconfig) };
}
