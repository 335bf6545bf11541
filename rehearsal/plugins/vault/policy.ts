/** `vault:index/policy:Policy`, after vault/resource_policy.go. */
import type { Properties } from '../../../plugins/provider-server.ts';
import type { VaultApi } from '../../../plugins/vault-api.ts';
import { text } from '../aws/attributes.ts';
import { VaultResource } from './vault-resource.ts';

const path = (name: unknown): string => `sys/policies/acl/${name}`;

export class Policy extends VaultResource {
  protected override readonly noun = 'policy';
  protected override readonly attributes = {
    name: { input: 'required', replaces: true, mistake: text },
    policy: { input: 'required', mistake: text },
  } as const;

  protected override idOf({ name }: Properties): string {
    return String(name);
  }

  protected override async write(
    api: VaultApi,
    { name, policy }: Properties,
    made: () => void,
  ): Promise<void> {
    await api.write(path(name), { policy });
    made();
  }

  /** One that is gone reads as an empty one, and is written again. */
  protected override async look(api: VaultApi, id: string): Promise<Properties> {
    const found = await api.read(path(id));
    return { name: id, policy: String(found?.policy ?? '') };
  }

  protected override async remove(api: VaultApi, id: string): Promise<void> {
    await api.remove(path(id));
  }
}
