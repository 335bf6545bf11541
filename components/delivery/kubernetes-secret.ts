/**
 * Target `kubernetes`: native Secrets, written by Pulumi itself. For clusters without a store: who
 * can read the stack's state and has its passphrase, or may read Secrets in the namespace, has the
 * values; the API server must encrypt them at rest (docs/targets/kubernetes.md).
 */
import type { core } from '@pulumi/kubernetes/types/input.js';
import * as pulumi from '@pulumi/pulumi';
import { SecretRemoval } from '../../plugins/hummingbot/resources.ts';
import { annotationsOf, labelsOf } from '../labels.ts';
import { SecretGroup } from '../values.ts';
import { ClusterDelivery, type ClusterTarget, isVersioned, type SecretsPlace } from './delivery.ts';

/** Makes a Secret: the SDK's class, which is loaded when it is needed. */
export type MakeSecret = (
  name: string,
  args: core.v1.Secret,
  opts: pulumi.CustomResourceOptions,
) => pulumi.Resource;

export interface KubernetesSecretsArgs extends SecretsPlace {
  readonly stack: string;
  /** The cluster's, by which a Secret is removed. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
}

/**
 * A Secret a group. A versioned one is immutable and replaced by one of another name; a fixed one is
 * changed in place and is never absent. Of a group that somebody else writes nothing is made. One that
 * leaves the program is removed, unless a controller owns it by then: another target's, which takes
 * it over where this stack moves there (docs/decisions/0020-a-secret-is-handed-over.md).
 */
export class KubernetesSecrets extends ClusterDelivery {
  readonly delivered: readonly pulumi.Resource[];

  constructor(
    name: string,
    args: KubernetesSecretsArgs,
    make: MakeSecret,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('KubernetesSecrets', name, args, 'pods,secrets', opts);
    this.delivered = args.groups
      .filter((group) => group instanceof SecretGroup)
      .map((group) => {
        const { kubeconfig, namespace } = args;
        const removal = new SecretRemoval(
          `${group.name}-removal`,
          { kubeconfig, namespace, name: this.secretNameOf(group) },
          { parent: this },
        );
        const opts = { parent: this, dependsOn: [removal], retainOnDelete: true };
        return make(`${group.name}-secret`, this.#secret(group, args), opts);
      });
    this.registerOutputs({});
  }

  #secret(group: SecretGroup, { namespace, stack }: KubernetesSecretsArgs): core.v1.Secret {
    return {
      metadata: {
        name: this.secretNameOf(group),
        namespace,
        labels: labelsOf(stack, 'secret'),
        annotations: annotationsOf(group),
      },
      type: 'Opaque',
      immutable: isVersioned(group),
      // Not stringData: the server turns it into this, and a refresh would see a difference.
      data: Object.fromEntries(
        group.secrets.map(({ key, value }) => [
          key,
          pulumi.secret(value.apply((text) => Buffer.from(text).toString('base64'))),
        ]),
      ),
    };
  }
}

export const kubernetes: ClusterTarget = {
  kind: 'cluster',
  synced: false,
  needs: ['cluster'],
  valuePaths: () => [],
  claims: ['the namespace'],
  refuses: (value) => (value.includes('\0') ? 'a NUL byte' : undefined),
  async deliver(name, { groups, stack, systems: { cluster }, dependsOn }) {
    if (cluster === undefined) throw new Error(`${name}: not connected`);
    const { Secret } = await import('@pulumi/kubernetes/core/v1/secret.js');
    const { namespace, context, kubeconfig, provider } = cluster;
    return new KubernetesSecrets(
      name,
      { groups, stack, namespace, context, kubeconfig },
      (...args) => new Secret(...args),
      { provider, dependsOn: [...dependsOn] },
    );
  },
};
