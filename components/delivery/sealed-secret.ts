/**
 * Target `sealed-secrets`: Secrets sealed by the real kubeseal, which the sealed-secrets controller of
 * one cluster alone can open. Applied to that cluster, or written for git.
 */
import { createHash } from 'node:crypto';
import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js';
import * as pulumi from '@pulumi/pulumi';
import { GitFile } from '../../plugins/hummingbot/git-resources.ts';
import { SealedData, Unsealed } from '../../plugins/hummingbot/sealing-resources.ts';
import { gitYaml, kustomization } from '../git-yaml.ts';
import { labelsOf, tagAnnotation } from '../labels.ts';
import { SecretGroup } from '../values.ts';
import {
  ClusterDelivery,
  GitDelivery,
  type GitDeliveryArgs,
  type GitTargetArgs,
  isVersioned,
  type SecretsPlace,
} from './delivery.ts';
import { listAliases } from './git-list.ts';
import { handOverAnnotations, sealedPathOf } from './sealed-rules.ts';

interface SealArgs {
  readonly namespace: string;
  readonly stack: string;
  /** PEM. */
  readonly certificate: string;
  /**
   * Whether the Secrets outlive their SealedSecrets: those of old values too.
   * @default false
   */
  readonly handOver?: boolean;
}

/** A SealedSecret of strict scope: what stands without an annotation that says otherwise. */
interface SealedSecret {
  readonly apiVersion: 'bitnami.com/v1alpha1';
  readonly kind: 'SealedSecret';
  readonly metadata: object;
  readonly spec: {
    readonly encryptedData: pulumi.Output<Readonly<Record<string, string>>>;
    readonly template: object;
  };
}

/** Seals a group, and says what the controller shall make of it. */
function sealed(
  group: SecretGroup,
  secretName: pulumi.Output<string>,
  { namespace, stack, certificate, handOver = false }: SealArgs,
  parent: pulumi.Resource,
): SealedSecret {
  const values = pulumi.all(group.secrets.map(({ value }) => value));
  const data = values.apply((all) =>
    Object.fromEntries(
      group.secrets.map(({ key }, at) => [key, Buffer.from(all[at] ?? '').toString('base64')]),
    ),
  );
  const { encryptedData } = new SealedData(
    `${group.name}-sealed`,
    { namespace, name: secretName, data, certificate },
    { parent },
  );
  const metadata = {
    name: secretName,
    namespace,
    labels: labelsOf(stack, 'secret'),
    annotations: { [tagAnnotation]: group.tag, ...(handOver && handOverAnnotations) },
  };
  return {
    apiVersion: 'bitnami.com/v1alpha1',
    kind: 'SealedSecret',
    metadata,
    spec: {
      encryptedData,
      template: { metadata, type: 'Opaque', immutable: isVersioned(group) },
    },
  };
}

export interface SealedSecretsArgs extends SecretsPlace, SealArgs {
  /** The cluster's, by which one sees that it was opened. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
}

/** Applied, and awaited: who comes after finds the Secrets there. */
export class SealedSecrets extends ClusterDelivery {
  readonly delivered: readonly pulumi.Resource[];

  constructor(name: string, args: SealedSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('SealedSecrets', name, args, 'pods,sealedsecrets', opts);
    this.delivered = args.groups
      .filter((group) => group instanceof SecretGroup)
      .flatMap((group) => {
        const object = sealed(group, this.secretNameOf(group), args, this);
        const made = new CustomResource(
          `${group.name}-sealed-secret`,
          { ...object },
          { parent: this },
        );
        return [made, this.#unsealed(group, object, made, args)];
      });
    this.registerOutputs({});
  }

  #unsealed(
    group: SecretGroup,
    { spec }: SealedSecret,
    made: pulumi.Resource,
    { kubeconfig, namespace }: SealedSecretsArgs,
  ): Unsealed {
    return new Unsealed(
      `${group.name}-unsealed`,
      {
        kubeconfig,
        namespace,
        name: this.secretNameOf(group),
        annotation: tagAnnotation,
        tag: group.tag,
        version: spec.encryptedData.apply(versionOf),
      },
      { parent: this, dependsOn: [made] },
    );
  }
}

/** Ciphertext is public: a hash of it is a name. */
function versionOf(encryptedData: Readonly<Record<string, string>>): string {
  return createHash('sha256').update(JSON.stringify(encryptedData)).digest('hex').slice(0, 12);
}

export interface SealedFilesArgs extends GitDeliveryArgs, SealArgs {}

/** A file a group, by the guide's name without a suffix, and the list that Kustomize builds by. */
export class SealedFiles extends GitDelivery {
  readonly delivered: readonly pulumi.Resource[];

  constructor(name: string, args: SealedFilesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('SealedFiles', name, args, opts);
    const { gitopsDirectory: root, stack } = args;
    const groups = args.groups.filter((group) => group instanceof SecretGroup);
    if (args.handOver) {
      void pulumi.log.warn(
        'handOver: each Secret stays in the cluster when its SealedSecret goes; change no value before the stack has moved',
      );
    }
    this.delivered = groups.map((group) => {
      const object = sealed(group, this.secretNameOf(group), args, this);
      const content = pulumi.output(object).apply(gitYaml);
      const path = `${stack}/${sealedPathOf(group.name)}`;
      return new GitFile(`${group.name}-sealed-secret`, { root, path, content }, { parent: this });
    });
    new GitFile(
      `${name}-kustomization`,
      {
        root,
        path: `${stack}/kustomization.yaml`,
        content: kustomization({
          resources: [...groups.map((group) => sealedPathOf(group.name)), 'manifests'],
        }),
      },
      { parent: this, dependsOn: [...this.delivered], aliases: listAliases(name) },
    );
    this.registerOutputs({});
  }
}

/** Applied where the settings name a cluster for it, and written for git otherwise. */
export async function deliver(
  name: string,
  args: GitTargetArgs,
): Promise<SealedSecrets | SealedFiles> {
  const { groups, stack, dependsOn } = args;
  const { cluster, sealing } = args.systems;
  if (sealing === undefined) throw new Error(`${name}: no certificate`);
  const { certificate } = sealing;
  if (cluster === undefined) return new SealedFiles(name, { ...args, certificate });
  const { namespace, context, kubeconfig, provider } = cluster;
  return new SealedSecrets(
    name,
    { groups, stack, namespace, context, kubeconfig, certificate },
    { provider, dependsOn: [...dependsOn] },
  );
}
