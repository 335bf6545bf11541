/** The objects of BENCH_GRAPH, a JSON list of manifests, and nothing else: what terraform applies. */
import { readFileSync } from 'node:fs';
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js';
import { LimitRange } from '@pulumi/kubernetes/core/v1/limitRange.js';
import { Namespace } from '@pulumi/kubernetes/core/v1/namespace.js';
import { ResourceQuota } from '@pulumi/kubernetes/core/v1/resourceQuota.js';
import { NetworkPolicy } from '@pulumi/kubernetes/networking/v1/networkPolicy.js';
import { Provider } from '@pulumi/kubernetes/provider.js';
import { Role } from '@pulumi/kubernetes/rbac/v1/role.js';
import { RoleBinding } from '@pulumi/kubernetes/rbac/v1/roleBinding.js';
import type * as pulumi from '@pulumi/pulumi';

type Made = new (
  name: string,
  args: never,
  opts: pulumi.CustomResourceOptions,
) => pulumi.CustomResource;

const kinds: Readonly<Record<string, Made>> = {
  ...{ ConfigMap, LimitRange, Namespace, NetworkPolicy },
  ...{ ResourceQuota, Role, RoleBinding },
};
const manifests = JSON.parse(readFileSync(process.env.BENCH_GRAPH ?? '', 'utf8')) as readonly {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}[];
const made: pulumi.Resource[] = [];
const kubeconfig = readFileSync(process.env.KUBECONFIG ?? '', 'utf8');
// Without an object none is started, as terraform starts none.
const provider =
  manifests.length > 0
    ? new Provider('kubernetes', { kubeconfig, enableServerSideApply: true })
    : undefined;
for (const manifest of manifests) {
  const { kind, metadata } = manifest;
  const Kind = kinds[kind];
  if (Kind === undefined) throw new Error(`no ${kind} here`);
  // The namespace is the first.
  const dependsOn = made.slice(0, 1);
  made.push(
    new Kind(`${kind}-${metadata.name}`, manifest as never, {
      ...(provider && { provider }),
      dependsOn,
    }),
  );
}
