/** What a pod of the bot is: its containers, its places, and what keeps it in. */
import type { types } from '@pulumi/kubernetes/index.js';
import type * as pulumi from '@pulumi/pulumi';
import type { ConsumerName } from '../catalog.ts';
import type { Mount, NamespaceDelivery, Reference } from '../delivery/delivery.ts';
import type { Strategy } from '../strategy.ts';
import type { Place } from '../systems.ts';
import {
  commandOf,
  home,
  type Program,
  programDirectory,
  readyFile,
  runDirectory,
  scriptPath,
  stopSeconds,
} from './container.ts';

type PodSpec = types.input.core.v1.PodSpec;
type Container = types.input.core.v1.Container;
type Volume = types.input.core.v1.Volume;
type VolumeMount = types.input.core.v1.VolumeMount;
type EnvVar = types.input.core.v1.EnvVar;

export interface PodArgs {
  readonly delivery: NamespaceDelivery;
  readonly ground: Place;
  readonly image: string;
  readonly strategy?: Strategy | undefined;
  /** Service account and, with `-data`, the claim of the bot's data. */
  readonly name: string;
  /** Name of the ConfigMap with the files of container.ts. */
  readonly program: pulumi.Input<string>;
}

export const consumer: ConsumerName = 'hummingbot';
/** User and group of the containers; the official image has no user of its own. */
const user = 1000;

/** The bot after its init container, which makes of the Secrets what the bot reads. */
export function botPod(args: PodArgs): PodSpec {
  return {
    ...podOf(args),
    terminationGracePeriodSeconds: stopSeconds,
    initContainers: [materialiser(args)],
    containers: [bot(args)],
    volumes: [...volumesOf(args), ...dataVolumes(args)],
  };
}

/** The init container alone, on folders of its own: it fails on what the bot would fail on. */
export function preflightPod(args: PodArgs): PodSpec {
  return {
    ...podOf(args),
    restartPolicy: 'Never',
    containers: [materialiser(args)],
    volumes: volumesOf(args),
  };
}

function podOf({ name }: PodArgs): Omit<PodSpec, 'containers'> {
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      // Makes the kubelet give the files to the group, 0440.
      fsGroup: user,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

function materialiser(args: PodArgs): Container {
  return {
    ...containerOf(args, 'materialise'),
    name: 'materialise',
    resources: {
      requests: { cpu: '250m', memory: '256Mi' },
      limits: { cpu: '2', memory: '1Gi' },
    },
    volumeMounts: mountsOf(args),
  };
}

function bot(args: PodArgs): Container {
  const script = scriptPath(args.strategy);
  return {
    ...containerOf(args, 'launch'),
    name: 'hummingbot',
    // The mark that launch.py makes after the login, and after the start of a strategy. It says
    // nothing of a bot that hangs later; no probe kills one that may hold open orders.
    readinessProbe: { exec: { command: ['test', '-e', readyFile] }, periodSeconds: 2 },
    resources: {
      requests: { cpu: '250m', memory: '512Mi', 'ephemeral-storage': '256Mi' },
      limits: { cpu: '2', memory: '2Gi', 'ephemeral-storage': '2Gi' },
    },
    volumeMounts: [
      ...mountsOf(args),
      { name: 'logs', mountPath: `${home}/logs` },
      { name: 'data', mountPath: `${home}/data` },
      ...(script === undefined
        ? []
        : [
            {
              name: 'program',
              mountPath: script,
              subPath: script.slice(script.lastIndexOf('/') + 1),
              readOnly: true,
            },
          ]),
    ],
  };
}

function containerOf(args: PodArgs, program: Program): Omit<Container, 'name'> {
  return {
    image: args.image,
    imagePullPolicy: 'IfNotPresent',
    command: [...commandOf(program)],
    workingDir: home,
    env: [
      { name: 'HOME', value: '/tmp' },
      ...args.delivery.references(consumer).flatMap(environmentOf),
    ],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
  };
}

function environmentOf({ key, environment, variable }: Reference): EnvVar[] {
  const plain = Object.entries(environment).map(([name, value]) => ({ name, value }));
  if (variable === undefined) return plain;
  const { name, secretName } = variable;
  return [...plain, { name, valueFrom: { secretKeyRef: { name: secretName, key } } }];
}

/** What both containers see. */
function mountsOf({ delivery }: PodArgs): VolumeMount[] {
  return [
    ...delivery.mounts(consumer).map(({ group, mountPath }) => ({
      name: `${group}-secrets`,
      mountPath,
      readOnly: true,
    })),
    { name: 'program', mountPath: programDirectory, readOnly: true },
    { name: 'conf', mountPath: `${home}/conf` },
    { name: 'run', mountPath: runDirectory },
    { name: 'tmp', mountPath: '/tmp' },
  ];
}

/** What may hold a secret stays in memory. */
function volumesOf({ delivery, program }: PodArgs): Volume[] {
  return [
    ...delivery.mounts(consumer).map(secretVolume),
    { name: 'program', configMap: { name: program, defaultMode: 0o444 } },
    { name: 'conf', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
    { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
  ];
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

function dataVolumes({ ground, name }: PodArgs): Volume[] {
  return [
    { name: 'logs', emptyDir: { sizeLimit: '1Gi' } },
    ground.storage === undefined
      ? { name: 'data', emptyDir: { sizeLimit: '1Gi' } }
      : { name: 'data', persistentVolumeClaim: { claimName: `${name}-data` } },
  ];
}
