/**
 * Who may read the Secrets of a namespace: RBAC's objects say whom to ask about and name the cause,
 * the API server's own authorizers (SubjectAccessReview) say what is true.
 */
import { groups as catalogGroups, type GroupName } from '../../components/catalog.ts';
import type { Reader } from '../../components/systems.ts';
import {
  KubernetesError,
  type KubernetesObject,
  metadataOnly,
} from '../../plugins/kubernetes-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import type { Answers, Finding, Unasked } from './finding.ts';
import { foreignFirst, type Given, givenBy, ruleText } from './given-right.ts';
import { type Asked, type Binding, bindingsOf, labelOf } from './rbac.ts';
import { type Class, classesOf, identityOf } from './subject-class.ts';
import { reading, type Way, wayByKeysOf, waysIn, waysToBe } from './ways.ts';

/** What is asked of the API; a test has its own. */
export interface Api {
  list(
    path: string,
    details?: { readonly accept?: string; readonly query?: Readonly<Record<string, string>> },
  ): Promise<{
    readonly items: readonly KubernetesObject[] | null;
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
const system = 'Kubernetes';
/** Objects a page. */
const pageSize = 500;
/** Questions that are asked at once. */
const batch = 20;

/** What is refused is one line, and the rest is answered. */
export async function lookAtCluster(api: Api, scope: ClusterScope): Promise<Answers> {
  const unasked = new Map<string, Unasked>();
  const miss = (error: unknown): void => {
    if (!(error instanceof PluginError)) throw error;
    const line = unaskedOf(error, scope.kubectl);
    unasked.set(line.got, line);
  };
  const list = async (path: string): Promise<readonly KubernetesObject[] | undefined> => {
    try {
      return await listAll(api, path);
    } catch (error) {
      miss(error);
      return undefined;
    }
  };
  const { namespace, synced } = scope;
  const [clusterRoles, clusterBindings, roles, bindings, named] = await Promise.all([
    ...['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings'].map(
      async (kind) => await list(`${rbacPath}/${kind}`),
    ),
    list(
      synced
        ? `/apis/external-secrets.io/v1/namespaces/${namespace}/externalsecrets`
        : `/api/v1/namespaces/${namespace}/secrets`,
    ),
  ]);
  const all = bindingsOf({
    clusterRoles: clusterRoles ?? [],
    clusterBindings: clusterBindings ?? [],
    roles: roles ?? [],
    bindings: bindings ?? [],
  });
  const there = named && new Set(named.map(({ metadata }) => metadata?.name ?? ''));
  const findings = await new Review(api, scope, there, miss).over(all);
  return { findings, unasked: [...unasked.values()] };
}

/** What a system did not answer, and what it takes. */
export function unaskedOf(error: PluginError, kubectl: string): Unasked {
  const right = error instanceof KubernetesError ? missingRight(error) : undefined;
  const [got = ''] = error.message.split('; fix: ');
  return {
    system,
    got: right === undefined ? got : `no right to ${right}`,
    fix:
      right === undefined
        ? `${kubectl} auth whoami says whether it answers`
        : `a ClusterRole with the right to ${right}, bound to whoever asks (docs/access.md)`,
  };
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
    // An empty list of metadata alone is answered with null.
    items.push(...(page.items ?? []));
    next = page.metadata?.continue ?? '';
  } while (next !== '');
  return items;
}

/** Why somebody is expected who is Kubernetes' own. */
const partOfKubernetes = 'a part of Kubernetes';

type Task = () => Promise<readonly Finding[]>;

class Review {
  readonly #api: Api;
  readonly #scope: ClusterScope;
  readonly #there: ReadonlySet<string> | undefined;
  readonly #miss: (error: unknown) => void;
  /** Whether the server answers no question at all. */
  #isSilent = false;
  readonly #ways: readonly Way[];
  /** Accounts whose ways are asked about, by their labels. */
  readonly #accounts = new Set<string>();
  /** Answers, by the question. */
  readonly #answers = new Map<string, Promise<boolean>>();

  /**
   * @param there names of Secrets; undefined: they could not be had, and all that could be ours count
   * @param miss hears of a question without an answer
   */
  constructor(
    api: Api,
    scope: ClusterScope,
    there: ReadonlySet<string> | undefined,
    miss: (error: unknown) => void,
  ) {
    this.#api = api;
    this.#scope = scope;
    this.#there = there;
    this.#miss = miss;
    const readers = Object.values(scope.readers).flat();
    const accounts = this.#fresh([...scope.operators, ...scope.accounts, ...readers]);
    this.#ways = [
      ...waysIn(scope.namespace),
      ...accounts.flatMap((each) => waysToBe([each], scope.namespace)),
      ...scope.operators
        .filter(({ namespace }) => namespace !== scope.namespace)
        .map((each) => wayByKeysOf(each)),
    ];
  }

  async over(bindings: readonly Binding[]): Promise<readonly Finding[]> {
    const classes = classesOf(bindings);
    const findings = [
      ...(await answersTo(classes.flatMap((each) => this.#secretQuestions(each)))),
      ...(await answersTo(classes.flatMap((each) => this.#wayQuestions(each, this.#ways)))),
    ];
    // Whoever becomes an account that may read reads too, and so on.
    for (let ways = this.#waysToReaders(findings); ways.length > 0; ) {
      const more = await answersTo(classes.flatMap((each) => this.#wayQuestions(each, ways)));
      findings.push(...more);
      ways = this.#waysToReaders(more);
    }
    return findings;
  }

  /** Service accounts that are asked about for the first time. */
  #fresh(subjects: readonly Reader[]): readonly Reader[] {
    return subjects.filter((each) => {
      const label = labelOf(each);
      if (each.kind !== 'ServiceAccount' || this.#accounts.has(label)) return false;
      this.#accounts.add(label);
      return true;
    });
  }

  /** Ways to be an account that is found to read; Kubernetes' own controllers are one. */
  #waysToReaders(findings: readonly Finding[]): readonly Way[] {
    const { namespace } = this.#scope;
    const accounts = this.#fresh(findings.flatMap(({ who }) => accountsOf(who)));
    const strange = new Set(
      findings
        .filter(({ expected }) => expected !== partOfKubernetes)
        .flatMap(({ who }) => accountsOf(who).map(labelOf)),
    );
    const own = accounts.filter((each) => !strange.has(labelOf(each)));
    return [
      ...accounts
        .filter((each) => strange.has(labelOf(each)))
        .flatMap((each) => waysToBe([each], namespace)),
      ...(own.length === 0 ? [] : waysToBe(own, namespace, "Kubernetes' own controllers")),
    ];
  }

  /** What has to be asked of the Secrets: nothing of those whose rules mention nothing of it. */
  #secretQuestions(each: Class): readonly Task[] {
    return reading.flatMap((verb) => {
      const asked = { verb, group: '', resource: 'secrets', namespace: this.#scope.namespace };
      const given = givenBy(each.bindings, asked, (name) => this.#isOurs(name));
      return given.length === 0 ? [] : [async () => await this.#askSecrets(each, verb, given)];
    });
  }

  #isOurs(name: string): boolean {
    return (
      groupOfSecret(name, this.#scope.groups) !== undefined && this.#there?.has(name) !== false
    );
  }

  #wayQuestions(each: Class, ways: readonly Way[]): readonly Task[] {
    const places = new Set(each.bindings.map(({ namespace }) => namespace));
    return ways.flatMap((way) => {
      const isNear = ({ namespace }: Asked): boolean =>
        places.has(undefined) || (namespace !== undefined && places.has(namespace));
      if (!way.asked.some(isNear)) return [];
      const rights = [way.asked, ...(way.also ?? [])].map((all) =>
        all.flatMap((asked) => givenBy(each.bindings, asked, way.names)),
      );
      if (rights.some((given) => given.length === 0)) return [];
      return [async () => await this.#askWay(each, way, rights)];
    });
  }

  /** @param rights those of which one is needed, and those of which one is needed too */
  async #askWay(
    each: Class,
    way: Way,
    rights: readonly (readonly Given[])[],
  ): Promise<readonly Finding[]> {
    const accounts = way.accounts ?? [];
    const subjects = each.subjects.filter((subject) => !has(accounts, labelOf(subject)));
    if (subjects.length === 0) return [];
    const found: Given[] = [];
    for (const given of rights) {
      const right = await this.#firstAllowed(each, given);
      if (right === undefined) return [];
      found.push(right);
    }
    const [right, ...beside] = found as [Given, ...Given[]];
    return subjects.map((subject) =>
      this.#finding(subject, way.way, [], right, this.#whyWay(subject, way, right), beside),
    );
  }

  async #firstAllowed(each: Class, given: readonly Given[]): Promise<Given | undefined> {
    for (const right of foreignFirst(given)) {
      if (await this.#isAllowed(each, right.asked)) return right;
    }
    return undefined;
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
    beside: readonly Given[] = [],
  ): Finding {
    const { kubectl } = this.#scope;
    const [kind = '', place = ''] = binding.label.split(' ');
    const [namespace, name] = place.includes('/') ? place.split('/') : [undefined, place];
    const there = namespace === undefined ? '' : ` --namespace ${namespace}`;
    const who = labelOf(subject);
    return {
      system,
      who,
      way,
      secrets,
      expected,
      cause: [{ binding, rule, asked }, ...beside].map(causeOf).join('; '),
      fix:
        expected === undefined
          ? `${kubectl}${there} delete ${kind.toLowerCase()} ${name}, take ${who} out of it, or list it in administrators`
          : '',
    };
  }

  async #isAllowed({ subjects: [subject] }: Class, asked: Asked): Promise<boolean> {
    const question = JSON.stringify([subject, asked]);
    const known = this.#answers.get(question) ?? this.#review(subject as Reader, asked);
    this.#answers.set(question, known);
    try {
      return await known;
    } catch (error) {
      this.#miss(error);
      const isOne = error instanceof KubernetesError && missingRight(error) === undefined;
      this.#isSilent ||= !isOne;
      return false;
    }
  }

  async #review(subject: Reader, asked: Asked): Promise<boolean> {
    if (this.#isSilent) return false;
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
            ...identityOf(subject),
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
    const group = name === undefined ? undefined : groupOfSecret(name, this.#scope.groups);
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
    return binding.isBootstrap && isOfKubernetes(subject) ? partOfKubernetes : undefined;
  }
}

async function answersTo(tasks: readonly Task[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (let at = 0; at < tasks.length; at += batch) {
    const answers = tasks.slice(at, at + batch).map(async (task) => await task());
    findings.push(...(await Promise.all(answers)).flat());
  }
  return findings;
}

/** Accounts behind a label: itself, or one of all of a namespace. */
function accountsOf(who: string): readonly Reader[] {
  const kind = 'ServiceAccount';
  const [, namespace, name = ''] = /^ServiceAccount:([^/]+)\/(.+)$/u.exec(who) ?? [];
  if (namespace !== undefined) return [{ kind, namespace, name }];
  const [, all] = /^Group:system:serviceaccounts:(.+)$/u.exec(who) ?? [];
  return all === undefined ? [] : [{ kind, namespace: all, name: 'default' }];
}

function causeOf({ binding, rule, asked }: Given): string {
  return `${binding.label} of ${binding.role}: ${ruleText(rule, asked)}`;
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
  if (path.includes('/namespaces/kube-system')) return 'get namespaces';
  const kind = path.replace(/\?.*$/u, '').split('/').at(-1) ?? '';
  return `${method === 'GET' ? 'list' : 'create'} ${kind}`;
}
