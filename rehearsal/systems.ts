/**
 * The systems that a stack is rehearsed with: started, described for those who come later, and
 * asked how they are.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { goTool, toolDirectory } from '../operations/engine/go.ts';
import { writePrivate } from '../operations/engine/private-file.ts';
import { startProgress } from '../operations/engine/progress.ts';
import { projectDirectory, projectName, rehearsalFolder } from '../operations/engine/workspace.ts';
import { installMoto, startAws } from './servers/aws.ts';
import { becomeRole } from './servers/aws-role.ts';
import { openBorrowed } from './servers/borrowed-cluster.ts';
import { type Cluster, enclosureIn, startCluster, stopServers } from './servers/cluster.ts';
import { startDocker } from './servers/docker.ts';
import { startOperator } from './servers/external-secrets.ts';
import { accessTo } from './servers/kubernetes-client.ts';
import { isRunning, processesMarked, Servers, stopProcess } from './servers/process.ts';
import { fingerprintOf, startSealedSecrets } from './servers/sealed-secrets.ts';
import { startVault } from './servers/vault.ts';
import { type Replacements, settingIn } from './stack-file.ts';
import { dockerCompose, externalSecrets, kubernetes, sealedSecrets, vault } from './tools/tools.ts';

/** What a rehearsal runs on. */
export interface Systems {
  readonly stack: string;
  /** ISO time. */
  readonly since: string;
  /** For Pulumi, kubectl, docker and other clients; holds no value of the user's. */
  readonly environment: Readonly<Record<string, string>>;
  readonly replacements: Replacements;
  /** Absent where the stack needs none. */
  readonly cluster?: Cluster;
  /** Whether the cluster was there before, and stays. */
  readonly borrowed: boolean;
  /** Path of the Compose plugin; absent where the stack needs none. */
  readonly compose?: string;
  /** Whether the engine is a swarm's manager, and Pulumi starts the bot. */
  readonly swarm?: boolean;
}

type System = 'cluster' | 'aws' | 'vault' | 'docker' | 'swarm' | 'sealing';

const systems: Readonly<Record<string, readonly System[]>> = {
  'aws-secrets-manager': ['cluster', 'aws'],
  vault: ['cluster', 'vault'],
  kubernetes: ['cluster'],
  'sealed-secrets': ['cluster', 'sealing'],
  compose: ['docker'],
  'env-file': ['docker'],
  swarm: ['docker', 'swarm'],
};

function targetsIn(text: string): readonly unknown[] {
  const targets = settingIn(text, projectName, 'targets');
  return Array.isArray(targets) ? targets : ['compose'];
}

/** What the targets of a stack file need. */
function needsOf(text: string): readonly System[] {
  // What is written for git needs no server; its certificate is a file or a URL.
  const forGit = settingIn(text, projectName, 'sealedInto') === 'git';
  return targetsIn(text)
    .map((name) => systems[String(name)] ?? [])
    .filter((needed) => !(forGit && needed.includes('sealing')))
    .flat();
}

/** Targets that a rehearsal can have systems for. */
export const rehearsedTargets = Object.keys(systems);

/** The same stack file with more targets, whose systems are started too: for a stack that moves. */
export function withTargets(text: string, also: readonly string[]): string {
  if (also.length === 0) return text;
  const document = parseDocument(text);
  document.setIn(['config', `${projectName}:targets`], [...targetsIn(text), ...also]);
  return document.toString();
}

/** Whether an operator brings the values from a store. */
export function isSynced(text: string): boolean {
  return needsOf(text).some((need) => need === 'aws' || need === 'vault');
}

/** What a rehearsal of a stack file runs on. */
export function kindOf(text: string): 'cluster' | 'docker' | 'none' {
  const needed = needsOf(text);
  return needed.includes('cluster') ? 'cluster' : needed.includes('docker') ? 'docker' : 'none';
}

/** Where file targets write; git ignores it, as it must, and the program refuses `.local`. */
const outputDirectory = join('out', 'rehearsal');

const record = (folder: string): string => join(folder, 'systems.json');

/** The systems that were started for a stack, whether they still run or not. */
export function recordedSystems(stack: string): Systems | undefined {
  const path = record(rehearsalFolder(stack));
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Systems) : undefined;
}

/** The same if all of them still run. */
export function runningSystems(stack: string): Systems | undefined {
  const all = new Servers(rehearsalFolder(stack)).list();
  return all.length > 0 && all.every(isRunning) ? recordedSystems(stack) : undefined;
}

/** Where the logs of a failed rehearsal stay, until the next one. */
export function keptLogs(stack: string): string {
  return `${dirname(rehearsalFolder(stack))}-logs/${stack}`;
}

/** @returns the folder, undefined when there was no log */
export function keepLogs(stack: string): string | undefined {
  const logs = join(rehearsalFolder(stack), 'logs');
  if (!existsSync(logs)) return undefined;
  dropLogs(stack);
  cpSync(logs, keptLogs(stack), { recursive: true });
  return keptLogs(stack);
}

export function dropLogs(stack: string): void {
  rmSync(keptLogs(stack), { recursive: true, force: true });
  const all = dirname(keptLogs(stack));
  if (existsSync(all) && readdirSync(all).length === 0) rmdirSync(all);
}

/**
 * Starts what the targets need, from nothing: what an earlier rehearsal left goes first.
 * @param text of the stack file
 * @param kubeconfig of a cluster that is there, instead of one of our own
 */
export async function startSystems(
  stack: string,
  text: string,
  kubeconfig: string | undefined,
): Promise<Systems> {
  const folder = rehearsalFolder(stack);
  await endSystems(stack);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const kind = kindOf(text);
  const common = { stack, since: new Date().toISOString(), borrowed: kubeconfig !== undefined };
  const systems: Systems =
    kind === 'cluster'
      ? { ...common, ...(await startForCluster(stack, text, kubeconfig)) }
      : kind === 'docker'
        ? { ...common, ...(await startForDocker(stack, text)) }
        : { ...common, environment: {}, replacements: {} };
  writePrivate(record(folder), JSON.stringify(systems));
  return systems;
}

/** Variable that names the folder of the rehearsal to a server that is not recorded yet. */
const startedFor = 'HUMMINGBOT_SECRETS_STARTED_FOR';

/**
 * Ends the runs of Pulumi that outlived a killed command, with their program and plugins: without
 * servers they would wait for minutes, and write their state again.
 */
async function endRuns(folder: string): Promise<void> {
  const home = join(folder, 'workspace', 'pulumi');
  for (const id of processesMarked('PULUMI_HOME', home)) await stopProcess(id, 2);
}

/** Stops all servers and removes the folder, with the state and the look-alikes in it. */
export async function endSystems(stack: string): Promise<void> {
  const folder = rehearsalFolder(stack);
  await endRuns(folder);
  await stopServers(folder);
  for (const id of processesMarked(startedFor, folder)) await stopProcess(id);
  rmSync(folder, { recursive: true, force: true });
  const written = join(projectDirectory, outputDirectory);
  rmSync(join(written, stack), { recursive: true, force: true });
  for (const path of [written, dirname(written)]) {
    if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path);
  }
}

type Started = Pick<Systems, 'environment' | 'replacements' | 'cluster' | 'compose' | 'swarm'>;

async function startForDocker(stack: string, text: string): Promise<Started> {
  const folder = rehearsalFolder(stack);
  const inSwarm = needsOf(text).includes('swarm');
  const compose = await goTool(dockerCompose);
  const progress = startProgress('starting a Docker Engine', 'about 5 seconds');
  const { environment, image, swarm } = await startDocker(new Servers(folder), folder, inSwarm);
  progress.succeed('started a Docker Engine');
  // Where a client looks for its plugins: `docker compose` works in the rehearsal's shell.
  const config = join(folder, 'docker-config');
  mkdirSync(join(config, 'cli-plugins'), { recursive: true, mode: 0o700 });
  symlinkSync(compose, join(config, 'cli-plugins', 'docker-compose'));
  return {
    environment: { ...environment, DOCKER_CONFIG: config },
    replacements: {
      image,
      outputDirectory,
      ...(swarm && {
        dockerHost: environment.DOCKER_HOST,
        dockerCertPath: '',
        swarmId: swarm.id,
        swarmNode: swarm.node,
      }),
    },
    compose,
    ...(swarm && { swarm: true }),
  };
}

async function startForCluster(
  stack: string,
  text: string,
  kubeconfig: string | undefined,
): Promise<Started> {
  const folder = rehearsalFolder(stack);
  const needed = needsOf(text);
  const [inAws, inVault] = [needed.includes('aws'), needed.includes('vault')];
  const sealing = needed.includes('sealing');
  // All tools first: what cannot be had is known before a server runs.
  if (kubeconfig === undefined) await goTool(kubernetes);
  if (inAws || inVault) await goTool(externalSecrets);
  if (inAws) await installMoto();
  if (inVault) await goTool(vault);
  if (sealing) await goTool(sealedSecrets);
  const storageClass = textIn(text, 'storageClass');
  const cluster =
    kubeconfig === undefined
      ? await startOwn(folder, storageClass, textIn(text, 'storageSize'))
      : await openBorrowed(kubeconfig, folder, storageClass);
  const stores = [
    ...(inAws ? [await startAwsStore(folder, text)] : []),
    ...(inVault ? [await startVaultStore(stack, folder, cluster)] : []),
  ];
  if (stores.length > 0) await startOperatorFor(folder, cluster, stores[0]?.awsEndpoint);
  const sealed = sealing ? await startSealing(folder, cluster) : undefined;
  // kubectl of the cluster's version.
  const path = [
    ...(kubeconfig === undefined ? [toolDirectory(kubernetes)] : []),
    ...(sealing ? [toolDirectory(sealedSecrets)] : []),
  ];
  return {
    cluster,
    environment: {
      ...merged(stores.map(({ environment }) => environment)),
      KUBECONFIG: cluster.kubeconfig,
      ...(path.length > 0 && { REHEARSAL_PATH: path.join(delimiter) }),
    },
    replacements: {
      ...merged(stores.map(({ replacements }) => replacements)),
      ...(needed.includes('docker') && { outputDirectory }),
      cluster: cluster.uid,
      ...(inAws && { issuer: cluster.issuer }),
      kubeContext: cluster.context,
      ...(cluster.image !== undefined && { image: cluster.image }),
      ...sealed,
    },
  };
}

function merged<T extends object>(parts: readonly T[]): T {
  return Object.assign({}, ...parts) as T;
}

/** What a store adds to the rehearsal. */
interface Store extends Pick<Systems, 'environment' | 'replacements'> {
  /** For the operator. */
  readonly awsEndpoint?: string;
}

async function startVaultStore(stack: string, folder: string, cluster: Cluster): Promise<Store> {
  const progress = startProgress('starting Vault', 'about 2 seconds');
  const { address, id, token } = await startVault({
    stack,
    folder,
    servers: new Servers(folder),
    binary: await goTool(vault),
    access: await accessTo(cluster.adminKubeconfig, cluster.context),
  });
  progress.succeed('started Vault');
  return {
    environment: { VAULT_ADDR: address, VAULT_TOKEN: token },
    replacements: { vaultAddress: address, vaultId: id },
  };
}

/** The controller that opens what is sealed; a cluster that was there before has its own. */
async function startSealing(
  folder: string,
  cluster: Cluster,
): Promise<Pick<Replacements, 'certificate' | 'certificateFingerprint'>> {
  const { adminKubeconfig, context } = cluster;
  const enclosure = enclosureIn(folder);
  if (enclosure !== undefined) {
    const progress = startProgress('starting sealed-secrets', 'about 10 seconds');
    const access = await accessTo(adminKubeconfig, context);
    await startSealedSecrets({ folder, access, enclosure, tools: toolDirectory(sealedSecrets) });
    progress.succeed('started sealed-secrets');
  }
  const certificateFingerprint = await fingerprintOf(adminKubeconfig, context);
  return { certificate: 'controller', certificateFingerprint };
}

async function startAwsStore(folder: string, text: string): Promise<Store> {
  const servers = new Servers(folder);
  process.env[startedFor] = folder;
  const aws = await startAws({ directory: join(folder, 'logs') });
  delete process.env[startedFor];
  for (const [at, pid] of aws.pids.entries()) {
    servers.record(['aws', 'aws-recorder'][at] ?? `aws-${at}`, pid, aws.logFile);
  }
  const role = deployRole(text);
  const credentials = await becomeRole(aws.endpoint, role);
  const own = Object.entries(aws.environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    awsEndpoint: aws.endpoint,
    environment: { ...Object.fromEntries(own), ...credentials },
    replacements: { account: aws.account },
  };
}

/** The operator that brings what a store holds into the cluster. */
async function startOperatorFor(
  folder: string,
  cluster: Cluster,
  awsEndpoint: string | undefined,
): Promise<void> {
  const operator = await goTool(externalSecrets);
  const enclosure = enclosureIn(folder);
  const progress = startProgress('starting External Secrets', 'about 5 seconds');
  await startOperator({
    folder,
    servers: new Servers(folder),
    access: await accessTo(cluster.adminKubeconfig, cluster.context),
    binary: operator,
    crds: join(dirname(operator), 'crds.yaml'),
    ...(awsEndpoint !== undefined && { awsEndpoint }),
    ...(enclosure && { enclosure }),
  });
  progress.succeed('started External Secrets');
}

/** The first role that the stack lists as deploying, as its ARN has it: its path and its name. */
export function deployRole(text: string): string {
  const roles = settingIn(text, projectName, 'deployRoles');
  const first: unknown = Array.isArray(roles) ? roles[0] : undefined;
  return /:role\/(.+)$/u.exec(String(first ?? ''))?.[1] ?? 'rehearsal-deployer';
}

function textIn(text: string, name: string): string | undefined {
  const value = settingIn(text, projectName, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function startOwn(
  folder: string,
  storageClass: string | undefined,
  storageSize: string | undefined,
): Promise<Cluster> {
  const progress = startProgress('starting Kubernetes', 'about 15 seconds');
  let part = '';
  const cluster = await startCluster({
    folder,
    ...(storageClass && { storageClass }),
    ...(storageSize && { storageSize }),
    progress: (name) => {
      part = name;
    },
  }).catch((error: unknown) => {
    progress.fail(`starting Kubernetes failed at ${part}`);
    throw error;
  });
  progress.succeed('started Kubernetes');
  return cluster;
}
