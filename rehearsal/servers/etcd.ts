/** etcd, which holds what the API server stores. Both ends show a certificate. */
import type { ServerRecord } from './process.ts';
import { answers, certificate, fileInside, key, programInside, type Site } from './site.ts';

export function etcdUrl({ enclosure }: Pick<Site, 'enclosure'>): string {
  return `https://${enclosure.address}:2379`;
}

export async function startEtcd(site: Site): Promise<ServerRecord> {
  const url = etcdUrl(site);
  const peer = 'https://127.0.0.1:2380';
  const options = {
    name: 'rehearsal',
    'data-dir': fileInside('etcd'),
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `rehearsal=${peer}`,
    'client-cert-auth': 'true',
    'peer-client-cert-auth': 'true',
    'trusted-ca-file': certificate('ca'),
    'peer-trusted-ca-file': certificate('ca'),
    'cert-file': certificate('etcd'),
    'key-file': key('etcd'),
    'peer-cert-file': certificate('etcd'),
    'peer-key-file': key('etcd'),
    // What a rehearsal stores is thrown away with it.
    'unsafe-no-fsync': 'true',
    'log-level': 'warn',
  };
  return await site.servers.start({
    name: 'etcd',
    command: site.enclosure.enter([programInside(site, 'etcd'), ...flags(options)]),
    forks: true,
    healthy: async () => await answers(site.folder, `${url}/health`),
    seconds: 60,
  });
}

/** `--name=value` of each. */
export function flags(options: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}
