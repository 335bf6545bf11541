/**
 * A Kubernetes cluster of one node on this machine, out of the real programs. It is started part by
 * part, each healthy before the next, and what is left of it after `stopServers`, or after the same
 * for one that was killed, is nothing: no process, mount, interface, cgroup or file.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { goTool } from '../../operations/engine/go.ts';
import { workspace } from '../../operations/engine/workspace.ts';
import type { ImageArchive } from '../images/archive.ts';
import { botArchive } from '../images/hummingbot.ts';
import { kubernetes } from '../tools/tools.ts';
import { startApiServer } from './api-server.ts';
import { Certificates } from './certificates.ts';
import { removeCgroups } from './cgroups.ts';
import { startControllerManager, startScheduler } from './controller-manager.ts';
import {
  closeEnclosure,
  type Enclosure,
  enclosureName,
  enclosureOf,
  inside,
  openEnclosure,
} from './enclosure.ts';
import { startEtcd } from './etcd.ts';
import { contextName, writeClientKubeconfig } from './kubeconfig.ts';
import { type Access, accessTo, apply, eventually } from './kubernetes-client.ts';
import { nodeName, startContainerd, startKubelet, volumesFolder } from './node.ts';
import { Servers } from './process.ts';
import { apiServiceAddress, apiUrl, type Site } from './site.ts';

/** Claims that may exist at once; a volume serves one only, once. */
const volumeCount = 8;

export interface ClusterArgs {
  /** Folder of the rehearsal, 0700; all that the cluster keeps is below it. */
  readonly folder: string;
  /**
   * Name of the StorageClass that is made.
   * @default - none
   */
  readonly storageClass?: string;
  /**
   * Size of its volumes, which nothing enforces.
   * @default '5Gi'
   */
  readonly storageSize?: string;
  /**
   * Whether there is a node, so that pods run.
   * @default true
   */
  readonly node?: boolean;
  /** Hears the name of each part before it is started, and the seconds that it took after. */
  readonly progress?: (part: string, seconds?: number) => void;
}

/** What a client of the cluster needs; kept in a file for other commands. */
export interface Cluster {
  readonly server: string;
  /** OIDC issuer of the service accounts' tokens. */
  readonly issuer: string;
  /** UID of the namespace kube-system, which stands for the cluster. */
  readonly uid: string;
  readonly context: string;
  /** Kubeconfig of the one who deploys: user `deployer`, bound to cluster-admin. */
  readonly kubeconfig: string;
  /** Kubeconfig of the administrator, group system:masters. */
  readonly adminKubeconfig: string;
  /** The bot's image by digest; none without a node. */
  readonly image?: string;
  readonly addresses: Pick<Enclosure, 'hostAddress' | 'address'>;
  /** Log of the API's audit: one JSON object a line. */
  readonly auditLog: string;
  /** Folder with a log a server. */
  readonly logs: string;
}

const record = (folder: string): string => join(folder, 'cluster.json');

/** The cluster whose parts were all started, if there is one. */
export function clusterIn(folder: string): Cluster | undefined {
  if (!existsSync(record(folder))) return undefined;
  return JSON.parse(readFileSync(record(folder), 'utf8')) as Cluster;
}

/** @throws CommandError when a part cannot be had or does not start; then nothing is left of it */
export async function startCluster(args: ClusterArgs): Promise<Cluster> {
  const { folder } = args;
  const tools = dirname(await goTool(kubernetes));
  const image = (args.node ?? true) ? await botArchive() : undefined;
  await stopServers(folder);
  for (const name of ['', 'kubeconfigs', 'logs', 'images', volumesFolder]) {
    mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  }
  try {
    const servers = new Servers(folder);
    const enclosure = await openEnclosure(servers, folder, join(workspace.cache, 'tools'));
    const site = { folder, servers, enclosure, kubernetes: basename(tools) };
    const cluster = await startParts(site, args, image);
    writeFileSync(record(folder), JSON.stringify(cluster), { mode: 0o600 });
    return cluster;
  } catch (error) {
    await stopServers(folder, { keepLogs: true });
    throw error;
  }
}

async function startParts(
  site: Site,
  args: ClusterArgs,
  image: ImageArchive | undefined,
): Promise<Cluster> {
  const { folder, enclosure } = site;
  const part = async <T>(name: string, start: () => Promise<T>): Promise<T> => {
    const begun = Date.now();
    args.progress?.(name);
    const result = await start();
    args.progress?.(name, (Date.now() - begun) / 1000);
    return result;
  };
  await part('certificates', async () => makeCertificates(site));
  await part('etcd', async () => await startEtcd(site));
  await part('kube-apiserver', async () => await startApiServer(site));
  const server = apiUrl(enclosure);
  const adminKubeconfig = writeClientKubeconfig({ folder, server, user: 'admin' });
  const kubeconfig = writeClientKubeconfig({ folder, server, user: 'deployer' });
  const admin = await accessTo(adminKubeconfig);
  await part('kube-controller-manager', async () => await startControllerManager(site));
  await part('kube-scheduler', async () => await startScheduler(site));
  await apply(admin, [deployerBinding, ...storageOf(folder, args)]);
  if (image !== undefined) {
    await part('containerd', async () => await startContainerd(site, image));
    await part('kubelet', async () => await startKubelet(site, async () => await isReady(admin)));
  }
  // The first thing that one sees of the controllers at work.
  const account = { name: 'default', namespace: 'default' };
  await eventually(30, async () => Boolean(await admin.core.readNamespacedServiceAccount(account)));
  const { metadata } = await admin.core.readNamespace({ name: 'kube-system' });
  return {
    server,
    issuer: server,
    uid: metadata?.uid ?? '',
    context: contextName,
    kubeconfig,
    adminKubeconfig,
    ...(image !== undefined && { image: image.reference }),
    addresses: { hostAddress: enclosure.hostAddress, address: enclosure.address },
    auditLog: join(folder, 'logs', 'audit.log'),
    logs: join(folder, 'logs'),
  };
}

/**
 * Stops everything that was started for a folder, by its pid, and removes what it left.
 * @param keepLogs leaves the logs, for whoever has to find out why it did not start
 */
export async function stopServers(folder: string, { keepLogs = false } = {}): Promise<void> {
  const servers = new Servers(folder);
  for (const { name } of servers.list().toReversed()) {
    if (name !== enclosureName) await servers.stop(name);
  }
  await closeEnclosure(servers, folder);
  await eventually(10, async () => removeCgroups(folder));
  if (!existsSync(folder)) return;
  for (const name of ownFiles.filter((each) => !keepLogs || each !== 'logs')) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** What the parts write below the folder. */
const ownFiles = [
  ...['cluster.json', 'servers', 'pki', 'kubeconfigs', 'logs', 'images', volumesFolder],
  ...['etcd', 'encryption.json', 'audit-policy.json', 'cni', 'containerd', 'containerd.toml'],
  ...['docker', 'kubelet', 'kubelet.json', 'kubelet-plugins', 'resolv.conf'],
];

/** The enclosure of a running cluster, to run something in it. */
export function enclosureIn(folder: string): Enclosure | undefined {
  const cluster = clusterIn(folder);
  const first = new Servers(folder).running(enclosureName);
  if (cluster === undefined || first === undefined) return undefined;
  return enclosureOf(first, cluster.addresses);
}

function makeCertificates({ folder, enclosure }: Site): void {
  const certificates = new Certificates(join(folder, 'pki'));
  const address = `IP:${enclosure.address}`;
  const local = ['DNS:localhost', 'IP:127.0.0.1', address];
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const names = [...service, 'kubernetes.default.svc.cluster.local'].map((name) => `DNS:${name}`);
  const components = ['kube-controller-manager', 'kube-scheduler'];
  certificates.makeTokenKeys('tokens');
  certificates.make({ name: 'etcd', commonName: 'etcd', servesAs: local });
  certificates.make({ name: 'etcd-client', commonName: 'kube-apiserver' });
  certificates.make({
    name: 'kube-apiserver',
    commonName: 'kube-apiserver',
    servesAs: [...local, ...names, `IP:${apiServiceAddress}`],
  });
  certificates.make({
    name: 'kubelet-client',
    commonName: 'kube-apiserver',
    organisation: 'system:masters',
  });
  for (const name of components) {
    certificates.make({ name, commonName: `system:${name}`, servesAs: local });
  }
  certificates.make({
    name: 'kubelet',
    commonName: `system:node:${nodeName}`,
    organisation: 'system:nodes',
    servesAs: [...local, `DNS:${nodeName}`],
  });
  certificates.make({ name: 'admin', commonName: 'admin', organisation: 'system:masters' });
  certificates.make({ name: 'deployer', commonName: 'deployer' });
}

const deployerBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'deployer' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'deployer' }],
};

/** The StorageClass, and volumes for it: folders of the node. */
function storageOf(folder: string, { storageClass, storageSize = '5Gi' }: ClusterArgs): object[] {
  if (storageClass === undefined) return [];
  const volumes = Array.from({ length: volumeCount }, (_, at) => `rehearsal-${at}`);
  for (const name of volumes) {
    mkdirSync(join(folder, volumesFolder, name), { recursive: true, mode: 0o755 });
  }
  const terms = [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] }] },
  ];
  return [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: storageClass },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    ...volumes.map((name) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        capacity: { storage: storageSize },
        accessModes: ['ReadWriteOncePod'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: storageClass,
        local: { path: `${inside}/${volumesFolder}/${name}` },
        nodeAffinity: { required: { nodeSelectorTerms: terms } },
      },
    })),
  ];
}

async function isReady(access: Access): Promise<boolean> {
  const { status } = await access.core.readNode({ name: nodeName });
  return (status?.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True');
}
