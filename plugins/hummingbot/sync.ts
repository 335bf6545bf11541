/**
 * `hummingbot:index:Sync`: the gate between an ExternalSecret that was changed in place and what
 * uses its Secret. It makes nothing: create and update wait until the Secret carries the tag of the
 * values that were stored, or fail with what the operator says.
 *
 * An ExternalSecret's `Ready` may be that of the last sync, and its status has no observed
 * generation. But the operator copies the annotations of an ExternalSecret without a template to
 * the Secret, in the same write as the values that it has read after it saw them
 * (https://external-secrets.io/latest/api/externalsecret/, measured with 0.20.4). So a Secret with
 * the new tag holds the new values. Only the Secret's metadata is asked for: no value comes here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  KubernetesApi,
  KubernetesError,
  type KubernetesObject,
  UnreachableError,
} from '../kubernetes-api.ts';
import {
  type Call,
  type CheckResult,
  type CreateResult,
  type DiffResult,
  failure,
  isUnknown,
  PluginError,
  type Properties,
  type ReadResult,
  type ResourceHandler,
  secret,
  type UpdateResult,
} from '../provider-server.ts';

export interface SyncInputs {
  /** Contents of a kubeconfig, or its path. Secret. */
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Of the ExternalSecret and of its Secret. */
  readonly name: string;
  /** Annotation that carries the tag. */
  readonly annotation: string;
  readonly tag: string;
  /** Of what was stored: a failed change that is taken back has the old tag and another version. */
  readonly version: string;
  readonly deadlineSeconds: number;
}

const defaultDeadlineSeconds = 180;
const notFound = 404;
/** Without a fallback: a server that knows no such answer gives none, rather than the values. */
const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

const kinds = {
  kubeconfig: 'string',
  namespace: 'string',
  name: 'string',
  annotation: 'string',
  tag: 'string',
  version: 'string',
  deadlineSeconds: 'number',
} as const;

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
}

export class Sync implements ResourceHandler {
  readonly #pollMilliseconds: number;

  /** @param pollMilliseconds time between two looks */
  constructor(pollMilliseconds = 500) {
    this.#pollMilliseconds = pollMilliseconds;
  }

  async check(_olds: Properties, news: Properties): Promise<CheckResult> {
    const inputs: Properties = { deadlineSeconds: defaultDeadlineSeconds, ...news };
    const failures = Object.entries(kinds)
      .filter(([name, kind]) => !isUnknown(inputs[name]) && typeof inputs[name] !== kind)
      .map(([name, kind]) => failure(name, `got ${typeof inputs[name]}; allowed: ${kind}`));
    const { deadlineSeconds } = inputs;
    if (typeof deadlineSeconds === 'number' && !(deadlineSeconds > 0)) {
      failures.push(failure('deadlineSeconds', `got ${deadlineSeconds}; allowed: more than 0`));
    }
    return { inputs: marked(inputs), failures };
  }

  /** The kubeconfig is how one looks, not what one looks at: another one is no difference. */
  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const differ = (name: string): boolean => olds[name] !== news[name];
    const replaces = ['namespace', 'name'].filter(differ);
    const updates = ['annotation', 'tag', 'version', 'deadlineSeconds'].filter(differ);
    // A refresh found the Secret with another tag: wait again.
    if (olds.synced === '') updates.push('synced');
    const detailedDiff = Object.fromEntries([
      ...replaces.map((name) => [name, { kind: 'update-replace' as const }]),
      ...updates.map((name) => [name, { kind: 'update' as const }]),
    ]);
    const diffs = Object.keys(detailedDiff);
    return { changes: diffs.length > 0, replaces, diffs, detailedDiff };
  }

  async create(inputs: Properties, call: Call): Promise<CreateResult> {
    const sync = inputs as unknown as SyncInputs;
    await this.#wait(sync, call);
    const outs = marked({ ...inputs, synced: sync.tag });
    return { id: `${sync.namespace}/${sync.name}`, outs };
  }

  async update(
    _id: string,
    _olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<UpdateResult> {
    await this.#wait(news as unknown as SyncInputs, call);
    return { outs: marked({ ...news, synced: news.tag }) };
  }

  /** An empty `synced` says "not now". */
  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    // An update without a difference keeps the old outputs and saves the new inputs.
    const inputs: Properties = { ...state, ...call.oldInputs };
    if (typeof inputs.kubeconfig !== 'string') {
      throw new PluginError('hummingbot:index:Sync: cannot be imported; run the program instead');
    }
    const sync = inputs as unknown as SyncInputs;
    const api = await KubernetesApi.connect(sync.kubeconfig);
    const synced = (await tagOf(api, sync, call.signal)) === state.tag ? state.tag : '';
    return { id, props: marked({ ...state, synced }) };
  }

  async delete(): Promise<void> {}

  async #wait(sync: SyncInputs, call: Call): Promise<void> {
    const api = await KubernetesApi.connect(sync.kubeconfig);
    const deadline = performance.now() + sync.deadlineSeconds * 1000;
    for (let shown = ''; ; ) {
      const trouble = await this.#look(api, sync, call.signal);
      if (trouble === undefined) {
        call.status('');
        return;
      }
      if (trouble !== shown) call.status(`waiting: ${trouble}`);
      shown = trouble;
      if (performance.now() >= deadline) {
        throw new PluginError(lineOf(sync, `after ${sync.deadlineSeconds} s ${trouble}`));
      }
      await sleep(this.#pollMilliseconds, undefined, { signal: call.signal }).catch(() => {
        throw new PluginError(lineOf(sync, `stopped at your request: ${trouble}`));
      });
    }
  }

  /** @returns what is missing; undefined when nothing is */
  async #look(
    api: KubernetesApi,
    sync: SyncInputs,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    try {
      const tag = await tagOf(api, sync, signal);
      return tag === sync.tag ? undefined : await troubleOf(api, sync, signal);
    } catch (error) {
      // One that does not answer is waited for, like the operator.
      if (error instanceof KubernetesError || error instanceof UnreachableError) {
        return error.message;
      }
      throw error;
    }
  }
}

/** The tag that a Secret carries; undefined where there is none, or no Secret. */
async function tagOf(
  api: KubernetesApi,
  { namespace, name, annotation }: SyncInputs,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const found = await orNothing(api.get(path, { accept: metadataOnly, signal }));
  return found?.metadata?.annotations?.[annotation];
}

/** What the operator says of it; its message, which is a store's own words, is left out. */
async function troubleOf(
  api: KubernetesApi,
  { namespace, name }: SyncInputs,
  signal: AbortSignal,
): Promise<string> {
  const path = `/apis/external-secrets.io/v1/namespaces/${namespace}/externalsecrets/${name}`;
  const found = await orNothing(api.get(path, { signal }));
  if (found === undefined) return 'the ExternalSecret is not there';
  const { conditions } = (found.status ?? {}) as { conditions?: readonly Condition[] };
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'False'
    ? `the Secret does not have the new values: ${ready.reason ?? 'no reason given'}`
    : 'the Secret does not have the new values yet';
}

async function orNothing(asked: Promise<KubernetesObject>): Promise<KubernetesObject | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KubernetesError && error.code === notFound) return undefined;
    throw error;
  }
}

function lineOf({ namespace, name }: SyncInputs, text: string): string {
  return (
    `ExternalSecret ${namespace}/${name}: ${text}; nothing that uses it was changed; ` +
    `fix: kubectl --namespace ${namespace} describe externalsecret ${name}`
  );
}

function marked(state: Properties): Properties {
  return { ...state, kubeconfig: secret(state.kubeconfig) };
}
