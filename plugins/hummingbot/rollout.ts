/**
 * `hummingbot:index:Rollout`: the gate between a Deployment and the deletion of what its old pod
 * used. It makes nothing: create and update wait until the new pod is Ready, or fail with the
 * pod's own reason, so that Pulumi goes on, or deletes nothing.
 *
 * It waits again whenever the Deployment's generation is another one, also when a failed change
 * is taken back, and when a refresh found the Deployment not complete. A pod that had crashed too
 * often before has one more try: what ended it may be mended, and nothing else starts it anew.
 */
import { KubernetesApi } from '../kubernetes-api.ts';
import { type Call, PluginError, type Properties, type ReadResult } from '../provider-server.ts';
import { warningsOf } from './events.ts';
import { Gate, type GateInputs, isMissing } from './gate.ts';
import { type Restarts, restartsOf } from './pod-trouble.ts';
import { type Deployment, progressOf, type Snapshot } from './rollout-progress.ts';
import { waitFor } from './waiting.ts';

/** The name is that of the Deployment. */
export interface RolloutInputs extends GateInputs {
  /** The Deployment's `metadata.generation` after the change that is waited for. */
  readonly generation: number;
}

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
      const pod = progress.state === 'complete' ? progress.found : '';
      return this.found(id, state, pod, call);
    } catch (error) {
      if (isMissing(error)) return {};
      throw told(error, rollout);
    }
  }

  /** @returns the name of the Ready pod */
  protected override async wait(rollout: RolloutInputs, call: Call): Promise<string> {
    if (rollout.generation === undefined) {
      throw new PluginError(
        `${this.type}: generation: got nothing; ` +
          "allowed: the Deployment's output metadata.generation",
      );
    }
    const api = await KubernetesApi.connect(rollout.kubeconfig);
    let before: Restarts | undefined;
    const look = async () => {
      try {
        const snapshot = await snapshotOf(api, rollout, call.signal);
        before ??= restartsOf(snapshot.pods);
        return progressOf({ ...snapshot, before }, rollout.generation);
      } catch (error) {
        throw told(error, rollout);
      }
    };
    const patience = {
      deadlineSeconds: rollout.deadlineSeconds,
      pollMilliseconds: this.#pollMilliseconds,
      goal: 'ready',
      lineOf: (text: string) => lineOf(rollout, text),
    };
    return await waitFor(look, patience, call);
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
    warningsOf(api, namespace, 'involvedObject.kind=Pod', signal),
  ]);
  return {
    deployment,
    replicaSets: replicaSets.items,
    pods: pods.items as Snapshot['pods'],
    events,
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
