/**
 * Whether the swarm of a stack can be asked, before Pulumi asks it for everything that the stack has there: a
 * refresh would say for each secret that nobody answers, and the official provider takes what it cannot read
 * for gone (rehearsal/plugins/docker/README.md).
 */
import { askManager } from '../../plugins/hummingbot/swarm.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import { lineOf } from '../../settings/mistake.ts';
import { CommandError } from './command-error.ts';

/** Commands that read or change what a stack has. */
const asking = new Set('up update preview pre refresh destroy down dn'.split(' '));

/**
 * @param settings of the stack file; a stack without a swarm, or of settings that are not all there yet,
 * asks nobody: the program names all that is missing
 * @throws CommandError with one line
 */
export async function refuseNoManager(
  verb: string | undefined,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { targets, swarmId } = settings;
  const { dockerHost: host = 'unix:///var/run/docker.sock', dockerCertPath = '' } = settings;
  if (verb === undefined || !asking.has(verb)) return;
  if (!Array.isArray(targets) || !targets.includes('swarm')) return;
  if (typeof swarmId !== 'string' || swarmId === '' || typeof host !== 'string') return;
  if (!/^(?:unix|ssh|tcp):\/\/./u.test(host)) return;
  const line = await askManager({ host, certPath: String(dockerCertPath) }).then(
    ({ mistake }) => mistake && lineOf(mistake),
    (error: unknown) => {
      if (error instanceof PluginError) return error.message;
      throw error;
    },
  );
  if (line !== undefined) throw new CommandError(`${line}; nothing was changed`);
}
