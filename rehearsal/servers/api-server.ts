/**
 * The API server as a hardened cluster has it: nobody anonymous, RBAC and the Node authorizer,
 * Secrets encrypted in etcd, an audit log, Pod Security admission (on by default), and tokens of
 * service accounts whose issuer is the URL that it is found at.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectDirectory } from '../../operations/engine/workspace.ts';
import { etcdUrl, flags } from './etcd.ts';
import type { ServerRecord } from './process.ts';
import {
  answers,
  apiUrl,
  certificate,
  fileInside,
  key,
  programInside,
  type Site,
  serviceNetwork,
} from './site.ts';

/** Path of the audit log below the rehearsal's folder: one JSON object a line, no bodies. */
export const auditLog = 'logs/audit.log';

/**
 * The policy that people are given, and of all else the same: who did what to which object, and no
 * body of any. A log of requests must not become a second place where Secrets lie. Leases are left
 * out: each component renews its own all the time.
 */
function auditPolicy(): object {
  const path = join(projectDirectory, 'examples', 'audit', 'policy.yaml');
  const given = parse(readFileSync(path, 'utf8')) as { readonly rules: readonly object[] };
  return {
    ...given,
    rules: [
      ...given.rules.slice(0, -1),
      { level: 'None', resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }] },
      { level: 'None', nonResourceURLs: ['/readyz*', '/livez*', '/healthz*'] },
      { level: 'Metadata' },
    ],
  };
}

function encryption(): object {
  const secret = randomBytes(32).toString('base64');
  return {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [
      {
        resources: ['secrets'],
        providers: [{ secretbox: { keys: [{ name: 'rehearsal', secret }] } }, { identity: {} }],
      },
    ],
  };
}

export async function startApiServer(site: Site): Promise<ServerRecord> {
  const write = (name: string, content: object): string => {
    writeFileSync(join(site.folder, name), JSON.stringify(content), { mode: 0o600 });
    return fileInside(name);
  };
  const url = apiUrl(site.enclosure);
  const options = {
    'bind-address': site.enclosure.address,
    'advertise-address': site.enclosure.address,
    'secure-port': '443',
    'tls-cert-file': certificate('kube-apiserver'),
    'tls-private-key-file': key('kube-apiserver'),
    'client-ca-file': certificate('ca'),
    'anonymous-auth': 'false',
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'etcd-servers': etcdUrl(site),
    'etcd-cafile': certificate('ca'),
    'etcd-certfile': certificate('etcd-client'),
    'etcd-keyfile': key('etcd-client'),
    'encryption-provider-config': write('encryption.json', encryption()),
    'audit-policy-file': write('audit-policy.json', auditPolicy()),
    'audit-log-path': fileInside(auditLog),
    'audit-log-mode': 'blocking',
    'kubelet-certificate-authority': certificate('ca'),
    'kubelet-client-certificate': certificate('kubelet-client'),
    'kubelet-client-key': key('kubelet-client'),
    'kubelet-preferred-address-types': 'InternalIP',
    'service-account-issuer': url,
    'service-account-key-file': fileInside('pki', 'tokens.pub'),
    'service-account-signing-key-file': fileInside('pki', 'tokens.key'),
    'service-cluster-ip-range': serviceNetwork,
    profiling: 'false',
  };
  return await site.servers.start({
    name: 'kube-apiserver',
    command: site.enclosure.enter([programInside(site, 'kube-apiserver'), ...flags(options)]),
    forks: true,
    healthy: async () => await answers(site.folder, `${url}/readyz`),
    seconds: 90,
  });
}
