/**
 * Who may read the Secrets of a namespace by what is bound in it, and into which pods they come; asked live.
 */
import { KubernetesError } from '../../plugins/kubernetes-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import type { Api } from '../doctor/cluster.ts';
import type { Reader, Unasked } from './facts.ts';
import { shownName } from './names.ts';

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs?: readonly string[];
}
interface Subject {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}
interface Role {
  readonly metadata?: { readonly name?: string };
  readonly rules?: readonly Rule[] | null;
}
interface Binding {
  readonly roleRef?: { readonly kind?: string; readonly name?: string };
  readonly subjects?: readonly Subject[];
}
interface Container {
  readonly env?: readonly {
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name?: string } };
  }[];
  readonly envFrom?: readonly { readonly secretRef?: { readonly name?: string } }[];
}
interface Pod {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly ephemeralContainers?: readonly Container[];
    readonly volumes?: readonly {
      readonly secret?: { readonly secretName?: string };
      readonly projected?: {
        readonly sources?: readonly { readonly secret?: { readonly name?: string } }[];
      };
    }[];
  };
}

export interface ReadersPlace {
  readonly target: string;
  readonly namespace: string;
  /** `kubectl --context X --namespace Y` */
  readonly kubectl: string;
}

export interface Readers {
  /** Of a Secret, by its name. */
  readonly of: (secret: string) => readonly Reader[];
  /** What the caller may not see. */
  readonly unasked: readonly Unasked[];
}

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const notFound = 404;

/** Of roles of the whole cluster those that are bound here; bindings of it are another command's to evaluate. */
export async function askReaders(api: Api, place: ReadersPlace): Promise<Readers> {
  const { target, namespace, kubectl } = place;
  const unasked: Unasked[] = [];
  const heard = async <T>(right: string, ask: () => Promise<T>, silent: T): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      const [got = ''] = error.message.split('; fix: ');
      const what = `who may read in namespace ${namespace}`;
      const fix = `${kubectl} auth can-i ${right} says whether you may (docs/inventory.md)`;
      unasked.push({ target, what, got, fix });
      return silent;
    }
  };
  const listed = async <T>(kind: string, path: string): Promise<readonly T[]> =>
    await heard(`list ${kind}`, async () => (await api.list(`${path}/${kind}`)).items as T[], []);
  const inNamespace = `${rbac}/namespaces/${namespace}`;
  const roles = await listed<Role>('roles', inNamespace);
  const bindings = await listed<Binding>('rolebindings', inNamespace);
  const pods = await listed<Pod>('pods', `/api/v1/namespaces/${namespace}`);
  const rules = new Map<string, readonly Rule[]>(
    roles.map(({ metadata, rules: own }) => [`Role ${metadata?.name}`, own ?? []] as const),
  );
  for (const { roleRef } of bindings) {
    const role = `${roleRef?.kind} ${roleRef?.name}`;
    if (roleRef?.kind !== 'ClusterRole' || rules.has(role)) continue;
    const ask = async (): Promise<Role> => await clusterRole(api, roleRef.name ?? '');
    rules.set(role, (await heard('get clusterroles', ask, {})).rules ?? []);
  }
  return {
    of: (secret) => [
      ...podsWith(pods, secret),
      ...bindings.flatMap(({ roleRef, subjects = [] }) => {
        const own = rules.get(`${roleRef?.kind} ${roleRef?.name}`) ?? [];
        if (!own.some(reads(secret))) return [];
        const by = `${roleRef?.kind} ${shownName(roleRef?.name ?? '')}`;
        return subjects.map((each): Reader => ({ who: subjectName(each), by, live: true }));
      }),
    ],
    unasked,
  };
}

/** A binding of a role that is not there gives nothing. */
async function clusterRole(api: Api, name: string): Promise<Role> {
  try {
    return (await api.get(`${rbac}/clusterroles/${name}`)) as Role;
  } catch (error) {
    if (error instanceof KubernetesError && error.code === notFound) return {};
    throw error;
  }
}

function podsWith(pods: readonly Pod[], secret: string): readonly Reader[] {
  const ways = [
    ['they mount it', ({ spec }: Pod) => spec?.volumes?.flatMap(mounted)],
    ['it is in their environment', environment],
  ] as const;
  return ways.flatMap(([by, secretsOf]) => {
    const own = pods.filter((each) => secretsOf(each)?.includes(secret));
    const programs = own.map(
      ({ metadata }) => metadata?.labels?.['app.kubernetes.io/name'] ?? 'without a name',
    );
    return [...new Set(programs)].sort().map((name): Reader => {
      return { who: `pods ${shownName(name)}`, by, live: true };
    });
  });
}

function environment({ spec = {} }: Pod): readonly (string | undefined)[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec;
  return [...containers, ...initContainers, ...ephemeralContainers].flatMap(
    ({ env = [], envFrom = [] }) => [
      ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
      ...envFrom.map(({ secretRef }) => secretRef?.name),
    ],
  );
}

function reads(secret: string): (rule: Rule) => boolean {
  return ({ apiGroups = [], resources = [], resourceNames = [], verbs = [] }) =>
    apiGroups.some((each) => each === '' || each === '*') &&
    resources.some((each) => each === 'secrets' || each === '*') &&
    verbs.some((each) => ['get', 'list', 'watch', '*'].includes(each)) &&
    (resourceNames.length === 0 || resourceNames.includes(secret));
}

function mounted(
  volume: NonNullable<NonNullable<Pod['spec']>['volumes']>[number],
): readonly (string | undefined)[] {
  const sources = volume.projected?.sources ?? [];
  return [volume.secret?.secretName, ...sources.map(({ secret }) => secret?.name)];
}

function subjectName({ kind = '', name = '', namespace }: Subject): string {
  return `${kind} ${shownName(namespace === undefined ? name : `${namespace}/${name}`)}`;
}
