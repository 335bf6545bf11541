/**
 * What the state holds of an object: the live object, the inputs, the field manager
 * (`checkpointObject`, `parseCheckpointObject`, `annotateSecrets` and `normalizeInputs` of
 * provider/pkg/provider/provider.go).
 */
import type { KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import {
  containsUnknown,
  markLike,
  type Properties,
  secret,
  unwrap,
} from '../../../plugins/provider-server.ts';

const readOnly = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'managedFields',
  'resourceVersion',
  'uid',
] as const;

export interface Checkpoint {
  readonly inputs: KubernetesObject;
  readonly live: KubernetesObject;
  readonly fieldManager: string | undefined;
}

/** @param marked the inputs with their marks */
export function checkpoint(
  inputs: KubernetesObject,
  live: KubernetesObject,
  marked: Properties,
  fieldManager: string,
): Properties {
  return {
    ...withMarks(live, marked),
    __inputs: withMarks(inputs, marked),
    __initialApiVersion: inputs.apiVersion,
    __fieldManager: fieldManager,
  };
}

export function parseCheckpoint(state: Properties): Checkpoint {
  const { __inputs, __initialApiVersion: _, __fieldManager, ...live } = state;
  return {
    inputs: (__inputs ?? {}) as KubernetesObject,
    live,
    fieldManager: typeof __fieldManager === 'string' ? __fieldManager : undefined,
  };
}

/** All data of a Secret is secret, whatever the program said; of others what was marked. */
export function withMarks(object: KubernetesObject, marked: Properties): Properties {
  if (object.kind !== 'Secret') return markLike(object, marked) as Properties;
  const { data, stringData, ...rest } = object;
  return {
    ...rest,
    ...(data !== undefined && { data: secret(unwrap(data)) }),
    ...(stringData !== undefined && { stringData: secret(unwrap(stringData)) }),
  };
}

/** Without what only a server may say and without nothings; a Secret's text as its bytes. */
export function normalised(inputs: Properties): KubernetesObject {
  const object = withData(withoutNulls(inputs) as KubernetesObject);
  const metadata: Properties = { ...object.metadata };
  for (const name of readOnly) delete metadata[name];
  return object.metadata === undefined || typeof object.metadata === 'string'
    ? object
    : { ...object, metadata };
}

/** `stringData` goes into `data`, as the server puts it: it would never be found there again. */
function withData(object: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = object;
  if (object.kind !== 'Secret' || stringData === undefined || containsUnknown(object))
    return object;
  const encoded = Object.entries(stringData as Record<string, string>).map(([key, text]) => [
    key,
    Buffer.from(text, 'utf8').toString('base64'),
  ]);
  const data = { ...(rest.data as object | undefined), ...Object.fromEntries(encoded) };
  return { ...rest, data };
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutNulls(item)]));
}
