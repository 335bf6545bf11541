/**
 * Who may do what in the cluster of a rehearsed prod: one cell a question to the API server's own
 * authorizers. Readers are ann (trading), the group oncall and another team's alertmanager
 * (monitoring); everybody else should get nothing from this stack.
 */
import type { Access } from '../../rehearsal/servers/kubernetes-client.ts';
import { nodeName } from '../../rehearsal/servers/node.ts';

interface Identity {
  readonly user: string;
  readonly groups?: readonly string[];
}

function accountOf(namespace: string, name: string): Identity {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
  };
}

const identities: Readonly<Record<string, Identity>> = {
  deployer: { user: 'deployer' },
  operator: accountOf('external-secrets', 'external-secrets'),
  reader: accountOf('hummingbot', 'hummingbot-secrets-reader'),
  bot: accountOf('hummingbot', 'hummingbot'),
  default: accountOf('hummingbot', 'default'),
  elsewhere: accountOf('default', 'default'),
  ann: { user: 'ann' },
  oncall: { user: 'bob', groups: ['oncall'] },
  alert: accountOf('watch', 'alertmanager'),
  human: { user: 'eve' },
  nobody: { user: 'system:anonymous', groups: ['system:unauthenticated'] },
  node: { user: `system:node:${nodeName}`, groups: ['system:nodes'] },
};

/** Settings that name the readers. */
export const readers = {
  trading: ['User:ann'],
  monitoring: ['Group:oncall', 'ServiceAccount:watch/alertmanager'],
} as const;

const apiGroups: Readonly<Record<string, readonly string[]>> = {
  'external-secrets.io': [
    'externalsecrets',
    'secretstores',
    'pushsecrets',
    'clustersecretstores',
    'clusterexternalsecrets',
  ],
  'generators.external-secrets.io': ['ecrauthorizationtokens', 'generatorstates'],
  'rbac.authorization.k8s.io': ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
  'authorization.k8s.io': ['selfsubjectaccessreviews', 'subjectaccessreviews'],
  'authentication.k8s.io': ['tokenreviews', 'selfsubjectreviews'],
  'admissionregistration.k8s.io': ['validatingwebhookconfigurations'],
  'networking.k8s.io': ['networkpolicies'],
  apps: ['deployments'],
  batch: ['jobs', 'cronjobs'],
};

/**
 * Verb, resource, name and namespace; `*` is none. `+` yes, `-` no. Names that change with a value
 * are called `trading`, `program` and `pod`; `before` is the Secret that a rotation took away.
 */
const matrix = `
                                                                      deployer operator reader bot default elsewhere ann oncall alert human nobody node
get              secrets                  trading            hummingbot   +        +       -    -     -        -      +    -      -     -     -     +
get              secrets                  before             hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
get              secrets                  infrastructure     hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
get              secrets                  monitoring         hummingbot   +        +       -    -     -        -      -    +      +     -     -     -
get              secrets                  *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
list             secrets                  *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
list             secrets                  trading            hummingbot   +        +       -    -     -        -      -    -      -     -     -     +
list             secrets                  monitoring         hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
watch            secrets                  *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
watch            secrets                  trading            hummingbot   +        +       -    -     -        -      -    -      -     -     -     +
create           secrets                  *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
update           secrets                  trading            hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
update           secrets                  monitoring         hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
patch            secrets                  trading            hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
delete           secrets                  trading            hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
deletecollection secrets                  *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
get              secrets                  *                  default      +        +       -    -     -        -      -    -      -     -     -     -
list             secrets                  *                  kube-system  +        +       -    -     -        -      -    -      -     -     -     -
list             secrets                  *                  *            +        +       -    -     -        -      -    -      -     -     -     -
get              configmaps               program            hummingbot   +        +       -    -     -        -      -    -      -     -     -     +
list             configmaps               *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
create           configmaps               *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
update           configmaps               program            hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
delete           configmaps               program            hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
get              pods                     pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     +
create           pods                     *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     +
patch            pods                     pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
delete           pods                     pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     +
deletecollection pods                     *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           pods/exec                pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
get              pods/exec                pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           pods/attach              pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           pods/portforward         pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
get              pods/log                 pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
update           pods/ephemeralcontainers pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
patch            pods/ephemeralcontainers pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           pods/eviction            pod                hummingbot   +        -       -    -     -        -      -    -      -     -     -     +
get              serviceaccounts          hummingbot         hummingbot   +        +       -    -     -        -      -    -      -     -     -     +
create           serviceaccounts          *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
update           serviceaccounts          hummingbot-secrets-reader hummingbot + -       -    -     -        -      -    -      -     -     -     -
create           serviceaccounts/token    hummingbot-secrets-reader hummingbot + +       -    -     -        -      -    -      -     -     -     -
create           serviceaccounts/token    hummingbot         hummingbot   +        -       -    -     -        -      -    -      -     -     -     +
create           serviceaccounts/token    default            hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           serviceaccounts/token    *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           serviceaccounts/token    default            kube-system  +        -       -    -     -        -      -    -      -     -     -     -
impersonate      serviceaccounts          hummingbot-secrets-reader hummingbot + -       -    -     -        -      -    -      -     -     -     -
impersonate      users                    ann                *            +        -       -    -     -        -      -    -      -     -     -     -
impersonate      groups                   system:masters     *            +        -       -    -     -        -      -    -      -     -     -     -
create           roles                    *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
update           roles                    hummingbot-trading-reader hummingbot + -       -    -     -        -      -    -      -     -     -     -
escalate         roles                    hummingbot-trading-reader hummingbot + -       -    -     -        -      -    -      -     -     -     -
bind             roles                    hummingbot-trading-reader hummingbot + -       -    -     -        -      -    -      -     -     -     -
create           rolebindings             *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
update           rolebindings             hummingbot-trading-reader hummingbot + -       -    -     -        -      -    -      -     -     -     -
delete           rolebindings             hummingbot-trading-reader hummingbot + -       -    -     -        -      -    -      -     -     -     -
bind             clusterroles             cluster-admin      *            +        -       -    -     -        -      -    -      -     -     -     -
escalate         clusterroles             *                  *            +        -       -    -     -        -      -    -      -     -     -     -
create           clusterrolebindings      *                  *            +        -       -    -     -        -      -    -      -     -     -     -
get              externalsecrets          *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
list             externalsecrets          *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
create           externalsecrets          *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
update           externalsecrets          trading            hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
delete           externalsecrets          trading            hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
deletecollection externalsecrets          *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
get              secretstores             *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
create           secretstores             *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
update           secretstores             aws-secrets-manager hummingbot  +        +       -    -     -        -      -    -      -     -     -     -
delete           secretstores             aws-secrets-manager hummingbot  +        -       -    -     -        -      -    -      -     -     -     -
create           pushsecrets              *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
get              pushsecrets              *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           clustersecretstores      *                  *            +        -       -    -     -        -      -    -      -     -     -     -
get              clustersecretstores      *                  *            +        -       -    -     -        -      -    -      -     -     -     -
create           clusterexternalsecrets   *                  *            +        -       -    -     -        -      -    -      -     -     -     -
get              ecrauthorizationtokens   *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
create           generatorstates          *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     -
get              deployments              hummingbot         hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
patch            deployments              hummingbot         hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
update           deployments/scale        hummingbot         hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           jobs                     *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           cronjobs                 *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
delete           persistentvolumeclaims   hummingbot-data    hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
delete           networkpolicies          default-deny       hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
delete           resourcequotas           hummingbot         hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
list             events                   *                  hummingbot   +        -       -    -     -        -      -    -      -     -     -     -
create           events                   *                  hummingbot   +        +       -    -     -        -      -    -      -     -     -     +
get              namespaces               hummingbot         *            +        +       -    -     -        -      -    -      -     -     -     -
patch            namespaces               hummingbot         *            +        -       -    -     -        -      -    -      -     -     -     -
delete           namespaces               hummingbot         *            +        -       -    -     -        -      -    -      -     -     -     -
create           nodes/proxy              rehearsal          *            +        -       -    -     -        -      -    -      -     -     -     -
create           validatingwebhookconfigurations *           *            +        -       -    -     -        -      -    -      -     -     -     -
create           subjectaccessreviews     *                  *            +        -       -    -     -        -      -    -      -     -     -     +
create           tokenreviews             *                  *            +        -       -    -     -        -      -    -      -     -     -     +
create           selfsubjectaccessreviews *                  *            +        +       +    +     +        +      +    +      +     +     -     +
`;

/** The names of now. */
export interface Names {
  readonly trading: string;
  readonly before: string;
  readonly program: string;
  readonly pod: string;
}

interface Question {
  readonly cell: string;
  readonly expected: string;
  readonly identity: Identity;
  readonly verb: string;
  readonly resource: string;
  readonly name: string;
  readonly namespace: string;
}

function questions(names: Names): readonly Question[] {
  const called: Readonly<Record<string, string>> = {
    ...names,
    '*': '',
    infrastructure: 'hummingbot-infrastructure',
    monitoring: 'hummingbot-monitoring',
  };
  const [head = '', ...rows] = matrix.split('\n').filter((line) => line.trim() !== '');
  const columns = head.trim().split(/\s+/u);
  return rows.flatMap((row) => {
    const words = row.trim().split(/\s+/u);
    if (words.length !== 4 + columns.length) throw new Error(`not a row: ${row}`);
    const [verb = '', resource = '', name = '', namespace = '', ...marks] = words;
    return columns.map((column, at) => {
      const identity = identities[column];
      if (identity === undefined) throw new Error(`not an identity: ${column}`);
      return {
        cell: `${column} ${verb} ${resource} ${name} in ${namespace}`,
        expected: marks[at] ?? '',
        identity,
        verb,
        resource,
        name: called[name] ?? name,
        namespace: namespace === '*' ? '' : namespace,
      };
    });
  });
}

/** Questions that are asked at once. */
const batch = 40;

/** Asks every cell. @returns how many, and a line for each that the server answers otherwise */
export async function disagreements(
  access: Access,
  names: Names,
): Promise<{ readonly asked: number; readonly cells: readonly string[] }> {
  const api = access.config.makeApiClient(access.library.AuthorizationV1Api);
  const all = questions(names);
  const cells: string[] = [];
  for (let at = 0; at < all.length; at += batch) {
    const answers = all.slice(at, at + batch).map(async ({ cell, expected, ...question }) => {
      const { identity, verb, name, namespace } = question;
      const [resource = '', subresource] = question.resource.split('/');
      const group =
        Object.keys(apiGroups).find((each) => apiGroups[each]?.includes(resource)) ?? '';
      const { status } = await api.createSubjectAccessReview({
        body: {
          spec: {
            user: identity.user,
            groups: [
              ...(identity.groups ?? []),
              ...(identity.user === 'system:anonymous' ? [] : ['system:authenticated']),
            ],
            resourceAttributes: {
              verb,
              group,
              resource,
              ...(subresource && { subresource }),
              ...(name && { name }),
              ...(namespace && { namespace }),
            },
          },
        },
      });
      const got = status?.allowed === true ? '+' : '-';
      return got === expected ? [] : [`${cell}: ${got}, expected ${expected}`];
    });
    cells.push(...(await Promise.all(answers)).flat());
  }
  return { asked: all.length, cells };
}
