/**
 * The objects around a delivery, by kind: how each comes to be is somebody else's to say. In a
 * cluster the provider makes them (live-kinds.ts); for git they are files (manifests.ts).
 */
import type { apps, core, networking, rbac } from '@pulumi/kubernetes/types/input.js';
import type * as pulumi from '@pulumi/pulumi';

/** What was made, and what those need to know that come after it. */
export interface Made extends pulumi.Resource {
  readonly metadata: pulumi.Output<{
    readonly name: string;
    /** Absent of a file. */
    readonly generation?: number;
  }>;
}

type Make<Args> = new (name: string, args: Args, opts?: pulumi.CustomResourceOptions) => Made;

export interface Kinds {
  readonly Namespace: Make<core.v1.Namespace>;
  readonly ResourceQuota: Make<core.v1.ResourceQuota>;
  readonly LimitRange: Make<core.v1.LimitRange>;
  readonly NetworkPolicy: Make<networking.v1.NetworkPolicy>;
  readonly Role: Make<rbac.v1.Role>;
  readonly RoleBinding: Make<rbac.v1.RoleBinding>;
  readonly ServiceAccount: Make<core.v1.ServiceAccount>;
  readonly PersistentVolumeClaim: Make<core.v1.PersistentVolumeClaim>;
  readonly ConfigMap: Make<core.v1.ConfigMap>;
  readonly Deployment: Make<apps.v1.Deployment>;
}
