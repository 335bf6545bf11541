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

/** For `npm run bench` alone: the last release whose modules the proxy has whole. */
export const terraformKubernetes: GoTool = {
  name: 'terraform-provider-kubernetes',
  estimate: 'about 6 minutes on 2 cores',
};

/** sops as users have it; age, which makes the keys of tests, in the versions that it is built with. */
export const sops: GoTool = {
  name: 'sops',
  binaries: { sops: 'sops', age: 'age', 'age-keygen': 'age-keygen' },
  estimate: 'about 2 minutes on 2 cores',
  link: { 'github.com/getsops/sops/v3/version.Version': '3.13.3' },
};

/** 1.21.0: the patch releases after it do not compile against the published SDK. */
export const vault: GoTool = {
  name: 'vault',
  estimate: 'about 4 minutes on 2 cores',
};

const sealed = 'github.com/bitnami-labs/sealed-secrets';

/** 0.36: 0.24, the guide's, has CVE-2026-22728; from 0.40 on the module path is another one. */
export const sealedSecrets: GoTool = {
  name: 'sealed-secrets',
  binaries: { kubeseal: 'kubeseal', 'sealed-secrets-controller': 'controller' },
  files: { 'crds.yaml': [sealed, 'helm/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml'] },
  estimate: 'about 3 minutes on 2 cores',
  link: { 'main.VERSION': '0.36.0' },
};

/** Checks GitHub workflows as GitHub reads them: syntax, expressions, contexts, schedules. */
export const actionlint: GoTool = {
  name: 'actionlint',
  estimate: 'about 40 seconds on 2 cores',
  link: { 'github.com/rhysd/actionlint.version': '1.7.12' },
};
