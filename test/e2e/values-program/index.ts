/**
 * Random values through the targets of a cluster, each into a namespace of its own, by the product's
 * components: groups of some hundred keys each. What it needs to know comes by variables.
 */
import { readFileSync } from 'node:fs';
import { Provider as Aws } from '@pulumi/aws/provider.js';
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js';
import { Namespace } from '@pulumi/kubernetes/core/v1/namespace.js';
import { Provider as Kubernetes } from '@pulumi/kubernetes/provider.js';
import * as pulumi from '@pulumi/pulumi';
import { entryOf, groupNames } from '../../../components/catalog.ts';
import { preflightPod } from '../../../components/consumers/pod.ts';
import { targets } from '../../../components/delivery/targets.ts';
import { SecretGroup, TagKey } from '../../../components/values.ts';
import { getCluster } from '../../../plugins/hummingbot/resources.ts';
import { operatorAccount, operatorNamespace } from '../../../rehearsal/servers/external-secrets.ts';
import {
  clusterTargets,
  type GivenToProgram,
  groupedKeys,
  valuesOf,
} from '../values-in-cluster.ts';

const given = JSON.parse(process.env.VALUES_PROGRAM ?? '') as GivenToProgram;
const kubeconfig = pulumi.secret(readFileSync(process.env.KUBECONFIG ?? '', 'utf8'));
const { uid } = await getCluster({ kubeconfig });
// As components/guards.ts makes them.
const kubernetes = new Kubernetes('kubernetes', {
  kubeconfig,
  clusterIdentifier: uid,
  enableServerSideApply: true,
  enableSecretMutable: true,
});
const aws = {
  account: given.account,
  region: 'us-east-1',
  issuer: given.issuer,
  readerRole: 'values-reader',
  deployRoles: [],
  breakGlassRoles: [],
  recoveryWindowDays: 7,
  provider: new Aws('aws', { region: 'us-east-1', allowedAccountIds: [given.account] }),
};

// Its name is of no catalog; the rest is as of a key of the bot.
const spec = entryOf('binance_api_key');
const values = valuesOf(given).all;
const tagKey = new TagKey('tag').value;
const groups = [...groupedKeys(values.length)].map(
  ([name, keys]) =>
    new SecretGroup(name, {
      entries: new Map(keys.map(([key]) => [key, spec])),
      values: new Map(keys.map(([key, at]) => [key, pulumi.secret(values[at] ?? '')])),
      placeholders: false,
      tagKey,
      // Both ways into a namespace. A pod sees files in any case, and by `values` variables too.
      manner: { naming: name === groupNames[0] ? 'versioned' : 'fixed', env: 'values' },
    }),
);

/** The pod of the bot's init container, by target, for whoever puts another program into it. */
export const pods = Object.fromEntries(
  await Promise.all(
    clusterTargets.map(async (target) => {
      const namespace = `values-${target}`;
      const opts = { provider: kubernetes };
      const space = new Namespace(namespace, { metadata: { name: namespace } }, opts);
      const cluster = {
        uid,
        kubeconfig,
        context: given.context,
        namespace,
        operator: { namespace: operatorNamespace, name: operatorAccount },
        readers: {},
        storage: undefined,
        provider: kubernetes,
      };
      const delivery = await targets[target].deliver(target, {
        groups,
        root: 'out',
        stack: 'values',
        systems: { aws, cluster },
        prefix: 'values',
        environment: 'test',
        protect: false,
        outside: undefined,
        dependsOn: [space],
      });
      const digests = new ConfigMap(
        `${target}-digests`,
        {
          metadata: { name: 'digests', namespace },
          data: {
            'digests.py': readFileSync(new URL('../value-digests.py', import.meta.url), 'utf8'),
          },
        },
        { ...opts, dependsOn: [space, ...delivery.delivered] },
      );
      const pod = { delivery, ground: cluster, image: given.image, name: 'default' };
      return [target, preflightPod({ ...pod, program: digests.metadata.name })] as const;
    }),
  ),
);
