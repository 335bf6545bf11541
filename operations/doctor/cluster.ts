/**
 * What arrived in a cluster: the tag that the Secret of each group carries and, where an operator
 * brings it, its ExternalSecret.
 * Only the metadata of a Secret is asked for, so that no value comes here.
 */
import { type GroupName, groups, type SecretKey } from '../../components/catalog.ts';
import { tagAnnotation } from '../../components/labels.ts';
import {
  KubernetesError,
  type KubernetesObject,
  metadataOnly,
} from '../../plugins/kubernetes-api.ts';
import {
  type Arrival,
  type Delivered,
  type Finding,
  isDeliverable,
  isExpected,
  type KeyFacts,
  problem,
} from './facts.ts';

/** What is asked of the API; a test has its own. */
export interface Api {
  get(path: string, details?: { readonly accept?: string }): Promise<KubernetesObject>;
  list(
    path: string,
    details?: { readonly accept?: string },
  ): Promise<{ readonly items: readonly KubernetesObject[] }>;
}

export interface ClusterPlace {
  readonly target: string;
  readonly stack: string;
  readonly namespace: string;
  /** `kubectl --context X --namespace Y` */
  readonly kubectl: string;
  /** Of the groups, as they were delivered last; none of a group that somebody else writes. */
  readonly tags: Readonly<Record<string, string>>;
  /** What makes a Secret right. @default - an `up` */
  readonly fix?: string;
}

/** Accept: the metadata of a list alone, without a fallback. */
export const metadataOfAll = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const notFound = 404;

interface Spec {
  readonly data?: readonly { readonly secretKey?: string }[];
}
interface Status {
  readonly conditions?: readonly {
    readonly type?: string;
    readonly status?: string;
    readonly reason?: string;
  }[];
}

/**
 * Secrets that Pulumi wrote itself.
 * @throws KubernetesError, UnreachableError when the cluster cannot be asked
 */
export async function lookAtWritten(
  api: Api,
  place: ClusterPlace,
  keys: readonly KeyFacts[],
): Promise<Delivered> {
  const path = `/api/v1/namespaces/${place.namespace}/secrets`;
  const { items } = await api.list(path, { accept: metadataOfAll });
  const arrivals = new Map<SecretKey, Arrival>();
  const findings: Finding[] = [];
  const carried = keys.filter((each) => isExpected(each) || each.set === 'external');
  for (const group of new Set(carried.map(({ entry }) => entry.group))) {
    const found = judged(place, group, newestOf(items, group, place.tags[group]));
    if (found.finding !== undefined) findings.push(found.finding);
    for (const { key, entry, set } of carried) {
      if (entry.group !== group || (set === 'external' && entry.optional)) continue;
      arrivals.set(key, found.arrival);
    }
  }
  return { target: place.target, arrivals, findings };
}

/**
 * Secrets that an operator made.
 * @throws KubernetesError, UnreachableError when the cluster cannot be asked
 */
export async function lookAtSynced(
  api: Api,
  place: ClusterPlace,
  keys: readonly KeyFacts[],
): Promise<Delivered> {
  const base = `/apis/external-secrets.io/v1/namespaces/${place.namespace}/externalsecrets`;
  const { items } = await api.list(base);
  const arrivals = new Map<SecretKey, Arrival>();
  const findings: Finding[] = [];
  const carried = keys.filter((each) => isExpected(each) || each.set === 'external');
  for (const group of new Set(carried.map(({ entry }) => entry.group))) {
    const object = newestOf(items, group, place.tags[group]);
    const found = await stateOf(api, place, group, object);
    if (found.finding !== undefined) findings.push(found.finding);
    const { data = [] } = (object?.spec ?? {}) as Spec;
    const names = data.map(({ secretKey }) => secretKey);
    const absent: SecretKey[] = [];
    for (const each of carried.filter(({ entry }) => entry.group === group)) {
      const { key, entry, set } = each;
      // Whoever else writes need not write what is optional.
      if (set === 'external' && entry.optional) continue;
      const there = names.includes(key);
      arrivals.set(key, there ? found.arrival : 'no');
      if (!there && object !== undefined && isDeliverable(each)) absent.push(key);
    }
    if (absent.length > 0) {
      const what = `ExternalSecret ${place.namespace}/${object?.metadata?.name}`;
      findings.push(
        problem(what, `nothing of ${absent.join(', ')}`, 'every key in use', start(place)),
      );
    }
  }
  return { target: place.target, arrivals, findings };
}

/**
 * The object of a group, by the guide's name, with a suffix or without. Of two, as in the middle of
 * a rotation, the one that carries the tag.
 */
function newestOf(
  items: readonly KubernetesObject[],
  group: GroupName,
  tag: string | undefined,
): KubernetesObject | undefined {
  const { secretName } = groups[group];
  const named = new RegExp(`^${secretName}(?:-[0-9a-f]{8})?$`, 'u');
  const found = items.filter(({ metadata }) => named.test(metadata?.name ?? ''));
  return found.find((each) => annotationOf(each) === tag) ?? found.at(-1);
}

interface Found {
  readonly arrival: Arrival;
  readonly finding?: Finding;
}

async function stateOf(
  api: Api,
  place: ClusterPlace,
  group: GroupName,
  object: KubernetesObject | undefined,
): Promise<Found> {
  const { namespace, kubectl } = place;
  const name = object?.metadata?.name;
  if (name === undefined) {
    const what = `ExternalSecret ${namespace}/${groups[group].secretName}`;
    return { arrival: 'no', finding: problem(what, 'none', `one of ${group}`, start(place)) };
  }
  const { conditions = [] } = (object?.status ?? {}) as Status;
  const ready = conditions.find(({ type }) => type === 'Ready');
  const secret = await api
    .get(`/api/v1/namespaces/${namespace}/secrets/${name}`, { accept: metadataOnly })
    .catch((error: unknown) => {
      if (error instanceof KubernetesError && error.code === notFound) return undefined;
      throw error;
    });
  if (ready?.status !== 'True') {
    const reason = /^\w{1,60}$/u.test(ready?.reason ?? '') ? `: ${ready?.reason}` : '';
    const fix = `${kubectl} describe externalsecret ${name}`;
    const what = `ExternalSecret ${namespace}/${name}`;
    const finding = problem(what, `not Ready${reason}`, 'Ready', fix);
    return { arrival: secret === undefined ? 'no' : 'not synced', finding };
  }
  return judged(place, group, secret, name);
}

/** Whether a Secret is there, with the tag of the last `up`. */
function judged(
  place: ClusterPlace,
  group: GroupName,
  secret: KubernetesObject | undefined,
  name = secret?.metadata?.name ?? groups[group].secretName,
): Found {
  const what = `Secret ${place.namespace}/${name}`;
  if (secret === undefined) {
    return { arrival: 'no', finding: problem(what, 'none', `one of ${group}`, start(place)) };
  }
  const tag = place.tags[group];
  if (tag === undefined || annotationOf(secret) === tag) return { arrival: 'yes' };
  const got = `tag ${/^[a-z2-7]{10}$/u.test(annotationOf(secret) ?? '') ? annotationOf(secret) : 'unknown'}`;
  const finding = problem(what, got, `tag ${tag}, of the last up`, start(place));
  return { arrival: 'another tag', finding };
}

function annotationOf({ metadata }: KubernetesObject): string | undefined {
  return metadata?.annotations?.[tagAnnotation];
}

function start({ stack, fix }: ClusterPlace): string {
  return fix ?? `npm start -- --stack ${stack}`;
}
