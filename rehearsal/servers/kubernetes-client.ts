/** Kubernetes' official client, loaded when it is needed: it is large. */
import type * as client from '@kubernetes/client-node';

export type Kubernetes = typeof client;
export type KubernetesObject = client.KubernetesObject & Readonly<Record<string, unknown>>;

export interface Access {
  readonly library: Kubernetes;
  readonly config: client.KubeConfig;
  readonly objects: client.KubernetesObjectApi;
  readonly core: client.CoreV1Api;
}

/** @param kubeconfig path of the file */
export async function accessTo(kubeconfig: string, context?: string): Promise<Access> {
  const library = await import('@kubernetes/client-node');
  const config = new library.KubeConfig();
  config.loadFromFile(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  return {
    library,
    config,
    objects: library.KubernetesObjectApi.makeApiClient(config),
    core: config.makeApiClient(library.CoreV1Api),
  };
}

/** As which a rehearsal writes. */
export const fieldManager = 'rehearsal';

/** Makes objects as they are given, or makes those that exist so: server-side apply. */
export async function apply(access: Access, objects: readonly object[]): Promise<void> {
  const strategy = access.library.PatchStrategy.ServerSideApply;
  for (const each of objects) {
    const object = each as KubernetesObject;
    const none = undefined;
    await access.objects.patch(object, none, none, fieldManager, true, strategy);
  }
}

/** Waits until a condition holds. An error counts as no. @returns whether it ever did */
export async function eventually(seconds: number, holds: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; ) {
    if (await holds().catch(() => false)) return true;
    await new Promise((settle) => setTimeout(settle, 200));
  }
  return false;
}
