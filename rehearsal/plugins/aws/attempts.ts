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
  seconds = call.timeoutSeconds ?? propagationSeconds,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    try {
      return await run();
    } catch (error) {
      if (!passes(error) || call.signal.aborted || Date.now() + pause > deadline) throw error;
    }
    await pauseFor(pause, call);
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
  seconds = propagationSeconds,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() + pause > deadline) throw new PluginError(`waiting for ${what}: timeout`);
    await pauseFor(pause, call);
  }
}

async function pauseFor(milliseconds: number, { signal }: Call): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    throw signal.reason instanceof Error ? signal.reason : new PluginError('stopped');
  });
}
