/**
 * The indirect ways to a Secret: rights that are not on Secrets and end with their values
 * (https://kubernetes.io/docs/concepts/security/rbac-good-practices/).
 */
import type { Reader } from '../../components/systems.ts';
import { type Asked, labelOf } from './rbac.ts';

export interface Way {
  /** `create pods` */
  readonly way: string;
  readonly kind: 'workload' | 'pod' | 'token' | 'store' | 'rights' | 'node' | 'webhook';
  /** Each gives the way. */
  readonly asked: readonly Asked[];
  /** What it takes beside: one of each. @default - nothing */
  readonly also?: readonly (readonly Asked[])[];
  /** Names that matter where a rule is limited to some. @default - all */
  readonly names?: (name: string) => boolean;
  /** Whom it leads to: of themselves that says nothing. @default - nobody */
  readonly accounts?: readonly Reader[];
}

/**
 * Verbs that are answered with a whole Secret, each tried on a server: an empty patch and a deletion in
 * the foreground or of a collection too, also as a dry run that changes nothing. `update` has what was sent.
 */
export const reading = ['get', 'list', 'watch', 'patch', 'delete', 'deletecollection'] as const;

const apps = 'apps';
const batch = 'batch';
const rbac = 'rbac.authorization.k8s.io';
const external = 'external-secrets.io';
const admission = 'admissionregistration.k8s.io';
const certificates = 'certificates.k8s.io';
const change = ['create', 'update', 'patch'] as const;
/** Who signs what the API server takes for a user or a node, by itself and with all of its domain. */
const signers = ['kube-apiserver-client', 'kube-apiserver-client-kubelet', '*'].map(
  (name) => `kubernetes.io/${name}`,
);

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
  const store = (resource: string, at?: string): Way => ({
    way: `change ${resource}`,
    kind: 'store',
    asked: questions(change, external, resource, at),
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
    ...['externalsecrets', 'secretstores', 'pushsecrets'].map((each) => store(each, namespace)),
    ...['clustersecretstores', 'clusterexternalsecrets', 'clusterpushsecrets'].map((each) =>
      store(each),
    ),
    {
      way: 'give itself rights',
      kind: 'rights',
      asked: [
        ...questions(['escalate', 'bind'], rbac, 'roles', namespace),
        ...questions(['escalate', 'bind'], rbac, 'clusterroles'),
        // A RoleBinding to a ClusterRole is judged where the RoleBinding is.
        ...questions(['bind'], rbac, 'clusterroles', namespace),
      ],
    },
    {
      way: 'approve a certificate of its own',
      kind: 'rights',
      asked: questions(['update', 'patch'], certificates, 'certificatesigningrequests/approval'),
      also: [
        questions(['create'], certificates, 'certificatesigningrequests'),
        signers.map((name) => ({
          verb: 'approve',
          group: certificates,
          resource: 'signers',
          name,
        })),
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

/**
 * Those that make somebody a service account that may read.
 * @param accounts one, or several that are named together
 */
export function waysToBe(
  accounts: readonly Reader[],
  own: string,
  label = accounts.map(labelOf).join(', '),
): readonly Way[] {
  const spaces = [...new Set(accounts.map(({ namespace = '' }) => namespace))];
  const token: Way = {
    way: `get tokens of ${label}`,
    kind: 'token',
    asked: accounts.flatMap(({ name, namespace = '' }) => [
      { verb: 'create', group: '', resource: 'serviceaccounts/token', name, namespace },
      { verb: 'impersonate', group: '', resource: 'serviceaccounts', name, namespace },
    ]),
    accounts,
  };
  // In the stack's own namespace who makes pods is found already.
  const foreign = spaces.filter((each) => each !== own);
  return [
    token,
    ...foreign.flatMap((namespace): readonly Way[] => [
      {
        way: `run as ${label}`,
        kind: 'token',
        asked: waysIn(namespace)
          .filter(({ kind }) => kind === 'workload' || kind === 'pod')
          .flatMap(({ asked }) => asked),
        accounts,
      },
      {
        way: `make token Secrets of ${label}`,
        kind: 'token',
        asked: questions(['create'], '', 'secrets', namespace),
        also: [questions(['get', 'list', 'watch'], '', 'secrets', namespace)],
        accounts,
      },
    ]),
  ];
}

/** What opens all that an operator opens: the keys of sealed documents, and tokens of its account. */
export function wayByKeysOf({ name, namespace = '' }: Reader): Way {
  return {
    way: `read Secrets of ${namespace}, where ${name} runs`,
    kind: 'token',
    asked: questions(reading, '', 'secrets', namespace),
    names: (each) => each.startsWith('sealed-secrets-key') || each.startsWith(`${name}-token-`),
  };
}
