/**
 * Waits until an object is what it should be, or is gone (provider/pkg/await/{await,awaiters}.go).
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesApi, KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import { type Call, PluginError } from '../../../plugins/provider-server.ts';
import { skipsAwait, timeoutOf, waitsFor } from './annotations.ts';
import { judge, type Verdict } from './conditions.ts';
import { DeploymentProgress } from './deployment.ts';
import { isMissing } from './failure.ts';
import { type Change, follow } from './follow.ts';
import { collectionOf, type Kind } from './kinds.ts';

export interface Written {
  readonly kind: Kind;
  readonly inputs: KubernetesObject;
  /** As the API answered the write. */
  readonly live: KubernetesObject;
  /** As it was before the write; undefined when it was made. */
  readonly last: KubernetesObject | undefined;
}

const defaultSeconds = 600;
const quotaSeconds = 60;
const claimSeconds = 300;
/** Kinds whose deletion `pulumi.com/skipAwait` does not wait for either. */
const mayVanishUnseen = ['Namespace', 'Deployment'];

/** The object exists and is not yet what it should be. */
export class NotReady extends PluginError {
  readonly reasons: readonly string[];

  constructor(message: string, reasons: readonly string[]) {
    super(message);
    this.reasons = reasons;
  }
}

/**
 * @returns the live object
 * @throws NotReady at the timeout, or when the engine stops
 */
export async function untilReady(
  api: KubernetesApi,
  written: Written,
  call: Call,
): Promise<KubernetesObject> {
  const { kind, inputs, live } = written;
  if (skipsAwait(inputs)) return live;
  const conditions = waitsFor(inputs);
  if (conditions.length > 0) {
    return await untilVerdict(api, written, call, defaultSeconds, (object) => {
      const unmet = conditions.map((each) => judge(object, each)).find(({ isMet }) => !isMet);
      return unmet ?? { isMet: true, text: '' };
    });
  }
  switch (kind.kind) {
    case 'Deployment':
      return await untilRolledOut(api, written, call);
    case 'PersistentVolumeClaim': {
      const phase = (await bindsLate(api, live)) ? 'Pending' : 'Bound';
      return await untilVerdict(api, written, call, claimSeconds, (object) => {
        const found = (object.status as { phase?: string } | undefined)?.phase;
        return { isMet: found === phase, text: `phase is ${found ?? 'not known yet'}` };
      });
    }
    case 'ResourceQuota':
      return await untilVerdict(api, written, call, quotaSeconds, ({ spec, status }) => {
        const wanted = (spec as { hard?: object } | undefined)?.hard;
        const found = (status as { hard?: object } | undefined)?.hard;
        return { isMet: isDeepStrictEqual(wanted, found), text: 'it is not in force yet' };
      });
    default:
      return live;
  }
}

/** @throws NotReady at the timeout */
export async function untilGone(
  api: KubernetesApi,
  { kind, inputs, live }: Omit<Written, 'last'>,
  call: Call,
): Promise<void> {
  if (skipsAwait(inputs) && mayVanishUnseen.includes(kind.kind)) return;
  const seconds = timeoutOf(inputs, call) ?? defaultSeconds;
  const { name = '', namespace = '', uid } = live.metadata ?? {};
  const collection = collectionOf(kind, namespace);
  const { signal, stop } = limit(seconds, call);
  let finalizers = live.metadata?.finalizers ?? [];
  try {
    const found = await api.get(`${collection}/${name}`, { signal }).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (found === undefined || (uid !== undefined && found.metadata?.uid !== uid)) return;
    for await (const { type, object } of follow(api, collection, signal, found)) {
      if (type === 'gone' || object.metadata?.uid !== found.metadata?.uid) return;
      finalizers = object.metadata?.finalizers ?? [];
      call.status(`waiting for its deletion; finalizers: ${finalizers.join(', ') || 'none'}`);
    }
  } finally {
    stop();
  }
  const reason = `finalizers might be preventing deletion (${finalizers.join(', ')})`;
  throw new NotReady(`${ended(seconds, call)} waiting for deletion: ${reason}`, [reason]);
}

/** Whether a Deployment is done at this moment; nothing for other kinds (`awaitRead`). */
export async function lacks(
  api: KubernetesApi,
  { kind, inputs, live }: Omit<Written, 'last'>,
): Promise<readonly string[]> {
  if (kind.kind !== 'Deployment' || skipsAwait(inputs)) return [];
  const progress = new DeploymentProgress(live, undefined);
  const present = (object: KubernetesObject): Change => ({ type: 'present', object });
  progress.deploymentChanged(present(live));
  const [replicaSets, claims] = await Promise.all(
    relatedTo(live).map(async (collection) => (await api.list(collection)).items),
  );
  for (const each of replicaSets ?? []) progress.replicaSetChanged(present(each));
  for (const each of claims ?? []) progress.claimChanged(present(each));
  return progress.isDone ? [] : progress.reasons;
}

async function untilVerdict(
  api: KubernetesApi,
  { kind, inputs, live }: Written,
  call: Call,
  standardSeconds: number,
  verdictOn: (object: KubernetesObject) => Verdict,
): Promise<KubernetesObject> {
  const seconds = timeoutOf(inputs, call) ?? standardSeconds;
  const { namespace = '' } = live.metadata ?? {};
  let verdict = verdictOn(live);
  if (verdict.isMet) return live;
  const { signal, stop } = limit(seconds, call);
  try {
    for await (const { type, object } of follow(api, collectionOf(kind, namespace), signal, live)) {
      if (type === 'gone') throw new NotReady('it was deleted meanwhile', ['it was deleted']);
      verdict = verdictOn(object);
      if (verdict.isMet) return object;
      call.status(`waiting: ${verdict.text}`);
    }
  } finally {
    stop();
  }
  throw new NotReady(`${ended(seconds, call)}: ${verdict.text}`, [verdict.text]);
}

async function untilRolledOut(
  api: KubernetesApi,
  { inputs, live, last }: Written,
  call: Call,
): Promise<KubernetesObject> {
  const seconds = timeoutOf(inputs, call) ?? defaultSeconds;
  const { namespace = '' } = live.metadata ?? {};
  const progress = new DeploymentProgress(live, last);
  const { signal, stop } = limit(seconds, call);
  const [replicaSets = '', claims = ''] = relatedTo(live);
  const watch = async (
    collection: string,
    changed: (change: Change) => void,
    seen?: KubernetesObject,
  ) => {
    for await (const change of follow(api, collection, signal, seen)) {
      changed(change);
      if (progress.isDone) return stop();
      call.status(progress.progress);
    }
  };
  try {
    await Promise.all([
      watch(
        `/apis/apps/v1/namespaces/${namespace}/deployments`,
        (change) => progress.deploymentChanged(change),
        live,
      ),
      watch(replicaSets, (change) => progress.replicaSetChanged(change)),
      watch(claims, (change) => progress.claimChanged(change)),
    ]);
  } finally {
    stop();
  }
  if (progress.isDone) return progress.live;
  const { reasons } = progress;
  throw new NotReady(`${ended(seconds, call)}: ${reasons.join('; ')}`, reasons);
}

/** Collections of a Deployment's ReplicaSets and claims. */
function relatedTo({ metadata }: KubernetesObject): readonly string[] {
  const { namespace = '' } = metadata ?? {};
  return [
    `/apis/apps/v1/namespaces/${namespace}/replicasets`,
    `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
  ];
}

/** A claim of a class that binds at the first consumer stays Pending until then. */
async function bindsLate(api: KubernetesApi, claim: KubernetesObject): Promise<boolean> {
  const name = (claim.spec as { storageClassName?: string } | undefined)?.storageClassName;
  if (name === undefined || name === '') return false;
  try {
    const found = await api.get(`/apis/storage.k8s.io/v1/storageclasses/${name}`);
    return found.volumeBindingMode === 'WaitForFirstConsumer';
  } catch {
    return false;
  }
}

/** A signal that aborts at the timeout, when the engine stops, or when `stop` is called. */
function limit(seconds: number, call: Call): { signal: AbortSignal; stop: () => void } {
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(), seconds * 1000);
  const stop = () => {
    clearTimeout(timer);
    own.abort();
  };
  return { signal: AbortSignal.any([own.signal, call.signal]), stop };
}

function ended(seconds: number, call: Call): string {
  return call.signal.aborted ? 'stopped at your request' : `timed out after ${seconds} s`;
}
