/**
 * `hummingbot:index:Rollout`: the gate between a Deployment and the deletion of what its old pod
 * used. It makes nothing: create and update wait until the new pod is Ready, or fail with the
 * pod's own reason, so that Pulumi goes on, or deletes nothing.
 *
 * It waits again whenever the Deployment's generation is another one, also when a failed change
 * is taken back, and when a refresh found the Deployment not complete. A pod that had crashed too
 * often before has one more try: what ended it may be mended, and nothing else starts it anew.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  KubernetesApi,
  KubernetesError,
  type KubernetesList,
  UnreachableError,
} from '../kubernetes-api.ts';
import { type Call, PluginError, type Properties, type ReadResult } from '../provider-server.ts';
import { Gate, type GateInputs, isMissing } from './gate.ts';
import { type Restarts, restartsOf } from './pod-trouble.ts';
import {
  type Deployment,
  type Progress,
  progressOf,
  type Snapshot,
  type Waiting,
} from './rollout-progress.ts';

/** The name is that of the Deployment. */
export interface RolloutInputs extends GateInputs {
  /** The Deployment's `metadata.generation` after the change that is waited for. */
  readonly generation: number;
}

/** How long an answer "unauthorised" or "forbidden" may be one of a starting server. */
const refusedSeconds = 30;
const refusals: readonly number[] = [401, 403];
const noAnswer = 'no answer';

export class Rollout extends Gate<RolloutInputs> {
  protected override readonly type = 'hummingbot:index:Rollout';
  protected override readonly own = { generation: 'number' } as const;
  protected override readonly defaultDeadlineSeconds = 600;
  protected override readonly output = 'pod';
  // The Deployment's provider leaves its generation out of a preview that it cannot make.
  protected override readonly late = ['generation'];
  readonly #pollMilliseconds: number;

  /** @param pollMilliseconds time between two looks */
  constructor(pollMilliseconds = 1000) {
    super();
    this.#pollMilliseconds = pollMilliseconds;
  }

  /** An empty `pod` says "not complete now". */
  override async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    const rollout = this.inputsOf(state, call);
    try {
      const api = await KubernetesApi.connect(rollout.kubeconfig);
      const generation = Number(state.generation ?? 0);
      const progress = progressOf(await snapshotOf(api, rollout, call.signal), generation);
      const pod = progress.state === 'complete' ? progress.pod : '';
      return this.found(id, state, pod);
    } catch (error) {
      if (isMissing(error)) return {};
      throw told(error, rollout);
    }
  }

  /**
   * Looks once a second. A server that does not answer is waited for like a pod.
   * @returns the name of the Ready pod
   */
  protected override async wait(rollout: RolloutInputs, call: Call): Promise<string> {
    if (rollout.generation === undefined) {
      throw new PluginError(
        `${this.type}: generation: got nothing; ` +
          "allowed: the Deployment's output metadata.generation",
      );
    }
    const api = await KubernetesApi.connect(rollout.kubeconfig);
    const start = performance.now();
    const left = () => rollout.deadlineSeconds - (performance.now() - start) / 1000;
    let last: Waiting = { state: 'waiting', text: 'not looked at yet', cause: '' };
    let since = start;
    let before: Restarts | undefined;
    const look = async (): Promise<Snapshot> => {
      const snapshot = await snapshotOf(api, rollout, call.signal);
      before ??= restartsOf(snapshot.pods);
      return { ...snapshot, before };
    };
    for (;;) {
      const progress = await this.#judge(look, rollout);
      if (progress.state === 'complete') {
        call.status('');
        return progress.pod;
      }
      if (progress.text !== last.text) call.status(`waiting: ${progress.text}`);
      // A server that was away for a moment does not make a trouble a new one.
      if (progress.cause !== last.cause && progress.cause !== noAnswer) since = performance.now();
      last = progress.cause === noAnswer ? { ...last, text: progress.text } : progress;
      const lasted = (performance.now() - since) / 1000;
      if (progress.graceSeconds !== undefined && lasted >= progress.graceSeconds) {
        throw new PluginError(lineOf(rollout, progress.text));
      }
      if (left() <= 0) {
        const text = `not ready after ${rollout.deadlineSeconds} s: ${progress.text}`;
        throw new PluginError(lineOf(rollout, text));
      }
      const pause = Math.min(this.#pollMilliseconds, Math.max(left() * 1000, 1));
      await sleep(pause, undefined, { signal: call.signal }).catch(() => {
        throw new PluginError(lineOf(rollout, `stopped at your request: ${progress.text}`));
      });
    }
  }

  async #judge(look: () => Promise<Snapshot>, rollout: RolloutInputs): Promise<Progress> {
    try {
      return progressOf(await look(), rollout.generation);
    } catch (error) {
      if (isMissing(error)) throw told(error, rollout);
      if (!(error instanceof KubernetesError || error instanceof UnreachableError)) throw error;
      const text = error.message;
      if (error instanceof KubernetesError && refusals.includes(error.code)) {
        return { state: 'waiting', text, cause: 'refused', graceSeconds: refusedSeconds };
      }
      return { state: 'waiting', text, cause: noAnswer };
    }
  }
}

async function snapshotOf(
  api: KubernetesApi,
  { namespace, name }: RolloutInputs,
  signal: AbortSignal,
): Promise<Snapshot> {
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  const core = `/api/v1/namespaces/${namespace}`;
  const deployment = (await api.get(`${apps}/deployments/${name}`, { signal })) as Deployment;
  const labels = Object.entries(deployment.spec?.selector?.matchLabels ?? {});
  const query = { labelSelector: labels.map(([key, value]) => `${key}=${value}`).join(',') };
  const [replicaSets, pods, events] = await Promise.all([
    api.list(`${apps}/replicasets`, { query, signal }),
    api.list(`${core}/pods`, { query, signal }),
    // Events only explain: who may not list them gets a shorter line.
    api
      .list(`${core}/events`, {
        query: { fieldSelector: 'involvedObject.kind=Pod,type=Warning' },
        signal,
      })
      .catch((error: unknown): Pick<KubernetesList, 'items'> => {
        if (error instanceof KubernetesError) return { items: [] };
        throw error;
      }),
  ]);
  return {
    deployment,
    replicaSets: replicaSets.items,
    pods: pods.items as Snapshot['pods'],
    events: events.items as Snapshot['events'],
  };
}

function lineOf({ namespace, name }: RolloutInputs, text: string): string {
  return (
    `Deployment ${namespace}/${name}: ${text}; nothing old is deleted; ` +
    `fix: kubectl --namespace ${namespace} describe pods, or kubectl --namespace ${namespace} ` +
    `logs deployment/${name} --previous`
  );
}

function told(error: unknown, rollout: RolloutInputs): unknown {
  if (isMissing(error)) return new PluginError(lineOf(rollout, 'not found'));
  return error;
}
