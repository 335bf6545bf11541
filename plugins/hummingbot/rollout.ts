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
import { type Restarts, restartsOf } from './pod-trouble.ts';
import {
  type Deployment,
  type Progress,
  progressOf,
  type Snapshot,
  type Waiting,
} from './rollout-progress.ts';

export interface RolloutInputs {
  /** Contents of a kubeconfig, or its path. Secret. */
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Of the Deployment. */
  readonly name: string;
  /** The Deployment's `metadata.generation` after the change that is waited for. */
  readonly generation: number;
  readonly deadlineSeconds: number;
}

const defaultDeadlineSeconds = 600;
/** How long an answer "unauthorised" or "forbidden" may be one of a starting server. */
const refusedSeconds = 30;
const refusals: readonly number[] = [401, 403];
const notFound = 404;
const noAnswer = 'no answer';

const kinds = {
  kubeconfig: 'string',
  namespace: 'string',
  name: 'string',
  generation: 'number',
  deadlineSeconds: 'number',
} as const;

export class Rollout implements ResourceHandler {
  readonly #pollMilliseconds: number;

  /** @param pollMilliseconds time between two looks */
  constructor(pollMilliseconds = 1000) {
    this.#pollMilliseconds = pollMilliseconds;
  }

  async check(_olds: Properties, news: Properties): Promise<CheckResult> {
    const inputs: Properties = { deadlineSeconds: defaultDeadlineSeconds, ...news };
    // The Deployment's provider leaves its generation out of a preview that it cannot make.
    const unknown = (name: string) =>
      isUnknown(inputs[name]) || (name === 'generation' && inputs[name] === undefined);
    const failures = Object.entries(kinds)
      .filter(([name, kind]) => !unknown(name) && typeof inputs[name] !== kind)
      .map(([name, kind]) => failure(name, `got ${typeof inputs[name]}; allowed: ${kind}`));
    const { deadlineSeconds } = inputs;
    if (typeof deadlineSeconds === 'number' && !(deadlineSeconds > 0)) {
      failures.push(failure('deadlineSeconds', `got ${deadlineSeconds}; allowed: more than 0`));
    }
    return { inputs: marked(inputs), failures };
  }

  /** The kubeconfig is how one looks, not what one looks at: another one is no difference. */
  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const replaces = ['namespace', 'name'].filter((name) => olds[name] !== news[name]);
    const updates = ['generation', 'deadlineSeconds'].filter((name) => olds[name] !== news[name]);
    // A refresh found it not complete: wait again.
    if (olds.pod === '') updates.push('pod');
    const detailedDiff = Object.fromEntries([
      ...replaces.map((name) => [name, { kind: 'update-replace' as const }]),
      ...updates.map((name) => [name, { kind: 'update' as const }]),
    ]);
    const diffs = Object.keys(detailedDiff);
    return { changes: diffs.length > 0, replaces, diffs, detailedDiff };
  }

  async create(inputs: Properties, call: Call): Promise<CreateResult> {
    const rollout = inputs as unknown as RolloutInputs;
    const pod = await this.#wait(rollout, call);
    return { id: `${rollout.namespace}/${rollout.name}`, outs: marked({ ...inputs, pod }) };
  }

  async update(
    _id: string,
    _olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<UpdateResult> {
    const pod = await this.#wait(news as unknown as RolloutInputs, call);
    return { outs: marked({ ...news, pod }) };
  }

  /** An empty `pod` says "not complete now". */
  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    // An update without a difference keeps the old outputs and saves the new inputs.
    const inputs: Properties = { ...state, ...call.oldInputs };
    if (typeof inputs.kubeconfig !== 'string') {
      throw new PluginError(
        'hummingbot:index:Rollout: cannot be imported; run the program instead',
      );
    }
    const rollout = inputs as unknown as RolloutInputs;
    try {
      const api = await KubernetesApi.connect(rollout.kubeconfig);
      const generation = Number(state.generation ?? 0);
      const progress = progressOf(await snapshotOf(api, rollout, call.signal), generation);
      const pod = progress.state === 'complete' ? progress.pod : '';
      return { id, props: marked({ ...state, pod }) };
    } catch (error) {
      if (isMissing(error)) return {};
      throw told(error, rollout);
    }
  }

  async delete(): Promise<void> {}

  /**
   * Looks once a second. A server that does not answer is waited for like a pod.
   * @returns the name of the Ready pod
   */
  async #wait(rollout: RolloutInputs, call: Call): Promise<string> {
    if (rollout.generation === undefined) {
      throw new PluginError(
        'hummingbot:index:Rollout: generation: got nothing; ' +
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

function isMissing(error: unknown): boolean {
  return error instanceof KubernetesError && error.code === notFound;
}

function marked(state: Properties): Properties {
  return { ...state, kubeconfig: secret(state.kubeconfig) };
}
