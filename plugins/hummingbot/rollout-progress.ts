/**
 * Where a rollout stands, judged from what the API server shows at one moment: as
 * `kubectl rollout status` does (kubectl/pkg/polymorphichelpers/rollout_status.go), and besides
 * that no old pod runs any more and the new ReplicaSet's pod is Ready.
 *
 * The official Pulumi provider's await is no such judge: it takes a `Recreate` update for done
 * when the old replicas reach 0.
 */
import { type KubernetesObject, oneLine } from '../kubernetes-api.ts';
import {
  type Condition,
  type Event,
  hasEnded,
  involves,
  isReady,
  type Pod,
  type Restarts,
  told,
  troubleOf,
} from './pod-trouble.ts';
import { type Progress, waiting } from './waiting.ts';

export interface Deployment extends KubernetesObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** What belongs to one Deployment, read one after the other. */
export interface Snapshot {
  readonly deployment: Deployment;
  readonly replicaSets: readonly KubernetesObject[];
  readonly pods: readonly Pod[];
  readonly events: readonly Event[];
  /** Restarts when the wait began: each pod has one more try since. */
  readonly before?: Restarts;
}

const revision = 'deployment.kubernetes.io/revision';
const templateHash = 'pod-template-hash';
/** Time for the controller to take a condition of the rollout before this one back. */
const staleSeconds = 15;
/** Time for a quota to be freed by the old pod. */
const replicaFailureSeconds = 60;
/** Stands for a pod where none is wanted. */
export const noPod = 'none';

/** @param generation that the Deployment must have reached */
export function progressOf(snapshot: Snapshot, generation: number): Progress {
  const { deployment, pods } = snapshot;
  const { spec = {}, status = {} } = deployment;
  const wanted = spec.replicas ?? 1;
  const current = Math.max(generation, deployment.metadata?.generation ?? 0);
  if ((status.observedGeneration ?? 0) < current) {
    return waiting('the controller has not seen the change yet');
  }
  if (spec.paused === true) return waiting('it is paused', 'paused', 0);

  const hash = hashOfNew(snapshot);
  const isNew = (pod: Pod) => hash !== undefined && pod.metadata?.labels?.[templateHash] === hash;
  const old = pods.filter((pod) => !isNew(pod) || isEnding(pod));
  const trouble = troubleOfNew(snapshot, pods.filter(isNew));
  if (trouble !== undefined) return trouble;
  const stalled = conditionOf(deployment, 'Progressing');
  if (stalled?.reason === 'ProgressDeadlineExceeded') {
    return waiting(
      `${stalled.reason}: ${oneLine(stalled.message)}${heldUp(old)}`,
      'stalled',
      staleSeconds,
    );
  }

  const running = old.find((pod) => !hasEnded(pod));
  if (running !== undefined) return waiting(`the old pod ${nameOf(running)} still ends`);
  if ((status.updatedReplicas ?? 0) < wanted) return waiting(`no new pod yet${heldUp(old)}`);
  if ((status.replicas ?? 0) > (status.updatedReplicas ?? 0)) return waiting('old pods still end');
  const ready = pods.filter((pod) => isNew(pod) && isReady(pod) && !isEnding(pod));
  if (ready.length < wanted) return waiting('the new pod is not ready yet');
  // Ready for less than the Deployment's minReadySeconds.
  if ((status.availableReplicas ?? 0) < wanted)
    return waiting('the new pod is ready since just now');
  return { state: 'complete', found: ready[0] === undefined ? noPod : nameOf(ready[0]) };
}

/** What stops the new ReplicaSet or its pods, if anything does. */
function troubleOfNew(
  { deployment, events, before }: Snapshot,
  pods: readonly Pod[],
): Progress | undefined {
  const present = pods.filter((pod) => !isEnding(pod));
  // One that was evicted stays to be looked at, beside the one that took its place.
  const running = present.filter((pod) => !hasEnded(pod));
  for (const pod of running.length > 0 ? running : present) {
    if (isReady(pod)) continue;
    const about = events.filter((event) => involves(event, nameOf(pod)));
    const trouble = troubleOf(pod, about, before);
    if (trouble !== undefined) {
      const { text, words = '', cause, graceSeconds } = trouble;
      const said = words === '' ? text : `${text}: ${words}`;
      return waiting(`pod ${nameOf(pod)}: ${said}`, cause, graceSeconds);
    }
  }
  const failure = conditionOf(deployment, 'ReplicaFailure');
  if (failure?.status !== 'True') return undefined;
  const text = told(failure.reason, failure.message);
  return waiting(`no pod can be made: ${text}`, 'replica failure', replicaFailureSeconds);
}

/** The template hash of the ReplicaSet of the Deployment's current revision. */
function hashOfNew({ deployment, replicaSets }: Snapshot): string | undefined {
  const current = deployment.metadata?.annotations?.[revision];
  const owned = replicaSets.filter(({ metadata }) =>
    metadata?.ownerReferences?.some(({ uid }) => uid === deployment.metadata?.uid),
  );
  const found = owned.find(({ metadata }) => metadata?.annotations?.[revision] === current);
  return found?.metadata?.labels?.[templateHash];
}

/** kubernetes#128798: an ended old pod can hold `Recreate` up until its progress deadline. */
function heldUp(old: readonly Pod[]): string {
  const ended = old.find(hasEnded);
  return ended === undefined ? '' : `; the old pod ${nameOf(ended)} has ended and may hold it up`;
}

function conditionOf(deployment: Deployment, type: string): Condition | undefined {
  return deployment.status?.conditions?.find((condition) => condition.type === type);
}

function isEnding(pod: Pod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined;
}

function nameOf(object: KubernetesObject): string {
  return object.metadata?.name ?? '';
}
