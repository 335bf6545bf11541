import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupNames } from '../../../components/catalog.ts';
import { isObject } from '../../../plugins/resource-handler.ts';
import { VaultApi } from '../../../plugins/vault-api.ts';
import { sealedVault } from './breakage.ts';
import { ClusterTarget } from './cluster-target.ts';
import { conforms } from './suite.ts';

interface AuditLine {
  readonly type: string;
  readonly request: { readonly operation: string; readonly path: string };
}

const reads = ['read', 'list', 'help'];
/** What the operator does to read: it signs in, and gives its token back. */
const signsIn = /^auth\/(?:kubernetes\/login|token\/)/u;

conforms(
  new ClusterTarget({
    name: 'vault',
    owner: { backWithinSeconds: 30 },
    protect: false,
    storeFails: sealedVault,
    /** Those whose newest version is there. */
    stored: async ({ environment }) => {
      const api = await VaultApi.connect(String(environment.VAULT_ADDR), environment);
      const kept = groupNames.map(async (group) => {
        const found = await api.read(`secret/metadata/hummingbot/${group}`);
        const versions = isObject(found?.versions) ? found.versions : {};
        const newest = versions[`${found?.current_version}`];
        const alive = isObject(newest) && newest.deletion_time === '';
        return alive ? [`Vault hummingbot/${group}`] : [];
      });
      return (await Promise.all(kept)).flat();
    },
    storeWrites: ({ folder }) =>
      readFileSync(join(folder, 'logs', 'vault-audit.log'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as AuditLine)
        .filter(({ type, request }) => type === 'request' && !reads.includes(request.operation))
        .filter(({ request }) => !signsIn.test(request.path))
        .map(({ request }) => `${request.operation} ${request.path}`),
  }),
);
