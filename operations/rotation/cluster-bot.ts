/** The bots of a namespace: Deployments, which are scaled to 0 until their pods are gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { botSelector } from '../../components/labels.ts';
import { hasEnded, type Pod } from '../../plugins/hummingbot/pod-trouble.ts';
import type { KubernetesApi, KubernetesObject } from '../../plugins/kubernetes-api.ts';
import { UnreachableError } from '../../plugins/kubernetes-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import type { Bot } from './bots.ts';

/** What is asked of the API; a test has its own. */
export type ScalingApi = Pick<KubernetesApi, 'list' | 'send'>;

interface Deployment extends KubernetesObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec?: { readonly terminationGracePeriodSeconds?: number } };
  };
}

/**
 * Pulumi's provider takes over at its next update what its own name for updates has changed, as it does
 * with kubectl's; of another name it would say that there is a conflict (pulumi-kubernetes
 * provider/pkg/await/await.go, fixCSAFieldManagers). `kubectl scale` makes that conflict, and
 * `kubectl patch` does not.
 */
const fieldManager = 'pulumi-kubernetes';
/** Beyond the time in which a bot cancels its orders. */
const moreSeconds = 60;
const defaultGraceSeconds = 30;

/** Deployments that run a bot, or want to. */
export async function botsInCluster(
  api: ScalingApi,
  { target, namespace }: { readonly target: string; readonly namespace: string },
  pollMilliseconds = 500,
): Promise<readonly Bot[]> {
  const labelSelector = Object.entries(botSelector)
    .map((pair) => pair.join('='))
    .join(',');
  const query = { labelSelector };
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const living = async (): Promise<readonly Pod[]> => {
    const { items } = await api.list(`/api/v1/namespaces/${namespace}/pods`, { query });
    return (items as readonly Pod[]).filter((pod) => !hasEnded(pod));
  };
  const { items } = await api.list(deployments, { query });
  const pods = await living();
  return (items as readonly Deployment[])
    .filter(({ spec }) => spec?.replicas !== 0 || pods.length > 0)
    .map(({ metadata, spec }) => {
      const name = metadata?.name ?? '';
      const grace = spec?.template?.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds;
      return {
        target,
        name: `Deployment ${namespace}/${name}`,
        async stop() {
          await api.send('PATCH', `${deployments}/${name}`, {
            contentType: 'application/merge-patch+json',
            query: { fieldManager },
            body: { spec: { replicas: 0 } },
          });
          await gone(living, grace + moreSeconds, pollMilliseconds);
        },
      };
    });
}

async function gone(
  living: () => Promise<readonly Pod[]>,
  seconds: number,
  pollMilliseconds: number,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const pods = await living().catch((error: unknown) => {
      if (!(error instanceof UnreachableError)) throw error;
      return undefined;
    });
    if (pods?.length === 0) return;
    if (performance.now() > deadline) {
      const [pod] = pods ?? [];
      const where = pod?.spec?.nodeName === undefined ? '' : ` on node ${pod.spec.nodeName}`;
      const what = pod === undefined ? 'no answer' : `pod ${pod.metadata?.name}${where}`;
      throw new PluginError(`${what}, still after ${seconds} s`);
    }
    await sleep(pollMilliseconds);
  }
}
