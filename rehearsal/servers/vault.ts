/**
 * A Vault on this machine, and in it what its administrator makes before a stack comes: an engine KV
 * version 2 at `secret`, the auth method kubernetes for the rehearsal's cluster, and a token that may
 * do what docs/targets/vault.md lists and no more. Its audit log has paths and who asked, and of
 * values only their HMACs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../operations/engine/command-error.ts';
import { writePrivate } from '../../operations/engine/private-file.ts';
import { projectDirectory } from '../../operations/engine/workspace.ts';
import { VaultApi } from '../../plugins/vault-api.ts';
import { freePort } from './aws.ts';
import { type Access, apply, eventually } from './kubernetes-client.ts';
import type { Servers } from './process.ts';

/** Longer than a rehearsal. */
const tokenSeconds = 24 * 3600;
const reviewer = { name: 'vault', namespace: 'vault' } as const;
const deployer = 'deployer';

export interface VaultArgs {
  readonly stack: string;
  readonly folder: string;
  readonly servers: Servers;
  /** Path of the binary. */
  readonly binary: string;
  /** As the cluster's administrator. */
  readonly access: Access;
}

export interface RunningVault {
  readonly address: string;
  /** Its cluster id. */
  readonly id: string;
  /** The token of whoever deploys; worth nothing elsewhere. */
  readonly token: string;
}

/** What `vault operator init` prints, for those who seal and unseal it in a rehearsal. */
export interface VaultKeys {
  readonly unsealKey: string;
  readonly rootToken: string;
}

const keysFile = (folder: string): string => join(folder, 'vault-keys.json');

/** Of the Vault that was started in a folder. */
export function vaultKeys(folder: string): VaultKeys {
  return JSON.parse(readFileSync(keysFile(folder), 'utf8')) as VaultKeys;
}

export async function startVault(args: VaultArgs): Promise<RunningVault> {
  const { folder } = args;
  const { address, keys } = await openVault(args);
  const api = await VaultApi.connect(address, { VAULT_TOKEN: keys.rootToken });
  await api.write('sys/audit/file', {
    type: 'file',
    options: { file_path: join(folder, 'logs', 'vault-audit.log') },
  });
  await trustCluster(api, args.access);
  const { cluster_id: id } = await api.health();
  return { address, id: String(id), token: await tokenFor(api, args.stack) };
}

/** A Vault that is initialised, unsealed, and has its engine KV. */
export async function openVault({
  folder,
  servers,
  binary,
}: Pick<VaultArgs, 'folder' | 'servers' | 'binary'>): Promise<{
  readonly address: string;
  readonly keys: VaultKeys;
}> {
  const listen = `127.0.0.1:${await freePort()}`;
  const address = `http://${listen}`;
  const nobody = await VaultApi.connect(address, { HOME: folder });
  await servers.start({
    name: 'vault',
    command: [binary, '-listen', listen, '-storage', join(folder, 'vault')],
    healthy: async () => (await nobody.health()).initialized === false,
    seconds: 60,
  });
  const made = await nobody.write('sys/init', { secret_shares: 1, secret_threshold: 1 });
  const { keys_base64: shares = [], root_token: rootToken = '' } = made as {
    keys_base64?: readonly string[];
    root_token?: string;
  };
  const keys = { unsealKey: shares[0] ?? '', rootToken };
  writePrivate(keysFile(folder), JSON.stringify(keys));
  await nobody.write('sys/unseal', { key: keys.unsealKey });
  const root = await VaultApi.connect(address, { VAULT_TOKEN: rootToken });
  await root.write('sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  // An engine of version 2 is made as one of version 1, and answers when it is turned.
  const turned = async (): Promise<boolean> => (await root.read('secret/config')) !== undefined;
  if (!(await eventually(30, turned))) {
    throw new CommandError(
      `vault: got no engine KV in 30 s; allowed: one at secret; fix: see ${servers.log('vault')}`,
    );
  }
  return { address, keys };
}

/** The auth method kubernetes: Vault shows the cluster a token, and is told whose it is. */
async function trustCluster(api: VaultApi, access: Access): Promise<void> {
  const { name, namespace } = reviewer;
  const rbac = 'rbac.authorization.k8s.io';
  await apply(access, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'vault-token-reviewer' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:auth-delegator' },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ]);
  const token = await access.core.createNamespacedServiceAccountToken({
    name,
    namespace,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [], expirationSeconds: tokenSeconds },
    },
  });
  const { server = '', caData } = access.config.getCurrentCluster() ?? {};
  await api.write('sys/auth/kubernetes', { type: 'kubernetes' });
  await api.write('auth/kubernetes/config', {
    kubernetes_host: server,
    ...(caData && { kubernetes_ca_cert: Buffer.from(caData, 'base64').toString() }),
    token_reviewer_jwt: token.status?.token ?? '',
  });
}

/** A token with the policy that the documentation has for prod, for this stack. */
async function tokenFor(api: VaultApi, stack: string): Promise<string> {
  const file = join(projectDirectory, 'docs', 'targets', 'vault-deployer.hcl');
  const policy = readFileSync(file, 'utf8').replaceAll('-prod-', `-${stack}-`);
  await api.write(`sys/policies/acl/${deployer}`, { policy });
  const made = await api.write('auth/token/create', {
    policies: [deployer],
    no_parent: true,
    ttl: `${tokenSeconds}s`,
  });
  const { client_token: token } = (made?.auth ?? {}) as { client_token?: string };
  return token ?? '';
}
