/** How far a swarm's service of one task is: pure, from what the Engine's API says. */
import { isDeepStrictEqual } from 'node:util';
import { type Progress, waiting } from './waiting.ts';

/** Of the API's Task (https://docs.docker.com/reference/api/engine/). */
export interface Task {
  readonly ID: string;
  readonly CreatedAt?: string;
  /** What the swarm wants of it. */
  readonly DesiredState?: string;
  readonly Status?: {
    readonly State?: string;
    /** Why it is not what it should be: a scheduler's or an engine's word. */
    readonly Err?: string;
    readonly ContainerStatus?: { readonly ExitCode?: number };
  };
  readonly Spec?: { readonly ContainerSpec?: unknown };
}

export interface Service {
  readonly Spec?: {
    readonly Name?: string;
    readonly TaskTemplate?: { readonly ContainerSpec?: unknown };
  };
}

export interface Snapshot {
  readonly service: Service;
  readonly tasks: readonly Task[];
  /** Tasks that had ended when the wait began: what ended them may be mended. */
  readonly before: ReadonlySet<string>;
}

/** Of sysexits.h: what was given is wrong, and another try does not mend it (launch.py). */
const wrongInput = 65;
/** A task that ended so often is not slow but broken. */
const fewestFailures = 3;
/** Time that a scheduler may have no node, as after a node's start. */
const pendingSeconds = 30;
const ended = ['failed', 'rejected', 'complete', 'shutdown', 'remove', 'orphaned'];
const broken = ['failed', 'rejected'];

/** Ids of the tasks that have ended. */
export function endedTasks(tasks: readonly Task[]): ReadonlySet<string> {
  return new Set(tasks.filter(hasEnded).map(({ ID }) => ID));
}

/**
 * Complete when one task runs, as the service is now, and no other one runs beside it. A swarm calls a
 * task running when its health check says so.
 */
export function progressOf({ service, tasks, before }: Snapshot): Progress {
  const wanted = service.Spec?.TaskTemplate?.ContainerSpec;
  const isOwn = (task: Task): boolean => isDeepStrictEqual(task.Spec?.ContainerSpec, wanted);
  const living = tasks.filter((task) => !hasEnded(task));
  const [task, ...more] = living;
  if (task !== undefined && more.length === 0 && isOwn(task) && runs(task)) {
    return { state: 'complete', found: task.ID };
  }
  const failures = tasks
    .filter((each) => isOwn(each) && isBroken(each) && !before.has(each.ID))
    .toSorted((a, b) => String(b.CreatedAt).localeCompare(String(a.CreatedAt)));
  const [last] = failures;
  if (last !== undefined) {
    const isFinal = codeOf(last) === wrongInput || failures.length >= fewestFailures;
    return waiting(troubleOf(last), `failed ${failures.length}`, isFinal ? 0 : undefined);
  }
  if (living.some((each) => !isOwn(each))) return waiting('the bot of before is still there');
  const pending = living.find(({ Status }) => Status?.State === 'pending' && Status.Err);
  if (pending !== undefined) return waiting(troubleOf(pending), 'pending', pendingSeconds);
  return waiting(`its task is ${task?.Status?.State ?? 'not there yet'}`);
}

/** The newest task that failed as the service is now: whose log has the reason. */
export function lastFailure({ service, tasks }: Pick<Snapshot, 'service' | 'tasks'>): string {
  const wanted = service.Spec?.TaskTemplate?.ContainerSpec;
  const [last] = tasks
    .filter((each) => isBroken(each) && isDeepStrictEqual(each.Spec?.ContainerSpec, wanted))
    .toSorted((a, b) => String(b.CreatedAt).localeCompare(String(a.CreatedAt)));
  return last?.ID ?? '';
}

function hasEnded({ Status }: Task): boolean {
  return ended.includes(Status?.State ?? '');
}

function isBroken({ Status }: Task): boolean {
  return broken.includes(Status?.State ?? '');
}

function runs({ DesiredState, Status }: Task): boolean {
  return DesiredState === 'running' && Status?.State === 'running';
}

function codeOf({ Status }: Task): number | undefined {
  return Status?.ContainerStatus?.ExitCode;
}

function troubleOf({ Status }: Task): string {
  const why = (Status?.Err ?? '').replaceAll(/[\s\p{Cc}]+/gu, ' ').slice(0, 200);
  return `its task is ${Status?.State ?? 'unknown'}${why === '' ? '' : ` (${why})`}`;
}
