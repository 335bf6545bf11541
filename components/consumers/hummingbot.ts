/** Who uses it: the bot's Deployment, its data, and the gate that says whether it runs. */
import { Deployment } from '@pulumi/kubernetes/apps/v1/deployment.js';
import { PersistentVolumeClaim } from '@pulumi/kubernetes/core/v1/persistentVolumeClaim.js';
import { ServiceAccount } from '@pulumi/kubernetes/core/v1/serviceAccount.js';
import type { types } from '@pulumi/kubernetes/index.js';
import * as pulumi from '@pulumi/pulumi';
import { Rollout } from '../../plugins/hummingbot/resources.ts';
import type { ConsumerName } from '../catalog.ts';
import type { ClusterDelivery, Mount, Reference } from '../delivery/delivery.ts';
import { botSelector, labelsOf } from '../labels.ts';
import type { Cluster } from '../systems.ts';

type Container = types.input.core.v1.Container;
type Volume = types.input.core.v1.Volume;
type EnvVar = types.input.core.v1.EnvVar;

export interface HummingbotArgs {
  /** What the bot's secrets were delivered by; it is asked for references, mounts and tags. */
  readonly delivery: ClusterDelivery;
  readonly cluster: Cluster;
  readonly stack: string;
  /** The bot's image, pinned. A change restarts the bot. */
  readonly image: string;
}

const consumer: ConsumerName = 'hummingbot';
const name = 'hummingbot';
const home = '/home/hummingbot';
/** Has to cancel its open orders first. */
const gracePeriodSeconds = 120;
/** The bot needs some ten seconds to read its keys: one that dies of them was never available. */
const minReadySeconds = 20;
/** User and group of the container; the guide's image has no user of its own. */
const user = 1000;

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
    const { namespace, storage } = args.cluster;
    const metadata = {
      name,
      namespace,
      labels: { ...botSelector, ...labelsOf(args.stack, 'bot') },
    };
    const account = new ServiceAccount(
      name,
      { metadata, automountServiceAccountToken: false },
      { parent: this },
    );
    const claim =
      storage &&
      new PersistentVolumeClaim(
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
    const deployment = new Deployment(
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
            metadata: {
              labels: metadata.labels,
              annotations: { 'hummingbot-secrets/tags': tagsOf(args.delivery) },
            },
            spec: podSpec(args),
          },
        },
      },
      {
        parent: this,
        dependsOn: [account, ...(claim ? [claim] : []), ...args.delivery.delivered],
      },
    );
    new Rollout(
      `${name}-rollout`,
      {
        kubeconfig: args.cluster.kubeconfig,
        namespace,
        name,
        // A number is not enough of a reason to change: a failed change that is taken back has
        // the tags of the state, and another generation.
        generation: deployment.metadata.generation,
      },
      { parent: this, dependsOn: [deployment] },
    );
    this.registerOutputs({});
  }
}

/** One annotation, so that many changed secrets are one restart. */
function tagsOf(delivery: ClusterDelivery): pulumi.Output<string> {
  return pulumi.all(delivery.tags(consumer)).apply((tags) => {
    const sorted = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify(Object.fromEntries(sorted));
  });
}

function podSpec(args: HummingbotArgs): types.input.core.v1.PodSpec {
  const mounts = args.delivery.mounts(consumer);
  const volumes = [...mounts.map(secretVolume), ...writableVolumes(args.cluster)];
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: gracePeriodSeconds,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      // Makes the kubelet give the files to the group, 0440.
      fsGroup: user,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [container(args, mounts)],
    volumes,
  };
}

function container(args: HummingbotArgs, mounts: readonly Mount[]): Container {
  return {
    name,
    image: args.image,
    imagePullPolicy: 'IfNotPresent',
    stdin: true,
    tty: true,
    env: [
      { name: 'HOME', value: '/tmp' },
      ...args.delivery.references(consumer).flatMap(environmentOf),
    ],
    resources: {
      requests: { cpu: '250m', memory: '512Mi', 'ephemeral-storage': '256Mi' },
      limits: { cpu: '2', memory: '2Gi', 'ephemeral-storage': '2Gi' },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      ...mounts.map(({ group, mountPath }) => ({
        name: `${group}-secrets`,
        mountPath,
        readOnly: true,
      })),
      { name: 'conf', mountPath: `${home}/conf` },
      { name: 'logs', mountPath: `${home}/logs` },
      { name: 'data', mountPath: `${home}/data` },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function environmentOf({ key, environment, variable }: Reference): EnvVar[] {
  const plain = Object.entries(environment).map(([name, value]) => ({ name, value }));
  if (variable === undefined) return plain;
  const { name, secretName } = variable;
  return [...plain, { name, valueFrom: { secretKeyRef: { name: secretName, key } } }];
}

/** The group's Secret with the bot's keys alone, readable by its owner and, by fsGroup, its group. */
function secretVolume({ group, secretName, keys }: Mount): Volume {
  return {
    name: `${group}-secrets`,
    secret: {
      secretName,
      defaultMode: 0o400,
      items: keys.map((key) => ({ key, path: key })),
    },
  };
}

/** What the bot writes. What may hold a secret stays in memory. */
function writableVolumes({ storage }: Cluster): readonly Volume[] {
  return [
    { name: 'conf', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
    { name: 'logs', emptyDir: { sizeLimit: '1Gi' } },
    storage === undefined
      ? { name: 'data', emptyDir: { sizeLimit: '1Gi' } }
      : { name: 'data', persistentVolumeClaim: { claimName: `${name}-data` } },
    { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
  ];
}
