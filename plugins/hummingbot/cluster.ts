/**
 * `hummingbot:index:getCluster`: which cluster a kubeconfig leads to. A cluster's identity is the
 * UID of its namespace kube-system: addresses, names and certificates may all be another's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KubernetesApi, KubernetesError, UnreachableError } from '../kubernetes-api.ts';
import { type Call, isUnknown, PluginError, type Properties } from '../provider-server.ts';

const attempts = 3;
const pauseMilliseconds = 1000;
/** Too many requests is 429; 5xx is no answer about the question either. */
const stumbling = 429;

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
      // A server that stumbles is one that does not answer: its user's rights are no matter.
      const stumbles = error instanceof KubernetesError && error.code >= stumbling;
      if (error instanceof KubernetesError && !stumbles) {
        throw new PluginError(
          `cluster ${api.server}: its UID cannot be read: got ${error.code} ${error.reason}; ` +
            "allowed: get on the namespace kube-system; fix: give the kubeconfig's user that right",
        );
      }
      if (!(stumbles || error instanceof UnreachableError)) throw error;
      if (attempt >= attempts) throw stumbles ? unanswered(api.server, error) : error;
    }
    await sleep(pauseMilliseconds, undefined, { signal: call.signal });
  }
}

function unanswered(server: string, { code, reason }: KubernetesError): PluginError {
  const got = [code, reason].filter((each) => each !== '').join(' ');
  return new PluginError(
    `API server ${server}: got ${got}; fix: see that it is well, and run again`,
  );
}
