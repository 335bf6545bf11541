/**
 * What of Kubernetes itself touches a namespace, by the bindings that the API server makes on its own:
 * plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go of kubernetes/kubernetes, as far
 * as it is about what is looked at here. Anybody may make another account in kube-system.
 */
import type { AccessEvent } from './event.ts';

interface Rule {
  readonly verbs: readonly string[];
  /** Undefined: whatever there is, for those that look after all kinds. */
  readonly resources?: readonly string[];
}

const looking = ['get', 'list', 'watch'];
const making = ['create', 'patch'];
const changing = ['create', 'update', 'patch'];

const rules: Readonly<Record<string, readonly Rule[]>> = {
  'clusterrole-aggregation-controller': [
    { verbs: ['update', 'patch'], resources: ['clusterroles'] },
  ],
  'cronjob-controller': [
    { verbs: changing, resources: ['jobs'] },
    { verbs: ['update'], resources: ['cronjobs'] },
  ],
  'daemon-set-controller': [{ verbs: making, resources: ['pods'] }],
  'deployment-controller': [
    { verbs: changing, resources: ['replicasets'] },
    { verbs: ['update'], resources: ['deployments', 'pods'] },
  ],
  'generic-garbage-collector': [{ verbs: [...looking, 'patch', 'update', 'delete'] }],
  'job-controller': [
    { verbs: making, resources: ['pods'] },
    { verbs: ['update', 'patch'], resources: ['jobs'] },
  ],
  'legacy-service-account-token-cleaner': [{ verbs: ['patch', 'delete'], resources: ['secrets'] }],
  'namespace-controller': [{ verbs: [...looking, 'delete', 'deletecollection'] }],
  'replicaset-controller': [
    { verbs: making, resources: ['pods'] },
    { verbs: ['update'], resources: ['replicasets'] },
  ],
  'replication-controller': [
    { verbs: making, resources: ['pods'] },
    { verbs: ['update'], resources: ['replicationcontrollers'] },
  ],
  'resourcequota-controller': [{ verbs: ['list', 'watch'] }],
  'statefulset-controller': [{ verbs: changing, resources: ['pods'] }],
  // It writes what is there again, in another version.
  'storage-version-migrator-controller': [{ verbs: ['list', 'watch', 'patch'] }],
};

/** By its role in policy.go; where it runs all controllers as itself, the settings may list it. */
const manager: readonly Rule[] = [
  { verbs: ['list', 'watch'] },
  { verbs: ['get', 'create', 'update', 'delete'], resources: ['secrets'] },
];

export function isOfKubernetes({ who, verb, resource }: AccessEvent): boolean {
  // No controller runs a command, or asks for a token of an account of ours.
  if (resource === undefined || resource.includes('/')) return false;
  const [, name = ''] = /^ServiceAccount:kube-system\/(.+)$/u.exec(who) ?? [];
  const own = Object.hasOwn(rules, name) ? rules[name] : undefined;
  return ((who === 'User:system:kube-controller-manager' ? manager : own) ?? []).some(
    ({ verbs, resources }) =>
      verbs.includes(verb) && (resources === undefined || resources.includes(resource)),
  );
}
