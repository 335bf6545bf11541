/** Who may be talked to: nobody, but for what the catalog says that the bot needs. */
import * as pulumi from '@pulumi/pulumi';
import { type ExchangeName, exchanges, type ServiceName } from '../catalog.ts';
import type { Kinds } from '../kinds.ts';
import { botSelector, labelsOf } from '../labels.ts';

export interface NetworkRulesArgs {
  readonly kinds: Kinds;
  readonly namespace: string;
  readonly stack: string;
  readonly exchanges: readonly ExchangeName[];
  readonly services: readonly ServiceName[];
}

/**
 * What is not the internet: private (RFC 1918, RFC 4193), shared (RFC 6598), this host, link-local
 * with the metadata services of the clouds, and Azure's at an address of its own.
 */
const notTheInternet = {
  v4: [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '168.63.129.16/32',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.168.0.0/16',
  ],
  v6: ['fc00::/7', 'fe80::/10'],
} as const;

/** Port of Hummingbot Gateway (its conf/server.yml). */
const gatewayPort = 15_888;

/**
 * Default deny in both directions for every pod of the namespace, and for the bot: names, the
 * ports of its exchanges on the internet, and Gateway where there is one.
 *
 * Only a network plugin that enforces policies makes them true.
 */
export class NetworkRules extends pulumi.ComponentResource {
  constructor(name: string, args: NetworkRulesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:access:NetworkRules', name, {}, opts);
    const { namespace, stack, kinds } = args;
    const labels = labelsOf(stack, 'access');
    new kinds.NetworkPolicy(
      `${name}-default-deny`,
      {
        metadata: { name: 'default-deny', namespace, labels },
        spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
      },
      { parent: this },
    );
    new kinds.NetworkPolicy(
      `${name}-hummingbot`,
      {
        metadata: { name: 'hummingbot', namespace, labels },
        spec: {
          podSelector: { matchLabels: { ...botSelector } },
          policyTypes: ['Egress'],
          egress: [...egress(args)],
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** TCP ports that the exchanges of a stack are reached at, each once. */
export function exchangePorts(names: readonly ExchangeName[]): readonly number[] {
  const ports = new Set<number>(names.flatMap((name) => [...exchanges[name].egressPorts]));
  return [...ports].sort((a, b) => a - b);
}

function egress(args: NetworkRulesArgs) {
  const ports = exchangePorts(args.exchanges);
  return [
    {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
          podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
        },
      ],
      ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 })),
    },
    ...(ports.length > 0
      ? [
          {
            to: [
              { ipBlock: { cidr: '0.0.0.0/0', except: [...notTheInternet.v4] } },
              { ipBlock: { cidr: '::/0', except: [...notTheInternet.v6] } },
            ],
            ports: ports.map((port) => ({ protocol: 'TCP', port })),
          },
        ]
      : []),
    ...(args.services.includes('gateway')
      ? [
          {
            to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'gateway' } } }],
            ports: [{ protocol: 'TCP', port: gatewayPort }],
          },
        ]
      : []),
  ];
}
