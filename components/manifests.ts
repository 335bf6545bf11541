/**
 * The kinds as files for git, which a GitOps controller applies: one file an object, by the name of
 * the program, so that git shows one file that changes. None holds a value; what is secret is refused.
 */
import { createHash } from 'node:crypto';
import * as pulumi from '@pulumi/pulumi';
import { GitFile } from '../plugins/hummingbot/git-resources.ts';
import { gitYaml, kustomization } from './git-yaml.ts';
import type { Kinds, Made } from './kinds.ts';

const folder = 'manifests';
const hashLength = 10;

const apiVersions = {
  Namespace: 'v1',
  ResourceQuota: 'v1',
  LimitRange: 'v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
  ServiceAccount: 'v1',
  PersistentVolumeClaim: 'v1',
  ConfigMap: 'v1',
  Deployment: 'apps/v1',
} as const satisfies Record<keyof Kinds, string>;

export interface ManifestsArgs {
  /** Directory that git holds. */
  readonly gitopsDirectory: string;
  readonly stack: string;
}

/** An object as it was asked for, nothing of it an output. */
interface Plain {
  readonly metadata?: {
    readonly name?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** All objects of a stack for git, and the list that Kustomize builds them by. */
export class Manifests {
  readonly kinds: Kinds;
  readonly #files: GitFile[] = [];
  readonly #names: string[] = [];
  readonly #args: ManifestsArgs;

  constructor(args: ManifestsArgs) {
    this.#args = args;
    const kinds = Object.keys(apiVersions) as (keyof Kinds)[];
    // Each takes the arguments of its kind, and writes them as they are.
    this.kinds = Object.fromEntries(kinds.map((kind) => [kind, this.#kind(kind)])) as never;
  }

  #kind(kind: keyof Kinds): new (name: string, args: object, opts?: object) => Made {
    const add = (name: string, file: GitFile): void => {
      this.#names.push(name);
      this.#files.push(file);
    };
    const { gitopsDirectory: root, stack } = this.#args;
    return class extends GitFile {
      readonly metadata: Made['metadata'];

      constructor(name: string, args: object, opts?: pulumi.CustomResourceOptions) {
        const object = pulumi.output(args).apply((plain) => objectOf(kind, name, plain));
        const path = `${kind.toLowerCase()}-${name}.yaml`;
        const content = object.apply(gitYaml);
        super(
          `${kind.toLowerCase()}-${name}`,
          { root, path: `${stack}/${folder}/${path}`, content },
          opts,
        );
        this.metadata = object.apply(({ metadata }) => ({ name: metadata.name }));
        add(path, this);
      }
    };
  }

  /** To be called when all are made. */
  list(): void {
    const { gitopsDirectory: root, stack } = this.#args;
    new GitFile(
      folder,
      {
        root,
        path: `${stack}/${folder}/kustomization.yaml`,
        content: kustomization({ resources: this.#names.toSorted() }),
      },
      { dependsOn: this.#files },
    );
  }
}

/** Complete, and without what only Pulumi reads. One without a name is named by its contents. */
function objectOf(kind: keyof Kinds, name: string, plain: object) {
  const { metadata = {}, ...others } = plain as Plain;
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([key]) => !key.startsWith('pulumi.com/'),
  );
  const hash = createHash('sha256').update(JSON.stringify(others)).digest('hex');
  const { annotations: _, ...more } = metadata;
  return {
    apiVersion: apiVersions[kind],
    kind,
    metadata: {
      ...more,
      name: metadata.name ?? `${name}-${hash.slice(0, hashLength)}`,
      ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
    },
    ...others,
  };
}
