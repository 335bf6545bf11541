/** The local plugin's resources as the program sees them. */
import * as pulumi from '@pulumi/pulumi';

export interface FileArgs {
  /**
   * Directory that the file may not leave: relative to the project, or absolute. Missing ones are
   * made, 0700. A change replaces the file.
   */
  readonly root: string;
  /** Path below the root, with forward slashes. A change replaces the file. */
  readonly path: string;
  /** Content in UTF-8; always kept as a secret, whatever it is. A change rewrites the file. */
  readonly content: pulumi.Input<string>;
  /**
   * Mode in octal, four digits, exact whatever the umask. A change rewrites the file.
   * @default '0400'
   */
  readonly mode?: string;
}

/** Where a file's content stands while it is written; what a kill may leave behind. */
export function temporaryOf(path: string): string {
  return `${path}.tmp`;
}

/** One file, written atomically. See plugins/hummingbot/file.ts for what is promised. */
export class File extends pulumi.CustomResource {
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: FileArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      'hummingbot:index:File',
      name,
      { mode: '0400', ...args, content: pulumi.secret(args.content) },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ['content'] }),
    );
  }
}

export interface RolloutArgs {
  /** A kubeconfig of one context. Secret; a change of it alone waits for nothing. */
  readonly kubeconfig: pulumi.Input<string>;
  readonly namespace: pulumi.Input<string>;
  /** Name of the Deployment. */
  readonly name: pulumi.Input<string>;
  /** The Deployment's `metadata.generation`: what is to be rolled out at least. */
  readonly generation: pulumi.Input<number>;
  /**
   * Seconds after which a rollout has failed.
   * @default 600
   */
  readonly deadlineSeconds?: pulumi.Input<number>;
}

/** Waits until a Deployment is rolled out, and fails with the reason of its pod. */
export class Rollout extends pulumi.CustomResource {
  constructor(name: string, args: RolloutArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      'hummingbot:index:Rollout',
      name,
      { deadlineSeconds: 600, ...args, kubeconfig: pulumi.secret(args.kubeconfig) },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ['kubeconfig'] }),
    );
  }
}

export interface GetClusterArgs {
  readonly kubeconfig: pulumi.Input<string>;
}

export interface GetClusterResult {
  /** UID of the kube-system namespace. */
  readonly uid: string;
  /** URL of the API server. */
  readonly server: string;
}

/** Which cluster a kubeconfig leads to. */
export function getCluster(
  args: GetClusterArgs,
  opts?: pulumi.InvokeOptions,
): Promise<GetClusterResult> {
  return pulumi.runtime.invoke('hummingbot:index:getCluster', { ...args }, opts);
}
