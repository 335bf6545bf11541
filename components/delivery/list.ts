/** Where targets are listed: a line each, by the name that a stack file has for it. */
import { awsRules } from './aws-rules.ts';
import type {
  ClusterDelivery,
  ClusterDeliveryArgs,
  GitDelivery,
  GitDeliveryArgs,
  GitTargetArgs,
  NamespaceDelivery,
} from './delivery.ts';
import { sealedRules } from './sealed-rules.ts';
import { sopsRules } from './sops-rules.ts';
import { vaultRules } from './vault-rules.ts';

export { compose } from './compose.ts';
export { envFile as 'env-file' } from './env-file.ts';
export { kubernetes } from './kubernetes-secret.ts';
export { swarm } from './swarm.ts';
export { aws as 'aws-secrets-manager', sealedSecrets as 'sealed-secrets', sops, vault };

// What only a delivery of these needs is loaded by it.

const aws = {
  ...awsRules,
  deliver: async (name: string, args: ClusterDeliveryArgs): Promise<ClusterDelivery> =>
    (await import('./aws-secrets-manager.ts')).deliver(name, args),
};

const sealedSecrets = {
  ...sealedRules,
  deliver: async (name: string, args: GitTargetArgs): Promise<NamespaceDelivery> =>
    (await import('./sealed-secret.ts')).deliver(name, args),
};

const sops = {
  ...sopsRules,
  deliver: async (name: string, args: GitDeliveryArgs): Promise<GitDelivery> =>
    new (await import('./sops.ts')).SopsSecrets(name, args),
};

const vault = {
  ...vaultRules,
  deliver: async (name: string, args: ClusterDeliveryArgs): Promise<ClusterDelivery> =>
    (await import('./vault.ts')).deliver(name, args),
};
