/** The bot of a swarm: its service, which is scaled to 0 until its task is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DockerApi, filters, isMissing } from '../../plugins/docker-api.ts';
import { endedTasks, type Task } from '../../plugins/hummingbot/convergence-progress.ts';
import { PluginError, type Properties } from '../../plugins/resource-handler.ts';
import type { Bot } from './bots.ts';

/** What is asked of the API; a test has its own. */
export type ServiceApi = Pick<DockerApi, 'get' | 'list' | 'post'>;

interface Service {
  readonly ID?: string;
  readonly Version?: { readonly Index?: number };
  readonly Spec?: Properties & {
    readonly Mode?: { readonly Replicated?: { readonly Replicas?: number } };
    readonly TaskTemplate?: { readonly ContainerSpec?: { readonly StopGracePeriod?: number } };
  };
}

/** Beyond the time in which a bot cancels its orders. */
const moreSeconds = 60;
const defaultGraceSeconds = 10;
const nanosecondsPerSecond = 1e9;

/** The service, if it runs a task or wants to. */
export async function botsInSwarm(
  api: ServiceApi,
  { target, service: name }: { readonly target: string; readonly service: string },
  pollMilliseconds = 500,
): Promise<readonly Bot[]> {
  const path = `/services/${encodeURIComponent(name)}`;
  const look = async (): Promise<Service> => (await api.get(path)) as Service;
  const living = async (): Promise<readonly Task[]> => {
    const query = filters({ service: [name] });
    const tasks = (await api.list('/tasks', { query })) as unknown as readonly Task[];
    const ended = endedTasks(tasks);
    return tasks.filter(({ ID }) => !ended.has(ID));
  };
  try {
    const { Spec } = await look();
    const idle = Spec?.Mode?.Replicated?.Replicas === 0 && (await living()).length === 0;
    if (idle) return [];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const stop = async (): Promise<void> => {
    const { ID, Version, Spec } = await look();
    const query = { version: String(Version?.Index) };
    const body = { ...Spec, Mode: { Replicated: { Replicas: 0 } } };
    await api.post(`/services/${ID}/update`, { query, body });
    const grace = Spec?.TaskTemplate?.ContainerSpec?.StopGracePeriod;
    const seconds = grace === undefined ? defaultGraceSeconds : grace / nanosecondsPerSecond;
    const deadline = performance.now() + (seconds + moreSeconds) * 1000;
    while ((await living()).length > 0) {
      if (performance.now() > deadline) {
        throw new PluginError(`a task, still after ${seconds + moreSeconds} s`);
      }
      await sleep(pollMilliseconds);
    }
  };
  return [{ target, name: `service ${name}`, stop }];
}
