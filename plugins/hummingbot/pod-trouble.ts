/**
 * Why a pod does not become Ready, in one line of its own words, and whether waiting can help.
 *
 * Only words that cannot hold a value are passed on: names, reasons, exit codes, and messages of
 * the scheduler, the kubelet's mounts and image pulls. A container's termination message may be
 * its last log line, and a runtime's error may quote its arguments, so those are left out; but a
 * message that is a line of our own programs is passed on.
 */
import { type KubernetesObject, oneLine, shortLine } from '../kubernetes-api.ts';

/** What is read of a pod; everything may be missing. */
export interface Pod extends KubernetesObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string }[];
}

interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface Terminated {
  readonly exitCode?: number;
  readonly reason?: string;
  readonly message?: string;
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: Terminated;
}

/** An event about an object. */
export interface Event extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

export interface Trouble {
  /** `container hummingbot: CrashLoopBackOff, exit code 1, 3 restarts`. */
  readonly text: string;
  /** What our own program in the container said last; absent or empty when it said nothing. */
  readonly words?: string;
  /** What stays the same while it lasts: a count and alternating reasons change the text. */
  readonly cause: string;
  /**
   * Seconds that it may last before waiting is in vain; 0 when it is already, undefined when it
   * may heal at any time (a node may come, an image may be slow).
   */
  readonly graceSeconds: number | undefined;
}

/** Restarts of containers at some moment, by pod and container. */
export type Restarts = ReadonlyMap<string, number>;

/** After so many restarts a container is not slow but broken. */
const mostRestarts = 3;
/** Our own programs' exit code for a wrong input (EX_DATAERR): another try would read it again. */
export const wrongInput = 65;
/** Time for the ReplicaSet to make another pod for one that was evicted or refused by its node. */
const replacementSeconds = 30;
/** Time for a registry, or for whoever writes the Secret, to come back. */
const patienceSeconds = 60;

const graces: Readonly<Record<string, number>> = {
  InvalidImageName: 0,
  ErrImageNeverPull: 0,
  ErrImagePull: patienceSeconds,
  ImagePullBackOff: patienceSeconds,
  CreateContainerConfigError: patienceSeconds,
  CreateContainerError: patienceSeconds,
  RunContainerError: patienceSeconds,
  StartError: patienceSeconds,
};

/** Waiting reasons whose message names images, Secrets and keys, and no value. */
const tellable = new Set([
  'InvalidImageName',
  'ErrImageNeverPull',
  'ErrImagePull',
  'ImagePullBackOff',
  'CreateContainerConfigError',
]);

/** Events that say why a pod has no containers yet. */
const tellableEvents = new Set([
  'FailedScheduling',
  'FailedMount',
  'FailedAttachVolume',
  'FailedCreatePodSandBox',
]);

/** A line of components/consumers/*.py, up to its fix: the caller has one of its own. */
const ownLine = /^[^;]+: got [^;]+; allowed: [^;]+/u;
const longestLine = 600;

export function isReady(pod: Pod): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}

/** Whether its containers have ended for good: it runs nothing any more. */
export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function involves(event: Event, name: string): boolean {
  return (event.involvedObject as { name?: string } | undefined)?.name === name;
}

/** The newest of events, in any order. */
export function newestOf(events: readonly Event[]): Event | undefined {
  return events.toSorted(byTime).at(-1);
}

/** A reason and what is said of it: `FailedMount: secret "keys" not found`. */
export function told(reason?: string, message?: string): string {
  return [reason, message]
    .map(oneLine)
    .filter((each) => each !== '')
    .join(': ');
}

/** The restarts so far, for a later `troubleOf`. */
export function restartsOf(pods: readonly Pod[]): Restarts {
  return new Map(
    pods.flatMap((pod) =>
      containersOf(pod).map((each) => [keyOf(pod, each), each.restartCount ?? 0] as const),
    ),
  );
}

/** Init containers first, as they run. */
export function containersOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function keyOf({ metadata }: Pod, { name }: ContainerStatus): string {
  return `${metadata?.uid}/${name}`;
}

/**
 * @param events about this pod, in any order
 * @param before restarts when one began to look: what ended it then may be mended since, so it has
 *   one more try
 */
export function troubleOf(
  pod: Pod,
  events: readonly Event[],
  before: Restarts = new Map(),
): Trouble | undefined {
  const { containerStatuses = [], phase, reason } = pod.status ?? {};
  if (phase === 'Failed') {
    const text = `failed${reason === undefined ? '' : `: ${oneLine(reason)}`}`;
    return { text, cause: 'failed', graceSeconds: replacementSeconds };
  }
  for (const status of containersOf(pod)) {
    const trouble = troubleOfContainer(pod, status, before.get(keyOf(pod, status)) ?? 0);
    if (trouble !== undefined) return trouble;
  }
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status === 'False') {
    const text = told(scheduled.reason, scheduled.message);
    return { text, cause: 'unscheduled', graceSeconds: undefined };
  }
  // A pod whose containers run has outlived what its events told of mounts and sandboxes.
  if (containerStatuses.some(({ state }) => state?.running !== undefined)) {
    return { text: 'runs and is not ready', cause: 'running', graceSeconds: undefined };
  }
  const event = newestOf(events.filter(isTellable));
  if (event === undefined) return undefined;
  const text = told(event.reason, event.message);
  return { text, cause: 'event', graceSeconds: undefined };
}

function troubleOfContainer(
  pod: Pod,
  status: ContainerStatus,
  before: number,
): Trouble | undefined {
  const { name, restartCount = 0, state, lastState } = status;
  const waiting = state?.waiting;
  const ended = state?.terminated ?? lastState?.terminated;
  const restarts = `${restartCount} restart${restartCount === 1 ? '' : 's'}`;
  const words = ended === undefined ? '' : wordsOf(ended);
  const inVain = ended?.exitCode === wrongInput && words !== '';
  if ((restartCount > 0 || inVain) && status.ready !== true && ended !== undefined) {
    const exit = [`exit code ${ended.exitCode ?? 'unknown'}`];
    // `Error` says no more than the code; OOMKilled does.
    if (ended.reason !== undefined && ended.reason !== 'Error') exit.push(oneLine(ended.reason));
    exit.push(...nulByteIn(pod, name, ended));
    const text = [waiting?.reason ?? 'crashes', ...exit, restarts].join(', ');
    const more = before > 0 ? before + 1 : 0;
    const graceSeconds = restartCount >= Math.max(inVain ? 0 : mostRestarts, more) ? 0 : undefined;
    return { text: `container ${name}: ${text}`, words, cause: `${name} crashes`, graceSeconds };
  }
  const reason = waiting?.reason ?? '';
  if (!(reason in graces)) return undefined;
  const text = told(reason, tellable.has(reason) ? waiting?.message : undefined);
  const cause = /image/iu.test(reason) ? `image of ${name}` : `${name} ${reason}`;
  return { text: `container ${name}: ${text}`, cause, graceSeconds: graces[reason] };
}

/** What our own program said last; with any other reason than `Error` the message is the runtime's. */
function wordsOf({ reason = 'Error', message }: Terminated): string {
  const [line = ''] = reason === 'Error' ? (message?.trim().split(/[\r\n]/u) ?? []) : [];
  return shortLine(ownLine.exec(line)?.[0], longestLine);
}

/**
 * Which variable the runtime refuses for its NUL byte; nothing when it is something else. An older runc
 * (1.1) quotes the value, a newer one the name alone: nothing is passed on but names of the pod's own.
 */
export function nulByteIn(
  { spec = {} }: Pod,
  container: string,
  { message = '' }: Terminated,
): readonly string[] {
  if (!/environment variable/u.test(message) || !/\b(?:nul|null)\b/u.test(message)) return [];
  const all = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const names = all.find(({ name }) => name === container)?.env?.map(({ name }) => name) ?? [];
  const named = names.find((name) =>
    [`"${name}"`, `"${name}=`].some((each) => message.includes(each)),
  );
  return [`a NUL byte in ${named === undefined ? 'a variable' : `the variable ${named}`}`];
}

function conditionOf(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

function isTellable({ type, reason }: Event): boolean {
  return type === 'Warning' && tellableEvents.has(reason ?? '');
}

function byTime(one: Event, other: Event): number {
  const time = (event: Event) => event.lastTimestamp ?? event.eventTime ?? '';
  return time(one) < time(other) ? -1 : 1;
}
