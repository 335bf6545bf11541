/** Tools that are built from the Go module proxy, beside Pulumi itself (operations/engine/cli.ts). */
import type { GoTool } from '../../operations/engine/go.ts';

/** Docker Compose v2: Debian has only 1.29, which reads env files differently. */
export const dockerCompose: GoTool = {
  name: 'docker-compose',
  binaries: { 'docker-compose': 'cmd' },
  estimate: 'about 2 minutes on 2 cores',
  link: { 'github.com/docker/compose/v2/internal.Version': 'v2.40.3' },
};

/** 1.34, because 1.35 and later refuse cgroup v1. */
export const kubernetesVersion = '1.34.4';
const [major = '', minor = ''] = kubernetesVersion.split('.');
const version = 'k8s.io/component-base/version';

/** All programs of a cluster, and kubectl, in one module: they share most of their packages. */
export const kubernetes: GoTool = {
  name: 'kubernetes',
  binaries: {
    'kube-apiserver': 'kube-apiserver',
    'kube-controller-manager': 'kube-controller-manager',
    'kube-scheduler': 'kube-scheduler',
    kubelet: 'kubelet',
    kubectl: 'kubectl',
    // The last part of go.etcd.io/etcd/server/v3 that is not a version.
    etcd: 'server',
  },
  estimate: 'about 8 minutes on 2 cores',
  link: {
    [`${version}.gitVersion`]: `v${kubernetesVersion}`,
    [`${version}.gitMajor`]: major,
    [`${version}.gitMinor`]: minor,
  },
};

const operator = 'github.com/external-secrets/external-secrets';

/** 0.20.4: the last whose module is whole on the proxy. Its CRDs lie beside it. */
export const externalSecrets: GoTool = {
  name: 'external-secrets',
  binaries: { 'external-secrets': 'external-secrets' },
  files: { 'crds.yaml': [operator, 'deploy/crds/bundle.yaml'] },
  estimate: 'about 6 minutes on 2 cores',
};
