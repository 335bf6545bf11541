/** Who may read, in Vault: the External Secrets Operator, by a token of one service account. */
import * as pulumi from '@pulumi/pulumi';
import { AuthBackendRole } from '@pulumi/vault/kubernetes/authBackendRole.js';
import { Policy } from '@pulumi/vault/policy.js';
import type { VaultServer } from '../systems.ts';
import { operatorAccountName } from './rbac.ts';

/** Whom the operator's tokens are made for; those for the API server itself are refused. */
export const audience = 'vault';

/** One sync reads each group once; a token that was seen is worth nothing a little later. */
const tokenSeconds = 300;

export interface VaultReaderArgs {
  readonly vault: VaultServer;
  /** Namespace of the service account that takes the role. */
  readonly namespace: string;
  /** Names of the secrets below the mount that it may read, and no other. */
  readonly names: readonly string[];
}

/** A policy by path, and a role that binds it to the operator's service account. */
export class VaultReader extends pulumi.ComponentResource {
  constructor(name: string, args: VaultReaderArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:access:VaultReader', name, {}, opts);
    const { readerRole, auth, mount } = args.vault;
    const policy = new Policy(
      `${name}-policy`,
      { name: readerRole, policy: readPolicy(mount, args.names) },
      { parent: this },
    );
    new AuthBackendRole(
      `${name}-role`,
      {
        backend: auth,
        roleName: readerRole,
        boundServiceAccountNames: [operatorAccountName],
        boundServiceAccountNamespaces: [args.namespace],
        audience,
        tokenPolicies: [policy.name],
        // All that it has is in the policy.
        tokenNoDefaultPolicy: true,
        tokenTtl: tokenSeconds,
        tokenMaxTtl: tokenSeconds,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** Reads the named secrets, looks at its own token and gives it back; nothing else. */
export function readPolicy(mount: string, names: readonly string[]): string {
  const rules = [
    ...names.map((name) => [`${mount}/data/${name}`, 'read'] as const),
    ['auth/token/lookup-self', 'read'] as const,
    ['auth/token/revoke-self', 'update'] as const,
  ];
  return rules
    .map(([path, capability]) => `path "${path}" {\n  capabilities = ["${capability}"]\n}\n`)
    .join('\n');
}
