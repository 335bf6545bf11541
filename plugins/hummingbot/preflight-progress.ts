/**
 * Where a preflight's Job stands, judged from what the API server shows at one moment.
 *
 * Of a container that failed it passes on the whole termination message: here it is always the
 * materialiser's, one line of its own without a value, and never a last log line.
 */
import { type KubernetesObject, oneLine, shortLine } from '../kubernetes-api.ts';
import {
  type Condition,
  containersOf,
  type Event,
  hasEnded,
  involves,
  newestOf,
  nulByteIn,
  type Pod,
  type Terminated,
  told,
  troubleOf,
  wrongInput,
} from './pod-trouble.ts';
import { type Progress, type Waiting, waiting } from './waiting.ts';

export interface Job extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** What belongs to one Job; the events are those of its namespace. */
export interface JobSnapshot {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly events: readonly Event[];
}

export type Outcome = Progress | { readonly state: 'failed'; readonly text: string };

/** Time for a quota to be freed, or for whoever makes a service account. */
const creationSeconds = 60;
const longestMessage = 600;

export function outcomeOf({ job, pods, events }: JobSnapshot): Outcome {
  const conditions = job.status?.conditions?.filter(({ status }) => status === 'True') ?? [];
  const name = job.metadata?.name ?? '';
  if (conditions.some(({ type }) => type === 'Complete')) return { state: 'complete', found: name };
  const newest = newestPodOf(pods);
  // FailureTarget comes first, Failed when the last pod has ended.
  const failed = conditions.find(({ type }) => type === 'FailureTarget' || type === 'Failed');
  if (failed !== undefined) {
    const ended = newestPodOf(pods.filter(({ status }) => status?.phase === 'Failed'));
    const text = ended === undefined ? told(failed.reason, failed.message) : reasonOf(ended);
    return { state: 'failed', text };
  }
  if (newest === undefined) return withoutPod(events, name);
  // Of the one completion that a Job has; its controller says so a second later.
  if (newest.status?.phase === 'Succeeded') return { state: 'complete', found: name };
  return hasEnded(newest) ? afterPod(newest) : withPod(newest, events);
}

function withoutPod(events: readonly Event[], job: string): Waiting {
  const about = events.filter((each) => involves(each, job) && each.reason === 'FailedCreate');
  const event = newestOf(about);
  if (event === undefined) return waiting('no pod yet');
  const text = `no pod can be made: ${told(event.reason, event.message)}`;
  return waiting(text, 'no pod', creationSeconds);
}

function withPod(pod: Pod, events: readonly Event[]): Waiting {
  const name = pod.metadata?.name ?? '';
  // It runs once: the Job judges its end.
  const failed = containersOf(pod).some(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  if (failed) return waiting(`pod ${name} is at its end`);
  const trouble = troubleOf(
    pod,
    events.filter((event) => involves(event, name)),
  );
  if (trouble === undefined) return waiting(`pod ${name} has not ended yet`);
  // Never Ready, and rightly so.
  if (trouble.cause === 'running') return waiting(`pod ${name} runs and has not ended`);
  return waiting(`pod ${name}: ${trouble.text}`, trouble.cause, trouble.graceSeconds);
}

function afterPod(pod: Pod): Waiting {
  const inVain = containersOf(pod).some(({ state }) => state?.terminated?.exitCode === wrongInput);
  return waiting(`${reasonOf(pod)}${inVain ? '' : ' (it is tried again)'}`, 'failed pod');
}

/** Why a pod has failed: its container's words, or the node's reason. */
function reasonOf(pod: Pod): string {
  for (const { name, state } of containersOf(pod)) {
    const ended = state?.terminated;
    if (ended === undefined || ended.exitCode === 0) continue;
    return [`container ${name}: ${wordsOf(ended)}`, ...nulByteIn(pod, name, ended)].join(', ');
  }
  const reason = oneLine(pod.status?.reason);
  return `pod ${pod.metadata?.name} failed${reason === '' ? '' : `: ${reason}`}`;
}

function wordsOf({ exitCode, reason = 'Error', message }: Terminated): string {
  const words = [`exit code ${exitCode ?? 'unknown'}`];
  // `Error` says no more than the code, and with any other the message may be the runtime's, which
  // may quote arguments.
  if (reason !== 'Error') return [...words, oneLine(reason)].join(', ');
  const line = shortLine(message?.trim().split(/[\r\n]/u)[0], longestMessage);
  return [...words, line].filter((each) => each !== '').join(': ');
}

function newestPodOf(pods: readonly Pod[]): Pod | undefined {
  const time = ({ metadata }: Pod) => metadata?.creationTimestamp ?? '';
  return pods.toSorted((one, other) => (time(one) < time(other) ? -1 : 1)).at(-1);
}
