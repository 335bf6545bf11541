/**
 * `hummingbot:index:getCluster`: which cluster a kubeconfig leads to. A cluster's identity is the
 * UID of its namespace kube-system: addresses, names and certificates may all be another's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KubernetesApi, KubernetesError, UnreachableError } from '../kubernetes-api.ts';
import { type Call, isUnknown, PluginError, type Properties } from '../provider-server.ts';

const attempts = 3;
const pauseMilliseconds = 1000;

/** @returns `uid` and `server` (URL); nothing while the kubeconfig is not known */
export async function getCluster(args: Properties, call: Call): Promise<Properties> {
  const { kubeconfig } = args;
  if (isUnknown(kubeconfig)) return {};
  if (typeof kubeconfig !== 'string' || kubeconfig === '') {
    throw new PluginError('getCluster: kubeconfig: got nothing; allowed: contents of a kubeconfig');
  }
  const api = await KubernetesApi.connect(kubeconfig);
  for (let attempt = 1; ; attempt++) {
    try {
      const { metadata } = await api.get('/api/v1/namespaces/kube-system', call);
      return { uid: metadata?.uid ?? '', server: api.server };
    } catch (error) {
      if (error instanceof KubernetesError) {
        throw new PluginError(
          `cluster ${api.server}: its UID cannot be read: got ${error.code} ${error.reason}; ` +
            "allowed: get on the namespace kube-system; fix: give the kubeconfig's user that right",
        );
      }
      if (!(error instanceof UnreachableError) || attempt >= attempts) throw error;
    }
    await sleep(pauseMilliseconds, undefined, { signal: call.signal });
  }
}
