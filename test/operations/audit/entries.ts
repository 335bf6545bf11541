/** Log entries as the systems write them, and settings that expect some of them. */
import type { Reader } from '../../../components/systems.ts';
import type { Expecting } from '../../../operations/audit/judge.ts';

export const account = '210987654321';
export const role = (name: string): string => `arn:aws:iam::${account}:role/${name}`;
export const readerRole = 'hummingbot-prod-secrets-reader';

export const expecting: Expecting = {
  namespace: 'hummingbot',
  readers: {
    trading: [{ kind: 'User', name: 'ann' }],
    monitoring: [
      { kind: 'Group', name: 'oncall' },
      { kind: 'ServiceAccount', namespace: 'watch', name: 'alertmanager' },
    ],
  },
  administrators: { subjects: [{ kind: 'User', name: 'deployer' }], principals: [role('admin')] },
  aws: {
    account,
    region: 'us-east-1',
    issuer: 'https://issuer.example',
    readerRole,
    deployRoles: [role('deploy')],
    breakGlassRoles: [role('glass')],
    recoveryWindowDays: 30,
  },
  vault: { readerRole, auth: 'kubernetes' },
};
export const operators: readonly Reader[] = [
  { kind: 'ServiceAccount', namespace: 'external-secrets', name: 'external-secrets' },
];

interface More {
  readonly groups?: readonly string[];
  readonly code?: number;
  readonly namespace?: string | undefined;
  readonly at?: string;
}

export function kubernetesEntry(
  verb: string,
  name: string,
  username: string,
  more: More = {},
): object {
  const {
    groups = ['system:authenticated'],
    code = 200,
    at = '2026-11-27T10:00:00.000000Z',
  } = more;
  const namespace = 'namespace' in more ? more.namespace : 'hummingbot';
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: '0000',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/hummingbot/secrets',
    verb,
    user: { username, groups },
    sourceIPs: ['10.0.0.1'],
    objectRef: {
      resource: 'secrets',
      apiVersion: 'v1',
      ...(namespace && { namespace }),
      ...(name && { name }),
    },
    responseStatus: { code },
    requestReceivedTimestamp: at,
    stageTimestamp: at,
  };
}

export function vaultEntry(
  path: string,
  name: string,
  policies: readonly string[],
  more: object = {},
): object {
  return {
    time: '2026-11-27T10:00:00.123Z',
    type: 'response',
    auth: { display_name: name, policies, client_token: 'hmac-sha256:00' },
    request: { operation: 'read', path, remote_address: '10.0.0.2' },
    response: { data: { data: { kraken_api_key: 'hmac-sha256:11' }, metadata: { version: 1 } } },
    ...more,
  };
}

/** Of the operator, as the auth method kubernetes signs it in. */
export const operatorAuth = {
  display_name: 'kubernetes-hummingbot-hummingbot-secrets-reader',
  policies: [readerRole],
  metadata: {
    role: readerRole,
    service_account_name: 'hummingbot-secrets-reader',
    service_account_namespace: 'hummingbot',
    service_account_secret_name: '',
    service_account_uid: '6f1d2c3b-0000-4000-8000-000000000000',
  },
  client_token: 'hmac-sha256:00',
} as const;

export function trailRecord(
  eventName: string,
  who: object,
  requestParameters: object,
  more: object = {},
): object {
  return {
    eventVersion: '1.11',
    eventTime: '2026-11-27T10:00:00Z',
    eventSource: 'secretsmanager.amazonaws.com',
    eventName,
    awsRegion: 'us-east-1',
    sourceIPAddress: '10.0.0.3',
    userIdentity: who,
    requestParameters,
    responseElements: null,
    ...more,
  };
}

export function session(name: string): object {
  return {
    type: 'AssumedRole',
    arn: `arn:aws:sts::${account}:assumed-role/${name}/s`,
    sessionContext: { sessionIssuer: { type: 'Role', arn: role(name) } },
  };
}
