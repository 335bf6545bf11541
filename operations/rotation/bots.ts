/** The bots that a stack runs, wherever it delivers, and how each of them is stopped. */
import { askManager } from '../../plugins/hummingbot/swarm.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import { readKubeconfig } from '../../settings/kubeconfig.ts';
import { lineOf, type Mistake } from '../../settings/mistake.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Where } from '../engine/stack-outputs.ts';
import { composeBot, stop } from './running-bot.ts';

export interface Bot {
  /** Target that delivers to it. */
  readonly target: string;
  /** As a person names it. */
  readonly name: string;
  /**
   * Done when it runs no more. It has the time that it needs to cancel its orders.
   * @throws PluginError, with what is left of it
   */
  stop(): Promise<void>;
}

export interface Ground {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly delivered: Readonly<Record<string, Where>>;
}

type Trouble = Pick<Mistake, 'what' | 'got'>;

export interface FoundBots {
  readonly bots: readonly Bot[];
  /** Those that may run and cannot be stopped from here. */
  readonly troubles: readonly Trouble[];
}

/** Asks every place that the stack delivers to. It stops nothing. */
export async function findBots(ground: Ground): Promise<FoundBots> {
  const { delivered } = ground;
  const bots: Bot[] = [];
  const troubles: Trouble[] = [];
  const { running: compose, silent } = composeBot(delivered);
  if (compose !== undefined) {
    bots.push({
      target: compose.target,
      name: `the container of ${compose.directory}`,
      async stop() {
        if (!(await stop(compose))) throw new PluginError('a container that still runs');
      },
    });
  } else if (silent !== undefined) {
    troubles.push({ what: 'docker', got: silent });
  }
  for (const [target, where] of Object.entries(delivered)) {
    const what = placeOf(target, where);
    if (what === undefined) continue;
    try {
      bots.push(...(await botsAt(target, where, ground)));
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      const [got = ''] = error.message.split(/; (?:allowed|fix): /u);
      troubles.push({ what, got });
    }
  }
  return { bots, troubles };
}

/** Stops one, and says so. @returns why it runs on; undefined when it does not */
export async function stopped(bot: Bot): Promise<string | undefined> {
  console.log(`  ${bot.name}: it may cancel its orders, and stops`);
  try {
    await bot.stop();
    return undefined;
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    return error.message;
  }
}

/**
 * Bots that do not stop, or that nobody knows of.
 * @param agreed whether somebody has said to go on all the same: then it is said, and nothing more
 * @throws CommandError with a line for each
 */
export function refuseUnstopped(
  troubles: readonly Trouble[],
  command: string,
  agreed: boolean,
): void {
  if (troubles.length === 0) return;
  const refusal = unstopped(troubles, command);
  if (!agreed) throw refusal;
  console.error(refusal.message);
}

/** The line of each. */
export function unstopped(troubles: readonly Trouble[], command: string): CommandError {
  const allowed = 'a bot that is stopped before its key is replaced';
  const fix = `stop it by hand (docs/emergency.md), then ${command} --even-if-running`;
  return new CommandError(troubles.map((each) => lineOf({ ...each, allowed, fix })).join('\n'));
}

function placeOf(target: string, where: Where): string | undefined {
  if (where.service !== undefined) return `service ${where.service}`;
  if (where.namespace !== undefined) return `namespace ${where.namespace}`;
  return where.manifests === undefined ? undefined : `target ${target}`;
}

async function botsAt(
  target: string,
  { service, namespace, manifests }: Where,
  { settings }: Ground,
): Promise<readonly Bot[]> {
  if (manifests !== undefined) {
    throw new PluginError(`a bot that a GitOps controller runs from ${manifests}`);
  }
  if (service !== undefined) {
    const host = String(settings.dockerHost ?? 'unix:///var/run/docker.sock');
    const place = { host, certPath: String(settings.dockerCertPath ?? '') };
    const { id, mistake } = await askManager(place);
    if (mistake !== undefined) throw new PluginError(mistake.got);
    if (id !== settings.swarmId) throw new PluginError("another swarm than the stack's");
    const { DockerApi } = await import('../../plugins/docker-api.ts');
    const { botsInSwarm } = await import('./swarm-bot.ts');
    return await botsInSwarm(new DockerApi(place), { target, service });
  }
  const context = String(settings.kubeContext ?? '');
  const kubeconfig = (await readKubeconfig()).reduced(context);
  if (kubeconfig === undefined) throw new PluginError(`no context ${context} in the kubeconfig`);
  const { KubernetesApi } = await import('../../plugins/kubernetes-api.ts');
  const { botsInCluster } = await import('./cluster-bot.ts');
  const api = await KubernetesApi.connect(kubeconfig);
  const { metadata } = await api.get('/api/v1/namespaces/kube-system');
  if (metadata?.uid !== settings.cluster) throw new PluginError("another cluster than the stack's");
  return await botsInCluster(api, { target, namespace: namespace ?? '' });
}
