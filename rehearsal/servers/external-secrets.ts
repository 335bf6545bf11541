/**
 * The External Secrets Operator: its CRDs, its service account with the rights of the official
 * chart but one, and its controller. The right that is missing, to make tokens of service accounts
 * (`serviceaccounts/token`), is the program's to give, for the one account of its SecretStore.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programOf } from '../debian-packages.ts';
import { installDefinitions } from './definitions.ts';
import type { Enclosure } from './enclosure.ts';
import { flags } from './etcd.ts';
import { writeTokenKubeconfig } from './kubeconfig.ts';
import { type Access, apply } from './kubernetes-client.ts';
import type { ServerRecord, Servers } from './process.ts';

export const operatorNamespace = 'external-secrets';
export const operatorAccount = 'external-secrets';
/** Longer than a rehearsal. */
const tokenSeconds = 24 * 3600;

export interface OperatorArgs {
  readonly folder: string;
  readonly servers: Servers;
  /** As the cluster's administrator. */
  readonly access: Access;
  /** Path of the controller's binary; `crds.yaml` lies beside it. */
  readonly binary: string;
  readonly crds: string;
  /** URL of the AWS API, STS and Secrets Manager alike. @default - none */
  readonly awsEndpoint?: string;
  /** Whose processes it joins; it stays in this machine's network, where the AWS API listens. */
  readonly enclosure?: Enclosure;
}

/** As in the chart's templates/rbac.yaml (0.20.4), for the resources that it is started for. */
const rules = [
  {
    apiGroups: ['external-secrets.io'],
    resources: ['secretstores', 'externalsecrets'],
    verbs: ['get', 'list', 'watch'],
  },
  {
    apiGroups: ['external-secrets.io'],
    resources: [
      ...['externalsecrets', 'externalsecrets/status', 'externalsecrets/finalizers'],
      ...['secretstores', 'secretstores/status', 'secretstores/finalizers'],
    ],
    verbs: ['get', 'update', 'patch'],
  },
  {
    // Without them an ExternalSecret that names one would hold up all others.
    apiGroups: ['generators.external-secrets.io'],
    resources: [
      ...['acraccesstokens', 'cloudsmithaccesstokens', 'clustergenerators'],
      ...['ecrauthorizationtokens', 'fakes', 'gcraccesstokens', 'githubaccesstokens', 'grafanas'],
      ...['mfas', 'passwords', 'quayaccesstokens', 'sshkeys', 'stssessiontokens', 'uuids'],
      ...['vaultdynamicsecrets', 'webhooks'],
    ],
    verbs: ['get', 'list', 'watch'],
  },
  {
    apiGroups: ['generators.external-secrets.io'],
    resources: ['generatorstates'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'],
  },
  {
    apiGroups: [''],
    resources: ['serviceaccounts', 'namespaces', 'configmaps'],
    verbs: ['get', 'list', 'watch'],
  },
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'delete', 'patch'],
  },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
];

export const operatorRole = 'external-secrets-controller';
const role = 'rbac.authorization.k8s.io';

const account = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: operatorNamespace } },
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: operatorAccount, namespace: operatorNamespace },
  },
  { apiVersion: `${role}/v1`, kind: 'ClusterRole', metadata: { name: operatorRole }, rules },
  {
    apiVersion: `${role}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: operatorRole },
    roleRef: { apiGroup: role, kind: 'ClusterRole', name: operatorRole },
    subjects: [{ kind: 'ServiceAccount', name: operatorAccount, namespace: operatorNamespace }],
  },
];

/** Makes the account and a kubeconfig with its token. @returns path of the kubeconfig */
async function makeAccount({ access, folder }: OperatorArgs): Promise<string> {
  await apply(access, account);
  const token = await access.core.createNamespacedServiceAccountToken({
    name: operatorAccount,
    namespace: operatorNamespace,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [], expirationSeconds: tokenSeconds },
    },
  });
  const directory = join(folder, 'kubeconfigs');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const tokenFile = join(directory, 'external-secrets.token');
  writeFileSync(tokenFile, token.status?.token ?? '', { mode: 0o600 });
  chmodSync(tokenFile, 0o600);
  const path = join(directory, 'external-secrets');
  const { server = '', caData } = access.config.getCurrentCluster() ?? {};
  const authority = caData && Buffer.from(caData, 'base64').toString();
  writeTokenKubeconfig(path, { server, ...(authority && { authority }) }, tokenFile);
  return path;
}

export async function startOperator(args: OperatorArgs): Promise<ServerRecord> {
  await installDefinitions(args.access, args.crds);
  const kubeconfig = await makeAccount(args);
  // The address towards the enclosure is this rehearsal's alone, so the port is free.
  const live = `${args.enclosure?.hostAddress ?? '127.0.0.1'}:8082`;
  const options = {
    'live-addr': live,
    'metrics-addr': '0',
    'enable-leader-election': 'false',
    'enable-cluster-store-reconciler': 'false',
    'enable-cluster-external-secret-reconciler': 'false',
    'enable-cluster-push-secret-reconciler': 'false',
    'enable-push-secret-reconciler': 'false',
    loglevel: 'info',
    'zap-time-encoding': 'rfc3339',
  };
  const command = [args.binary, ...flags(options)];
  const enclosed = args.enclosure && [
    ...[programOf('nsenter', 'util-linux'), '--target', `${args.enclosure.record.pid}`, '--pid'],
    ...command,
  ];
  return await args.servers.start({
    name: 'external-secrets',
    command: enclosed ?? command,
    forks: enclosed !== undefined,
    environment: {
      KUBECONFIG: kubeconfig,
      ...(args.awsEndpoint !== undefined && {
        AWS_STS_ENDPOINT: args.awsEndpoint,
        AWS_SECRETSMANAGER_ENDPOINT: args.awsEndpoint,
      }),
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    healthy: async () => (await fetch(`http://${live}/healthz`)).ok,
    seconds: 60,
  });
}
