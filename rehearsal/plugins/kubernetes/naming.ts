/** Names that nobody gave (provider/pkg/metadata/naming.go; resource.NewUniqueName of the SDK). */
import { randomBytes, randomInt } from 'node:crypto';
import type { KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import { isObject, isUnknown } from '../../../plugins/provider-server.ts';
import { autonamed, isAutonamed } from './annotations.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
const suffixLength = 8;
const managerBytes = 4;

/** A name of its own for each object, so that two stacks never fight over fields unseen. */
export function newFieldManager(): string {
  return `pulumi-kubernetes-${randomBytes(managerBytes).toString('hex')}`;
}

/**
 * Gives a name to what has none: the one that it had, or a new one.
 * @param old inputs of the last update; undefined when there was none
 */
export function named(
  inputs: KubernetesObject,
  old: KubernetesObject | undefined,
  urn: string,
): KubernetesObject {
  const metadata: unknown = inputs.metadata ?? {};
  if (!isObject(metadata) || metadata.name !== undefined) return inputs;
  const { annotations = {} } = metadata;
  if (old !== undefined && !isAutonamed(old)) return inputs;
  const name = old?.metadata?.name ?? `${urn.split('::').at(-1)}-${randomSuffix()}`;
  return {
    ...inputs,
    metadata: {
      ...metadata,
      name,
      annotations: isUnknown(annotations)
        ? (annotations as never)
        : { ...(annotations as Record<string, string>), [autonamed]: 'true' },
    },
  };
}

function randomSuffix(): string {
  return Array.from({ length: suffixLength }, () => alphabet.charAt(randomInt(36))).join('');
}
