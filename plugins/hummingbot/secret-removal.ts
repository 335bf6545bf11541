/**
 * `hummingbot:index:SecretRemoval`: takes a Secret away that Pulumi itself only forgets (its option
 * `retainOnDelete`). It makes nothing; it is made before the Secret, so that none is ever there
 * without it, and goes after it.
 *
 * Pulumi deletes by name, whoever owns what has that name by then. When a stack moves to a target
 * whose controller makes a Secret of the same name, the controller takes over the one that is there
 * (External Secrets: `SetControllerReference` on it, pkg/controllers/externalsecret,
 * externalsecret_controller.go), and to delete it would take it away from the bot. So a Secret that
 * a controller owns is left alone, and the server is told which one is meant.
 */
import { isDeepStrictEqual } from 'node:util';
import { KubernetesApi, KubernetesError, metadataOnly } from '../kubernetes-api.ts';
import {
  type Call,
  type CheckResult,
  type CreateResult,
  type DiffResult,
  failure,
  isUnknown,
  PluginError,
  type Properties,
  type ReadResult,
  type ResourceHandler,
  type UpdateResult,
} from '../provider-server.ts';
import { isMissing, marked } from './gate.ts';

export interface SecretRemovalInputs {
  /** Contents of a kubeconfig, or its path. Secret. */
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Of the Secret. */
  readonly name: string;
}

const place = ['namespace', 'name'];
const conflict = 409;
const attempts = 5;

export class SecretRemoval implements ResourceHandler {
  async check(_olds: Properties, news: Properties, call?: Call): Promise<CheckResult> {
    const failures = ['kubeconfig', ...place]
      .filter((name) => !isUnknown(news[name]) && typeof news[name] !== 'string')
      .map((name) => failure(name, `got ${typeof news[name]}; allowed: string`));
    return { inputs: marked(news, call), failures };
  }

  /** The kubeconfig is how one gets there: another one is no difference. */
  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const replaces = place.filter((name) => !isDeepStrictEqual(olds[name], news[name]));
    const detailedDiff = Object.fromEntries(
      replaces.map((name) => [name, { kind: 'update-replace' as const }]),
    );
    return { changes: replaces.length > 0, replaces, diffs: replaces, detailedDiff };
  }

  async create(inputs: Properties, call: Call): Promise<CreateResult> {
    const { namespace, name } = inputs as unknown as SecretRemovalInputs;
    return { id: `${namespace}/${name}`, outs: marked(inputs, call) };
  }

  async update(
    _id: string,
    _olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<UpdateResult> {
    return { outs: marked(news, call) };
  }

  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    return { id, props: marked(state, call) };
  }

  /** @throws PluginError when the Secret is still there and nobody else's */
  async delete(_id: string, state: Properties, call: Call): Promise<void> {
    // An update without a difference keeps the old outputs and saves the new inputs.
    const inputs = { ...state, ...call.oldInputs } as unknown as SecretRemovalInputs;
    const path = `/api/v1/namespaces/${inputs.namespace}/secrets/${inputs.name}`;
    const api = await KubernetesApi.connect(inputs.kubeconfig);
    for (let attempt = 1; ; attempt++) {
      try {
        const { metadata = {} } = await api.get(path, {
          accept: metadataOnly,
          signal: call.signal,
        });
        const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
        if (owner !== undefined) return;
        const { uid, resourceVersion } = metadata;
        // Not one that changed since, or was made anew.
        const preconditions = { uid, resourceVersion };
        await api.send('DELETE', path, {
          accept: metadataOnly,
          body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions },
          signal: call.signal,
        });
        return;
      } catch (error) {
        if (isMissing(error)) return;
        const again = error instanceof KubernetesError && error.code === conflict;
        if (again && attempt < attempts) continue;
        if (!(error instanceof PluginError)) throw error;
        throw new PluginError(
          `Secret ${inputs.namespace}/${inputs.name}: it could not be removed: ${error.message}; ` +
            'it is the last that this stack has there; fix: see to that, and run again',
        );
      }
    }
  }
}
