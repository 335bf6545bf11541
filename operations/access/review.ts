/** Asks every system of a stack who may read, and brings the answers together. It changes nothing and reads no value. */

import { operatorAccountName } from '../../components/access/rbac.ts';
import { entryOf } from '../../components/catalog.ts';
import { type TargetName, targetOf } from '../../components/delivery/targets.ts';
import type { Reader } from '../../components/systems.ts';
import { DockerApi } from '../../plugins/docker-api.ts';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import { VaultApi } from '../../plugins/vault-api.ts';
import { Refused, readAccount } from './account.ts';
import { beyondBindings } from './authorizer.ts';
import { lookAtAccount } from './aws.ts';
import { awsApi } from './aws-api.ts';
import { lookAtCluster, unaskedOf } from './cluster.ts';
import { lookAtServices, lookAtSocket } from './docker.ts';
import { lookAtFiles } from './files.ts';
import { type Answers, joined, nothing } from './finding.ts';
import type { Scope } from './scope.ts';
import { Accounts } from './unix-accounts.ts';
import { lookAtVault } from './vault.ts';

export interface Reviewed extends Answers {
  readonly outOfReach: readonly string[];
}

export async function review(scope: Scope): Promise<Reviewed> {
  const answers = await Promise.all([
    ofCluster(scope),
    ofAws(scope),
    ofVault(scope),
    ofSwarm(scope),
    ofFiles(scope),
  ]);
  const reach = [
    ...(scope.cluster
      ? [
          "Kubernetes: who reads etcd, its backups or the nodes' disks; members of groups, which the cluster does not know",
          "Kubernetes: pods of other namespaces that mount a node's disk, by hostPath or a PersistentVolume, where Pod Security lets them",
          beyondBindings(scope.kubeconfig ?? ''),
        ]
      : []),
    ...(scope.aws
      ? ["AWS: the account's root user, and what its organisation's policies take away"]
      : []),
    ...(scope.vault ? ['Vault: who holds its unseal keys, or its storage'] : []),
    ...(scope.manager || hasFiles(scope)
      ? ['this machine: root, sudo, and who reads its disk']
      : []),
  ];
  const all = joined(answers);
  const isNowhere =
    hasFiles(scope) && [...all.findings, ...all.unasked].every(({ system }) => system !== 'files');
  const none = isNowhere ? ['files: none of the stack is here; npm start writes them'] : [];
  return { ...all, outOfReach: [...none, ...reach] };
}

function silent(system: string, got: string, fix: string): Answers {
  return { findings: [], unasked: [{ system, got, fix }] };
}

async function ofCluster(scope: Scope): Promise<Answers> {
  const { cluster, kubeconfig, stack } = scope;
  const system = 'Kubernetes';
  if (cluster === undefined) return nothing;
  if (kubeconfig === undefined || cluster.uid === '') {
    const fix = `npm run pulumi -- config set kubeContext NAME --stack ${stack}, and cluster, the UID of its kube-system`;
    return silent(system, 'no cluster that the settings name', fix);
  }
  const kubectl = `kubectl --context ${cluster.context}`;
  try {
    const api = await KubernetesApi.connect(kubeconfig);
    const { metadata } = await api.get('/api/v1/namespaces/kube-system');
    if (metadata?.uid !== cluster.uid) {
      const fix = `npm run pulumi -- config set kubeContext NAME --stack ${stack}`;
      return silent(system, "another cluster than the stack's own", fix);
    }
    const synced = scope.targets.some(isSynced);
    return await lookAtCluster(api, {
      namespace: scope.namespace,
      groups: scope.groups,
      readers: scope.readers,
      administrators: scope.administrators.subjects,
      operators: operatorsOf(scope),
      accounts: synced ? [account(scope.namespace, operatorAccountName)] : [],
      synced,
      kubectl,
    });
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    return { findings: [], unasked: [unaskedOf(error, kubectl)] };
  }
}

function isSynced(name: TargetName): boolean {
  const target = targetOf(name);
  return target.kind === 'cluster' && target.synced;
}

function account(namespace: string, name: string): Reader {
  return { kind: 'ServiceAccount', namespace, name };
}

/** Who makes the Secrets: the External Secrets Operator, or the controller that opens what is sealed. */
export function operatorsOf({
  cluster,
  sealing,
  targets,
}: Pick<Scope, 'cluster' | 'sealing' | 'targets'>): readonly Reader[] {
  if (targets.some(isSynced) && cluster !== undefined) {
    return [account(cluster.operator.namespace, cluster.operator.name)];
  }
  if (sealing === undefined) return [];
  const [, namespace = 'kube-system', name = 'sealed-secrets-controller'] =
    /^controller:([^/]+)\/(.+)$/u.exec(sealing.certificate) ?? [];
  return [account(namespace, name)];
}

async function ofAws(scope: Scope): Promise<Answers> {
  const { aws, prefix, groups, stack, namespace } = scope;
  if (aws === undefined) return nothing;
  const unasked = ({ message, fix }: Refused) => ({
    system: 'AWS',
    got: message,
    fix,
  });
  try {
    const names = groups.map((group) => `${prefix}/${group}`);
    const { account } = aws;
    const api = await awsApi(aws.region);
    const { rights, refused } = await readAccount(api, { account, names, stack });
    const administrators = scope.administrators.principals;
    const findings = lookAtAccount(rights, { aws, stack, namespace, administrators });
    return { findings, unasked: refused.map(unasked) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { findings: [], unasked: [unasked(error)] };
  }
}

async function ofVault(scope: Scope): Promise<Answers> {
  const { vault, prefix, groups, stack } = scope;
  if (vault === undefined) return nothing;
  try {
    const api = await VaultApi.connect(vault.address);
    const { cluster_id: id } = await api.health();
    if (id !== vault.id) {
      return silent(
        'Vault',
        "another Vault than the stack's own",
        `npm run pulumi -- config set vaultAddress URL --stack ${stack}`,
      );
    }
    const names = groups.map((group) => `${prefix}/${group}`);
    const administrators = scope.administrators.subjects
      .filter(({ kind }) => kind === 'User')
      .map(({ name }) => name);
    return await lookAtVault(api, { vault, names, stack, administrators });
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    return silent('Vault', error.message, 'vault status says whether it answers');
  }
}

/** Users of this machine who may read everything. */
function localAdministrators({ administrators }: Scope): readonly string[] {
  return administrators.subjects.filter(({ kind }) => kind === 'User').map(({ name }) => name);
}

async function ofSwarm(scope: Scope): Promise<Answers> {
  const { manager, stack } = scope;
  if (manager === undefined) return nothing;
  const { host, certPath } = manager;
  const socket = lookAtSocket(
    { host, administrators: localAdministrators(scope) },
    Accounts.read(),
  );
  const service = manager.deploy === 'pulumi' ? manager.service : `${manager.service}_hummingbot`;
  try {
    const api = new DockerApi({ host, certPath });
    const { Swarm } = await api.get('/info');
    const { Cluster } = (Swarm ?? {}) as { Cluster?: { readonly ID?: string } };
    if (Cluster?.ID !== manager.id) {
      const fix = `npm run pulumi -- config set dockerHost HOST --stack ${stack}`;
      return joined([socket, silent('Docker', "another swarm than the stack's own, or none", fix)]);
    }
    const findings = await lookAtServices(api, { stack, service, host });
    return joined([socket, { findings, unasked: [] }]);
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const fix = `docker --host ${host} info says whether you may and it answers`;
    return joined([socket, silent('Docker', error.message, fix)]);
  }
}

function hasFiles({ targets }: Scope): boolean {
  return targets.some((name) => targetOf(name).kind === 'files');
}

async function ofFiles(scope: Scope): Promise<Answers> {
  const { targets, keys, directory, stack } = scope;
  const administrators = localAdministrators(scope);
  const accounts = Accounts.read();
  const answers = targets.map((name): Answers => {
    const target = targetOf(name);
    if (target.kind !== 'files') return nothing;
    const traces = keys.map((key) => target.trace({ key, entry: entryOf(key) }));
    const files = [...new Map(traces.map(({ path, mode }) => [path, { path, mode }])).values()];
    return lookAtFiles({ stack, directory, files, administrators }, accounts);
  });
  if (!hasFiles(scope)) return nothing;
  // Compose gives the files to an engine of this machine.
  const socket = lookAtSocket({ host: 'unix:///var/run/docker.sock', administrators }, accounts);
  return joined([...answers, socket]);
}
