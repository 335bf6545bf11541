/** A cluster's API as the review asks it: RBAC's objects as given, and answers by an evaluator of its own. */
import type { Api } from '../../../operations/access/cluster.ts';
import type { KubernetesObject } from '../../../plugins/kubernetes-api.ts';

export interface FakeRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface Review {
  readonly user?: string;
  readonly groups: readonly string[];
  readonly resourceAttributes: Readonly<Record<string, string | undefined>>;
}

export class FakeCluster implements Api {
  readonly clusterRoles = new Map<string, readonly FakeRule[]>();
  readonly roles = new Map<string, readonly FakeRule[]>();
  readonly #bindings: KubernetesObject[] = [];
  readonly reviews: Review[] = [];
  readonly lists: string[] = [];
  secrets: readonly string[] = [];

  /** @param subject `User:ann`, `ServiceAccount:ns/x` */
  bind(
    role: string,
    subject: string,
    namespace?: string,
    labels?: Readonly<Record<string, string>>,
    name = role,
  ): void {
    const [kind = '', place = ''] = subject.split(/:(.*)/su);
    const [space, account] = place.split('/');
    const isAccount = kind === 'ServiceAccount';
    this.#bindings.push({
      metadata: { name, ...(namespace && { namespace }), ...(labels && { labels }) },
      roleRef: {
        kind:
          namespace !== undefined && this.roles.has(`${namespace}/${role}`)
            ? 'Role'
            : 'ClusterRole',
        name: role,
      },
      subjects: [isAccount ? { kind, namespace: space, name: account } : { kind, name: place }],
    });
  }

  async list(path: string) {
    this.lists.push(path);
    const kind = path.split('/').at(-1) ?? '';
    const named = (name: string, rules: readonly FakeRule[]): KubernetesObject => {
      const [namespace, own] = name.includes('/') ? name.split('/') : [undefined, name];
      return { metadata: { name: own ?? '', ...(namespace && { namespace }) }, rules };
    };
    const all: Readonly<Record<string, () => readonly KubernetesObject[]>> = {
      clusterroles: () => [...this.clusterRoles].map(([name, rules]) => named(name, rules)),
      roles: () => [...this.roles].map(([name, rules]) => named(name, rules)),
      clusterrolebindings: () =>
        this.#bindings.filter(({ metadata }) => metadata?.namespace === undefined),
      rolebindings: () =>
        this.#bindings.filter(({ metadata }) => metadata?.namespace !== undefined),
    };
    const items = all[kind]?.() ?? this.secrets.map((name) => ({ metadata: { name } }));
    return { items, metadata: {} };
  }

  async send(_method: 'POST', _path: string, { body }: { readonly body: object }) {
    const { spec } = body as { readonly spec: Review };
    this.reviews.push(spec);
    return { status: { allowed: this.#isAllowed(spec) } };
  }

  #isAllowed({ user, groups, resourceAttributes }: Review): boolean {
    const {
      verb = '',
      group = '',
      resource = '',
      subresource,
      name = '',
      namespace,
    } = resourceAttributes;
    const full = subresource === undefined ? resource : `${resource}/${subresource}`;
    const any = (list: readonly string[], word: string): boolean =>
      list.includes('*') || list.includes(word);
    return this.#bindings.some((binding) => {
      const { roleRef, subjects, metadata } = binding as unknown as {
        roleRef: { kind: string; name: string };
        subjects: readonly { kind: string; name: string; namespace?: string }[];
        metadata: { namespace?: string };
      };
      if (metadata.namespace !== undefined && metadata.namespace !== namespace) return false;
      const isOf = subjects.some((each) =>
        each.kind === 'User'
          ? each.name === user
          : each.kind === 'Group'
            ? groups.includes(each.name)
            : user === `system:serviceaccount:${each.namespace}:${each.name}`,
      );
      const rules =
        roleRef.kind === 'Role'
          ? this.roles.get(`${metadata.namespace}/${roleRef.name}`)
          : this.clusterRoles.get(roleRef.name);
      return (
        isOf &&
        (rules ?? []).some(
          (rule) =>
            any(rule.verbs, verb) &&
            any(rule.apiGroups, group) &&
            any(rule.resources, full) &&
            (rule.resourceNames === undefined || rule.resourceNames.includes(name)),
        )
      );
    });
  }
}
