/** Each Kubernetes type that the product uses, through the official SDK. */
import { readFileSync } from 'node:fs';
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { getCluster, Rollout } from '../../../plugins/hummingbot/resources.ts';
import { bookKeeper, hasStarted } from '../book-keeper.ts';

const config = new pulumi.Config();
const step = config.require('step');
const value = config.requireSecret('value');
const kubeconfig = pulumi.secret(readFileSync(process.env.KUBECONFIG ?? '', 'utf8'));
export const { uid } = await getCluster({ kubeconfig });

const provider = new k8s.Provider('cluster', {
  kubeconfig,
  clusterIdentifier: uid,
  enableServerSideApply: true,
  enableSecretMutable: true,
});
const opts = { provider };

const space = new k8s.core.v1.Namespace('space', { metadata: { name: 'probe' } }, opts);
const namespace = space.metadata.name;
const named = (name: string) => ({ name, namespace });

new k8s.core.v1.ServiceAccount(
  'account',
  { metadata: named('account'), automountServiceAccountToken: false },
  opts,
);
new k8s.core.v1.ResourceQuota(
  'quota',
  { metadata: named('quota'), spec: { hard: { pods: '5', 'limits.cpu': '4000m' } } },
  opts,
);
const range = { type: 'Container', default: { cpu: '100m' }, defaultRequest: { cpu: '10m' } };
new k8s.core.v1.LimitRange(
  'limits',
  { metadata: named('limits'), spec: { limits: [range] } },
  opts,
);
new k8s.networking.v1.NetworkPolicy(
  'deny',
  {
    metadata: named('deny'),
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [], egress: [] },
  },
  opts,
);
new k8s.rbac.v1.Role(
  'role',
  {
    metadata: named('role'),
    rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['fixed'], verbs: ['get'] }],
  },
  opts,
);
const apiGroup = 'rbac.authorization.k8s.io';
new k8s.rbac.v1.RoleBinding(
  'binding',
  {
    metadata: named('binding'),
    roleRef: { apiGroup, kind: 'Role', name: 'role' },
    subjects: [{ apiGroup, kind: 'User', name: `reader-${step}` }],
  },
  opts,
);
new k8s.core.v1.Secret('fixed', { metadata: named('fixed'), stringData: { key: value } }, opts);
const auto = new k8s.core.v1.Secret(
  'auto',
  { metadata: { namespace }, stringData: { key: value } },
  opts,
);
const keys = new k8s.core.v1.Secret(
  'keys',
  { metadata: named(`keys-${step}`), immutable: true, stringData: { 'api.key': value } },
  opts,
);
const program = new k8s.core.v1.ConfigMap(
  'program',
  { metadata: { namespace }, immutable: true, data: { step } },
  opts,
);
const waitFor = { 'pulumi.com/waitFor': 'condition=Ready' };
new k8s.apiextensions.CustomResource(
  'external',
  {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { ...named(`external-${step}`), annotations: waitFor },
    spec: { refreshPolicy: 'OnChange' },
  },
  { ...opts, customTimeouts: { create: '1m' } },
);
const claim = new k8s.core.v1.PersistentVolumeClaim(
  'data',
  {
    metadata: named('data'),
    spec: {
      accessModes: ['ReadWriteOncePod'],
      storageClassName: 'gp3',
      resources: { requests: { storage: '5Gi' } },
    },
  },
  opts,
);
if (config.requireBoolean('other')) {
  new k8s.core.v1.Service('other', { metadata: named('other') }, opts);
}

const labels = { app: 'bot' };
const bot = new k8s.apps.v1.Deployment(
  'bot',
  {
    metadata: named('bot'),
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          securityContext: { runAsUser: 1000, fsGroup: 1000 },
          containers: [
            {
              name: 'bot',
              image: process.env.BOT_IMAGE ?? '',
              imagePullPolicy: 'IfNotPresent',
              command: bookKeeper('API_KEY_FILE'),
              readinessProbe: { exec: { command: hasStarted }, periodSeconds: 1 },
              env: [{ name: 'API_KEY_FILE', value: '/etc/secrets/trading/api.key' }],
              resources: { limits: { cpu: '1000m' }, requests: { cpu: '50m' } },
              volumeMounts: [
                { name: 'keys', mountPath: '/etc/secrets/trading' },
                { name: 'program', mountPath: '/etc/hummingbot' },
                { name: 'data', mountPath: '/home/hummingbot/data' },
                { name: 'logs', mountPath: '/home/hummingbot/logs' },
                { name: 'conf', mountPath: '/home/hummingbot/conf' },
              ],
            },
          ],
          volumes: [
            { name: 'keys', secret: { secretName: keys.metadata.name, defaultMode: 0o400 } },
            { name: 'program', configMap: { name: program.metadata.name } },
            { name: 'data', persistentVolumeClaim: { claimName: claim.metadata.name } },
            { name: 'logs', emptyDir: {} },
            { name: 'conf', emptyDir: { medium: 'Memory' } },
          ],
        },
      },
    },
  },
  opts,
);
const gate = new Rollout(
  'gate',
  {
    kubeconfig,
    namespace,
    name: bot.metadata.name,
    generation: bot.metadata.generation,
    deadlineSeconds: 120,
  },
  { dependsOn: [bot] },
);
export const { pod } = gate;
export const automatic = auto.metadata.name;
export const programName = program.metadata.name;
