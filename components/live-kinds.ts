/** The kinds as the provider makes them in a cluster; loaded, with its SDK, only by stacks that need it. */
import { Deployment } from '@pulumi/kubernetes/apps/v1/deployment.js';
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js';
import { LimitRange } from '@pulumi/kubernetes/core/v1/limitRange.js';
import { Namespace } from '@pulumi/kubernetes/core/v1/namespace.js';
import { PersistentVolumeClaim } from '@pulumi/kubernetes/core/v1/persistentVolumeClaim.js';
import { ResourceQuota } from '@pulumi/kubernetes/core/v1/resourceQuota.js';
import { ServiceAccount } from '@pulumi/kubernetes/core/v1/serviceAccount.js';
import { NetworkPolicy } from '@pulumi/kubernetes/networking/v1/networkPolicy.js';
import { Role } from '@pulumi/kubernetes/rbac/v1/role.js';
import { RoleBinding } from '@pulumi/kubernetes/rbac/v1/roleBinding.js';
import type { Kinds } from './kinds.ts';

export const kinds: Kinds = {
  Namespace,
  ResourceQuota,
  LimitRange,
  NetworkPolicy,
  Role,
  RoleBinding,
  ServiceAccount,
  PersistentVolumeClaim,
  ConfigMap,
  Deployment,
};
