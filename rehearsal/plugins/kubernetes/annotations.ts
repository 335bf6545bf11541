/** What annotations say to the provider (provider/pkg/metadata/{annotations,overrides}.go). */
import type { KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import { type Call, isObject, PluginError } from '../../../plugins/provider-server.ts';

const prefix = 'pulumi.com/';
export const autonamed = `${prefix}autonamed`;
const isTrue = 'true';

export type Propagation = 'Orphan' | 'Background' | 'Foreground';

export function annotationOf(object: KubernetesObject, name: string): string | undefined {
  const { annotations } = isObject(object.metadata) ? object.metadata : {};
  return isObject(annotations) && typeof annotations[name] === 'string'
    ? annotations[name]
    : undefined;
}

export function isAutonamed(object: KubernetesObject): boolean {
  return annotationOf(object, autonamed) === isTrue;
}

export function skipsAwait(object: KubernetesObject): boolean {
  return annotationOf(object, `${prefix}skipAwait`) === isTrue;
}

export function forcesPatch(object: KubernetesObject): boolean {
  return annotationOf(object, `${prefix}patchForce`) === isTrue;
}

export function fieldManagerOf(object: KubernetesObject): string | undefined {
  return annotationOf(object, `${prefix}patchFieldManager`);
}

/** The option `customTimeouts` before the annotation; undefined when neither is set. */
export function timeoutOf(object: KubernetesObject, call: Call): number | undefined {
  if (call.timeoutSeconds !== undefined) return call.timeoutSeconds;
  const annotated = annotationOf(object, `${prefix}timeoutSeconds`) ?? '';
  return /^\d+$/u.test(annotated) ? Number(annotated) : undefined;
}

export function propagationOf(object: KubernetesObject): Propagation {
  switch (annotationOf(object, `${prefix}deletionPropagationPolicy`)?.toLowerCase()) {
    case 'orphan':
      return 'Orphan';
    case 'background':
      return 'Background';
    default:
      return 'Foreground';
  }
}

/**
 * @returns the conditions that must all hold, each `condition=...` or `jsonpath=...`; none when
 *   nothing is to be waited for
 */
export function waitsFor(object: KubernetesObject): readonly string[] {
  const value = annotationOf(object, `${prefix}waitFor`);
  if (value === undefined || value === '') return [];
  let conditions: unknown = value;
  try {
    conditions = JSON.parse(value);
  } catch {
    // One condition, not a list of them.
  }
  const list = Array.isArray(conditions) ? conditions.map(String) : [value];
  if (list.length === 0) {
    throw new PluginError('pulumi.com/waitFor: got an empty list; allowed: at least one condition');
  }
  return list;
}
