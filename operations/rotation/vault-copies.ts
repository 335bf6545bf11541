/** Old versions of a group in Vault's KV version 2: destroyed by number, which leaves the metadata. */
import { isObject, PluginError } from '../../plugins/resource-handler.ts';
import { VaultApi } from '../../plugins/vault-api.ts';
import type { Stored } from '../engine/adoption.ts';
import { CommandError } from '../engine/command-error.ts';
import type { RemovedCopies } from './aws-copies.ts';
import type { StackState } from './stack-state.ts';

/** What the state has of a group there. */
export function vaultSecretOf(group: string, state: StackState): Stored | undefined {
  return state.find('vault:kv/secretV2:SecretV2', `${group}-kv`);
}

/**
 * Destroys every version before the current one, which must be the one that the state knows.
 * @returns undefined when the group is not stored there
 * @throws CommandError with one line
 */
export async function removeVaultCopies(
  group: string,
  state: StackState,
): Promise<RemovedCopies | undefined> {
  const secret = vaultSecretOf(group, state);
  if (secret === undefined) return undefined;
  const { mount, name, options } = secret.inputs ?? {};
  const { address } = state.providerOf(secret);
  const place = `Vault secret ${mount}/${name}`;
  const cas = isObject(options) ? Number(options.cas) : Number.NaN;
  try {
    const api = await VaultApi.connect(String(address));
    const found = (await api.read(`${mount}/metadata/${name}`)) ?? {};
    const custom = isObject(found.custom_metadata) ? found.custom_metadata : {};
    // A write makes the version behind the one that it follows: docs/decisions/0016
    if (found.current_version !== cas + 1 || custom.tag !== state.tagOf(group)) {
      throw new CommandError(
        `${place}: got another current version than the one that the stack has delivered; allowed: one writer a secret; fix: npm start, which delivers its own again`,
      );
    }
    const versions = Object.entries(isObject(found.versions) ? found.versions : {})
      .filter(([number, each]) => Number(number) <= cas && isObject(each) && !each.destroyed)
      .map(([number]) => Number(number));
    if (versions.length > 0) await api.write(`${mount}/destroy/${name}`, { versions });
    return { place, count: versions.length };
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    throw new CommandError(
      `${place}: ${error.message} for its old versions; allowed: a token with update on ${mount}/destroy/${name}; fix: give its policy what docs/targets/vault-deployer.hcl lists`,
    );
  }
}
