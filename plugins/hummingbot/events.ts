/** Events that warn: they only explain, so who may not list them gets a shorter line. */
import { type KubernetesApi, KubernetesError } from '../kubernetes-api.ts';
import type { Event } from './pod-trouble.ts';

/** @param about field selector, such as `involvedObject.kind=Pod` */
export async function warningsOf(
  api: KubernetesApi,
  namespace: string,
  about: string,
  signal: AbortSignal,
): Promise<readonly Event[]> {
  const query = { fieldSelector: `${about},type=Warning` };
  try {
    const { items } = await api.list(`/api/v1/namespaces/${namespace}/events`, { query, signal });
    return items as readonly Event[];
  } catch (error) {
    if (error instanceof KubernetesError) return [];
    throw error;
  }
}
