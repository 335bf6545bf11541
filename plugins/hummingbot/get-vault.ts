/** The local plugin's functions of vault.ts, as the program sees them. */
import * as pulumi from '@pulumi/pulumi';

export interface GetVaultArgs {
  /** URL, without a slash at the end. */
  readonly address: string;
  /** Where an engine KV version 2 has to be mounted. */
  readonly mount: string;
  /** Names of secrets below it that are to be written. */
  readonly names: readonly string[];
}

export interface FoundVault {
  /** Cluster id; empty with a mistake. */
  readonly id: string;
  /** Which stack the secrets that exist say they are of. */
  readonly owners: readonly { readonly name: string; readonly stack: string }[];
  /** Why it cannot be used as it is. */
  readonly mistake?: {
    readonly what: string;
    readonly got: string;
    readonly allowed: string;
    readonly fix: string;
  };
}

/**
 * Which Vault an address leads to, and whether whoever deploys can use it. It reads and makes
 * nothing, and no value.
 * @throws when it does not answer
 */
export async function getVault(
  args: GetVaultArgs,
  opts: pulumi.InvokeOptions = {},
): Promise<FoundVault> {
  const inputs = { ...args, names: [...args.names] };
  return await pulumi.runtime.invoke('hummingbot:index:getVault', inputs, opts);
}

export interface GetKvTurnArgs {
  readonly address: string;
  readonly mount: string;
  /** Of the secret, below the mount. */
  readonly name: string;
  /** Custom metadata that is to be written with it, without `cas`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** @returns the version that a write of the secret has to follow; see vault.ts for what is promised */
export async function getKvTurn(
  args: GetKvTurnArgs,
  opts: pulumi.InvokeOptions = {},
): Promise<{ readonly cas: number }> {
  const inputs = { ...args, metadata: { ...args.metadata } };
  return await pulumi.runtime.invoke('hummingbot:index:getKvTurn', inputs, opts);
}
