/** The engine that the provider was configured for, after internal/provider/config.go. */
import { DockerApi, DockerError, type DockerHost } from '../../../plugins/docker-api.ts';
import {
  PluginError,
  type Properties,
  type ProviderConfiguration,
} from '../../../plugins/provider-server.ts';

/** Inputs of the provider that mean something here. */
const known = ['host', 'certPath', 'version'];

export class Engine implements ProviderConfiguration {
  #place: DockerHost = { host: '' };

  /** As the official one, it asks whether somebody is there, so that nothing is taken for gone. */
  async configure(inputs: Properties): Promise<void> {
    const other = Object.keys(inputs).find((name) => !known.includes(name) && !/^__/u.test(name));
    if (other !== undefined) {
      throw new PluginError(`${other}: not in the rehearsal plugin; allowed: ${known.join(', ')}`);
    }
    const { host, certPath } = inputs;
    this.#place = { host: String(host ?? ''), certPath: String(certPath ?? '') };
    await this.api().get('/version');
  }

  api(): DockerApi {
    if (this.#place.host === '') throw new PluginError('host: got nothing; allowed: a Docker host');
    return new DockerApi(this.#place);
  }
}

/** What the engine said, in one line. @param words whether its own may be shown: they hold no value */
export function told(doing: string, error: unknown, words: boolean): unknown {
  if (!(error instanceof PluginError)) return error;
  const own = error instanceof DockerError && words && error.text !== '' ? ` (${error.text})` : '';
  return new PluginError(`${doing}: ${error.message}${own}`);
}
