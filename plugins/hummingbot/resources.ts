/** The local plugin's resources as the program sees them. */
import type { types } from '@pulumi/kubernetes/index.js';
import * as pulumi from '@pulumi/pulumi';

export { temporaryOf } from './temporary.ts';

export interface FileArgs {
  /**
   * Directory that the file may not leave: relative to the project, or absolute. Missing ones are
   * made, 0700; those below it are kept so. A change replaces the file.
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

/** What reaches into a cluster with a kubeconfig that nobody else may see. */
class InCluster extends pulumi.CustomResource {
  constructor(
    type: string,
    name: string,
    args: pulumi.Inputs & { readonly kubeconfig: pulumi.Input<string> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      `hummingbot:index:${type}`,
      name,
      { ...args, kubeconfig: pulumi.secret(args.kubeconfig) },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ['kubeconfig'] }),
    );
  }
}

export interface RolloutArgs {
  /**
   * Contents of the kubeconfig that the Deployment was made with; always kept as a secret. A
   * change of it alone is no change.
   */
  readonly kubeconfig: pulumi.Input<string>;
  /** Of the Deployment. A change replaces the gate, which waits anew. */
  readonly namespace: pulumi.Input<string>;
  /** Name of the Deployment. A change replaces the gate, which waits anew. */
  readonly name: pulumi.Input<string>;
  /**
   * The Deployment's output `metadata.generation`: a change waits anew. It must be that output
   * and not the tags: a failed change that is taken back has the old tags and a new generation.
   */
  readonly generation: pulumi.Input<number>;
  /**
   * Seconds until a pod that is not Ready fails the update. Reasons that do not heal fail earlier.
   * A change waits anew.
   * @default 600
   */
  readonly deadlineSeconds?: pulumi.Input<number>;
}

/**
 * Waits until a Deployment's new pod is Ready and its old one gone, or fails with the pod's own
 * reason. See plugins/hummingbot/rollout.ts for what is promised.
 */
export class Rollout extends InCluster {
  /** Name of the Ready pod; empty when a refresh found the Deployment not complete. */
  declare readonly pod: pulumi.Output<string>;

  constructor(name: string, args: RolloutArgs, opts?: pulumi.CustomResourceOptions) {
    super('Rollout', name, { deadlineSeconds: 600, pod: undefined, ...args }, opts);
  }
}

export interface PreflightArgs {
  /**
   * Contents of the kubeconfig that the bot's Deployment is made with; always kept as a secret. A
   * change of it alone is no change.
   */
  readonly kubeconfig: pulumi.Input<string>;
  /** Where the Job runs. A change replaces the preflight, which runs anew. */
  readonly namespace: pulumi.Input<string>;
  /**
   * What the Job's name begins with, at most 57 characters: no two preflights of a namespace have
   * the same, because a run removes what an earlier one of its name has left. A change replaces
   * the preflight, which runs anew.
   */
  readonly name: pulumi.Input<string>;
  /**
   * What runs: references to Secrets, never a value. How often it is tried and how long it is kept
   * is the preflight's own. Its pod must not have the labels that the bot's Deployment selects by.
   * A change runs anew; so what it reads under a fixed name must show in it by its tag.
   */
  readonly job: pulumi.Input<types.input.batch.v1.JobSpec>;
  /** Of the Job; its pod's are in its template. A change runs anew. */
  readonly labels: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /**
   * Seconds until a Job that has not ended fails the update. Exit code 65, and reasons that do not
   * heal, fail earlier. A change runs anew.
   * @default 180
   */
  readonly deadlineSeconds?: pulumi.Input<number>;
}

/**
 * Runs a Job and removes it, or fails with its pod's own reason before anything that depends on it
 * is changed. See plugins/hummingbot/preflight.ts for what is promised.
 */
export class Preflight extends InCluster {
  /** Name of the Job that passed; it is gone. */
  declare readonly passed: pulumi.Output<string>;

  constructor(name: string, args: PreflightArgs, opts?: pulumi.CustomResourceOptions) {
    super('Preflight', name, { deadlineSeconds: 180, passed: undefined, ...args }, opts);
  }
}

export interface SyncArgs {
  /**
   * Contents of the kubeconfig that the ExternalSecret was made with; always kept as a secret. A
   * change of it alone is no change.
   */
  readonly kubeconfig: pulumi.Input<string>;
  /** Of the ExternalSecret. A change replaces the gate, which waits anew. */
  readonly namespace: pulumi.Input<string>;
  /** Name of the ExternalSecret and of its Secret. A change replaces the gate. */
  readonly name: pulumi.Input<string>;
  /** Annotation that carries the tag. A change waits anew. */
  readonly annotation: string;
  /** The tag of the values that were stored. A change waits anew. */
  readonly tag: pulumi.Input<string>;
  /**
   * The store's id of what was stored: a change waits anew. Not the tag alone: a failed change that
   * is taken back has the old tag and another version.
   */
  readonly version: pulumi.Input<string>;
  /**
   * Seconds until a Secret without that tag fails the update. A change waits anew.
   * @default 180
   */
  readonly deadlineSeconds?: pulumi.Input<number>;
}

/**
 * Waits until the Secret of an ExternalSecret that is changed in place has the values that were
 * stored. See plugins/hummingbot/sync.ts for what is promised.
 */
export class Sync extends InCluster {
  /** The tag; empty when a refresh found another one. */
  declare readonly synced: pulumi.Output<string>;

  constructor(name: string, args: SyncArgs, opts?: pulumi.CustomResourceOptions) {
    super('Sync', name, { deadlineSeconds: 180, synced: undefined, ...args }, opts);
  }
}

export interface ConvergenceArgs {
  /** Docker host of a manager. A change of it alone is no change. */
  readonly host: pulumi.Input<string>;
  /** Directory of its TLS certificates; empty without TLS. A change of it alone is no change. */
  readonly certPath: pulumi.Input<string>;
  /** ID of the service. A change replaces the gate, which waits anew. */
  readonly service: pulumi.Input<string>;
  /**
   * What the service is updated for, as ids of its secrets and configs and its image: a change waits
   * anew. Not tags alone: a failed change that is taken back has the old tags and new ids.
   */
  readonly content: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Seconds until a task that does not run fails the update. Exit code 65 fails earlier. A change
   * waits anew.
   * @default 600
   */
  readonly deadlineSeconds?: pulumi.Input<number>;
}

/**
 * Waits until the one task of a swarm's service runs as the service is now, or fails with the task's
 * own reason. See plugins/hummingbot/convergence.ts for what is promised.
 */
export class Convergence extends pulumi.CustomResource {
  /** ID of the task; empty when a refresh found that it does not run. */
  declare readonly task: pulumi.Output<string>;

  constructor(name: string, args: ConvergenceArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      'hummingbot:index:Convergence',
      name,
      { deadlineSeconds: 600, task: undefined, ...args },
      opts,
    );
  }
}

export interface SecretRemovalArgs {
  /**
   * Contents of the kubeconfig that the Secret is made with; always kept as a secret. A change of
   * it alone is no change.
   */
  readonly kubeconfig: pulumi.Input<string>;
  /** Of the Secret. A change removes the old one. */
  readonly namespace: pulumi.Input<string>;
  /** Name of the Secret. A change removes the old one. */
  readonly name: pulumi.Input<string>;
}

/**
 * Removes a Secret when it leaves the program, unless a controller has taken it over. The Secret
 * has to depend on it and to be retained: see plugins/hummingbot/secret-removal.ts.
 */
export class SecretRemoval extends InCluster {
  constructor(name: string, args: SecretRemovalArgs, opts?: pulumi.CustomResourceOptions) {
    super('SecretRemoval', name, { ...args }, opts);
  }
}

export interface GetClusterArgs {
  /** Contents of a kubeconfig. */
  readonly kubeconfig: pulumi.Input<string>;
}

export interface Cluster {
  /** UID of the namespace kube-system: what identifies a cluster. */
  readonly uid: string;
  /** URL of the API server. */
  readonly server: string;
}

/**
 * Which cluster a kubeconfig leads to. It reads and makes nothing.
 * @throws when the cluster does not answer, or does not let the namespace kube-system be read
 */
export async function getCluster(
  args: GetClusterArgs,
  opts: pulumi.InvokeOptions = {},
): Promise<Cluster> {
  return await pulumi.runtime.invoke(
    'hummingbot:index:getCluster',
    { kubeconfig: pulumi.secret(args.kubeconfig) },
    opts,
  );
}
