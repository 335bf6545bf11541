/**
 * `hummingbot:index:Preflight`: runs a Job before what depends on it is changed, so that a value
 * that the materialiser refuses fails the update while the old bot still trades.
 *
 * It is an action and keeps nothing (docs/decisions/0012-the-preflight-is-an-action.md): create and
 * update make a Job, wait for its end, and remove it whatever came of it. What a killed run leaves
 * ends by its own deadline, is removed by the cluster soon after, and by the next run before it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KubernetesApi, KubernetesError, type KubernetesObject } from '../kubernetes-api.ts';
import {
  type Call,
  type CheckResult,
  containsUnknown,
  failure,
  isObject,
  isUnknown,
  PluginError,
  type Properties,
  type ReadResult,
} from '../provider-server.ts';
import { warningsOf } from './events.ts';
import { Gate, type GateInputs, isMissing } from './gate.ts';
import { wrongInput } from './pod-trouble.ts';
import { type Job, type JobSnapshot, outcomeOf } from './preflight-progress.ts';
import { type Progress, waitFor } from './waiting.ts';

/** The name is what the Job's name begins with. */
export interface PreflightInputs extends GateInputs {
  /** A batch/v1 JobSpec: references to Secrets, never a value. */
  readonly job: Properties & { readonly template: Template };
  readonly labels: Readonly<Record<string, string>>;
}

interface Template extends Properties {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: Properties;
}

/** Whose Job and pod it is; nothing else is ever removed. */
const ownLabel = 'hummingbot-secrets/preflight';
/** The label that the Job controller gives the pods (Kubernetes 1.27 and newer). */
const jobLabel = 'batch.kubernetes.io/job-name';
/** For what passes by itself, such as a node that goes. */
const moreTries = 2;
/** How long the cluster keeps an ended Job, and one that nobody waits for any more. */
const leftSeconds = 300;
/** What generateName adds has five characters and a hyphen, and a label's value has at most 63. */
const namePattern = /^[a-z0-9]([a-z0-9-]{0,55}[a-z0-9])?$/u;
/** What a server answers to a Job that it will never take: malformed, no namespace, too large, invalid. */
const lasting: readonly number[] = [400, 404, 413, 422];
const removalTries = 3;
const removalMilliseconds = 20_000;

export class Preflight extends Gate<PreflightInputs> {
  protected override readonly type = 'hummingbot:index:Preflight';
  protected override readonly own = { job: 'object', labels: 'object' } as const;
  protected override readonly defaultDeadlineSeconds = 180;
  protected override readonly output = 'passed';
  readonly #pollMilliseconds: number;

  /** @param pollMilliseconds time between two looks */
  constructor(pollMilliseconds = 1000) {
    super();
    this.#pollMilliseconds = pollMilliseconds;
  }

  override async check(olds: Properties, news: Properties, call?: Call): Promise<CheckResult> {
    const { inputs, failures = [] } = await super.check(olds, news, call);
    const { name, job } = news;
    if (typeof name === 'string' && !isUnknown(name) && !namePattern.test(name)) {
      const allowed = 'at most 57 of a-z, 0-9 and -, a hyphen neither first nor last';
      failures.push(failure('name', `got ${JSON.stringify(name)}; allowed: ${allowed}`));
    }
    if (isObject(job) && !hasPod(job)) {
      failures.push(failure('job', 'got no template.spec; allowed: the spec of a batch/v1 Job'));
    }
    return { inputs, failures };
  }

  /** Nothing is kept, so nothing can be found changed. */
  override async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    this.inputsOf(state, call);
    return this.found(id, state, String(state[this.output] ?? ''), call);
  }

  /** @returns the name of the Job that passed */
  protected override async wait(preflight: PreflightInputs, call: Call): Promise<string> {
    if (containsUnknown(preflight)) {
      throw new PluginError(`${this.type}: got inputs that are not known yet; allowed: known ones`);
    }
    const api = await KubernetesApi.connect(preflight.kubeconfig);
    let asked = false;
    let made: string | undefined;
    const look = async (): Promise<Progress> => {
      if (made === undefined) {
        // Also what was made by a request of ours whose answer did not arrive.
        await removeJobs(api, preflight, call.signal);
        asked = true;
        made = await makeJob(api, preflight, call.signal);
      }
      const outcome = outcomeOf(await snapshotOf(api, preflight, made, call.signal));
      if (outcome.state === 'failed') throw new PluginError(lineOf(preflight, outcome.text));
      return outcome;
    };
    const patience = {
      deadlineSeconds: preflight.deadlineSeconds,
      pollMilliseconds: this.#pollMilliseconds,
      goal: 'done',
      lineOf: (text: string) => lineOf(preflight, text),
    };
    try {
      return await waitFor(look, patience, call);
    } finally {
      if (asked) await this.#tidy(api, preflight, call);
    }
  }

  /** Not with the call's signal: a run that is stopped tidies up, too. What is left is no error. */
  async #tidy(api: KubernetesApi, preflight: PreflightInputs, call: Call): Promise<void> {
    const signal = AbortSignal.timeout(removalMilliseconds);
    for (let tries = 1; ; tries++) {
      try {
        return await removeJobs(api, preflight, signal);
      } catch (error) {
        if (tries < removalTries && !signal.aborted) {
          await sleep(this.#pollMilliseconds);
          continue;
        }
        const { namespace, name } = preflight;
        const why = error instanceof PluginError ? error.message : 'no answer';
        call.log(
          'warning',
          `Preflight ${namespace}/${name}: its Job is left: ${why}; the cluster removes it ` +
            `${leftSeconds / 60} minutes after its end, the next run before that`,
        );
        return;
      }
    }
  }
}

function hasPod(job: Properties): boolean {
  if (isUnknown(job.template)) return true;
  if (!isObject(job.template)) return false;
  return isUnknown(job.template.spec) || isObject(job.template.spec);
}

function pathOf(namespace: string): string {
  return `/apis/batch/v1/namespaces/${namespace}/jobs`;
}

/** Tried again by the cluster, except after the exit code that says that it is in vain. */
function jobOf({ name, job, labels, deadlineSeconds }: PreflightInputs): KubernetesObject {
  const { template } = job;
  const own = { [ownLabel]: name };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { generateName: `${name}-`, labels: { ...labels, ...own } },
    spec: {
      ...job,
      completions: 1,
      parallelism: 1,
      backoffLimit: moreTries,
      // https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy:
      // without a containerName it is any container, those of init too.
      podFailurePolicy: {
        rules: [
          { action: 'FailJob', onExitCodes: { operator: 'In', values: [wrongInput] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      // After ours, which has the pod's reason: this one removes the pod.
      activeDeadlineSeconds: Math.ceil(deadlineSeconds) + leftSeconds,
      ttlSecondsAfterFinished: leftSeconds,
      template: {
        ...template,
        metadata: {
          ...template.metadata,
          labels: { ...template.metadata?.labels, ...own },
        },
        // Asked for by a podFailurePolicy.
        spec: { ...template.spec, restartPolicy: 'Never' },
      },
    },
  };
}

/** @returns its name */
async function makeJob(
  api: KubernetesApi,
  preflight: PreflightInputs,
  signal: AbortSignal,
): Promise<string> {
  const details = { body: jobOf(preflight), signal };
  try {
    return (await api.send('POST', pathOf(preflight.namespace), details)).metadata?.name ?? '';
  } catch (error) {
    if (!(error instanceof KubernetesError && lasting.includes(error.code))) throw error;
    throw new PluginError(lineOf(preflight, error.message));
  }
}

async function removeJobs(
  api: KubernetesApi,
  { namespace, name }: PreflightInputs,
  signal: AbortSignal,
): Promise<void> {
  const path = pathOf(namespace);
  const { items } = await api.list(path, {
    query: { labelSelector: `${ownLabel}=${name}` },
    signal,
  });
  for (const { metadata } of items) {
    if (metadata?.deletionTimestamp !== undefined) continue;
    try {
      // Without a policy the API of Jobs leaves the pods.
      const query = { propagationPolicy: 'Background' };
      await api.send('DELETE', `${path}/${metadata?.name}`, { query, signal });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

async function snapshotOf(
  api: KubernetesApi,
  preflight: PreflightInputs,
  name: string,
  signal: AbortSignal,
): Promise<JobSnapshot> {
  const { namespace } = preflight;
  const job = await api.get(`${pathOf(namespace)}/${name}`, { signal }).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new PluginError(lineOf(preflight, `somebody removed the Job ${name} while it ran`));
  });
  const query = { labelSelector: `${jobLabel}=${name}` };
  const [pods, aboutPods, aboutJob] = await Promise.all([
    api.list(`/api/v1/namespaces/${namespace}/pods`, { query, signal }),
    warningsOf(api, namespace, 'involvedObject.kind=Pod', signal),
    warningsOf(api, namespace, `involvedObject.kind=Job,involvedObject.name=${name}`, signal),
  ]);
  return {
    job: job as Job,
    pods: pods.items as JobSnapshot['pods'],
    events: [...aboutPods, ...aboutJob],
  };
}

/** The materialiser's own line, and others, have a fix: it stays last. */
function lineOf({ namespace, name }: PreflightInputs, text: string): string {
  const mark = '; fix: ';
  const at = text.indexOf(mark);
  const told = at < 0 ? text : text.slice(0, at);
  const fix =
    at < 0
      ? `kubectl --namespace ${namespace} get events, or kubectl --namespace ${namespace} ` +
        'auth can-i create jobs, says more; then run again'
      : text.slice(at + mark.length);
  return (
    `Preflight ${namespace}/${name}: ${told}; ` +
    `nothing was changed and the old bot, if any, still runs${mark}${fix}`
  );
}
