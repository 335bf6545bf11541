/**
 * Objects of one collection as they change, as an informer of client-go shows them: what is there
 * first, then every event in its order, over broken connections and restarted servers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type KubernetesApi,
  KubernetesError,
  type KubernetesObject,
  UnreachableError,
} from '../../../plugins/kubernetes-api.ts';

export interface Change {
  readonly type: 'present' | 'gone';
  readonly object: KubernetesObject;
}

const pauseMilliseconds = 1000;
/** The server ends a watch after so long; the next one begins with a list again. */
const watchSeconds = '300';

/**
 * @param seen the one object that is looked for, as it was last seen: that it has gone meanwhile
 *   is a change too; undefined for all objects
 * @returns when `signal` aborts
 * @throws KubernetesError when the collection may not be listed
 */
export async function* follow(
  api: KubernetesApi,
  collection: string,
  signal: AbortSignal,
  seen?: KubernetesObject,
): AsyncGenerator<Change> {
  const selector = seen && { fieldSelector: `metadata.name=${seen.metadata?.name}` };
  const known = new Map(seen && [[uidOf(seen), seen]]);
  while (!signal.aborted) {
    try {
      const { items, metadata } = await api.list(collection, { query: { ...selector }, signal });
      const listed = new Set(items.map(uidOf));
      for (const [uid, object] of known) {
        if (!listed.has(uid)) yield { type: 'gone', object };
      }
      known.clear();
      for (const item of items) {
        // Items of a list say neither.
        const { apiVersion, kind } = seen ?? {};
        const object = { ...(apiVersion && kind && { apiVersion, kind }), ...item };
        known.set(uidOf(object), object);
        yield { type: 'present', object };
      }
      const { resourceVersion } = metadata;
      const query = { ...selector, resourceVersion, timeoutSeconds: watchSeconds };
      for await (const { type, object } of api.watch(collection, { query, signal })) {
        if (type === 'BOOKMARK') continue;
        if (type === 'ERROR') break;
        if (type === 'DELETED') known.delete(uidOf(object));
        else known.set(uidOf(object), object);
        yield { type: type === 'DELETED' ? 'gone' : 'present', object };
      }
    } catch (error) {
      if (signal.aborted) return;
      const passing = error instanceof UnreachableError || isPassing(error);
      if (!passing) throw error;
      await sleep(pauseMilliseconds, undefined, { signal }).catch(() => {});
    }
  }
}

/** A broken stream, or a server that stumbles or starts. */
function isPassing(error: unknown): boolean {
  if (error instanceof KubernetesError) return error.code >= 500 || error.code === 410;
  return 'code' in (error as object) || error instanceof SyntaxError;
}

function uidOf({ metadata }: KubernetesObject): string {
  return metadata?.uid ?? metadata?.name ?? '';
}
