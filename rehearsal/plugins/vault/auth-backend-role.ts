/**
 * `vault:kubernetes/authBackendRole:AuthBackendRole`, after
 * vault/resource_kubernetes_auth_backend_role.go.
 */
import type { Properties } from '../../../plugins/provider-server.ts';
import type { VaultApi } from '../../../plugins/vault-api.ts';
import { flag, sameSet, text, texts, whole } from '../aws/attributes.ts';
import { VaultResource } from './vault-resource.ts';

const seconds = whole(0, 2 ** 31);

/** Inputs that are fields of the role, by Vault's names. */
const fields = {
  audience: 'audience',
  boundServiceAccountNames: 'bound_service_account_names',
  boundServiceAccountNamespaces: 'bound_service_account_namespaces',
  tokenMaxTtl: 'token_max_ttl',
  tokenNoDefaultPolicy: 'token_no_default_policy',
  tokenPolicies: 'token_policies',
  tokenTtl: 'token_ttl',
} as const;

export class AuthBackendRole extends VaultResource {
  protected override readonly noun = 'Kubernetes auth backend role';
  // It is called `roleName`, which the bridge does not take for a name.
  protected override readonly named = false;
  protected override readonly attributes = {
    audience: { input: 'optional', mistake: text },
    backend: { input: 'optional', replaces: true, default: 'kubernetes', mistake: text },
    boundServiceAccountNames: { input: 'required', mistake: texts, same: sameSet },
    boundServiceAccountNamespaces: { input: 'required', mistake: texts, same: sameSet },
    roleName: { input: 'required', replaces: true, mistake: text },
    tokenMaxTtl: { input: 'optional', mistake: seconds },
    tokenNoDefaultPolicy: { input: 'optional', mistake: flag },
    tokenPolicies: { input: 'optional', mistake: texts, same: sameSet },
    tokenTtl: { input: 'optional', mistake: seconds },
  } as const;

  protected override idOf({ backend, roleName }: Properties): string {
    return `auth/${backend}/role/${roleName}`;
  }

  protected override async write(
    api: VaultApi,
    inputs: Properties,
    made: () => void,
  ): Promise<void> {
    const said = Object.entries(fields).filter(([name]) => inputs[name] !== undefined);
    const role = Object.fromEntries(said.map(([name, field]) => [field, inputs[name]]));
    await api.write(this.idOf(inputs), role);
    made();
  }

  protected override async look(api: VaultApi, id: string): Promise<Properties | undefined> {
    const found = await api.read(id);
    if (found === undefined) return undefined;
    const [, backend, roleName] = /^auth\/(.+)\/role\/(.+)$/u.exec(id) ?? [];
    const read = Object.entries(fields).map(([name, field]) => [name, found[field]]);
    return { backend, roleName, ...Object.fromEntries(read) };
  }

  protected override async remove(api: VaultApi, id: string): Promise<void> {
    await api.remove(id);
  }
}
