/**
 * Target `sops`: Secrets encrypted by the real sops, for git. Argo CD (with KSOPS) or Flux decrypts
 * them in the cluster, with a key that never comes here.
 */
import * as pulumi from '@pulumi/pulumi';
import { GitFile, SopsDocument } from '../../plugins/hummingbot/git-resources.ts';
import { creationRules } from '../../plugins/hummingbot/sops-rules.ts';
import { gitYaml, header, kustomization } from '../git-yaml.ts';
import { labelsOf, tagAnnotation } from '../labels.ts';
import { SecretGroup } from '../values.ts';
import { GitDelivery, type GitDeliveryArgs, isVersioned } from './delivery.ts';
import { listAliases } from './git-list.ts';
import { folder, pathOf } from './sops-rules.ts';

const listFile = 'kustomization.yaml';

/**
 * A file a group, by the guide's name without a suffix, so that git shows one file that changes.
 * Beside them the rules that they were encrypted by, and what each controller builds from.
 */
export class SopsSecrets extends GitDelivery {
  readonly delivered: readonly pulumi.Resource[];

  constructor(name: string, args: GitDeliveryArgs, opts?: pulumi.ComponentResourceOptions) {
    super('SopsSecrets', name, args, opts);
    const { gitopsDirectory: root, stack, recipients } = args;
    const written = args.groups.filter((group) => group instanceof SecretGroup);
    const documents = written.map(
      (group) =>
        new SopsDocument(
          `${group.name}-document`,
          {
            root,
            path: `${stack}/${pathOf(group.name)}`,
            manifest: this.#manifest(group, args),
            recipients,
          },
          { parent: this },
        ),
    );
    this.delivered = documents;
    for (const [path, content] of filesBeside(
      written.map((group) => group.name),
      recipients,
    )) {
      new GitFile(
        `${name}-${path.replaceAll('/', '-')}`,
        { root, path: `${stack}/${path}`, content },
        {
          parent: this,
          dependsOn: documents,
          aliases: path === listFile ? listAliases(name) : [],
        },
      );
    }
    this.registerOutputs({});
  }

  #manifest(group: SecretGroup, { namespace, stack }: GitDeliveryArgs): pulumi.Output<string> {
    const data = pulumi
      .all(group.secrets.map(({ value }) => value))
      .apply((values) =>
        Object.fromEntries(
          group.secrets.map(({ key }, at) => [
            key,
            Buffer.from(values[at] ?? '').toString('base64'),
          ]),
        ),
      );
    const manifest = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: this.secretNameOf(group),
        namespace,
        labels: labelsOf(stack, 'secret'),
        annotations: { [tagAnnotation]: group.tag },
      },
      type: 'Opaque',
      immutable: isVersioned(group),
      data,
    };
    return pulumi.secret(pulumi.output(manifest).apply((whole) => JSON.stringify(whole)));
  }
}

/** Path and content of what stands beside the documents. */
export function filesBeside(
  groups: readonly string[],
  recipients: readonly string[],
): readonly (readonly [path: string, content: string])[] {
  const paths = groups.map(pathOf);
  // KSOPS takes no empty list: of groups that others write there is nothing to decrypt.
  const generators = paths.length > 0 && { generators: ['ksops.yaml'] };
  const files: (readonly [string, string])[] = [
    ['.sops.yaml', header + creationRules(recipients, `^${folder}/[^/]+\\.yaml$`)],
    // Flux decrypts what it has built.
    [listFile, kustomization({ resources: [...paths, 'manifests'] })],
    // Argo CD has KSOPS decrypt while it builds (https://github.com/viaduct-ai/kustomize-sops).
    ['argocd/kustomization.yaml', kustomization({ resources: ['../manifests'], ...generators })],
  ];
  return generators ? [...files, ['argocd/ksops.yaml', ksops(paths)]] : files;
}

function ksops(paths: readonly string[]): string {
  return gitYaml({
    apiVersion: 'viaduct.ai/v1',
    kind: 'ksops',
    metadata: {
      name: 'hummingbot-secrets',
      annotations: { 'config.kubernetes.io/function': 'exec:\n  path: ksops\n' },
    },
    files: paths.map((path) => `../${path}`),
  });
}
