/**
 * A node: containerd with runc, the bridge of CNI, and the kubelet. The bridge enforces no
 * NetworkPolicy. Images come from archives alone; there is no registry.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installedBy, programOf } from '../debian-packages.ts';
import { type ImageArchive, run } from '../images/archive.ts';
import { makePauseImage, pauseImage } from '../images/pause.ts';
import { linkIntoContainerd } from '../images/unpacked.ts';
import { flags } from './etcd.ts';
import { writeServerKubeconfig } from './kubeconfig.ts';
import { overlayWorks } from './overlay.ts';
import type { ServerRecord } from './process.ts';
import {
  answers,
  apiUrl,
  certificate,
  dnsServiceAddress,
  fileInside,
  key,
  podNetwork,
  programInside,
  type Site,
} from './site.ts';

export const nodeName = 'rehearsal';
/** Folders below the rehearsal's, each one a volume of this node. */
export const volumesFolder = 'volumes';
const socket = '/run/containerd/containerd.sock';

function containerdConfig(snapshotter: string): string {
  const plugins = installedBy('CNI plugins', 'containernetworking-plugins', () =>
    ['/usr/lib/cni', '/opt/cni/bin'].find((path) => existsSync(join(path, 'bridge'))),
  );
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${fileInside('containerd')}"
state = "/run/containerd"

[grpc]
address = "${socket}"

[${cri}]
sandbox_image = "${pauseImage.name}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true

[${cri}.containerd]
snapshotter = "${snapshotter}"
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
BinaryName = "${programOf('runc', 'runc')}"

[${cri}.cni]
bin_dir = "${plugins}"
conf_dir = "${fileInside('cni')}"
`;
}

/** Without masquerade: nothing of a pod leaves the enclosure. */
const cni = {
  cniVersion: '0.4.0',
  name: 'rehearsal',
  plugins: [
    {
      type: 'bridge',
      bridge: 'pods',
      isGateway: true,
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: podNetwork }]], dataDir: '/run/cni' },
    },
  ],
};

function kubeletConfig({ enclosure }: Site): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: enclosure.address,
    healthzBindAddress: enclosure.address,
    readOnlyPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificate('ca') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificate('kubelet'),
    tlsPrivateKeyFile: key('kubelet'),
    containerRuntimeEndpoint: `unix://${socket}`,
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    podLogsDir: fileInside('logs', 'pods'),
    // Nobody answers there: the bot finds no exchange, as it shall.
    clusterDNS: [dnsServiceAddress],
    clusterDomain: 'cluster.local',
    resolvConf: fileInside('resolv.conf'),
    volumePluginDir: fileInside('kubelet-plugins'),
    // A fairly full disk would taint the node and take the images, which no registry has.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '200Mi',
      'imagefs.available': '200Mi',
    },
    imageGCHighThresholdPercent: 100,
    // A rehearsal waits for these; a real node has hundreds of pods to spread them over.
    syncFrequency: '10s',
    // A container that ends is started again after 1, 2 and 4 seconds instead of 10, 20 and 40.
    featureGates: { ReduceDefaultCrashLoopBackOffDecay: true },
  };
}

/** @param image the bot's */
export async function startContainerd(site: Site, image: ImageArchive): Promise<ServerRecord> {
  const { folder, enclosure } = site;
  const linked = await linkIntoContainerd(join(folder, 'containerd'));
  mkdirSync(join(folder, 'cni'), { recursive: true });
  writeFileSync(join(folder, 'cni', 'rehearsal.conflist'), JSON.stringify(cni));
  writeFileSync(join(folder, 'containerd.toml'), containerdConfig(snapshotterIn(folder)));
  const containerd = programOf('containerd', 'containerd');
  const record = await site.servers.start({
    name: 'containerd',
    command: enclosure.enter([containerd, '--config', fileInside('containerd.toml')]),
    forks: true,
    healthy: async () => succeeds([...ctrIn(enclosure), 'version']),
    seconds: 60,
  });
  const work = join(folder, 'images', 'pause');
  loadImages(site, [makePauseImage(work), ...(linked ? [] : [image])]);
  rmSync(work, { recursive: true });
  return record;
}

/** Gives images to the node, which has no registry to get one from. */
export function loadImages(
  { folder, enclosure }: Pick<Site, 'folder' | 'enclosure'>,
  images: readonly ImageArchive[],
): void {
  const load = ['--namespace', 'k8s.io', 'images', 'import', '--snapshotter'];
  for (const { path } of images) {
    run(...ctrIn(enclosure), ...load, snapshotterIn(folder), path);
  }
}

function ctrIn(enclosure: Site['enclosure']): readonly string[] {
  return enclosure.enter([programOf('ctr', 'containerd'), '--address', socket]);
}

/** The native one works on every file system, and copies the whole image for each container. */
function snapshotterIn(folder: string): string {
  return overlayWorks(folder) ? 'overlayfs' : 'native';
}

export async function startKubelet(
  site: Site,
  ready: () => Promise<boolean>,
): Promise<ServerRecord> {
  const { folder, enclosure } = site;
  writeServerKubeconfig({ folder, server: apiUrl(enclosure), user: 'kubelet' });
  writeFileSync(join(folder, 'kubelet.json'), JSON.stringify(kubeletConfig(site)));
  writeFileSync(join(folder, 'resolv.conf'), '');
  const options = {
    config: fileInside('kubelet.json'),
    kubeconfig: fileInside('kubeconfigs', 'kubelet'),
    'hostname-override': nodeName,
    'node-ip': enclosure.address,
    'root-dir': fileInside('kubelet'),
  };
  return await site.servers.start({
    name: 'kubelet',
    command: enclosure.enter([programInside(site, 'kubelet'), ...flags(options)]),
    forks: true,
    healthy: async () => (await kubeletAnswers(site)) && (await ready()),
    seconds: 120,
  });
}

export async function kubeletAnswers({ folder, enclosure }: Site): Promise<boolean> {
  return await answers(folder, `https://${enclosure.address}:10250/healthz`);
}

function succeeds([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore', timeout: 5000 }).status === 0;
}
