/** Kubernetes objects of a resource: one that is applied, or those that a file for git holds. */
import type { Resource } from '../resource.ts';
import { at, type Fields, fieldsAt, isFields, listAt } from './fields.ts';
import { documentsOf } from './yaml.ts';

export interface KubernetesObject {
  readonly kind: string;
  /** The whole object. */
  readonly fields: Fields;
  /** Whether it stands in a file for git. */
  readonly inGit: boolean;
}

/** Only these are named in findings: a file for git may call its objects anything. */
const kinds = new Set([
  ...['ClusterExternalSecret', 'ClusterRole', 'ClusterRoleBinding', 'ClusterSecretStore'],
  ...['ConfigMap', 'CronJob', 'DaemonSet', 'Deployment', 'ExternalSecret', 'Job', 'Kustomization'],
  ...['HorizontalPodAutoscaler', 'LimitRange', 'Namespace', 'NetworkPolicy', 'Pod', 'ReplicaSet'],
  ...['PersistentVolumeClaim', 'ResourceQuota', 'Role', 'RoleBinding', 'SealedSecret', 'Secret'],
  ...['SecretStore', 'ServiceAccount', 'StatefulSet'],
]);

function kindOf(kind: unknown): string {
  return typeof kind === 'string' && kinds.has(kind) ? kind : 'object';
}

const seen = new WeakMap<Resource, readonly KubernetesObject[]>();

export function objectsOf(resource: Resource): readonly KubernetesObject[] {
  const known = seen.get(resource);
  if (known !== undefined) return known;
  const found = find(resource);
  seen.set(resource, found);
  return found;
}

function find({ type, props }: Resource): readonly KubernetesObject[] {
  const live = /^kubernetes:[^:]+:(\w+?)(?:Patch)?$/u.exec(type);
  if (live !== null) return [{ kind: kindOf(live[1]), fields: props, inGit: false }];
  // What the preflight runs is a Job like any other.
  if (type === 'hummingbot:index:Preflight') {
    const { job, labels, namespace } = props;
    const fields = { metadata: { labels, namespace }, spec: job };
    return [{ kind: 'Job', fields, inGit: false }];
  }
  if (type !== 'hummingbot:index:GitFile') return [];
  return documentsOf(props.content)
    .filter(isFields)
    .filter((fields) => typeof fields.kind === 'string')
    .map((fields) => ({ kind: kindOf(fields.kind), fields, inGit: true }));
}

export function objectsOfKind(
  resource: Resource,
  ...kinds: readonly string[]
): readonly KubernetesObject[] {
  return objectsOf(resource).filter(({ kind }) => kinds.includes(kind));
}

/** The pod that an object makes. */
export function podOf({ kind, fields }: KubernetesObject): Fields | undefined {
  const template = kind === 'CronJob' ? at(fields, 'spec', 'jobTemplate', 'spec') : fields.spec;
  const spec = kind === 'Pod' ? fields.spec : at(template, 'template', 'spec');
  return isFields(spec) ? spec : undefined;
}

/** A container of a pod, and how it is called in a finding. */
export function podContainers(
  object: KubernetesObject,
): readonly { readonly at: string; readonly fields: Fields }[] {
  const pod = podOf(object);
  if (pod === undefined) return [];
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    listAt(pod, list).map((fields, index) => ({
      at: `${object.kind}, ${list}[${index}]`,
      fields: fieldsAt([fields], 0),
    })),
  );
}
