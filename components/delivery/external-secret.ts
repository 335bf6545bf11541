/**
 * What every store shares on its way into a cluster: one SecretStore, and an ExternalSecret a
 * group, from which the External Secrets Operator makes the Kubernetes Secret.
 *
 * `external-secrets.io/v1` alone: v1beta1, the guide's, is not served since 0.17.
 */
import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js';
import * as pulumi from '@pulumi/pulumi';
import { Sync } from '../../plugins/hummingbot/resources.ts';
import { annotationsOf, labelsOf, tagAnnotation } from '../labels.ts';
import { goDuration, type Outside } from '../outside.ts';
import { type DeliveredGroup, SecretGroup } from '../values.ts';
import { ClusterDelivery, isVersioned, type SecretsPlace } from './delivery.ts';

const resourceName = 'external-secrets';
const apiVersion = 'external-secrets.io/v1';
/** The guide's; written as the operator would, or server-side apply finds a conflict with it. */
const refreshInterval = '1h0m0s';
/** A role that AWS has not spread yet, or a sync that never comes, ends here. */
const timeout = '3m';
const timeoutSeconds = 180;

/** Where a store keeps a group. */
export interface Stored {
  readonly remoteKey: string;
  /** Id of the version that was written; absent when somebody else writes. */
  readonly version?: pulumi.Output<string>;
  /** The same as the operator names it for this store. */
  readonly pin?: pulumi.Output<string>;
  /** What must be there before it is read. */
  readonly resources: readonly pulumi.Resource[];
}

export interface ExternalSecretsArgs extends SecretsPlace {
  readonly stack: string;
  /** The SecretStore: its name, and its `spec.provider`. Only references; no value, no template. */
  readonly store: { readonly name: string; readonly provider: Readonly<Record<string, unknown>> };
  readonly stored: ReadonlyMap<string, Stored>;
  /** How soon a group that somebody else writes is read again. */
  readonly outside: Outside | undefined;
  /** The cluster's, by which a sync is looked for. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
}

/**
 * A group's object and its Secret share a name. A versioned group's is pinned to the version
 * written, so that a sync proves itself. A fixed group's follows the newest version; its tag stands in an annotation, a change of which makes the operator sync at once, and
 * a gate waits until the Secret carries it (docs/decisions/0009-a-fixed-name-proves-its-sync.md).
 */
export class ExternalSecrets extends ClusterDelivery {
  /** Of the target. As a resource it has one name, whichever store it reads: a stack can move. */
  override readonly name: string;
  readonly delivered: readonly pulumi.Resource[];

  constructor(name: string, args: ExternalSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    const aliases = [{ name }];
    const merged = pulumi.mergeOptions(opts, { aliases });
    super('ExternalSecrets', resourceName, args, 'pods,externalsecrets', merged);
    this.name = name;
    const store = new CustomResource(
      `${resourceName}-secret-store`,
      {
        apiVersion,
        kind: 'SecretStore',
        metadata: {
          name: args.store.name,
          namespace: args.namespace,
          labels: labelsOf(args.stack, 'secret-store'),
          annotations: { 'pulumi.com/waitFor': 'condition=Ready' },
        },
        spec: { provider: args.store.provider },
      },
      { parent: this, customTimeouts: { create: timeout, update: timeout } },
    );
    this.delivered = args.groups.flatMap((group) => {
      const made = this.#externalSecret(group, store, args);
      // What somebody else writes has no tag, and a versioned group's is new each time.
      const version = args.stored.get(group.name)?.version;
      return group instanceof SecretGroup && !isVersioned(group) && version
        ? [made, this.#sync(group, version, made, args)]
        : [made];
    });
    this.registerOutputs({});
  }

  #externalSecret(
    group: DeliveredGroup,
    store: pulumi.Resource,
    args: ExternalSecretsArgs,
  ): pulumi.Resource {
    const stored = args.stored.get(group.name);
    if (stored === undefined) throw new Error(`${group.name} is not in the store`);
    const versioned = isVersioned(group);
    const secretName = this.secretNameOf(group);
    const version = versioned ? stored.pin : undefined;
    const foreign = group instanceof SecretGroup ? undefined : args.outside;
    return new CustomResource(
      `${group.name}-external-secret`,
      {
        apiVersion,
        kind: 'ExternalSecret',
        metadata: {
          name: secretName,
          namespace: args.namespace,
          labels: labelsOf(args.stack, 'secret'),
          annotations: {
            'pulumi.com/waitFor': 'condition=Ready',
            ...(group instanceof SecretGroup && annotationsOf(group)),
          },
        },
        spec: {
          ...(versioned
            ? { refreshPolicy: 'OnChange' }
            : {
                refreshPolicy: 'Periodic',
                refreshInterval: foreign ? goDuration(foreign.refreshSeconds) : refreshInterval,
              }),
          secretStoreRef: { name: args.store.name, kind: 'SecretStore' },
          target: {
            name: secretName,
            creationPolicy: 'Owner',
            // A store that cannot be read takes nothing away from a running bot.
            deletionPolicy: 'Retain',
            ...(versioned && { immutable: true }),
          },
          data: group.keys.map(({ key }) => ({
            secretKey: key,
            remoteRef: { key: stored.remoteKey, property: key, ...(version && { version }) },
          })),
        },
      },
      {
        parent: this,
        dependsOn: [store, ...stored.resources],
        customTimeouts: { create: timeout, update: timeout },
      },
    );
  }

  #sync(
    group: SecretGroup,
    version: pulumi.Output<string>,
    made: pulumi.Resource,
    args: ExternalSecretsArgs,
  ): Sync {
    return new Sync(
      `${group.name}-sync`,
      {
        kubeconfig: args.kubeconfig,
        namespace: args.namespace,
        name: this.secretNameOf(group),
        annotation: tagAnnotation,
        tag: group.tag,
        version,
        deadlineSeconds: timeoutSeconds,
      },
      { parent: this, dependsOn: [made] },
    );
  }
}
