/**
 * RBAC as the API server applies it (https://kubernetes.io/docs/reference/access-authn-authz/rbac/):
 * which binding gives somebody a right. It finds whom to ask about and names the cause; what is true
 * the server says itself.
 */
import type { Reader } from '../../components/systems.ts';
import type { KubernetesObject } from '../../plugins/kubernetes-api.ts';

export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs?: readonly string[];
}

/** A binding with the rules of its role. */
export interface Binding {
  /** `ClusterRoleBinding x`, `RoleBinding NAMESPACE/x` */
  readonly label: string;
  /** `ClusterRole x` */
  readonly role: string;
  /** Undefined: everywhere. */
  readonly namespace: string | undefined;
  /** Whether it is one that the API server makes and keeps itself. */
  readonly isBootstrap: boolean;
  readonly rules: readonly Rule[];
  readonly subjects: readonly Reader[];
}

/** One question of the API server's authorizers. */
export interface Asked {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/exec`. */
  readonly resource: string;
  readonly name?: string;
  /** Absent: of the cluster. */
  readonly namespace?: string;
}

/** `User:ann`, as settings name somebody. */
export function labelOf({ kind, name, namespace }: Reader): string {
  return `${kind}:${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** Rules that mention a question, whatever names they are limited to. */
export function mentions(rule: Rule, { verb, group, resource }: Omit<Asked, 'name'>): boolean {
  const { apiGroups = [], resources = [], verbs = [] } = rule;
  const [, sub] = resource.split('/');
  return (
    has(verbs, verb) &&
    has(apiGroups, group) &&
    (has(resources, resource) || (sub !== undefined && resources.includes(`*/${sub}`)))
  );
}

/** Whether a rule answers a question with yes. */
export function covers(rule: Rule, asked: Asked): boolean {
  const { resourceNames = [] } = rule;
  if (!mentions(rule, asked)) return false;
  return resourceNames.length === 0 || resourceNames.includes(asked.name ?? '');
}

/** Whether a binding reaches the place that is asked about. */
export function reaches({ namespace }: Binding, asked: Asked): boolean {
  return namespace === undefined || namespace === asked.namespace;
}

function has(words: readonly string[], word: string): boolean {
  return words.includes(word) || words.includes('*');
}

/** Lists of the API. */
export interface RbacObjects {
  readonly clusterRoles: readonly KubernetesObject[];
  readonly clusterBindings: readonly KubernetesObject[];
  readonly roles: readonly KubernetesObject[];
  readonly bindings: readonly KubernetesObject[];
}

/** Where the API server makes RoleBindings for its own parts. */
const bootstrapSpaces: readonly string[] = ['kube-system', 'kube-public'];

/** Work grows with the bindings and their subjects, not with their product. */
export function bindingsOf(objects: RbacObjects): readonly Binding[] {
  const roles = new Map<string, readonly Rule[]>();
  for (const each of objects.clusterRoles) roles.set(nameOf(each), rulesOf(each));
  for (const each of objects.roles) roles.set(placeOf(each), rulesOf(each));
  return [...objects.clusterBindings, ...objects.bindings].map((each) => {
    const { roleRef = {}, subjects = [] } = each as {
      roleRef?: { kind?: string; name?: string };
      subjects?: readonly { kind?: string; name?: string; namespace?: string }[];
    };
    const namespace = each.metadata?.namespace;
    const { kind = '', name = '' } = roleRef;
    const inCluster = kind === 'ClusterRole';
    return {
      label:
        namespace === undefined
          ? `ClusterRoleBinding ${nameOf(each)}`
          : `RoleBinding ${placeOf(each)}`,
      role: `${kind} ${name}`,
      namespace,
      isBootstrap:
        (namespace === undefined || bootstrapSpaces.includes(namespace)) &&
        each.metadata?.labels?.['kubernetes.io/bootstrapping'] === 'rbac-defaults' &&
        (nameOf(each).startsWith('system:') || nameOf(each) === 'cluster-admin'),
      rules: roles.get(inCluster ? name : `${namespace}/${name}`) ?? [],
      subjects: subjects.flatMap((subject) => readerOf(subject, namespace)),
    };
  });
}

function readerOf(
  { kind, name = '', namespace }: { kind?: string; name?: string; namespace?: string },
  own: string | undefined,
): readonly Reader[] {
  if (kind === 'User' || kind === 'Group') return [{ kind, name }];
  return kind === 'ServiceAccount' ? [{ kind, name, namespace: namespace ?? own ?? '' }] : [];
}

function rulesOf(role: KubernetesObject): readonly Rule[] {
  const { rules } = role as { rules?: readonly Rule[] | null };
  return rules ?? [];
}

function nameOf({ metadata }: KubernetesObject): string {
  return metadata?.name ?? '';
}

function placeOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}
