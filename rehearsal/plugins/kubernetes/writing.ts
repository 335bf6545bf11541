/** Writes to the API (`Creation`, `ssaUpdate`, `fixCSAFieldManagers`, `Deletion` of await.go). */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  KubernetesApi,
  KubernetesObject,
  ManagedFields,
} from '../../../plugins/kubernetes-api.ts';
import { type Call, isObject, type Properties } from '../../../plugins/provider-server.ts';
import { forcesPatch, propagationOf } from './annotations.ts';
import { isMissing } from './failure.ts';

const mostRetries = 5;
const firstPauseMilliseconds = 1000;
/** Managers by whose names kubectl and this provider wrote before they applied; prefixes. */
const formerManagers: readonly (readonly [string, ManagedFields['operation']])[] = [
  ['kubectl', 'Apply'],
  ['kubectl', 'Update'],
  ['before-first-apply', 'Update'],
  ['pulumi-kubernetes', 'Update'],
  ['pulumi-resource-kubernetes', 'Update'],
];

/**
 * A POST, so that what exists is never taken over (pulumi-kubernetes#4278). A namespace or a
 * definition that is not there yet is waited for: 5 retries, from 1 s on, twice as long each.
 * @param dry whether the server only says what it would make
 */
export async function make(
  api: KubernetesApi,
  collection: string,
  object: KubernetesObject,
  fieldManager: string,
  dry: boolean,
  call: Call,
): Promise<KubernetesObject> {
  for (let retry = 0; ; retry++) {
    try {
      const query = { fieldManager, ...(dry && { dryRun: 'All' }) };
      const details = { query, body: object, signal: call.signal };
      return await api.send('POST', collection, details);
    } catch (error) {
      if (dry || !isMissing(error) || retry === mostRetries) throw error;
      call.status(`Retry #${retry}; creation failed: not found`);
    }
    await sleep(firstPauseMilliseconds * 2 ** retry, undefined, { signal: call.signal });
  }
}

/** Server-side apply over what is there. */
export async function apply(
  api: KubernetesApi,
  path: string,
  object: KubernetesObject,
  live: KubernetesObject,
  fieldManager: string,
  call: Call,
): Promise<KubernetesObject> {
  const dry = call.preview;
  const { managedFields = [] } = live.metadata ?? {};
  const moved = takenOver(managedFields, fieldManager);
  if (moved !== undefined && !dry) {
    await api.send('PATCH', path, {
      contentType: 'application/json-patch+json',
      body: [{ op: 'replace', path: '/metadata/managedFields', value: moved }],
      signal: call.signal,
    });
  }
  // In a preview nothing is taken over yet, so that our own former fields would conflict.
  const force = forcesPatch(object) || managedFields.length === 0 || (dry && moved !== undefined);
  const query = { fieldManager, force: String(force), ...(dry && { dryRun: 'All' }) };
  return await api.send('PATCH', path, {
    contentType: 'application/apply-patch+yaml',
    query,
    body: object,
    signal: call.signal,
  });
}

export async function remove(
  api: KubernetesApi,
  path: string,
  inputs: KubernetesObject,
  call: Call,
): Promise<boolean> {
  const body = { propagationPolicy: propagationOf(inputs) };
  try {
    await api.send('DELETE', path, { body, signal: call.signal });
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/**
 * The fields of former managers, given to one that applies.
 * @returns undefined when there are none
 */
export function takenOver(
  entries: readonly ManagedFields[],
  fieldManager: string,
): readonly ManagedFields[] | undefined {
  const isOurs = ({ manager, operation, subresource = '' }: ManagedFields) =>
    manager === fieldManager && operation === 'Apply' && subresource === '';
  const isFormer = (entry: ManagedFields) =>
    (entry.subresource ?? '') === '' &&
    !isOurs(entry) &&
    formerManagers.some(
      ([prefix, operation]) => entry.operation === operation && entry.manager.startsWith(prefix),
    );
  const former = entries.filter(isFormer);
  const [first] = former;
  if (first === undefined) return undefined;
  const ours = entries.find(isOurs) ?? { ...first, manager: fieldManager, operation: 'Apply' };
  const fieldsV1 = former.reduce<Properties>(
    (all, { fieldsV1: fields = {} }) => union(all, fields),
    ours.fieldsV1 ?? {},
  );
  const others = entries.filter((entry) => !isFormer(entry) && !isOurs(entry));
  return [...others, { ...ours, fieldsV1 }];
}

/** Both trees of fields in one. */
function union(one: Properties, other: Properties): Properties {
  const merged: Properties = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const known = merged[key];
    merged[key] = isObject(known) && isObject(value) ? union(known, value) : value;
  }
  return merged;
}
