/**
 * `hummingbot:index:Unsealed`: the gate between a SealedSecret and what uses its Secret. It makes
 * nothing: create and update wait until the controller has opened the SealedSecret as it is now and
 * the Secret carries the tag of the values that were sealed, or fail with the controller's reason.
 *
 * The controller restores a Secret that somebody deleted, and not one that somebody changed: it
 * watches deletions alone (pkg/controller/controller.go, 0.36). Who wrote the data, and when, stands in
 * the Secret's managed fields, without a value; when a refresh finds another writer, the next update
 * gives the SealedSecret an annotation for its Secret, and the controller writes all of it anew. So a
 * Secret of a fixed name is absent at no moment. A scope that somebody widened is strict again then: the
 * controller, which looks at changes of the spec alone, would open nothing from the next one on.
 */
import { createHash } from 'node:crypto';
import { KubernetesApi, type KubernetesObject, metadataOnly } from '../kubernetes-api.ts';
import {
  type Call,
  isObject,
  type Properties,
  type ReadResult,
  type UpdateResult,
} from '../provider-server.ts';
import { Gate, type GateInputs, isMissing, orNothing } from './gate.ts';
import { type Progress, waitFor, waiting } from './waiting.ts';

/** The name is that of the SealedSecret and of its Secret. */
export interface UnsealedInputs extends GateInputs {
  /** Annotation that carries the tag. */
  readonly annotation: string;
  readonly tag: string;
  /** Of what was sealed: another certificate seals the same tag anew. */
  readonly version: string;
}

const mendedAnnotation = 'hummingbot-secrets/mended';
/** What says another scope than strict (pkg/apis/sealedsecrets/v1alpha1/types.go, 0.36). */
const widerScopes = ['cluster-wide', 'namespace-wide'].map(
  (scope) => `sealedsecrets.bitnami.com/${scope}`,
);
const hashLength = 12;
/** The controller tries again by itself, five times within some seconds. */
const triesSeconds = 20;

interface Status {
  readonly observedGeneration?: number;
  readonly conditions?: readonly {
    readonly type?: string;
    readonly status?: string;
    readonly message?: string;
  }[];
}

export class Unsealed extends Gate<UnsealedInputs> {
  protected override readonly type = 'hummingbot:index:Unsealed';
  protected override readonly own = {
    annotation: 'string',
    tag: 'string',
    version: 'string',
  } as const;
  protected override readonly defaultDeadlineSeconds = 120;
  protected override readonly output = 'unsealed';
  readonly #pollMilliseconds: number;

  /** @param pollMilliseconds time between two looks */
  constructor(pollMilliseconds = 250) {
    super();
    this.#pollMilliseconds = pollMilliseconds;
  }

  /** An empty `unsealed` says "not now, or by somebody else". */
  override async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    const inputs = this.inputsOf(state, call);
    const api = await KubernetesApi.connect(inputs.kubeconfig);
    const progress = await look(api, { ...inputs, tag: String(state.tag) }, call.signal);
    const same = progress.state === 'complete' && progress.found === state.unsealed;
    return this.found(id, state, same ? progress.found : '', call);
  }

  override async update(
    id: string,
    olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<UpdateResult> {
    if (olds.unsealed === '') await this.#mend(news as unknown as UnsealedInputs, call);
    return await super.update(id, olds, news, call);
  }

  /** @returns the tag, and who wrote the data */
  protected override async wait(inputs: UnsealedInputs, call: Call): Promise<string> {
    const { namespace, name, kubeconfig, deadlineSeconds } = inputs;
    const api = await KubernetesApi.connect(kubeconfig);
    const patience = {
      deadlineSeconds,
      pollMilliseconds: this.#pollMilliseconds,
      goal: 'opened',
      lineOf: (text: string): string =>
        `SealedSecret ${namespace}/${name}: ${text}; nothing that uses it was changed; ` +
        `fix: kubectl --namespace ${namespace} describe sealedsecret ${name}`,
    };
    return await waitFor(async () => await look(api, inputs, call.signal), patience, call);
  }

  /** Has the controller write the Secret anew, whatever stands in it. */
  async #mend({ kubeconfig, namespace, name }: UnsealedInputs, { signal }: Call): Promise<void> {
    const api = await KubernetesApi.connect(kubeconfig);
    const annotations = { [mendedAnnotation]: new Date().toISOString() };
    const strict = Object.fromEntries(widerScopes.map((name) => [name, null]));
    const body = {
      spec: { template: { metadata: { annotations } } },
      metadata: { annotations: strict },
    };
    const contentType = 'application/merge-patch+json';
    try {
      await api.send('PATCH', sealedPath(namespace, name), { body, contentType, signal });
    } catch (error) {
      // One that is not there is waited for, and named.
      if (!isMissing(error)) throw error;
    }
  }
}

async function look(
  api: KubernetesApi,
  { namespace, name, annotation, tag }: UnsealedInputs,
  signal: AbortSignal,
): Promise<Progress> {
  const sealed = await orNothing(api.get(sealedPath(namespace, name), { signal }));
  if (sealed === undefined) return waiting('the SealedSecret is not there');
  const annotations = sealed.metadata?.annotations ?? {};
  if (widerScopes.some((scope) => annotations[scope] === 'true')) {
    const text = 'somebody gave it a wider scope than strict, in which no key opens it';
    return waiting(text, text, 0);
  }
  const status = (sealed.status ?? {}) as Status;
  const synced = status.conditions?.find(({ type }) => type === 'Synced');
  const current = (status.observedGeneration ?? 0) >= (sealed.metadata?.generation ?? 1);
  if (synced === undefined || !current) {
    return waiting('the controller has not looked at it yet');
  }
  if (synced.status !== 'True') return troubleOf(synced.message ?? '');
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const secret = await orNothing(api.get(path, { accept: metadataOnly, signal }));
  if (secret === undefined) return waiting('its Secret is not there');
  const found = secret.metadata?.annotations?.[annotation];
  if (found !== tag) return waiting('its Secret does not have the new values yet');
  return { state: 'complete', found: `${tag} ${writersOf(secret)}` };
}

/** The controller's message is known by its beginning; the rest, which may quote, is left out. */
function troubleOf(message: string): Progress {
  if (message.includes('no key could decrypt secret')) {
    const text =
      'no key of the controller opens it: it was sealed for another certificate, namespace, name or scope';
    return waiting(text, text, 0);
  }
  const owned = message.includes('is not managed by SealedSecret');
  const text = owned
    ? "a Secret of its name is there already, and is not the controller's"
    : 'the controller cannot open it';
  return waiting(text, text, triesSeconds);
}

/** Changes whenever somebody writes the data, and shows nothing of it. */
function writersOf({ metadata }: KubernetesObject): string {
  const writers = (metadata?.managedFields ?? [])
    .filter(({ fieldsV1 }) => isObject(fieldsV1) && Object.hasOwn(fieldsV1, 'f:data'))
    .map((each) => JSON.stringify(each))
    .toSorted();
  return createHash('sha256').update(writers.join('\n')).digest('hex').slice(0, hashLength);
}

function sealedPath(namespace: string, name: string): string {
  return `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/${name}`;
}
