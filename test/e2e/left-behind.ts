/**
 * What a cluster and an AWS account hold that the state of their stack does not know: what a run
 * that was killed may leave for ever.
 */
import {
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
} from '@aws-sdk/client-secrets-manager';
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import type { RehearsedStack } from './rehearsed-stack.ts';
import type { Snapshot } from './snapshot-rules.ts';

/** Kinds that are looked through: all that the program, the operator and the gates make. */
const kinds = [
  ...['/api/v1 secrets', '/api/v1 configmaps', '/api/v1 serviceaccounts'],
  ...['/api/v1 persistentvolumeclaims', '/api/v1 pods', '/apis/batch/v1 jobs'],
  ...['/apis/apps/v1 deployments', '/apis/apps/v1 replicasets'],
  ...['/apis/external-secrets.io/v1 externalsecrets', '/apis/external-secrets.io/v1 secretstores'],
  ...[
    '/apis/rbac.authorization.k8s.io/v1 roles',
    '/apis/rbac.authorization.k8s.io/v1 rolebindings',
  ],
  '/apis/networking.k8s.io/v1 networkpolicies',
] as const;

/** The cluster makes them in every namespace. */
const everywhere = new Set(['configmaps/kube-root-ca.crt', 'serviceaccounts/default']);

interface Owned {
  readonly metadata?: V1ObjectMeta;
  readonly spec?: { readonly replicas?: number };
}

export interface Compared {
  /** In the namespace, and neither the state nor what it has made owns it; `kind/name` each. */
  readonly unknown: readonly string[];
  /** In the state, and not in the namespace any more; URNs. */
  readonly lost: readonly string[];
}

/** Seconds in which the cluster has to collect its garbage. */
export const collectedWithin = 30;

/** The same, once the cluster has collected its garbage, or has had its time for it. */
export async function compareAtRest(stack: RehearsedStack, snapshot: Snapshot): Promise<Compared> {
  let compared = await compareObjects(stack, snapshot);
  await eventually(collectedWithin, async () => {
    if (compared.unknown.length > 0) compared = await compareObjects(stack, snapshot);
    return compared.unknown.length === 0;
  });
  return compared;
}

/** The objects of the stack's namespace beside those of its state. */
async function compareObjects(stack: RehearsedStack, snapshot: Snapshot): Promise<Compared> {
  const { access, namespace } = stack;
  const stored = (snapshot.deployment?.resources ?? []).flatMap(({ urn, type = '', outputs }) => {
    const { metadata = {} } = (outputs ?? {}) as { readonly metadata?: V1ObjectMeta };
    const { uid } = metadata;
    const isLooked = kinds.some((kind) => kind.endsWith(` ${pluralOf(type)}`));
    return uid === undefined || metadata.namespace !== namespace ? [] : [{ urn, uid, isLooked }];
  });
  const uids = new Set(stored.map(({ uid }) => uid));
  const objects: { readonly name: string; readonly object: Owned }[] = [];
  for (const kind of kinds) {
    const [base, plural] = kind.split(' ');
    const { items } = await get(access, `${base}/namespaces/${namespace}/${plural}`);
    objects.push(
      ...items.map((object) => ({ name: `${plural}/${object.metadata?.name}`, object })),
    );
  }
  // From owners to what they own, as the garbage collector sees it.
  for (let before = -1; before !== uids.size; ) {
    before = uids.size;
    for (const { object } of objects) {
      const owners = object.metadata?.ownerReferences ?? [];
      if (owners.some(({ uid }) => uids.has(uid))) uids.add(object.metadata?.uid ?? '');
    }
  }
  const there = new Set(objects.map(({ object }) => object.metadata?.uid));
  return {
    unknown: objects
      .filter(({ name, object }) => !everywhere.has(name) && !uids.has(object.metadata?.uid ?? ''))
      .map(({ name }) => name),
    lost: stored.filter(({ uid, isLooked }) => isLooked && !there.has(uid)).map(({ urn }) => urn),
  };
}

/** `kubernetes:apps/v1:Deployment` is a `deployments`; a NetworkPolicy is one of `networkpolicies`. */
function pluralOf(type: string): string {
  const kind = (type.split(':').at(-1) ?? '').toLowerCase();
  return kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

async function get(
  { config }: RehearsedStack['access'],
  path: string,
): Promise<{ readonly items: readonly Owned[] }> {
  const api = await KubernetesApi.connect(config.exportConfig());
  return (await api.list(path)) as unknown as { readonly items: readonly Owned[] };
}

/** How the versions of a secret are labelled, and what they are worth; for comparing alone. */
export interface StoredVersions {
  readonly current: Stored;
  readonly previous: Stored | undefined;
}

interface Stored {
  readonly id: string;
  readonly values: Readonly<Record<string, string>>;
}

export async function storedVersions(
  stack: RehearsedStack,
  group: string,
): Promise<StoredVersions> {
  const client = stack.secretsManager();
  const SecretId = `hummingbot/${group}`;
  const read = async (VersionStage: string): Promise<Stored> => {
    const { SecretString, VersionId } = await client.send(
      new GetSecretValueCommand({ SecretId, VersionStage }),
    );
    return { id: VersionId ?? '', values: JSON.parse(SecretString ?? '{}') };
  };
  const { Versions = [] } = await client.send(new ListSecretVersionIdsCommand({ SecretId }));
  const stages = Versions.flatMap(({ VersionStages = [] }) => VersionStages);
  return {
    current: await read('AWSCURRENT'),
    previous: stages.includes('AWSPREVIOUS') ? await read('AWSPREVIOUS') : undefined,
  };
}

/** Secrets in the account, and labels of versions but the two that AWS gives, that are too many. */
export async function unknownInAws(
  stack: RehearsedStack,
  groups: readonly string[],
): Promise<readonly string[]> {
  const client = stack.secretsManager();
  const { SecretList = [] } = await client.send(
    new ListSecretsCommand({ IncludePlannedDeletion: true }),
  );
  const known = new Set(groups.map((group) => `hummingbot/${group}`));
  const found: string[] = [];
  for (const { Name = '' } of SecretList) {
    if (!known.has(Name)) {
      found.push(`secret ${Name}`);
      continue;
    }
    const command = new ListSecretVersionIdsCommand({ SecretId: Name });
    const { Versions = [] } = await client.send(command);
    const labels = Versions.flatMap(({ VersionStages = [] }) => VersionStages);
    const own = ['AWSCURRENT', 'AWSPREVIOUS'];
    found.push(
      ...labels.filter((each) => !own.includes(each)).map((each) => `label ${each} of ${Name}`),
    );
  }
  return found;
}
