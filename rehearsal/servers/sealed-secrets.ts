/**
 * The sealed-secrets controller as a pod in kube-system, with the account, the rights and the Service
 * of its vendor's manifest (controller.jsonnet, 0.36). It makes its own key, as on any cluster.
 */
import { X509Certificate } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../operations/engine/command-error.ts';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { controllerImage, makeControllerImage } from '../images/sealed-secrets.ts';
import { installDefinitions } from './definitions.ts';
import type { Enclosure } from './enclosure.ts';
import { type Access, apply, eventually } from './kubernetes-client.ts';
import { loadImages } from './node.ts';

export const controllerNamespace = 'kube-system';
export const controllerName = 'sealed-secrets-controller';
const port = 8080;
const role = 'rbac.authorization.k8s.io';
const metadata = { name: controllerName, namespace: controllerNamespace };
const selector = { name: controllerName };
const account = { kind: 'ServiceAccount', ...metadata };

const rights = [
  {
    apiVersion: `${role}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'secrets-unsealer' },
    rules: [
      {
        apiGroups: ['bitnami.com'],
        resources: ['sealedsecrets'],
        verbs: ['get', 'list', 'watch'],
      },
      { apiGroups: ['bitnami.com'], resources: ['sealedsecrets/status'], verbs: ['update'] },
      {
        apiGroups: [''],
        resources: ['secrets'],
        verbs: ['get', 'list', 'create', 'update', 'delete', 'watch'],
      },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
    ],
  },
  {
    apiVersion: `${role}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: controllerName },
    roleRef: { apiGroup: role, kind: 'ClusterRole', name: 'secrets-unsealer' },
    subjects: [account],
  },
  {
    apiVersion: `${role}/v1`,
    kind: 'Role',
    metadata: { name: 'sealed-secrets-key-admin', namespace: controllerNamespace },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'list'] }],
  },
  {
    apiVersion: `${role}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: role, kind: 'Role', name: 'sealed-secrets-key-admin' },
    subjects: [account],
  },
];

/** @param api address of the API server: nothing here routes that of its Service */
function workload(api: string): object[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector, ports: [{ name: 'http', port, targetPort: port }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        // In the node's network a second pod beside the first would find its port taken.
        strategy: { type: 'Recreate' },
        selector: { matchLabels: selector },
        template: {
          metadata: { labels: selector },
          spec: {
            serviceAccountName: controllerName,
            // Pods here have no route but to each other; the node's own network has the API server.
            hostNetwork: true,
            securityContext: { fsGroup: 65_534, runAsNonRoot: true, runAsUser: 1001 },
            containers: [
              {
                name: controllerName,
                image: controllerImage.name,
                imagePullPolicy: 'Never',
                env: [
                  { name: 'KUBERNETES_SERVICE_HOST', value: api },
                  { name: 'KUBERNETES_SERVICE_PORT', value: '443' },
                ],
                readinessProbe: { httpGet: { path: '/healthz', port }, periodSeconds: 1 },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  capabilities: { drop: ['ALL'] },
                  readOnlyRootFilesystem: true,
                },
                volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
              },
            ],
            volumes: [{ name: 'tmp', emptyDir: {} }],
          },
        },
      },
    },
  ];
}

export interface SealedSecretsArgs {
  readonly folder: string;
  /** As the cluster's administrator. */
  readonly access: Access;
  readonly enclosure: Enclosure;
  /** Folder of the built controller, with its definitions beside it. */
  readonly tools: string;
}

/** Starts it, and waits until it is ready. */
export async function startSealedSecrets(args: SealedSecretsArgs): Promise<void> {
  const { access, folder, tools, enclosure } = args;
  await installDefinitions(access, join(tools, 'crds.yaml'));
  const work = join(folder, 'images', 'sealed-secrets');
  loadImages(args, [makeControllerImage(join(tools, 'sealed-secrets-controller'), work)]);
  rmSync(work, { recursive: true });
  await apply(access, [...rights, ...workload(enclosure.address)]);
  const apps = access.config.makeApiClient(access.library.AppsV1Api);
  const ready = await eventually(120, async () => {
    const { status } = await apps.readNamespacedDeployment({
      name: controllerName,
      namespace: controllerNamespace,
    });
    return (status?.readyReplicas ?? 0) > 0;
  });
  if (ready) return;
  throw new CommandError(
    `sealed-secrets: got no ready controller in 120 s; allowed: one that answers; ` +
      `fix: see ${join(folder, 'logs', 'pods')}`,
  );
}

/**
 * SHA-256 of the certificate that the cluster's controller gives out, as openssl prints it.
 * @param kubeconfig path
 * @throws CommandError when there is none
 */
export async function fingerprintOf(kubeconfig: string, context: string): Promise<string> {
  const api = await KubernetesApi.connect(kubeconfig, context);
  const service = `/api/v1/namespaces/${controllerNamespace}/services/http:${controllerName}:http`;
  let found = '';
  const came = await eventually(30, async () => {
    const text = await api.text(`${service}/proxy/v1/cert.pem`);
    found = new X509Certificate(text).fingerprint256;
    return true;
  });
  if (came) return found;
  throw new CommandError(
    `sealed-secrets: got no certificate from ${controllerNamespace}/${controllerName}; allowed: a controller that answers; ` +
      'fix: kubeseal --fetch-cert says why',
  );
}
