/** Where it all lives: a namespace that is closed but for what the bot needs. */
import * as pulumi from '@pulumi/pulumi';
import type { ExchangeName, ServiceName } from '../catalog.ts';
import type { Kinds } from '../kinds.ts';
import { labelsOf } from '../labels.ts';
import { NetworkRules } from './network.ts';

export interface ClosedNamespaceArgs {
  readonly kinds: Kinds;
  /** A change moves everything to a new one. */
  readonly namespace: string;
  readonly stack: string;
  /** Whether it is kept from deletion. */
  readonly protect: boolean;
  /** Exchanges that the bot talks to. */
  readonly exchanges: readonly ExchangeName[];
  /** Services beside the bot; of them it talks to Gateway. */
  readonly services: readonly ServiceName[];
}

/** Newer clusters keep what this version meant; older ones take their own newest. */
const podSecurityVersion = 'v1.34';
const modes = ['enforce', 'audit', 'warn'] as const;

/** Pod Security `restricted`, a quota, limits for who names none, and default-deny networking. */
export class ClosedNamespace extends pulumi.ComponentResource {
  constructor(name: string, args: ClosedNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:access:ClosedNamespace', name, {}, opts);
    const { namespace, stack, kinds } = args;
    const labels = labelsOf(stack, 'access');
    const made = new kinds.Namespace(
      name,
      {
        metadata: {
          name: namespace,
          labels: {
            ...labels,
            ...Object.fromEntries(
              modes.flatMap((mode) => [
                [`pod-security.kubernetes.io/${mode}`, 'restricted'],
                [`pod-security.kubernetes.io/${mode}-version`, podSecurityVersion],
              ]),
            ),
          },
        },
      },
      { parent: this, protect: args.protect },
    );
    const inside = { parent: this, dependsOn: [made] };
    // Room for a bot, Gateway and an API, and for none that a stolen token would start.
    new kinds.ResourceQuota(
      `${name}-quota`,
      {
        metadata: { name: 'hummingbot', namespace, labels },
        spec: {
          hard: {
            pods: '10',
            'requests.cpu': '4',
            'requests.memory': '8Gi',
            'limits.cpu': '16',
            'limits.memory': '16Gi',
            persistentvolumeclaims: '5',
            'services.nodeports': '0',
            'services.loadbalancers': '0',
          },
        },
      },
      inside,
    );
    new kinds.LimitRange(
      `${name}-limits`,
      {
        metadata: { name: 'hummingbot', namespace, labels },
        spec: {
          limits: [
            {
              type: 'Container',
              defaultRequest: { cpu: '100m', memory: '128Mi' },
              default: { cpu: '1', memory: '1Gi' },
            },
          ],
        },
      },
      inside,
    );
    new NetworkRules(`${name}-network`, args, inside);
    this.registerOutputs({});
  }
}
