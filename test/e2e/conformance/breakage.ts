/** What keeps a target from taking values, until it is mended; real failures of its real systems. */
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { VaultApi } from '../../../plugins/vault-api.ts';
import { eventually } from '../../../rehearsal/servers/kubernetes-client.ts';
import { vaultKeys } from '../../../rehearsal/servers/vault.ts';
import { type AwsFaultProxy, failing } from '../aws-fault-proxy.ts';
import type { RehearsedStack } from '../rehearsed-stack.ts';

export interface Breakage {
  /** Who fails, and how, as the rest of "when ...". */
  readonly name: string;
  breaks(): Promise<void>;
  /** Also when it is not broken. */
  mends(): Promise<void>;
}

/** A folder on a file system that cannot be written for a while: root's rights do not help there. */
export function readOnlyFolder(path: () => string): Breakage {
  let mounted: string | undefined;
  return {
    name: 'its folder cannot be written',
    async breaks() {
      mounted = path();
      execFileSync('mount', ['--bind', mounted, mounted]);
      execFileSync('mount', ['-o', 'remount,bind,ro', mounted]);
    },
    async mends() {
      if (mounted !== undefined) execFileSync('umount', [mounted]);
      mounted = undefined;
    },
  };
}

/** The API server takes no write of a Secret of the namespace: of no deployer, of no controller. */
export function noSecretWritten(stack: RehearsedStack): Breakage {
  const name = 'no-secret-written';
  const { namespace } = stack;
  const policies = async () => {
    const { config, library } = stack.access;
    return config.makeApiClient(library.AdmissionregistrationV1Api);
  };
  const resourceRules = [
    {
      apiGroups: [''],
      apiVersions: ['v1'],
      resources: ['secrets'],
      operations: ['CREATE', 'UPDATE'],
    },
  ];
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  return {
    name: 'the API server takes no Secret',
    async breaks() {
      const api = await policies();
      await api.createValidatingAdmissionPolicy({
        body: {
          metadata: { name },
          spec: {
            failurePolicy: 'Fail',
            matchConstraints: { resourceRules },
            validations: [{ expression: 'false', message: 'no Secret is taken for now' }],
          },
        },
      });
      await api.createValidatingAdmissionPolicyBinding({
        body: {
          metadata: { name },
          spec: {
            policyName: name,
            validationActions: ['Deny'],
            matchResources: { namespaceSelector },
          },
        },
      });
      // The API server takes a moment to know it.
      const denies = async (): Promise<boolean> =>
        await stack.access.core
          .createNamespacedSecret({ namespace, body: { metadata: { name } }, dryRun: 'All' })
          .then(
            () => false,
            () => true,
          );
      if (!(await eventually(30, denies))) throw new Error('the policy is not in force');
    },
    async mends() {
      const api = await policies();
      const { items } = await api.listValidatingAdmissionPolicyBinding();
      if (!items.some(({ metadata }) => metadata?.name === name)) return;
      await api.deleteValidatingAdmissionPolicyBinding({ name });
      await api.deleteValidatingAdmissionPolicy({ name });
    },
  };
}

/** AWS takes no new version. @param proxy that the stack's clients talk to */
export function noNewVersion(proxy: () => AwsFaultProxy): Breakage {
  return {
    name: 'AWS Secrets Manager takes no new version',
    async breaks() {
      const writes = /\.(?:PutSecretValue|UpdateSecret)$/u;
      proxy().break(failing('InternalServiceError'), ({ action }) => writes.test(action));
    },
    async mends() {
      proxy().mend();
    },
  };
}

export function sealedVault(stack: RehearsedStack): Breakage {
  const asRoot = async (): Promise<VaultApi> =>
    await VaultApi.connect(String(stack.environment.VAULT_ADDR), {
      ...stack.environment,
      VAULT_TOKEN: vaultKeys(stack.folder).rootToken,
    });
  return {
    name: 'Vault is sealed',
    async breaks() {
      await (await asRoot()).write('sys/seal', {});
    },
    async mends() {
      await (await asRoot()).write('sys/unseal', { key: vaultKeys(stack.folder).unsealKey });
    },
  };
}

/** The engine's socket is not there. */
export function noSocket(path: () => string): Breakage {
  let away = '';
  return {
    name: 'the Docker Engine cannot be reached',
    async breaks() {
      away = path();
      renameSync(away, `${away}.away`);
    },
    async mends() {
      if (away !== '') renameSync(`${away}.away`, away);
      away = '';
    },
  };
}
