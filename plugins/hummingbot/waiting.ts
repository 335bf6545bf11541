/** How a gate waits: what it looks for may be there, may come, or may be in vain to wait for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KubernetesError, UnreachableError } from '../kubernetes-api.ts';
import { type Call, PluginError } from '../provider-server.ts';

export interface Waiting {
  readonly state: 'waiting';
  readonly text: string;
  /** What stays the same while one trouble lasts, though its text changes. */
  readonly cause: string;
  /** Seconds that it may last; undefined when it may heal at any time. */
  readonly graceSeconds?: number;
}

/** `found` is never empty. */
export type Progress = { readonly state: 'complete'; readonly found: string } | Waiting;

export interface Patience {
  readonly deadlineSeconds: number;
  /** Time between two looks. */
  readonly pollMilliseconds: number;
  /** What it is not when the deadline has come: `ready`. */
  readonly goal: string;
  /** The whole line of an error, from what is wrong. */
  lineOf(text: string): string;
}

/** How long an answer "unauthorised" or "forbidden" may be one of a starting server. */
const refusedSeconds = 30;
const refusals: readonly number[] = [401, 403];
const noAnswer = 'no answer';

export function waiting(text: string, cause = text, graceSeconds?: number): Waiting {
  return { state: 'waiting', text, cause, ...(graceSeconds !== undefined && { graceSeconds }) };
}

/**
 * Looks again and again. A server that does not answer is waited for like a pod.
 * @param look may throw; what is no error of the server ends the wait
 * @returns what was found
 * @throws PluginError at the deadline, after a grace, or when it is asked to stop
 */
export async function waitFor(
  look: () => Promise<Progress>,
  { deadlineSeconds, pollMilliseconds, goal, lineOf }: Patience,
  call: Call,
): Promise<string> {
  const start = performance.now();
  const left = () => deadlineSeconds - (performance.now() - start) / 1000;
  let last = waiting('not looked at yet', '');
  let since = start;
  for (;;) {
    const progress = await judged(look, call.signal);
    if (progress.state === 'complete') {
      call.status('');
      return progress.found;
    }
    if (call.signal.aborted) throw new PluginError(lineOf(`stopped at your request: ${last.text}`));
    if (progress.text !== last.text) call.status(`waiting: ${progress.text}`);
    // A server that was away for a moment does not make a trouble a new one.
    if (progress.cause !== last.cause && progress.cause !== noAnswer) since = performance.now();
    last = progress.cause === noAnswer ? { ...last, text: progress.text } : progress;
    const lasted = (performance.now() - since) / 1000;
    if (progress.graceSeconds !== undefined && lasted >= progress.graceSeconds) {
      throw new PluginError(lineOf(progress.text));
    }
    if (left() <= 0) {
      throw new PluginError(lineOf(`not ${goal} after ${deadlineSeconds} s: ${progress.text}`));
    }
    const pause = Math.min(pollMilliseconds, Math.max(left() * 1000, 1));
    await sleep(pause, undefined, { signal: call.signal }).catch(() => {
      throw new PluginError(lineOf(`stopped at your request: ${progress.text}`));
    });
  }
}

async function judged(look: () => Promise<Progress>, signal: AbortSignal): Promise<Progress> {
  try {
    return await look();
  } catch (error) {
    if (signal.aborted) return waiting('stopped');
    if (!(error instanceof KubernetesError || error instanceof UnreachableError)) throw error;
    if (error instanceof KubernetesError && refusals.includes(error.code)) {
      return waiting(error.message, 'refused', refusedSeconds);
    }
    return waiting(error.message, noAnswer);
  }
}
