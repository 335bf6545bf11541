/**
 * Which account, which cluster and which tool: the explicit providers, and the proof that they lead
 * to the stack's own. Nothing else is registered before it, so a mix-up changes nothing.
 */
import * as pulumi from '@pulumi/pulumi';
import { getDeletedSecrets, refusalOfDeleted } from '../plugins/hummingbot/get-deleted-secrets.ts';
import { getSwarm } from '../plugins/hummingbot/get-swarm.ts';
import { getVault } from '../plugins/hummingbot/get-vault.ts';
import { getSops } from '../plugins/hummingbot/git-resources.ts';
import { getCluster } from '../plugins/hummingbot/resources.ts';
import { lineOf, type Mistake, pulumiCommand } from '../settings/mistake.ts';
import { openCertificate } from './certificate.ts';
import type {
  AwsAccount,
  Cluster,
  Connected,
  Sealing,
  SwarmManager,
  Systems,
  VaultServer,
} from './systems.ts';

export interface Unconnected {
  readonly stack: string;
  /** First part of the names in the store. */
  readonly prefix: string;
  readonly groups: readonly { readonly name: string; readonly source: 'stack' | 'external' }[];
  readonly aws: AwsAccount | undefined;
  readonly vault: VaultServer | undefined;
  readonly cluster: Cluster | undefined;
  /** Whom something is encrypted for; none when nothing is. */
  readonly recipients: readonly string[];
  readonly manager: SwarmManager | undefined;
  readonly sealing: Sealing | undefined;
}

/**
 * Connects to what the targets of a stack need. All are asked at once; the first of them that is
 * another's is told.
 * @throws pulumi.RunError with one line when an id is another than the stack's
 */
export async function connect(unconnected: Unconnected): Promise<Systems> {
  const { stack, aws, vault, cluster, recipients, manager, sealing } = unconnected;
  const checked = cluster && afterAll(checkCluster(stack, cluster));
  const sops = recipients.length > 0 ? await findSops() : undefined;
  const connected = aws && (await connectAws(unconnected, aws));
  const open = vault && (await connectVault(unconnected, vault));
  await checked;
  const certificate = sealing && (await openCertificate(stack, sealing, cluster));
  return {
    ...(sops && { sops }),
    ...(certificate && { sealing: certificate }),
    ...(connected && { aws: connected }),
    ...(open && { vault: open }),
    ...(cluster && { cluster: await connectCluster(cluster) }),
    ...(manager && { manager: await connectManager(stack, manager) }),
  };
}

/** Work that is awaited later, or never when other work fails before. */
function afterAll<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

async function connectAws(
  { stack, prefix, groups }: Unconnected,
  aws: AwsAccount,
): Promise<Connected<AwsAccount>> {
  const { Provider } = await import('@pulumi/aws/provider.js');
  const { getCallerIdentity } = await import('@pulumi/aws/getCallerIdentity.js');
  // The provider refuses other accounts too: a destroy does not run this program.
  const provider = new Provider('aws', { region: aws.region, allowedAccountIds: [aws.account] });
  const show = 'aws sts get-caller-identity shows yours';
  const caller = await getCallerIdentity({}, { provider }).catch((error: unknown) =>
    refuse({ what: 'account', got: reasonOf(error), allowed: aws.account, fix: show }),
  );
  if (caller.accountId !== aws.account) {
    refuse({ what: 'account', got: shownId(caller.accountId), allowed: aws.account, fix: show });
  }
  const names = groups.map(({ name }) => `${prefix}/${name}`);
  const deleted = afterAll(getDeletedSecrets({ region: aws.region, names }));
  await checkCaller(stack, aws, caller.arn, provider);
  const refusal = refusalOfDeleted(stack, await deleted);
  if (refusal !== undefined) throw new pulumi.RunError(refusal);
  return { ...aws, provider };
}

/** The policy of every secret denies reads to all but the listed roles; who deploys is one. */
async function checkCaller(
  stack: string,
  aws: AwsAccount,
  caller: string,
  provider: pulumi.ProviderResource,
): Promise<void> {
  // arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION; the path of the role is not in it.
  const role = /^arn:aws:sts::\d{12}:assumed-role\/([\w+=,.@-]{1,64})\//u.exec(caller)?.[1];
  if (role === undefined) {
    refuse({
      what: 'deployRoles',
      got: `a caller that is no role: ${shownId(caller)}`,
      allowed: aws.deployRoles.join(', ') || 'a role that is listed',
      fix: 'take a role that deploys, with AWS_PROFILE or aws sts assume-role',
    });
  }
  const at = aws.deployRoles.findIndex((each) => each.endsWith(`/${role}`));
  const lockedOut = (got: string): never => {
    const path = `--path 'deployRoles[${at < 0 ? aws.deployRoles.length : at}]'`;
    const found = `"$(aws iam get-role --role-name ${role} --query Role.Arn --output text)"`;
    return refuse({
      what: 'deployRoles',
      got: `role ${got}, which its own policy would lock out`,
      allowed: aws.deployRoles.join(', ') || 'a list with it in it',
      fix: pulumiCommand(stack, 'config', 'set', path, found),
    });
  };
  if (at < 0) lockedOut(role);
  // A name is one role's, whatever its path; the policy means the path too.
  const { getRole } = await import('@pulumi/aws/iam/getRole.js');
  const { arn } = await getRole({ name: role }, { provider }).catch((error: unknown) =>
    refuse({
      what: 'deployRoles',
      got: reasonOf(error),
      allowed: `role ${role}, which may ask IAM for its own path`,
      fix: `allow it iam:GetRole on ${aws.deployRoles[at]}`,
    }),
  );
  if (!aws.deployRoles.includes(arn)) lockedOut(shownId(arn));
}

async function connectVault(
  { stack, prefix, groups }: Unconnected,
  vault: VaultServer,
): Promise<Connected<VaultServer>> {
  const { Provider } = await import('@pulumi/vault/provider.js');
  const { address, id, mount } = vault;
  const written = groups.filter(({ source }) => source === 'stack');
  const names = written.map(({ name }) => `${prefix}/${name}`);
  const found = await getVault({ address, mount, names }).catch((error: unknown) =>
    refuse({
      what: 'vaultAddress',
      got: reasonOf(error),
      allowed: 'a Vault that answers',
      fix: `vault status -address=${address}`,
    }),
  );
  if (found.mistake !== undefined) refuse(found.mistake);
  if (found.id !== id) {
    refuse({
      what: 'vaultId',
      got: shownId(found.id),
      allowed: id,
      fix: `${pulumiCommand(stack, 'config', 'set', 'vaultAddress', 'URL')}; vault status -address=${address} -format=json shows its cluster_id`,
    });
  }
  for (const { name, stack: owner } of found.owners) {
    if (owner === stack) continue;
    refuse({
      what: 'prefix',
      got: `${mount}/${name}, which stack ${shownId(owner)} writes`,
      allowed: 'a path of its own for each stack',
      fix: pulumiCommand(stack, 'config', 'set', 'prefix', `${prefix}-${stack}`),
    });
  }
  // Without a token of its own that would end in the middle of a long run.
  const provider = new Provider('vault', { address, skipChildToken: true });
  return { ...vault, provider };
}

async function checkCluster(stack: string, cluster: Cluster): Promise<void> {
  const { kubeconfig, context, uid } = cluster;
  const got = await getCluster({ kubeconfig }).catch((error: unknown) =>
    refuse({
      what: 'cluster',
      got: reasonOf(error),
      allowed: uid,
      fix: `kubectl --context ${context} cluster-info, or another kubeContext`,
    }),
  );
  if (got.uid !== uid) {
    refuse({
      what: 'cluster',
      got: shownId(got.uid),
      allowed: uid,
      fix: `${pulumiCommand(stack, 'config', 'set', 'kubeContext', 'NAME')}; kubectl --context ${context} get namespace kube-system -o 'jsonpath={.metadata.uid}' shows the UID`,
    });
  }
}

async function connectCluster(cluster: Cluster): Promise<Connected<Cluster>> {
  const { Provider } = await import('@pulumi/kubernetes/provider.js');
  const { kubeconfig, uid } = cluster;
  const provider = new Provider('kubernetes', {
    kubeconfig,
    // A new endpoint or certificate is the same cluster: nothing is to be made anew.
    clusterIdentifier: uid,
    enableServerSideApply: true,
    enableSecretMutable: true,
  });
  return { ...cluster, provider };
}

async function findSops(): Promise<{ readonly version: string }> {
  const version = await getSops().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new pulumi.RunError(`${/sops: .*/u.exec(reason)?.[0] ?? reason}; nothing was changed`);
  });
  return { version };
}

/** The provider would take these before what it is told, and go to another engine than the guard. */
const dockerVariables = [
  'DOCKER_CONTEXT',
  'DOCKER_CERT_PATH',
  'DOCKER_CA_MATERIAL',
  'DOCKER_CERT_MATERIAL',
  'DOCKER_KEY_MATERIAL',
];

async function connectManager(
  stack: string,
  manager: SwarmManager,
): Promise<Connected<SwarmManager>> {
  const { host, certPath, node, id } = manager;
  const set = dockerVariables.find((name) => (process.env[name] ?? '') !== '');
  if (set !== undefined) {
    refuse({
      what: set,
      got: 'a variable that leads to an engine or its certificates',
      allowed: 'none: dockerHost and dockerCertPath say which',
      fix: `unset ${set}`,
    });
  }
  const ask = `docker --host ${host} info`;
  const got = await getSwarm({ host, certPath, node }).catch((error: unknown) =>
    refuse({ what: 'dockerHost', got: reasonOf(error), allowed: 'a manager', fix: ask }),
  );
  // Another swarm has other nodes: what it is comes first.
  if (got.id !== '' && got.id !== id) {
    refuse({
      what: 'swarmId',
      got: shownId(got.id),
      allowed: id,
      fix: `${pulumiCommand(stack, 'config', 'set', 'dockerHost', 'HOST')}; ${ask} --format '{{.Swarm.Cluster.ID}}' shows the id`,
    });
  }
  if (got.mistake !== undefined) refuse(got.mistake);
  const { Provider } = await import('@pulumi/docker/provider.js');
  const provider = new Provider('docker', { host, ...(certPath !== '' && { certPath }) });
  return { ...manager, provider };
}

function refuse(mistake: Mistake): never {
  throw new pulumi.RunError(`${lineOf(mistake)}; nothing was changed`);
}

/** An id that a server gave: short, and in one line. */
function shownId(id: unknown): string {
  return String(id).replaceAll(/\s+/gu, ' ').slice(0, 200) || 'nothing';
}

/** Why a server gave none, in one line. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `no answer (${shownId(message)})`;
}
