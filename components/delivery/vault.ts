/**
 * Target `vault`: a secret a group in a KV version 2 engine, and from there by External Secrets
 * into the namespace.
 *
 * Every write names the version that it follows (check-and-set), so the version that it makes is
 * known before: the number behind it. What reads is pinned to that number, and can get nobody
 * else's values, whoever writes between.
 */
import * as pulumi from '@pulumi/pulumi';
import { SecretV2 } from '@pulumi/vault/kv/secretV2.js';
import { getKvTurn } from '../../plugins/hummingbot/get-vault.ts';
import { OperatorAccount } from '../access/rbac.ts';
import { audience, VaultReader } from '../access/vault.ts';
import { kinds } from '../live-kinds.ts';
import type { VaultServer } from '../systems.ts';
import { type DeliveredGroup, SecretGroup } from '../values.ts';
import type { ClusterDelivery, ClusterDeliveryArgs } from './delivery.ts';
import { ExternalSecrets, type Stored } from './external-secret.ts';
import { groupJson } from './group-json.ts';

export interface VaultKvArgs {
  readonly groups: readonly DeliveredGroup[];
  /** First part of every path, as in `<prefix>/trading`. A change makes new secrets. */
  readonly prefix: string;
  readonly stack: string;
  readonly vault: VaultServer;
  /**
   * Whether the secrets are kept from deletion, and a deleted one from being destroyed: its
   * versions stay and can be had back (`vault kv undelete`).
   */
  readonly protect: boolean;
}

/** The store: one secret a group, because a key and its secret half must never be mixed. */
export class VaultKv extends pulumi.ComponentResource {
  /** Where each group is, by the group's name. */
  readonly stored: ReadonlyMap<string, Stored>;

  constructor(name: string, args: VaultKvArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:delivery:VaultKv', name, {}, opts);
    this.stored = new Map(args.groups.map((group) => [group.name, this.#store(group, args)]));
    this.registerOutputs({});
  }

  #store(group: DeliveredGroup, { prefix, stack, vault, protect }: VaultKvArgs): Stored {
    const remoteKey = `${prefix}/${group.name}`;
    // Somebody else writes: two writers of one secret would take turns in undoing each other.
    if (!(group instanceof SecretGroup)) return { remoteKey, resources: [] };
    const { address, mount } = vault;
    const about = {
      stack,
      owner: [...new Set(group.keys.map(({ entry }) => entry.owner))].join(' '),
      'max-age-days': String(Math.min(...group.keys.map(({ entry }) => entry.maxAgeDays))),
      'on-delete': protect ? 'versions are kept' : 'versions are destroyed',
      ...(group.rotation && { rotation: group.rotation }),
    };
    const cas = group.tag.apply(async (tag) => {
      const turn = { address, mount, name: remoteKey, metadata: { ...about, tag } };
      return (await getKvTurn(turn)).cas;
    });
    const values = pulumi.all(group.secrets.map(({ value }) => value));
    const secret = new SecretV2(
      `${group.name}-kv`,
      {
        mount,
        name: remoteKey,
        // Not the input `cas`, which the official provider sends where Vault does not look
        // (hashicorp/terraform-provider-vault#1727, #2472).
        options: { cas: cas.apply(String) },
        dataJson: pulumi.secret(
          values.apply((all) =>
            groupJson(group.secrets.map((each, at) => [each.key, all[at] ?? ''] as const)),
          ),
        ),
        customMetadata: {
          // Whoever writes by hand has to name the version too.
          casRequired: true,
          // All of it, because any change of the resource is a write: what the next run knows its
          // own last one by.
          data: { ...about, tag: group.tag, cas: cas.apply(String) },
        },
        deleteAllVersions: !protect,
      },
      { parent: this, protect, additionalSecretOutputs: ['data', 'dataJson'] },
    );
    const version = cas.apply((before) => String(before + 1));
    return { remoteKey, version, pin: version, resources: [secret] };
  }
}

/** The whole way: the store, the operator's own access to it, and what the operator makes. */
export async function deliver(name: string, args: ClusterDeliveryArgs): Promise<ClusterDelivery> {
  const { vault, cluster } = args.systems;
  if (vault === undefined || cluster === undefined) throw new Error(`${name}: not connected`);
  const inVault = { provider: vault.provider };
  const inCluster = { provider: cluster.provider, dependsOn: [...args.dependsOn] };
  const store = new VaultKv(`${name}-store`, { ...args, vault }, inVault);
  const names = args.groups.map((group) => `${args.prefix}/${group.name}`);
  const reader = new VaultReader(
    `${name}-reader`,
    { vault, namespace: cluster.namespace, names },
    inVault,
  );
  const account = new OperatorAccount(
    'operator-account',
    { kinds, cluster, stack: args.stack, annotations: {} },
    inCluster,
  );
  return new ExternalSecrets(
    name,
    {
      groups: args.groups,
      namespace: cluster.namespace,
      stack: args.stack,
      store: {
        name: 'vault',
        provider: {
          vault: {
            server: vault.address,
            path: vault.mount,
            version: 'v2',
            auth: {
              kubernetes: {
                mountPath: vault.auth,
                role: vault.readerRole,
                serviceAccountRef: { name: account.name, audiences: [audience] },
              },
            },
          },
        },
      },
      stored: store.stored,
      outside: args.outside,
      kubeconfig: cluster.kubeconfig,
      context: cluster.context,
    },
    { ...inCluster, dependsOn: [...args.dependsOn, reader, account] },
  );
}
