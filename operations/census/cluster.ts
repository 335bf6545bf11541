/**
 * What a namespace has of a stack: Secrets by the tags they carry and by who has written them, which
 * the server keeps of every field. Only the metadata of a Secret is asked for, so that no value comes
 * here, nor a change by hand unseen.
 */
import { groups as catalogGroups, isSecretKey } from '../../components/catalog.ts';
import { tagAnnotation } from '../../components/labels.ts';
import type { KubernetesObject, ManagedFields } from '../../plugins/kubernetes-api.ts';
import { type Api, metadataOfAll } from '../doctor/cluster.ts';
import type { Answers, Drift, Expected, Sighting } from './facts.ts';
import { shownTag } from './facts.ts';
import { shownName } from './names.ts';
import { askReaders } from './namespace-readers.ts';

export interface NamespaceCase {
  readonly target: string;
  readonly stack: string;
  readonly namespace: string;
  /** `kubectl --context X --namespace Y` */
  readonly kubectl: string;
  /** Whether an operator makes the Secrets, by an ExternalSecret each. */
  readonly synced: boolean;
  /** What makes a Secret right: an `up`, or a sync of a controller's. */
  readonly fix: string;
  readonly groups: readonly Expected[];
  /** Whether it is asked who may read. */
  readonly readers: boolean;
}

/**
 * Who writes for us: the provider, External Secrets, the controller of Sealed Secrets, Argo CD, Flux.
 * Each names itself to the server (metadata.managedFields[].manager).
 */
const ourWriters =
  /^(?:pulumi|external-?secrets|controller$|sealed-secrets|kubeseal|argocd|kustomize-controller)/u;

/** @throws KubernetesError, UnreachableError when the cluster cannot be asked */
export async function askNamespace(api: Api, about: NamespaceCase): Promise<Answers> {
  const { namespace, target, synced, groups } = about;
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const listed = (await api.list(path, { accept: metadataOfAll })).items;
  const externals = synced
    ? (await api.list(`/apis/external-secrets.io/v1/namespaces/${namespace}/externalsecrets`)).items
    : [];
  const owners = externals.map(({ metadata }) => metadata?.uid);
  const secrets = listed.filter((each) => !isGoing(each, synced ? owners : undefined));
  const readers = about.readers ? await askReaders(api, about) : undefined;
  const sightings: Sighting[] = [];
  const drifts: Drift[] = [];
  const known = new Set<KubernetesObject>();
  for (const expected of groups) {
    const found = secrets.filter((each) => isNamedAs(each, expected));
    for (const each of found) known.add(each);
    const mended = { ...about, fix: fixOf(externals, expected, about) };
    const { right, judged } = judge(found, expected, mended);
    drifts.push(...judged);
    if (right === undefined) continue;
    drifts.push(...handsOn(right, expected, mended));
    sightings.push({
      target,
      place: placeOf(right, namespace),
      keys: expected.keys,
      tag: expected.tag === undefined ? undefined : tagOf(right),
      since: right.metadata?.creationTimestamp,
      readers: readers?.of(right.metadata?.name ?? '') ?? [],
    });
  }
  const unready = externals.flatMap((each) => unreadyOf(each, about));
  const strangers = [...secrets, ...externals]
    .filter((each) => !known.has(each) && isOurs(each) && !isOfGroups(each, groups))
    .map((each) => strangerOf(each, about));
  const unasked = readers?.unasked ?? [];
  return { sightings, drifts: [...drifts, ...unready, ...strangers], unasked };
}

function isNamedAs({ metadata }: KubernetesObject, { group }: Expected): boolean {
  const { secretName } = catalogGroups[group];
  return new RegExp(`^${secretName}(?:-[0-9a-f]{8})?$`, 'u').test(metadata?.name ?? '');
}

/**
 * What the operator made it makes again; an `up` that finds its ExternalSecret right would do nothing
 * (https://external-secrets.io/latest/introduction/faq/, "manually trigger a secret refresh").
 */
function fixOf(
  externals: readonly KubernetesObject[],
  expected: Expected,
  { fix, kubectl }: NamespaceCase,
): string {
  const right = externals.find(
    (each) =>
      isNamedAs(each, expected) && (expected.tag === undefined || tagOf(each) === expected.tag),
  );
  const name = right?.metadata?.name;
  if (name === undefined) return fix;
  return `${kubectl} annotate --overwrite externalsecret ${name} force-sync="$(date +%s)"`;
}

/** Being deleted, or about to be: its ExternalSecret is gone already. */
function isGoing(
  { metadata }: KubernetesObject,
  owners: readonly (string | undefined)[] | undefined,
): boolean {
  if (metadata?.deletionTimestamp !== undefined) return true;
  const owner = metadata?.ownerReferences?.find(({ kind }) => kind === 'ExternalSecret');
  return owners !== undefined && owner !== undefined && !owners.includes(owner.uid);
}

function judge(
  found: readonly KubernetesObject[],
  { group, tag }: Expected,
  about: NamespaceCase,
): { readonly right: KubernetesObject | undefined; readonly judged: readonly Drift[] } {
  const { target, namespace, fix } = about;
  const expected = tag === undefined ? 'what somebody else writes' : `tag ${tag}`;
  const fitting = found.filter((each) => tag === undefined || tagOf(each) === tag);
  const right = fitting.find((each) => strangeWriters(each).length === 0) ?? fitting[0];
  const others = found.filter((each) => each !== right);
  const base = { target, expected, fix };
  if (found.length === 0) {
    const place = `Secret ${namespace}/${catalogGroups[group].secretName}`;
    const cause = 'somebody deleted it after the last up';
    return { right, judged: [{ kind: 'missing', ...base, place, found: 'none', cause }] };
  }
  const judged = others.map((each): Drift => {
    const place = placeOf(each, namespace);
    const got = { place, found: shownTag(tagOf(each)) };
    if (right === undefined) {
      const cause = 'it was put back or replaced by hand, or the last up did not come this far';
      return { kind: 'other tag', ...base, ...got, cause };
    }
    const remove = `${about.kubectl} delete secret ${each.metadata?.name}, after a look at who uses it`;
    const more = { ...base, ...got, expected: `only the one of ${expected}`, fix: remove };
    const strange = strangeWriters(each);
    return strange.length > 0
      ? { kind: 'unknown', ...more, cause: `${writersOf(strange)} made it under a name of ours` }
      : { kind: 'stale', ...more, cause: 'it was left behind when the values changed' };
  });
  return { right, judged };
}

/** What somebody else has written into a Secret of ours, or taken out of it. */
function handsOn(
  secret: KubernetesObject,
  { keys, tag }: Expected,
  { target, namespace, fix }: NamespaceCase,
): readonly Drift[] {
  const place = placeOf(secret, namespace);
  const strange = tag === undefined ? [] : strangeWriters(secret);
  const edited = strange.length === 0 ? [] : keysIn(strange);
  const names = edited.map((key) => (isSecretKey(key) ? key : shownName(key)));
  const changed: readonly Drift[] =
    strange.length === 0
      ? []
      : [
          {
            kind: 'changed',
            target,
            place,
            expected: `tag ${tag}, written by this stack alone`,
            found: `${names.join(', ') || 'its data'} written by ${writersOf(strange)}`,
            cause: 'somebody edited it by hand after the last up',
            fix,
          },
        ];
  const all = keysIn(dataManagers(secret));
  const absent = all.length === 0 ? [] : keys.filter((key) => !all.includes(key));
  const lost: readonly Drift[] =
    absent.length === 0
      ? []
      : [
          {
            kind: 'missing',
            target,
            place,
            expected: keys.join(', '),
            found: `none of ${absent.join(', ')}`,
            cause: 'somebody took keys out of it',
            fix,
          },
        ];
  return [...changed, ...lost];
}

function dataManagers({ metadata }: KubernetesObject): readonly ManagedFields[] {
  return (metadata?.managedFields ?? []).filter(({ fieldsV1 = {} }) =>
    ['f:data', 'f:stringData'].some((field) => field in fieldsV1),
  );
}

function strangeWriters(secret: KubernetesObject): readonly ManagedFields[] {
  return dataManagers(secret).filter(({ manager }) => !ourWriters.test(manager));
}

function writersOf(managers: readonly ManagedFields[]): string {
  const said = managers.map((each) => {
    const { time } = each as { readonly time?: unknown };
    const at = typeof time === 'string' && /^[\dTZ:.-]{1,40}$/u.test(time) ? ` at ${time}` : '';
    return `${shownName(each.manager)}${at}`;
  });
  return [...new Set(said)].join(', ');
}

/** Names of the keys below `data`, as field managers own them. */
function keysIn(managers: readonly ManagedFields[]): readonly string[] {
  const owned = managers.flatMap(({ fieldsV1 = {} }) => {
    const data = fieldsV1['f:data'];
    return typeof data === 'object' && data !== null ? Object.keys(data) : [];
  });
  const names = owned.filter((name) => name.startsWith('f:')).map((name) => name.slice(2));
  return [...new Set(names)];
}

function unreadyOf(
  external: KubernetesObject,
  { target, namespace, kubectl, groups }: NamespaceCase,
): readonly Drift[] {
  const { conditions = [] } = (external.status ?? {}) as {
    conditions?: readonly { type?: string; status?: string; reason?: string }[];
  };
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True' || !isOfGroups(external, groups)) return [];
  const reason = /^\w{1,60}$/u.test(ready?.reason ?? '') ? `: ${ready?.reason}` : '';
  const name = external.metadata?.name ?? '';
  return [
    {
      kind: 'stale',
      target,
      place: `ExternalSecret ${namespace}/${name}`,
      expected: 'Ready',
      found: `not Ready${reason}`,
      cause: 'the operator cannot read the store, or make the Secret',
      fix: `${kubectl} describe externalsecret ${name}`,
    },
  ];
}

/** By a name of the catalog's groups, or by the labels that this project gives its Secrets. */
function isOurs({ metadata }: KubernetesObject): boolean {
  const { name = '', labels = {}, annotations = {} } = metadata ?? {};
  if (annotations['kubernetes.io/service-account.name'] !== undefined) return false;
  const names = Object.values(catalogGroups).map(({ secretName }) => secretName);
  const labelled =
    labels['app.kubernetes.io/part-of'] === 'hummingbot' &&
    labels['app.kubernetes.io/component'] === 'secret';
  return (
    labelled ||
    annotations[tagAnnotation] !== undefined ||
    names.some((each) => name.startsWith(each))
  );
}

function isOfGroups(object: KubernetesObject, groups: readonly Expected[]): boolean {
  return groups.some((each) => isNamedAs(object, each));
}

function strangerOf(
  object: KubernetesObject,
  { target, namespace, kubectl }: NamespaceCase,
): Drift {
  const kind = object.spec === undefined ? 'Secret' : 'ExternalSecret';
  const name = object.metadata?.name ?? '';
  const strange = writersOf(strangeWriters(object));
  const who = strange === '' ? 'somebody' : strange;
  return {
    kind: 'unknown',
    target,
    place: `${kind} ${namespace}/${shownName(name)}`,
    expected: 'none of that name',
    found: `one that the stack does not know, made ${object.metadata?.creationTimestamp ?? 'at some time'}`,
    cause: `${who} made it, or it is of a group that the stack no longer uses`,
    fix: `${kubectl} delete ${kind.toLowerCase()} ${shownName(name)}, after a look at whose it is`,
  };
}

function placeOf({ metadata }: KubernetesObject, namespace: string): string {
  return `Secret ${namespace}/${shownName(metadata?.name ?? '')}`;
}

function tagOf({ metadata }: KubernetesObject): string | undefined {
  return metadata?.annotations?.[tagAnnotation];
}
