/** A command's time. Nothing of this process is held up: it may serve what the command asks. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface TimedOptions {
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * @returns seconds
 * @throws Error with what it has printed to its standard error, when it fails
 */
export async function timed(
  command: string,
  args: readonly string[],
  options: TimedOptions,
): Promise<number> {
  const begun = performance.now();
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<number | null>((settle, fail) => {
    child.on('error', fail).on('close', settle);
  });
  const [code, stderr] = await Promise.all([ended, text(child.stderr)]);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}`);
  return (performance.now() - begun) / 1000;
}
