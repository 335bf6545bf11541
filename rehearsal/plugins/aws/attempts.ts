/** Trying again, where the official provider does: AWS tells the truth a little later. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, PluginError } from '../../../plugins/provider-server.ts';

/** As the official provider's `propagationTimeout` of Secrets Manager, IAM and KMS: seconds. */
const propagationSeconds = 120;
const [firstPause, longestPause] = [100, 5000];

/**
 * Runs something again while its error may pass.
 * @throws the last error when it does not within two minutes, or at once on Ctrl-C
 */
export async function retryWhen<T>(
  call: Call,
  passes: (error: unknown) => boolean,
  run: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + propagationSeconds * 1000;
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    try {
      return await run();
    } catch (error) {
      if (!passes(error) || Date.now() + pause > deadline) throw error;
      await pauseFor(pause, call.signal);
      if (call.signal.aborted) throw error;
    }
  }
}

/**
 * Waits until something is seen.
 * @param what such as "KMS Key (id) policy update"
 * @throws PluginError when it is not within two minutes
 */
export async function waitFor<T>(
  call: Call,
  what: string,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + propagationSeconds * 1000;
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() + pause > deadline) throw new PluginError(`waiting for ${what}: timeout`);
    await pauseFor(pause, call.signal);
    if (call.signal.aborted) throw new PluginError(`waiting for ${what}: stopped`);
  }
}

/** Ends early, without an error, on Ctrl-C. */
async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
