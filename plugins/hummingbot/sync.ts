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
  metadataOnly,
  UnreachableError,
} from '../kubernetes-api.ts';
import { type Call, PluginError, type Properties, type ReadResult } from '../provider-server.ts';
import { Gate, type GateInputs, orNothing } from './gate.ts';

/** The name is that of the ExternalSecret and of its Secret. */
export interface SyncInputs extends GateInputs {
  /** Annotation that carries the tag. */
  readonly annotation: string;
  readonly tag: string;
  /** Of what was stored: a failed change that is taken back has the old tag and another version. */
  readonly version: string;
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
}

export class Sync extends Gate<SyncInputs> {
  protected override readonly type = 'hummingbot:index:Sync';
  protected override readonly own = {
    annotation: 'string',
    tag: 'string',
    version: 'string',
  } as const;
  protected override readonly defaultDeadlineSeconds = 180;
  protected override readonly output = 'synced';
  readonly #pollMilliseconds: number;

  /** @param pollMilliseconds time between two looks */
  constructor(pollMilliseconds = 500) {
    super();
    this.#pollMilliseconds = pollMilliseconds;
  }

  /** An empty `synced` says "not now". */
  override async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    const sync = this.inputsOf(state, call);
    const api = await KubernetesApi.connect(sync.kubeconfig);
    const tag = await tagOf(api, sync, call.signal);
    return this.found(id, state, tag !== undefined && tag === state.tag ? tag : '', call);
  }

  /** @returns the tag */
  protected override async wait(sync: SyncInputs, call: Call): Promise<string> {
    const api = await KubernetesApi.connect(sync.kubeconfig);
    const deadline = performance.now() + sync.deadlineSeconds * 1000;
    for (let shown = ''; ; ) {
      const trouble = await this.#look(api, sync, call.signal);
      if (trouble === undefined) {
        call.status('');
        return sync.tag;
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

function lineOf({ namespace, name }: SyncInputs, text: string): string {
  return (
    `ExternalSecret ${namespace}/${name}: ${text}; nothing that uses it was changed; ` +
    `fix: kubectl --namespace ${namespace} describe externalsecret ${name}`
  );
}
