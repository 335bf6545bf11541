/**
 * A cluster that is there already, for machines that cannot have one of their own: its nodes must be
 * able to pull the stack's image, and the machine that rehearses must reach its API. What is put into
 * it is taken out again by `returnBorrowed`.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../operations/engine/command-error.ts';
import type { Cluster } from './cluster.ts';
import { operatorNamespace, operatorRole } from './external-secrets.ts';
import { type Access, accessTo, apply, fieldManager } from './kubernetes-client.ts';

const definitions = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
const mark = { 'hummingbot-secrets/rehearsal': 'true' };

/**
 * @param storageClass made as a copy of the cluster's default where it is not there
 * @throws CommandError when the cluster has an External Secrets Operator of its own
 */
export async function openBorrowed(
  kubeconfig: string,
  folder: string,
  storageClass: string | undefined,
): Promise<Cluster> {
  const access = await accessTo(kubeconfig);
  const name = 'externalsecrets.external-secrets.io';
  // One that a killed rehearsal left behind is ours.
  const there = await access.objects.read({ ...definitions, metadata: { name } }).then(
    ({ metadata }) => !metadata?.managedFields?.some(({ manager }) => manager === fieldManager),
    () => false,
  );
  if (there) {
    throw new CommandError(
      `rehearse: got a cluster with External Secrets of its own in ${kubeconfig}; allowed: one without, because the rehearsal's asks an AWS API of its own; fix: another cluster, such as kind's`,
    );
  }
  for (const each of ['kubeconfigs', 'logs']) {
    mkdirSync(join(folder, each), { recursive: true, mode: 0o700 });
  }
  const own = join(folder, 'kubeconfigs', 'borrowed');
  cpSync(kubeconfig, own);
  if (storageClass !== undefined) await lendClass(access, storageClass);
  const { metadata } = await access.core.readNamespace({ name: 'kube-system' });
  return {
    server: access.config.getCurrentCluster()?.server ?? '',
    issuer: await issuerOf(access),
    uid: metadata?.uid ?? '',
    context: access.config.getCurrentContext(),
    kubeconfig: own,
    adminKubeconfig: own,
    addresses: { hostAddress: '127.0.0.1', address: '' },
    auditLog: '',
    logs: join(folder, 'logs'),
  };
}

async function lendClass(access: Access, name: string): Promise<void> {
  const storage = access.config.makeApiClient(access.library.StorageV1Api);
  const { items } = await storage.listStorageClass();
  if (items.some((each) => each.metadata?.name === name)) return;
  const isDefault = 'storageclass.kubernetes.io/is-default-class';
  const model = items.find((each) => each.metadata?.annotations?.[isDefault] === 'true');
  if (model === undefined) {
    throw new CommandError(
      `rehearse: got a cluster without StorageClass ${name} and without a default one; allowed: one of them; fix: make one`,
    );
  }
  const { provisioner, parameters, volumeBindingMode } = model;
  await apply(access, [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name, labels: mark },
      provisioner,
      ...(parameters && { parameters }),
      ...(volumeBindingMode && { volumeBindingMode }),
    },
  ]);
}

/** Of the tokens of service accounts, from the cluster's own discovery document. */
async function issuerOf(access: Access): Promise<string> {
  const wellKnown = access.config.makeApiClient(access.library.WellKnownApi);
  const text = await wellKnown.getServiceAccountIssuerOpenIDConfiguration();
  const { issuer } = (typeof text === 'string' ? JSON.parse(text) : text) as { issuer?: string };
  return issuer ?? '';
}

/** Takes out what a rehearsal has put in, but the stack itself. */
export async function returnBorrowed(cluster: Cluster): Promise<void> {
  const access = await accessTo(cluster.kubeconfig, cluster.context);
  const storage = access.config.makeApiClient(access.library.StorageV1Api);
  const { items } = await storage.listStorageClass();
  for (const each of items.filter(
    ({ metadata }) => metadata?.labels?.[Object.keys(mark)[0] ?? ''],
  )) {
    await storage.deleteStorageClass({ name: each.metadata?.name ?? '' });
  }
  const extensions = access.config.makeApiClient(access.library.ApiextensionsV1Api);
  const all = await extensions.listCustomResourceDefinition();
  for (const { metadata, spec } of all.items) {
    if (!spec.group.endsWith('external-secrets.io')) continue;
    await extensions.deleteCustomResourceDefinition({ name: metadata?.name ?? '' });
  }
  const rbac = access.config.makeApiClient(access.library.RbacAuthorizationV1Api);
  await rbac.deleteClusterRoleBinding({ name: operatorRole }).catch(() => {});
  await rbac.deleteClusterRole({ name: operatorRole }).catch(() => {});
  await access.core.deleteNamespace({ name: operatorNamespace }).catch(() => {});
}
