/** What HashiCorp Vault takes: settings ask here before any resource exists, without an SDK. */
import { groupJson } from './group-json.ts';

/**
 * Bytes of one entry in the smallest of its storages, Consul, less what Vault adds by encrypting:
 * https://developer.hashicorp.com/vault/docs/internals/limits
 */
const maxEntryBytes = 500_000;

export const vaultRules = {
  kind: 'cluster',
  synced: true,
  needs: ['vault', 'cluster'],
  valuePaths: (): readonly string[] => [],
  claims: ['the namespace'],
  refuses: (value: string): string | undefined => (value.includes('\0') ? 'a NUL byte' : undefined),
  refusesGroup: (values: ReadonlyMap<string, string>) => {
    const bytes = Buffer.byteLength(groupJson(values));
    if (bytes <= maxEntryBytes) return undefined;
    return { got: `${bytes} bytes as JSON`, allowed: `at most ${maxEntryBytes} bytes` };
  },
  kept: (): string =>
    'Vault keeps the versions of what was still protected; vault kv undelete has them back.',
} as const;
