/**
 * Who may read the Secrets of a namespace: RBAC's objects say whom to ask about and name the cause,
 * the API server's own authorizers (SubjectAccessReview) say what is true.
 */
import { groups as catalogGroups, type GroupName } from '../../components/catalog.ts';
import type { Reader } from '../../components/systems.ts';
import {
  type KubernetesError,
  type KubernetesObject,
  metadataOnly,
} from '../../plugins/kubernetes-api.ts';
import type { Finding } from './finding.ts';
import { foreignFirst, type Given, givenBy, ruleText } from './given-right.ts';
import { type Asked, type Binding, bindingsOf, labelOf } from './rbac.ts';
import { type Class, classesOf, identityOf } from './subject-class.ts';
import { type Way, waysIn, waysToBe } from './ways.ts';

/** What is asked of the API; a test has its own. */
export interface Api {
  list(
    path: string,
    details?: { readonly accept?: string; readonly query?: Readonly<Record<string, string>> },
  ): Promise<{
    readonly items: readonly KubernetesObject[];
    readonly metadata?: { readonly continue?: string };
  }>;
  send(
    method: 'POST',
    path: string,
    details: { readonly body: object },
  ): Promise<Readonly<Record<string, unknown>>>;
}

export interface ClusterScope {
  readonly namespace: string;
  readonly groups: readonly GroupName[];
  readonly readers: Readonly<Partial<Record<GroupName, readonly Reader[]>>>;
  readonly administrators: readonly Reader[];
  /** Who brings the Secrets: the account of an operator or a controller. */
  readonly operators: readonly Reader[];
  /** Accounts beside operators and readers whose tokens open a store. */
  readonly accounts: readonly Reader[];
  /** Kind of object whose name is the Secret's; undefined: Secrets themselves are listed. */
  readonly synced: boolean;
  /** `kubectl --context X` */
  readonly kubectl: string;
}

const metadataOfAll = metadataOnly.replace('PartialObjectMetadata;', 'PartialObjectMetadataList;');
const rbacPath = '/apis/rbac.authorization.k8s.io/v1';
/** Objects a page. */
const pageSize = 500;
/** Questions that are asked at once. */
const batch = 20;
const direct = ['get', 'list', 'watch'] as const;

/** @throws KubernetesError, UnreachableError when the cluster cannot be asked */
export async function lookAtCluster(api: Api, scope: ClusterScope): Promise<readonly Finding[]> {
  const [clusterRoles, clusterBindings, roles, bindings] = await Promise.all(
    ['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings'].map(
      async (kind) => await listAll(api, `${rbacPath}/${kind}`),
    ),
  );
  const all = bindingsOf({
    clusterRoles: clusterRoles ?? [],
    clusterBindings: clusterBindings ?? [],
    roles: roles ?? [],
    bindings: bindings ?? [],
  });
  return await new Review(api, scope, await secretsOf(api, scope)).over(all);
}

/** Names of the stack's Secrets that are there, with their groups. */
async function secretsOf(
  api: Api,
  { namespace, groups, synced }: ClusterScope,
): Promise<ReadonlyMap<string, GroupName>> {
  const items = synced
    ? await listAll(api, `/apis/external-secrets.io/v1/namespaces/${namespace}/externalsecrets`)
    : await listAll(api, `/api/v1/namespaces/${namespace}/secrets`);
  const found = new Map<string, GroupName>();
  for (const { metadata } of items) {
    const group = groupOfSecret(metadata?.name ?? '', groups);
    if (group !== undefined) found.set(metadata?.name ?? '', group);
  }
  return found;
}

/** The group of a Secret by the guide's name, with a suffix or without. */
export function groupOfSecret(name: string, groups: readonly GroupName[]): GroupName | undefined {
  return groups.find((group) => {
    const { secretName } = catalogGroups[group];
    return (
      name === secretName ||
      (name.startsWith(`${secretName}-`) &&
        /^[0-9a-f]{8}$/u.test(name.slice(secretName.length + 1)))
    );
  });
}

async function listAll(api: Api, path: string): Promise<readonly KubernetesObject[]> {
  const items: KubernetesObject[] = [];
  let next = '';
  do {
    const query = { limit: String(pageSize), ...(next && { continue: next }) };
    const secrets = path.endsWith('/secrets');
    const page = await api.list(path, { query, ...(secrets && { accept: metadataOfAll }) });
    items.push(...page.items);
    next = page.metadata?.continue ?? '';
  } while (next !== '');
  return items;
}

class Review {
  readonly #api: Api;
  readonly #scope: ClusterScope;
  readonly #secrets: ReadonlyMap<string, GroupName>;
  readonly #ways: readonly Way[];

  constructor(api: Api, scope: ClusterScope, secrets: ReadonlyMap<string, GroupName>) {
    this.#api = api;
    this.#scope = scope;
    this.#secrets = secrets;
    const readers = Object.values(scope.readers).flat();
    const accounts = [...scope.operators, ...scope.accounts, ...readers].filter(
      ({ kind }) => kind === 'ServiceAccount',
    );
    const distinct = [...new Map(accounts.map((each) => [labelOf(each), each])).values()];
    this.#ways = [
      ...waysIn(scope.namespace),
      ...distinct.flatMap((each) => waysToBe(each, scope.namespace)),
    ];
  }

  async over(bindings: readonly Binding[]): Promise<readonly Finding[]> {
    const tasks = classesOf(bindings).flatMap((each) => this.#questionsOf(each));
    const findings: Finding[] = [];
    for (let at = 0; at < tasks.length; at += batch) {
      const answers = tasks.slice(at, at + batch).map(async (task) => await task());
      findings.push(...(await Promise.all(answers)).flat());
    }
    return findings;
  }

  /** What has to be asked: nothing of those whose rules mention nothing of it. */
  #questionsOf(each: Class): readonly (() => Promise<readonly Finding[]>)[] {
    const indirect = this.#ways.flatMap((way) => {
      const given = way.asked.flatMap((asked) => givenBy(each.bindings, asked));
      return given.length === 0 ? [] : [async () => await this.#askWay(each, way, given)];
    });
    const secrets = direct.flatMap((verb) => {
      const asked = { verb, group: '', resource: 'secrets', namespace: this.#scope.namespace };
      const given = givenBy(each.bindings, asked, (name) => this.#secrets.has(name));
      return given.length === 0 ? [] : [async () => await this.#askSecrets(each, verb, given)];
    });
    return [...secrets, ...indirect];
  }

  async #askWay(each: Class, way: Way, given: readonly Given[]): Promise<readonly Finding[]> {
    const subjects = each.subjects.filter((subject) => !way.way.endsWith(` ${labelOf(subject)}`));
    if (subjects.length === 0) return [];
    for (const right of foreignFirst(given)) {
      if (!(await this.#isAllowed(each, right.asked))) continue;
      return subjects.map((subject) =>
        this.#finding(subject, way.way, [], right, this.#whyWay(subject, way, right)),
      );
    }
    return [];
  }

  async #askSecrets(
    each: Class,
    verb: string,
    given: readonly Given[],
  ): Promise<readonly Finding[]> {
    const findings: Finding[] = [];
    const done = new Set<string>();
    // One question for all Secrets, where a rule is not limited to names.
    for (const right of foreignFirst(given)) {
      const { name } = right.asked;
      if (done.has('') || (name !== undefined && done.has(name))) continue;
      if (!(await this.#isAllowed(each, right.asked))) continue;
      done.add(name ?? '');
      const names = name === undefined ? [] : [name];
      for (const subject of each.subjects) {
        const why = this.#whyDirect(subject, verb, name, right);
        findings.push(this.#finding(subject, verb, names, right, why));
      }
    }
    return findings;
  }

  #finding(
    subject: Reader,
    way: string,
    secrets: readonly string[],
    { binding, rule, asked }: Given,
    expected: string | undefined,
  ): Finding {
    const { kubectl } = this.#scope;
    const [kind = '', place = ''] = binding.label.split(' ');
    const [namespace, name] = place.includes('/') ? place.split('/') : [undefined, place];
    const there = namespace === undefined ? '' : ` --namespace ${namespace}`;
    const who = labelOf(subject);
    return {
      system: 'Kubernetes',
      who,
      way,
      secrets,
      expected,
      cause: `${binding.label} of ${binding.role}: ${ruleText(rule, asked)}`,
      fix:
        expected === undefined
          ? `${kubectl}${there} delete ${kind.toLowerCase()} ${name}, take ${who} out of it, or list it in administrators`
          : '',
    };
  }

  async #isAllowed({ subjects: [subject] }: Class, asked: Asked): Promise<boolean> {
    const { verb, group, name, namespace } = asked;
    const [resource, subresource] = asked.resource.split('/');
    const answer = await this.#api.send(
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      {
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            ...identityOf(subject as Reader),
            resourceAttributes: {
              verb,
              group,
              resource,
              ...(subresource !== undefined && { subresource }),
              ...(name !== undefined && { name }),
              ...(namespace !== undefined && { namespace }),
            },
          },
        },
      },
    );
    const { status } = answer as { status?: { allowed?: boolean } };
    return status?.allowed === true;
  }

  #whyDirect(
    subject: Reader,
    verb: string,
    name: string | undefined,
    { binding }: Given,
  ): string | undefined {
    const who = labelOf(subject);
    const group = name === undefined ? undefined : this.#secrets.get(name);
    const listed = group === undefined ? [] : (this.#scope.readers[group] ?? []);
    if (verb === 'get' && listed.some((each) => labelOf(each) === who)) return `readers.${group}`;
    if (has(this.#scope.operators, who)) return 'brings the Secrets';
    return this.#whyAnybody(subject, binding);
  }

  #whyWay(subject: Reader, { kind }: Way, { binding }: Given): string | undefined {
    const isOperator = has(this.#scope.operators, labelOf(subject));
    if (isOperator && (kind === 'store' || kind === 'token')) return 'brings the Secrets';
    return this.#whyAnybody(subject, binding);
  }

  #whyAnybody(subject: Reader, binding: Binding): string | undefined {
    if (has(this.#scope.administrators, labelOf(subject))) return 'administrators';
    return binding.isBootstrap && isOfKubernetes(subject) ? 'a part of Kubernetes' : undefined;
  }
}

function has(subjects: readonly Reader[], who: string): boolean {
  return subjects.some((each) => labelOf(each) === who);
}

/** What the API server and its controllers are, whom it binds itself. */
function isOfKubernetes({ kind, name, namespace }: Reader): boolean {
  if (kind === 'ServiceAccount') return namespace === 'kube-system';
  return kind === 'Group'
    ? ['system:masters', 'system:nodes'].includes(name)
    : ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver'].includes(
        name,
      );
}

/** The right that an answer of 403 says is missing. */
export function missingRight(error: KubernetesError): string | undefined {
  const [, method, path = ''] = /^(GET|POST) (\S+): /u.exec(error.message) ?? [];
  if (error.code !== 403 || method === undefined) return undefined;
  const kind = path.replace(/\?.*$/u, '').split('/').at(-1) ?? '';
  return `${method === 'GET' ? 'list' : 'create'} ${kind}`;
}
