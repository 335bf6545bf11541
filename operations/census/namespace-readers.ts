/** Who may read the Secrets of a namespace by its own Roles, and which pods mount them; asked live. */
import { PluginError } from '../../plugins/resource-handler.ts';
import type { Api } from '../doctor/cluster.ts';
import type { Reader } from './facts.ts';
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
interface Binding {
  readonly metadata?: { readonly name?: string };
  readonly roleRef?: { readonly kind?: string; readonly name?: string };
  readonly subjects?: readonly Subject[];
}
interface Pod {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly volumes?: readonly {
      readonly secret?: { readonly secretName?: string };
      readonly projected?: {
        readonly sources?: readonly { readonly secret?: { readonly name?: string } }[];
      };
    }[];
  };
}

/** Readers of a Secret by its name. */
export type ReadersOf = (secret: string) => readonly Reader[];

/** @returns undefined for what the caller may not see */
async function itemsOf(api: Api, path: string): Promise<readonly object[] | undefined> {
  try {
    return (await api.list(path)).items;
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    return undefined;
  }
}

/** Roles of the whole cluster are another command's to evaluate. */
export async function askReaders(api: Api, namespace: string): Promise<ReadersOf> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const roles = (await itemsOf(api, `${rbac}/roles`)) ?? [];
  const bindings = ((await itemsOf(api, `${rbac}/rolebindings`)) ?? []) as readonly Binding[];
  const pods = ((await itemsOf(api, `/api/v1/namespaces/${namespace}/pods`)) ??
    []) as readonly Pod[];
  return (secret) => {
    const names = roles
      .filter((role) => ((role as { rules?: Rule[] }).rules ?? []).some(reads(secret)))
      .map((role) => (role as Binding).metadata?.name);
    const bound = bindings
      .filter(({ roleRef }) => roleRef?.kind === 'Role' && names.includes(roleRef.name))
      .flatMap(({ roleRef, subjects = [] }) =>
        subjects.map((subject): Reader => {
          const by = `Role ${shownName(roleRef?.name ?? '')}`;
          return { who: subjectName(subject), by, live: true };
        }),
      );
    const programs = new Set(
      pods
        .filter(({ spec }) => spec?.volumes?.some((volume) => mounted(volume).includes(secret)))
        .map(({ metadata }) => metadata?.labels?.['app.kubernetes.io/name'] ?? 'without a name'),
    );
    return [
      ...[...programs].sort().map((name): Reader => {
        return { who: `pods ${shownName(name)}`, by: 'they mount it', live: true };
      }),
      ...bound,
    ];
  };
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
