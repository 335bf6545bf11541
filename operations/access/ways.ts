/**
 * The indirect ways to a Secret: rights that are not on Secrets and end with their values
 * (https://kubernetes.io/docs/concepts/security/rbac-good-practices/).
 */
import type { Reader } from '../../components/systems.ts';
import type { Asked } from './rbac.ts';

export interface Way {
  /** `create pods` */
  readonly way: string;
  readonly kind: 'workload' | 'pod' | 'token' | 'store' | 'rights' | 'node' | 'webhook';
  /** Each gives the way. */
  readonly asked: readonly Asked[];
}

const apps = 'apps';
const batch = 'batch';
const rbac = 'rbac.authorization.k8s.io';
const external = 'external-secrets.io';
const admission = 'admissionregistration.k8s.io';
const change = ['create', 'update', 'patch'] as const;

function questions(
  verbs: readonly string[],
  group: string,
  resource: string,
  namespace?: string,
): readonly Asked[] {
  return verbs.map((verb) => ({
    verb,
    group,
    resource,
    ...(namespace !== undefined && { namespace }),
  }));
}

/** Those that reach the Secrets of a namespace. */
export function waysIn(namespace: string): readonly Way[] {
  const workload = (group: string, resource: string): Way => ({
    way: `change ${resource}`,
    kind: 'workload',
    asked: questions(change, group, resource, namespace),
  });
  const inPod = (resource: string, verbs: readonly string[], way: string): Way => ({
    way,
    kind: 'pod',
    asked: questions(verbs, '', resource, namespace),
  });
  const store = (resource: string): Way => ({
    way: `change ${resource}`,
    kind: 'store',
    asked: questions(change, external, resource, namespace),
  });
  return [
    // What a pod of the namespace mounts, whoever makes the pod reads.
    { way: 'create pods', kind: 'workload', asked: questions(['create'], '', 'pods', namespace) },
    {
      way: 'change pods',
      kind: 'workload',
      asked: questions(['update', 'patch'], '', 'pods', namespace),
    },
    ...['deployments', 'daemonsets', 'statefulsets', 'replicasets'].map((each) =>
      workload(apps, each),
    ),
    ...['jobs', 'cronjobs'].map((each) => workload(batch, each)),
    workload('', 'replicationcontrollers'),
    inPod('pods/exec', ['create', 'get'], 'exec into pods'),
    inPod('pods/attach', ['create', 'get'], 'attach to pods'),
    inPod('pods/ephemeralcontainers', ['update', 'patch'], 'add ephemeral containers'),
    // Another store, or another place for what is read.
    ...['externalsecrets', 'secretstores', 'pushsecrets'].map(store),
    {
      way: 'give itself rights',
      kind: 'rights',
      asked: [
        ...questions(['escalate', 'bind'], rbac, 'roles', namespace),
        ...questions(['escalate', 'bind'], rbac, 'clusterroles'),
      ],
    },
    {
      way: 'impersonate',
      kind: 'rights',
      asked: [
        ...['users', 'groups'].flatMap((each) => questions(['impersonate'], '', each)),
        ...questions(['impersonate'], '', 'serviceaccounts', namespace),
      ],
    },
    {
      way: 'reach kubelets (nodes/proxy)',
      kind: 'node',
      asked: questions(['create', 'get'], '', 'nodes/proxy'),
    },
    {
      way: 'see Secrets as they are written (admission webhooks)',
      kind: 'webhook',
      asked: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].flatMap((each) =>
        questions(change, admission, each),
      ),
    },
  ];
}

/** Those that make somebody a service account that may read. */
export function waysToBe({ name, namespace = '' }: Reader, own: string): readonly Way[] {
  const token: Way = {
    way: `get tokens of ServiceAccount:${namespace}/${name}`,
    kind: 'token',
    asked: [
      { verb: 'create', group: '', resource: 'serviceaccounts/token', name, namespace },
      { verb: 'impersonate', group: '', resource: 'serviceaccounts', name, namespace },
    ],
  };
  // In the stack's own namespace who makes pods is found already.
  if (namespace === own) return [token];
  const pods = waysIn(namespace).filter(({ kind }) => kind === 'workload' || kind === 'pod');
  return [
    token,
    {
      way: `run as ServiceAccount:${namespace}/${name}`,
      kind: 'token',
      asked: pods.flatMap(({ asked }) => asked),
    },
  ];
}
