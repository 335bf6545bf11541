/**
 * The types that the program uses, as data: where they live in the API, and what replaces them
 * (pulumi-kubernetes provider/pkg/provider/diff.go, `forceNew`).
 */

export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  /** Path segment of its collection. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Paths below which a change replaces the object, beside its name and namespace. */
  readonly replacedBy: readonly string[];
}

const core = 'v1';
const external = 'external-secrets.io/v1';

function kind(
  apiVersion: string,
  name: string,
  plural: string,
  replacedBy: readonly string[] = [],
  namespaced = true,
): Kind {
  return { apiVersion, kind: name, plural, namespaced, replacedBy };
}

export const kinds: Readonly<Record<string, Kind>> = {
  'kubernetes:core/v1:Namespace': kind(core, 'Namespace', 'namespaces', [], false),
  'kubernetes:core/v1:ServiceAccount': kind(core, 'ServiceAccount', 'serviceaccounts'),
  // The program has immutable ones alone; mutable ones need `enableConfigMapMutable`.
  'kubernetes:core/v1:ConfigMap': kind(core, 'ConfigMap', 'configmaps', [
    'binaryData',
    'data',
    'immutable',
  ]),
  // `data` and `stringData` too, unless Secrets are mutable: see replacing.ts.
  'kubernetes:core/v1:Secret': kind(core, 'Secret', 'secrets', ['type']),
  'kubernetes:core/v1:PersistentVolumeClaim': kind(
    core,
    'PersistentVolumeClaim',
    'persistentvolumeclaims',
    ['spec.accessModes', 'spec.selector', 'spec.storageClassName', 'spec.volumeName'],
  ),
  'kubernetes:core/v1:ResourceQuota': kind(core, 'ResourceQuota', 'resourcequotas', [
    'spec.scopes',
  ]),
  'kubernetes:core/v1:LimitRange': kind(core, 'LimitRange', 'limitranges'),
  'kubernetes:networking.k8s.io/v1:NetworkPolicy': kind(
    'networking.k8s.io/v1',
    'NetworkPolicy',
    'networkpolicies',
  ),
  'kubernetes:rbac.authorization.k8s.io/v1:Role': kind(
    'rbac.authorization.k8s.io/v1',
    'Role',
    'roles',
  ),
  'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding': kind(
    'rbac.authorization.k8s.io/v1',
    'RoleBinding',
    'rolebindings',
    ['roleRef'],
  ),
  'kubernetes:apps/v1:Deployment': kind('apps/v1', 'Deployment', 'deployments', ['spec.selector']),
  'kubernetes:external-secrets.io/v1:ExternalSecret': kind(
    external,
    'ExternalSecret',
    'externalsecrets',
  ),
  'kubernetes:bitnami.com/v1alpha1:SealedSecret': kind(
    'bitnami.com/v1alpha1',
    'SealedSecret',
    'sealedsecrets',
  ),
  'kubernetes:external-secrets.io/v1:SecretStore': kind(external, 'SecretStore', 'secretstores'),
};

/** Path of a kind's collection, below a namespace where it has one. */
export function collectionOf({ apiVersion, plural, namespaced }: Kind, namespace: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespaced ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`;
}
