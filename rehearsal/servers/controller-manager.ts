/** Kubernetes' controllers: Deployments, garbage collection, service accounts, claims, quotas. */
import { flags } from './etcd.ts';
import { writeServerKubeconfig } from './kubeconfig.ts';
import type { ServerRecord } from './process.ts';
import { answers, apiUrl, certificate, fileInside, key, programInside, type Site } from './site.ts';

/** What the controller manager and the scheduler have in common. */
async function startComponent(
  site: Site,
  name: string,
  port: number,
  own: Readonly<Record<string, string>>,
): Promise<ServerRecord> {
  const { folder, enclosure } = site;
  writeServerKubeconfig({ folder, server: apiUrl(enclosure), user: name });
  const kubeconfig = fileInside('kubeconfigs', name);
  const options = {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': enclosure.address,
    'secure-port': `${port}`,
    'tls-cert-file': certificate(name),
    'tls-private-key-file': key(name),
    'leader-elect': 'false',
    profiling: 'false',
    ...own,
  };
  return await site.servers.start({
    name,
    command: enclosure.enter([programInside(site, name), ...flags(options)]),
    forks: true,
    healthy: async () => await answers(folder, `https://${enclosure.address}:${port}/healthz`),
    seconds: 60,
  });
}

export async function startControllerManager(site: Site): Promise<ServerRecord> {
  return await startComponent(site, 'kube-controller-manager', 10257, {
    'root-ca-file': certificate('ca'),
    'service-account-private-key-file': fileInside('pki', 'tokens.key'),
    // Each controller acts as a service account of its own, with that one's rights.
    'use-service-account-credentials': 'true',
  });
}

export async function startScheduler(site: Site): Promise<ServerRecord> {
  return await startComponent(site, 'kube-scheduler', 10259, {});
}
