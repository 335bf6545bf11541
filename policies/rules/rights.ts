/** Who may do what in the cluster. */
import type { Rule } from '../rule.ts';
import { at, fieldsAt, listAt, unknown } from '../sight/fields.ts';
import { type KubernetesObject, objectsOf, objectsOfKind, podOf } from '../sight/objects.ts';

interface Right {
  readonly at: string;
  readonly verbs: readonly unknown[];
  readonly resources: readonly unknown[];
  readonly groups: readonly unknown[];
  readonly names: readonly unknown[] | undefined;
}

function rightsOf({ kind, fields }: KubernetesObject): readonly Right[] {
  return listAt(fields, 'rules').map((rule, index) => ({
    at: `${kind}, rules[${index}]`,
    verbs: listAt(rule, 'verbs'),
    resources: listAt(rule, 'resources'),
    groups: listAt(rule, 'apiGroups'),
    names: at(rule, 'resourceNames') === unknown ? undefined : listAt(rule, 'resourceNames'),
  }));
}

/** Those that show every Secret of a namespace, whatever names a rule gives. */
const showsAll = new Set<unknown>(['list', 'watch', '*', 'deletecollection']);
const roles = ['Role', 'ClusterRole'] as const;

export const secretsByName: Rule = {
  name: 'secrets-by-name',
  what: 'Secrets are read one by one, by name',
  why: 'list and watch show every Secret of the namespace, also those of other bots',
  practice: 'readers',
  severity: 'critical',
  allowed: 'verb get with resourceNames, in a Role',
  fix: 'name the reader in the setting readers, which makes such a Role',
  *judge(resource) {
    for (const object of objectsOfKind(resource, ...roles)) {
      for (const right of rightsOf(object)) {
        if (!right.resources.some((each) => each === 'secrets' || each === '*')) continue;
        const wide = right.verbs.filter((verb) => showsAll.has(verb));
        if (wide.length > 0)
          yield { at: right.at, got: `Secrets with ${wide.length} verbs that show all` };
        else if (right.names?.length === 0) yield { at: right.at, got: 'Secrets without names' };
        else if (object.kind === 'ClusterRole')
          yield { at: right.at, got: 'Secrets of every namespace' };
      }
    }
  },
};

/** Verbs and resources by which one comes to what one was not given. */
const indirectVerbs = new Set<unknown>(['escalate', 'bind', 'impersonate']);
const indirect = new Set<unknown>([
  ...['pods', 'pods/exec', 'pods/attach', 'pods/ephemeralcontainers', 'deployments', 'jobs'],
  ...['replicasets', 'daemonsets', 'statefulsets', 'cronjobs', 'roles', 'rolebindings'],
  ...['clusterroles', 'clusterrolebindings', 'nodes/proxy'],
]);
const writes = new Set<unknown>(['create', 'update', 'patch', '*']);

export const narrowRights: Rule = {
  name: 'narrow-rights',
  what: 'A Role names verbs, resources and groups, and leads to nothing that it does not name',
  why: 'a wildcard grows with the cluster; who may make pods or Roles may read every Secret',
  practice: 'privilege',
  severity: 'critical',
  allowed: 'named verbs on named resources; tokens of named service accounts alone',
  fix: 'write out what is needed, and no more',
  *judge(resource) {
    for (const object of objectsOfKind(resource, ...roles)) {
      for (const right of rightsOf(object)) {
        const { at: where, verbs, resources, groups, names } = right;
        if ([...verbs, ...resources, ...groups].includes('*'))
          yield { at: where, got: 'a wildcard' };
        else if (verbs.some((verb) => indirectVerbs.has(verb)))
          yield { at: where, got: 'a verb that takes rights of others' };
        else if (
          verbs.some((verb) => writes.has(verb)) &&
          resources.some((each) => indirect.has(each))
        )
          yield { at: where, got: 'a right to make what reads Secrets' };
        else if (resources.includes('serviceaccounts/token') && names?.length === 0)
          yield { at: where, got: 'tokens of every service account' };
      }
      if (listAt(object.fields, 'aggregationRule', 'clusterRoleSelectors').length > 0)
        yield { at: object.kind, got: 'rights of whatever has a label' };
    }
  },
};

/** Groups that everybody is in. */
const everybody = new Set<unknown>([
  'system:authenticated',
  'system:unauthenticated',
  'system:serviceaccounts',
]);

export const rightsInNamespace: Rule = {
  name: 'rights-in-namespace',
  what: 'Rights are given in the namespace, and to somebody',
  why: 'a ClusterRoleBinding reaches every namespace, and a stolen token of the bot with it',
  practice: 'privilege',
  severity: 'critical',
  allowed: 'a RoleBinding of a Role to named users, groups or service accounts',
  fix: 'use a Role and a RoleBinding in the namespace',
  *judge(resource) {
    for (const { kind, fields } of objectsOfKind(resource, 'ClusterRoleBinding', 'RoleBinding')) {
      if (kind === 'ClusterRoleBinding') yield { at: kind, got: 'rights in every namespace' };
      else if (at(fields, 'roleRef', 'kind') === 'ClusterRole')
        yield { at: kind, got: 'a ClusterRole, which others widen' };
      const subjects = listAt(fields, 'subjects');
      if (subjects.some((each) => everybody.has(at(each, 'name'))))
        yield { at: `${kind}, subjects`, got: 'a group that everybody is in' };
      if (subjects.some((each) => at(each, 'name') === '*'))
        yield { at: `${kind}, subjects`, got: 'a wildcard' };
    }
  },
};

export const noToken: Rule = {
  name: 'no-token',
  what: 'No pod is given a token of the cluster',
  why: 'a bot needs none, and whoever breaks into it would have it',
  practice: 'privilege',
  severity: 'high',
  allowed: 'automountServiceAccountToken: false, on the account and on the pod',
  fix: 'set it',
  *judge(resource) {
    for (const object of objectsOf(resource)) {
      const subject = object.kind === 'ServiceAccount' ? object.fields : podOf(object);
      if (subject === undefined) continue;
      const mounted = subject.automountServiceAccountToken;
      if (mounted !== false && mounted !== unknown)
        yield { at: object.kind, got: 'automountServiceAccountToken not false' };
      const projected = listAt(subject, 'volumes').some((volume) =>
        listAt(volume, 'projected', 'sources').some((source) =>
          Object.keys(fieldsAt([source], 0)).includes('serviceAccountToken'),
        ),
      );
      if (projected) yield { at: `${object.kind}, volumes`, got: 'a projected token' };
    }
  },
};
