/** The audit log of an API server, `audit.k8s.io/v1`: who touched the Secrets of a namespace, and the ways to them. */
import { groupNames } from '../../components/catalog.ts';
import { groupOfSecret } from '../access/cluster.ts';
import { type Deed, isObject, type Line, nameIn, objectIn, other, unknown } from './event.ts';

const reads = ['get', 'list', 'watch'];
const pods = ['exec', 'attach', 'ephemeralcontainers', 'portforward'];
const rbac = 'rbac.authorization.k8s.io';
/** What makes Secrets: of External Secrets, and of sealed-secrets. */
const sources = ['external-secrets.io', 'bitnami.com'];
/** By API group. Without their subresources: a status or a number of copies mounts nothing. */
const workloads: Readonly<Record<string, readonly string[]>> = {
  '': ['pods', 'replicationcontrollers'],
  apps: ['deployments', 'statefulsets', 'daemonsets', 'replicasets'],
  batch: ['jobs', 'cronjobs'],
};
const makes = ['create', 'update', 'patch'];
const account = /^system:serviceaccount:([^:]+):([^:]+)$/u;

export class KubernetesLog {
  readonly #namespace: string;
  /** A long request is two entries, where the policy leaves its beginning in. */
  #hasBeginnings = false;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** @param text one line */
  lineOf(text: string): Line {
    const entry = objectIn(text);
    if (
      entry === undefined ||
      entry.kind !== 'Event' ||
      !String(entry.apiVersion).startsWith('audit.k8s.io/')
    ) {
      return unknown;
    }
    const ref = isObject(entry.objectRef) ? entry.objectRef : {};
    const { resource, subresource, namespace, apiGroup = '' } = ref;
    const isToken = resource === 'serviceaccounts' && subresource === 'token';
    const bodies =
      (resource === 'secrets' || isToken) &&
      ('requestObject' in entry || 'responseObject' in entry);
    const plain: Line = bodies ? { kind: 'other', bodies } : other;
    if (!this.#isOnce(entry, resource, subresource)) return plain;
    const verb = String(entry.verb);
    const deed = this.#deedOf(verb, String(resource), subresource, namespace, apiGroup);
    if (deed === undefined) return plain;
    const name = typeof ref.name === 'string' ? ref.name : '';
    const group = resource === 'secrets' ? groupOfSecret(name, groupNames) : undefined;
    // Another's Secret of the same namespace.
    if (resource === 'secrets' && name !== '' && group === undefined) return plain;
    const code = isObject(entry.responseStatus) ? Number(entry.responseStatus.code ?? 0) : 0;
    const at = Date.parse(String(entry.requestReceivedTimestamp ?? entry.stageTimestamp));
    const { who, also } = whoIn(entry);
    const [from] = Array.isArray(entry.sourceIPs) ? entry.sourceIPs : [];
    const kind = subresource === undefined ? String(resource) : `${resource}/${subresource}`;
    return {
      kind: 'event',
      ...(bodies && { bodies }),
      event: {
        system: 'Kubernetes',
        at,
        who,
        also,
        deed,
        verb: nameIn(verb),
        resource: nameIn(kind),
        what:
          name === ''
            ? `${verb === 'create' ? 'new' : 'all'} ${nameIn(kind)}`
            : resource === 'secrets'
              ? nameIn(name)
              : `${nameIn(kind)} ${nameIn(name)}`,
        group,
        from: nameIn(from ?? ''),
        refused: code >= 400,
      },
    };
  }

  #isOnce(
    entry: Readonly<Record<string, unknown>>,
    resource: unknown,
    subresource: unknown,
  ): boolean {
    const { stage } = entry;
    if (stage === 'ResponseStarted') this.#hasBeginnings = true;
    const isLong =
      entry.verb === 'watch' ||
      (resource === 'pods' &&
        pods.includes(String(subresource)) &&
        subresource !== 'ephemeralcontainers');
    return stage === (isLong && this.#hasBeginnings ? 'ResponseStarted' : 'ResponseComplete');
  }

  #deedOf(
    verb: string,
    resource: string,
    sub: unknown,
    namespace: unknown,
    group: unknown,
  ): Deed | undefined {
    const isWrite = !reads.includes(verb);
    if (group === rbac) {
      const near = namespace === undefined || namespace === this.#namespace;
      return isWrite && near ? 'rights' : undefined;
    }
    // Of all namespaces at once, ours among them.
    if (resource === 'secrets' && namespace === undefined && !isWrite) return 'read';
    if (namespace !== this.#namespace) return undefined;
    if (resource === 'secrets') return isWrite ? 'change' : 'read';
    if (resource === 'pods' && pods.includes(String(sub))) return 'exec';
    if (resource === 'serviceaccounts' && sub === 'token') return 'token';
    const mounting = workloads[String(group)] ?? [];
    if (mounting.includes(resource) && sub === undefined && makes.includes(verb)) return 'workload';
    return sources.includes(String(group)) && isWrite && sub !== 'status' ? 'store' : undefined;
  }
}

/** Whoever asked, and in whose name. */
function whoIn(entry: Readonly<Record<string, unknown>>): { who: string; also: readonly string[] } {
  const { user, impersonatedUser } = entry;
  const one = subjectOf(user);
  if (!isObject(impersonatedUser)) return one;
  // Who acts as another has the other's rights by a right of its own.
  return { who: `${one.who} as ${subjectOf(impersonatedUser).who}`, also: [one.who, ...one.also] };
}

function subjectOf(user: unknown): { who: string; also: readonly string[] } {
  const { username = '', groups = [] } = (isObject(user) ? user : {}) as {
    username?: string;
    groups?: readonly unknown[];
  };
  const match = account.exec(username);
  const who =
    match === null
      ? `User:${nameIn(username)}`
      : `ServiceAccount:${nameIn(`${match[1]}/${match[2]}`)}`;
  return {
    who,
    also: (Array.isArray(groups) ? groups : []).map((each) => `Group:${nameIn(each)}`),
  };
}
