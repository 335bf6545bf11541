/** Where targets are listed: one entry each. Those with an SDK load it when they deliver. */
import { awsRules } from './aws-rules.ts';
import { compose } from './compose.ts';
import type { ClusterDelivery, ClusterDeliveryArgs, Target } from './delivery.ts';
import { envFile } from './env-file.ts';
import { kubernetes } from './kubernetes-secret.ts';

export const targets = {
  compose,
  'env-file': envFile,
  kubernetes,
  'aws-secrets-manager': {
    ...awsRules,
    deliver: async (name: string, args: ClusterDeliveryArgs): Promise<ClusterDelivery> =>
      (await import('./aws-secrets-manager.ts')).deliver(name, args),
  },
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;
export const targetNames = Object.keys(targets) as readonly TargetName[];

/** A target as the interface rather than as its literal. */
export function targetOf(name: TargetName): Target {
  return targets[name];
}
