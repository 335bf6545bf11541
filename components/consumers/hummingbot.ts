/** Who uses it: the bot's Deployment, its data, and the gate that says whether it runs. */
import * as pulumi from '@pulumi/pulumi';
import { Preflight, Rollout } from '../../plugins/hummingbot/resources.ts';
import type { NamespaceDelivery } from '../delivery/delivery.ts';
import { botSelector, labelsOf, tagsAnnotation } from '../labels.ts';
import type { Outside } from '../outside.ts';
import type { Strategy } from '../strategy.ts';
import type { Ground } from '../systems.ts';
import { programFiles } from './container.ts';
import { botPod, consumer, preflightPod } from './pod.ts';

export interface HummingbotArgs {
  /** What the bot's secrets were delivered by; it is asked for references, mounts and tags. */
  readonly delivery: NamespaceDelivery;
  /** Where it runs. Without a kubeconfig nobody waits for it: its pod tells its controller. */
  readonly ground: Ground;
  readonly stack: string;
  /** The bot's image, pinned. A change restarts the bot. */
  readonly image: string;
  /** A change restarts the bot. @default - it logs in and does not trade */
  readonly strategy?: Strategy | undefined;
  /** Undefined: it is left alone when somebody else changes what it has mounted. */
  readonly outside?: Outside | undefined;
}

/** Ready is after the login; a strategy that dies of its first look at a market was never available. */
const minReadySeconds = 5;

/**
 * Done as soon as the object is there: the official provider calls a `Recreate` update done when
 * the old pod is gone, and would wait ten minutes for a first one that crashes. The Rollout below
 * is the one judge. Not `skipAwait`, which would not await the deletion either, and take away what
 * a bot needs while it cancels its orders (docs/decisions/0007-the-gate-is-the-judge.md).
 */
const waitForNothing = { 'pulumi.com/waitFor': 'jsonpath={.metadata.uid}' };

/**
 * One bot that never runs twice and never forgets: one replica, `Recreate`, a claim that only one
 * pod can have, and time to cancel orders. It sees the groups and keys that the catalog gives it,
 * has no token of the cluster, and is restarted by a change of its own tags alone.
 */
export class Hummingbot extends pulumi.ComponentResource {
  constructor(name: string, args: HummingbotArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:consumers:Hummingbot', name, {}, opts);
    const { namespace, storage, kinds, kubeconfig } = args.ground;
    const metadata = {
      name,
      namespace,
      labels: { ...botSelector, ...labelsOf(args.stack, 'bot') },
    };
    const account = new kinds.ServiceAccount(
      name,
      { metadata, automountServiceAccountToken: false },
      { parent: this },
    );
    const claim =
      storage &&
      new kinds.PersistentVolumeClaim(
        `${name}-data`,
        {
          metadata: {
            ...metadata,
            name: `${name}-data`,
            // A class may bind when the first pod comes.
            annotations: waitForNothing,
          },
          spec: {
            accessModes: ['ReadWriteOncePod'],
            storageClassName: storage.className,
            resources: { requests: { storage: storage.size } },
          },
        },
        { parent: this },
      );
    const program = new kinds.ConfigMap(
      `${name}-program`,
      {
        // No name: each content gets one of its own, and the old one stays until the bot has moved.
        metadata: { namespace, labels: metadata.labels },
        immutable: true,
        data: programFiles(
          args.delivery.references(consumer).map(({ key }) => key),
          args.strategy,
          args.outside && args.delivery.keysFromOutside(consumer),
        ),
      },
      { parent: this },
    );
    const pod = { ...args, name, program: program.metadata.name };
    const annotations = { [tagsAnnotation]: tagsOf(args.delivery) };
    const preflight =
      kubeconfig &&
      new Preflight(
        `${name}-preflight`,
        {
          kubeconfig,
          namespace,
          name: `${name}-preflight`,
          labels: labelsOf(args.stack, 'preflight'),
          // The first pull of an image of some gigabytes is the preflight's.
          deadlineSeconds: 600,
          job: { template: { metadata: { annotations }, spec: preflightPod(pod) } },
        },
        { parent: this, dependsOn: [account, program, ...args.delivery.delivered] },
      );
    const deployment = new kinds.Deployment(
      name,
      {
        metadata: { ...metadata, annotations: waitForNothing },
        spec: {
          replicas: 1,
          strategy: { type: 'Recreate' },
          selector: { matchLabels: { ...botSelector } },
          minReadySeconds,
          progressDeadlineSeconds: 600,
          revisionHistoryLimit: 3,
          template: {
            metadata: { labels: metadata.labels, annotations },
            spec: botPod(pod),
          },
        },
      },
      {
        parent: this,
        dependsOn: [
          ...(preflight ? [preflight] : []),
          ...(claim ? [claim] : []),
          ...args.delivery.delivered,
        ],
      },
    );
    if (kubeconfig !== undefined) {
      new Rollout(
        `${name}-rollout`,
        {
          kubeconfig,
          namespace,
          name,
          // A number is not enough of a reason to change: a failed change that is taken back has
          // the tags of the state, and another generation.
          generation: deployment.metadata.apply(({ generation = 0 }) => generation),
        },
        { parent: this, dependsOn: [deployment] },
      );
    }
    this.registerOutputs({});
  }
}

/** One annotation, so that many changed secrets are one restart. */
function tagsOf(delivery: NamespaceDelivery): pulumi.Output<string> {
  return pulumi.all(delivery.tags(consumer)).apply((tags) => {
    const sorted = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify(Object.fromEntries(sorted));
  });
}
