/**
 * Floor of a stack in a cluster: the packages that the program imports for it, the plugins that it
 * starts, and nothing to do.
 */
import '@pulumi/aws/iam/role.js';
import '@pulumi/aws/iam/rolePolicy.js';
import '@pulumi/aws/kms/alias.js';
import '@pulumi/aws/kms/key.js';
import { Provider as Aws } from '@pulumi/aws/provider.js';
import '@pulumi/aws/secretsmanager/secret.js';
import '@pulumi/aws/secretsmanager/secretPolicy.js';
import '@pulumi/aws/secretsmanager/secretVersion.js';
import '@pulumi/kubernetes/apiextensions/customResource.js';
import '@pulumi/kubernetes/apps/v1/deployment.js';
import '@pulumi/kubernetes/core/v1/configMap.js';
import '@pulumi/kubernetes/core/v1/limitRange.js';
import '@pulumi/kubernetes/core/v1/namespace.js';
import '@pulumi/kubernetes/core/v1/persistentVolumeClaim.js';
import '@pulumi/kubernetes/core/v1/resourceQuota.js';
import '@pulumi/kubernetes/core/v1/serviceAccount.js';
import '@pulumi/kubernetes/networking/v1/networkPolicy.js';
import { Provider as Kubernetes } from '@pulumi/kubernetes/provider.js';
import '@pulumi/kubernetes/rbac/v1/role.js';
import '@pulumi/kubernetes/rbac/v1/roleBinding.js';
import * as pulumi from '@pulumi/pulumi';
import { Provider as Random } from '@pulumi/random/provider.js';
import '@scure/base';
import 'fastest-levenshtein';
import { readFileSync } from 'node:fs';
import 'yaml';

class Local extends pulumi.ProviderResource {}

const kubeconfig = readFileSync(process.env.KUBECONFIG ?? '', 'utf8');
new Aws('aws', { region: 'us-east-1' });
new Kubernetes('kubernetes', { kubeconfig, enableServerSideApply: true });
new Random('random');
new Local('hummingbot', 'hummingbot');
