/** The Vault that the provider was configured for. */
import {
  PluginError,
  type Properties,
  type ProviderConfiguration,
} from '../../../plugins/provider-server.ts';
import { VaultApi } from '../../../plugins/vault-api.ts';

/** Inputs of the provider that mean something here; the others have the SDK's defaults. */
const known = ['address', 'skipChildToken', 'maxLeaseTtlSeconds', 'maxRetries', 'version'];

export class VaultServer implements ProviderConfiguration {
  #address = '';

  async configure(inputs: Properties): Promise<void> {
    const other = Object.keys(inputs).find((name) => !known.includes(name) && !/^__/u.test(name));
    if (other !== undefined) {
      throw new PluginError(`${other}: not in the rehearsal plugin; allowed: ${known.join(', ')}`);
    }
    this.#address = String(inputs.address ?? '');
  }

  async api(): Promise<VaultApi> {
    if (this.#address === '') throw new PluginError('address: got nothing; allowed: a URL');
    return await VaultApi.connect(this.#address);
  }
}
