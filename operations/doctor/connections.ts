/** Ways to the systems that a stack names, each seen to be the stack's own before anything is asked. */
import { DockerApi } from '../../plugins/docker-api.ts';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import { readKubeconfig } from '../../settings/kubeconfig.ts';
import { pulumiCommand } from '../../settings/mistake.ts';
import { type Finding, problem } from './facts.ts';

type Settings = Readonly<Record<string, unknown>>;

/** `kubectl --context X --namespace Y` */
export function kubectlOf({ kubeContext = '' }: Settings, namespace: string): string {
  return `kubectl --context ${kubeContext} --namespace ${namespace}`;
}

/** The kubeconfig of the stack's context; undefined where there is none, which the settings say. */
export async function kubeconfigOf({ kubeContext = '' }: Settings): Promise<string | undefined> {
  return (await readKubeconfig()).reduced(String(kubeContext));
}

/**
 * @returns what is wrong when it is another cluster
 * @throws PluginError when it cannot be asked
 */
export async function openCluster(
  stack: string,
  { cluster }: Settings,
  kubeconfig: string,
): Promise<KubernetesApi | Finding> {
  const api = await KubernetesApi.connect(kubeconfig);
  const { metadata } = await api.get('/api/v1/namespaces/kube-system');
  if (metadata?.uid === cluster) return api;
  const fix = pulumiCommand(stack, 'config', 'set', 'kubeContext', 'NAME');
  return problem('kubeContext', 'another cluster', "the stack's own", fix);
}

/** @throws what is no answer of a system's */
export function silentCluster(error: unknown, kubectl: string): Finding {
  if (!(error instanceof PluginError)) throw error;
  const [got = ''] = error.message.split('; fix: ');
  const fix = `${kubectl} get pods,externalsecrets says whether you may and it answers`;
  return problem('cluster', got, 'one that can be asked', fix);
}

/** Of a machine such as a CI runner, whose kubeconfig does not have the stack's context. */
export function unknownCluster(stack: string, { kubeContext }: Settings): Finding {
  const other = pulumiCommand(stack, 'config', 'set', 'kubeContext', 'NAME');
  const fix = `a kubeconfig that has context ${String(kubeContext)} (KUBECONFIG), or ${other}`;
  return problem('cluster', 'no cluster that the settings name', 'one that can be asked', fix);
}

export function dockerHostOf({ dockerHost = 'unix:///var/run/docker.sock' }: Settings): string {
  return String(dockerHost);
}

/**
 * @returns what is wrong when it is another swarm
 * @throws PluginError when it cannot be asked
 */
export async function openSwarm(stack: string, settings: Settings): Promise<DockerApi | Finding> {
  const certPath = String(settings.dockerCertPath ?? '');
  const api = new DockerApi({ host: dockerHostOf(settings), certPath });
  const { Swarm: found } = await api.get('/info');
  const { Cluster } = (found ?? {}) as { Cluster?: { readonly ID?: string } };
  if (Cluster?.ID === settings.swarmId) return api;
  const fix = pulumiCommand(stack, 'config', 'set', 'dockerHost', 'HOST');
  return problem('dockerHost', 'another swarm, or none', "the stack's own", fix);
}

/** @throws what is no answer of a system's */
export function silentSwarm(error: unknown, host: string): Finding {
  if (!(error instanceof PluginError)) throw error;
  const fix = `docker --host ${host} info says whether you may and it answers`;
  return problem('dockerHost', error.message, 'one that can be asked', fix);
}
