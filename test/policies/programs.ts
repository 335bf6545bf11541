/** For each rule a small program that keeps it, and those that break it, each in another way. */
import { stringify } from 'yaml';
import type { Resource } from '../../policies/resource.ts';

export interface Programs {
  readonly passing: readonly Resource[];
  readonly failing: readonly (readonly Resource[])[];
}

/** A value that a program delivers, and that must stand nowhere else. */
export const planted = 'planted-value-7f3a9c2e5b';

function made(type: string, props: Record<string, unknown>, protect = false): Resource {
  return { type, name: 'made', props, protect };
}

const object = (kind: string, fields: Record<string, unknown>): Resource =>
  made(`kubernetes:x/v1:${kind}`, {
    kind,
    metadata: {
      labels: {
        'app.kubernetes.io/instance': 'prod',
        'app.kubernetes.io/part-of': 'x',
        'app.kubernetes.io/managed-by': 'x',
      },
    },
    ...fields,
  });
const inGit = (document: object, path = 'prod/x.yaml'): Resource =>
  made('hummingbot:index:GitFile', { path, content: stringify(document) });
const file = (path: string, content: string, mode = '0600'): Resource =>
  made('hummingbot:index:File', { path, content, mode });
const compose = (service: object, more: object = {}): Resource =>
  file('prod/compose.yaml', stringify({ name: 'x', services: { bot: service }, ...more }));
const delivered = file('prod/secrets/trading/binance_api_key', planted, '0400');

const container = {
  image: `x:1@sha256:${'0a'.repeat(32)}`,
  env: [{ name: 'BINANCE_API_KEY_FILE', value: '/etc/secrets/x' }],
  securityContext: {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  resources: { limits: { cpu: '1', memory: '1Gi' } },
  volumeMounts: [{ name: 'keys', mountPath: '/x', readOnly: true }],
};
const podSpec = {
  automountServiceAccountToken: false,
  terminationGracePeriodSeconds: 120,
  securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
  containers: [container],
  volumes: [{ name: 'keys', secret: { secretName: 'x', defaultMode: 0o400, items: [] } }],
};
const pod = (spec: object = {}): Resource => object('Pod', { spec: { ...podSpec, ...spec } });
const podOf = (changed: object): Resource => pod({ containers: [{ ...container, ...changed }] });
const podWith = (security: object): Resource =>
  podOf({ securityContext: { ...container.securityContext, ...security } });
const deployment = (spec: object = {}): Resource =>
  object('Deployment', {
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      template: { metadata: { annotations: { 'hummingbot-secrets/tags': '{}' } }, spec: podSpec },
      ...spec,
    },
  });
const role = (rule: object, kind = 'Role'): Resource =>
  object(kind, {
    rules: [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['x'], verbs: ['get'], ...rule },
    ],
  });
const service = {
  image: 'x:1',
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  stop_grace_period: '2m',
};
const swarm = (spec: object = {}, more: object = {}): Resource =>
  made('docker:index/service:Service', {
    mode: { replicated: { replicas: 1 } },
    taskSpec: {
      containerSpec: {
        image: container.image,
        capDrops: ['ALL'],
        stopGracePeriod: '2m',
        labels: [{ label: 'hummingbot-secrets.trading-tag', value: 'abcdefghij' }],
        ...spec,
      },
    },
    updateConfig: { order: 'stop-first' },
    ...more,
  });
const document = (...Statement: readonly object[]): string => JSON.stringify({ Statement });
const deny = {
  Effect: 'Deny',
  Principal: '*',
  Action: ['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue'],
  Resource: '*',
  Condition: { ArnNotLike: { 'aws:PrincipalArn': ['arn:aws:iam::210987654321:role/x'] } },
};
const secretPolicy = (policy: string, more: object = {}): Resource =>
  made('aws:secretsmanager/secretPolicy:SecretPolicy', {
    policy,
    blockPublicPolicy: true,
    ...more,
  });
const grant = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: 'arn:aws:x' };
const rolePolicy = (statement: object): Resource =>
  made('aws:iam/rolePolicy:RolePolicy', { policy: document({ ...grant, ...statement }) });
const awsSecret = (props: object = {}, protect = true): Resource =>
  made(
    'aws:secretsmanager/secret:Secret',
    {
      kmsKeyId: 'x',
      recoveryWindowInDays: 30,
      tags: { environment: 'prod', owner: 'platform', 'max-age-days': '90' },
      ...props,
    },
    protect,
  );
const vaultPolicy = (policy: string): Resource => made('vault:index/policy:Policy', { policy });
const vaultRole = (props: object = {}): Resource =>
  made('vault:kubernetes/authBackendRole:AuthBackendRole', {
    boundServiceAccountNames: ['x'],
    boundServiceAccountNamespaces: ['x'],
    audience: 'x',
    tokenNoDefaultPolicy: true,
    tokenTtl: 300,
    tokenMaxTtl: 300,
    ...props,
  });
const vaultSecret = (props: object = {}): Resource =>
  made(
    'vault:kv/secretV2:SecretV2',
    {
      options: { cas: '1' },
      customMetadata: { casRequired: true, data: { owner: 'x', 'max-age-days': '90' } },
      deleteAllVersions: false,
      ...props,
    },
    true,
  );
const externalSecret = (spec: object = {}, more: object = {}): Resource =>
  made('kubernetes:external-secrets.io/v1:ExternalSecret', {
    apiVersion: 'external-secrets.io/v1',
    metadata: {
      labels: object('X', {}).props.metadata,
      annotations: { 'hummingbot-secrets/tag': 'abcdefghij' },
    },
    spec: {
      refreshPolicy: 'OnChange',
      secretStoreRef: { kind: 'SecretStore' },
      target: { deletionPolicy: 'Retain', creationPolicy: 'Owner', immutable: true },
      data: [{ remoteRef: { key: 'x', property: 'y', version: 'uuid/1' } }],
      ...spec,
    },
    ...more,
  });
const sealed = (fields: object = {}): Resource =>
  inGit({
    kind: 'SealedSecret',
    spec: { encryptedData: { x: 'A'.repeat(400) }, template: {} },
    ...fields,
  });
const networkPolicy = (spec: object): Resource => object('NetworkPolicy', { spec });
const closed = networkPolicy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
const internet = {
  to: [
    {
      ipBlock: {
        cidr: '0.0.0.0/0',
        except: ['169.254.0.0/16', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
      },
    },
  ],
  ports: [{ port: 443 }],
};
const binding = (fields: object = {}, kind = 'RoleBinding'): Resource =>
  object(kind, { roleRef: { kind: 'Role' }, subjects: [{ kind: 'User', name: 'x' }], ...fields });
const restricted = Object.fromEntries(
  ['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
);
const quota = object('ResourceQuota', { spec: { hard: { pods: '10' } } });
const limits = object('LimitRange', {});

export const programs: Readonly<Record<string, Programs>> = {
  'value-in-environment': {
    passing: [delivered, pod()],
    failing: [
      [delivered, podOf({ env: [{ name: 'X', value: planted }] })],
      [delivered, podOf({ env: [{ name: 'X', value: Buffer.from(planted).toString('base64') }] })],
      [delivered, compose({ ...service, environment: { X: `key=${planted}` } })],
      // The place before the value.
      [swarm({ env: { X: planted } }), delivered],
    ],
  },
  'value-in-config-map': {
    passing: [delivered, object('ConfigMap', { data: { x: 'y' } })],
    failing: [
      [delivered, object('ConfigMap', { data: { x: `{"key":"${planted}"}` } })],
      [delivered, object('ConfigMap', { data: { [planted]: 'x' } })],
      [
        delivered,
        made('docker:index/serviceConfig:ServiceConfig', {
          data: Buffer.from(`key = ${planted}\n`).toString('base64'),
          labels: [{ label: 'hummingbot-secrets.stack', value: 'prod' }],
        }),
      ],
    ],
  },
  'value-in-metadata': {
    passing: [delivered, object('Namespace', { metadata: { labels: restricted } })],
    failing: [
      [delivered, made('random:index/randomId:RandomId', { keepers: { x: planted } })],
      [delivered, object('Secret', { metadata: { annotations: { x: planted } } })],
      [delivered, object('Secret', { metadata: { labels: { [planted]: 'x' } } })],
      [delivered, awsSecret({ description: `with ${planted}` })],
    ],
  },
  'value-in-command': {
    passing: [delivered, podOf({ command: ['x'] })],
    failing: [
      [delivered, podOf({ command: ['x', `--key=${planted}`] })],
      [delivered, podOf({ readinessProbe: { exec: { command: ['x', planted] } } })],
      [delivered, compose({ ...service, entrypoint: ['x', planted] })],
      [delivered, swarm({ healthcheck: { tests: ['CMD', planted] } })],
    ],
  },
  'value-in-file': {
    passing: [delivered, file('prod/bot/x.json', '{}')],
    failing: [
      [delivered, file('prod/bot/x.json', JSON.stringify({ x: planted }))],
      [delivered, inGit({ kind: 'Secret', stringData: { x: planted } })],
      [delivered, vaultPolicy(`# ${planted}`)],
    ],
  },
  'secret-by-reference': {
    passing: [
      pod(),
      compose({ ...service, environment: { BINANCE_API_KEY: '${BINANCE_API_KEY:?unset}' } }),
    ],
    failing: [
      [podOf({ env: [{ name: 'BINANCE_API_KEY', value: 'x' }] })],
      [podOf({ env: [{ name: 'SOME_PASSWORD', value: 'x' }] })],
      [compose({ ...service, environment: ['KRAKEN_SECRET_KEY=x'] })],
    ],
  },
  'generated-is-long': {
    passing: [made('random:index/randomPassword:RandomPassword', { length: 32 })],
    failing: [[made('random:index/randomPassword:RandomPassword', { length: 12 })]],
  },
  'secrets-by-name': {
    passing: [role({})],
    failing: [
      [role({ verbs: ['get', 'list'] })],
      [role({ verbs: ['watch'] })],
      [role({ verbs: ['*'] })],
      [role({ resourceNames: [] })],
      [role({ resources: ['*'] }, 'ClusterRole')],
      [role({}, 'ClusterRole')],
      [inGit({ kind: 'Role', rules: [{ resources: ['secrets'], verbs: ['list'] }] })],
    ],
  },
  'narrow-rights': {
    passing: [role({}), role({ resources: ['serviceaccounts/token'], verbs: ['create'] })],
    failing: [
      [role({ resources: ['*'] })],
      [role({ apiGroups: ['*'] })],
      [role({ resources: ['pods'], verbs: ['create'] })],
      [role({ resources: ['pods/exec'], verbs: ['create'] })],
      [role({ resources: ['roles'], verbs: ['escalate'] })],
      [role({ resources: ['serviceaccounts/token'], verbs: ['create'], resourceNames: [] })],
      [object('ClusterRole', { aggregationRule: { clusterRoleSelectors: [{}] } })],
    ],
  },
  'rights-in-namespace': {
    passing: [binding()],
    failing: [
      [binding({}, 'ClusterRoleBinding')],
      [binding({ roleRef: { kind: 'ClusterRole' } })],
      [binding({ subjects: [{ kind: 'Group', name: 'system:serviceaccounts' }] })],
    ],
  },
  'no-token': {
    passing: [pod(), object('ServiceAccount', { automountServiceAccountToken: false })],
    failing: [
      [object('ServiceAccount', {})],
      [pod({ automountServiceAccountToken: true })],
      [pod({ volumes: [{ projected: { sources: [{ serviceAccountToken: {} }] } }] })],
    ],
  },
  'restricted-namespace': {
    passing: [object('Namespace', { metadata: { labels: restricted } })],
    failing: [
      [object('Namespace', {})],
      [
        object('Namespace', {
          metadata: { labels: { ...restricted, 'pod-security.kubernetes.io/enforce': 'baseline' } },
        }),
      ],
    ],
  },
  'bounded-namespace': {
    passing: [pod(), quota, limits],
    failing: [
      [pod(), limits],
      [pod(), quota],
      [pod(), object('ResourceQuota', {}), limits],
    ],
  },
  'confined-pod': {
    passing: [pod()],
    failing: [
      [pod({ hostNetwork: true })],
      [pod({ hostPID: true })],
      [pod({ hostIPC: true })],
      [pod({ volumes: [{ hostPath: { path: '/' } }] })],
      [pod({ securityContext: {} })],
      [podWith({ runAsNonRoot: undefined })],
      [podWith({ runAsUser: 0 })],
      [podWith({ allowPrivilegeEscalation: true })],
      [podWith({ privileged: true })],
      [podWith({ readOnlyRootFilesystem: false })],
      [podWith({ capabilities: { drop: ['NET_RAW'] } })],
      [podWith({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } })],
      [podOf({ ports: [{ hostPort: 80 }] })],
      [
        object('CronJob', {
          spec: { jobTemplate: { spec: { template: { spec: { containers: [{}] } } } } },
        }),
      ],
    ],
  },
  'limited-container': {
    passing: [pod()],
    failing: [[podOf({ resources: { limits: { cpu: '1' } } })], [podOf({ resources: undefined })]],
  },
  'secret-mounts': {
    passing: [pod()],
    failing: [
      [pod({ volumes: [{ name: 'keys', secret: { defaultMode: 0o444, items: [] } }] })],
      [pod({ volumes: [{ name: 'keys', secret: { defaultMode: 0o400 } }] })],
      [podOf({ volumeMounts: [{ name: 'keys' }] })],
      [pod({ volumes: [{ name: 'conf', emptyDir: {} }] })],
      [swarm({ secrets: [{ fileMode: 0o444 }] })],
    ],
  },
  'confined-service': {
    passing: [compose(service), swarm()],
    failing: [
      [compose({ ...service, cap_drop: [] })],
      [compose({ ...service, cap_add: ['SYS_ADMIN'] })],
      [compose({ ...service, security_opt: [] })],
      [compose({ ...service, privileged: true })],
      [compose({ ...service, pid: 'host' })],
      [compose({ ...service, volumes: ['/var/run/docker.sock:/x'] })],
      [compose({ ...service, ports: ['80:80'] })],
      [swarm({ capDrops: [] })],
      [swarm({ mounts: [{ source: '/var/run/docker.sock' }] })],
      [swarm({}, { endpointSpec: { ports: [{}] } })],
    ],
  },
  'closed-network': {
    passing: [deployment(), closed],
    failing: [
      [deployment()],
      [deployment(), networkPolicy({ podSelector: {}, policyTypes: ['Ingress'] })],
      [
        deployment(),
        networkPolicy({
          podSelector: { matchLabels: { a: 'b' } },
          policyTypes: ['Ingress', 'Egress'],
        }),
      ],
      [
        deployment(),
        networkPolicy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'], egress: [{}] }),
      ],
    ],
  },
  'named-destinations': {
    passing: [networkPolicy({ egress: [internet] })],
    failing: [
      [networkPolicy({ egress: [{ ports: [{ port: 443 }] }] })],
      [networkPolicy({ egress: [{ to: internet.to }] })],
      [networkPolicy({ egress: [{ ...internet, to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] })],
      [networkPolicy({ ingress: [{ ports: [{ port: 1 }] }] })],
    ],
  },
  'one-bot': {
    passing: [deployment(), compose(service), swarm()].slice(0, 1),
    failing: [
      [deployment({ replicas: 2 })],
      [deployment({ strategy: { type: 'RollingUpdate' } })],
      [deployment({ strategy: undefined })],
      [object('DaemonSet', {})],
      [object('HorizontalPodAutoscaler', {})],
      [object('PersistentVolumeClaim', { spec: { accessModes: ['ReadWriteMany'] } })],
      [compose({ ...service, scale: 2 })],
      [swarm({}, { mode: { global: true } })],
      [swarm({}, { mode: { replicated: { replicas: '2' } } })],
      [swarm({}, { updateConfig: {} })],
      [deployment(), swarm()],
    ],
  },
  'time-to-stop': {
    passing: [pod(), compose(service), swarm({ stopGracePeriod: '1m30s' })],
    failing: [
      [pod({ terminationGracePeriodSeconds: 30 })],
      [pod({ terminationGracePeriodSeconds: undefined })],
      [compose({ ...service, stop_grace_period: '10s' })],
      [swarm({ stopGracePeriod: undefined })],
    ],
  },
  'pinned-image': {
    passing: [pod(), compose(service)],
    failing: [
      [podOf({ image: 'x:1' })],
      [podOf({ image: 'x' })],
      [podOf({ image: 'x:latest' })],
      [compose({ ...service, image: 'x:latest' })],
      [swarm({ image: 'registry.example:5000/x' })],
    ],
  },
  'own-key': {
    passing: [made('aws:kms/key:Key', { enableKeyRotation: true }), awsSecret()],
    failing: [
      [made('aws:kms/key:Key', {})],
      [made('aws:kms/key:Key', { enableKeyRotation: true, isEnabled: false })],
      [awsSecret({ kmsKeyId: undefined })],
    ],
  },
  'recovery-window': {
    passing: [awsSecret(), made('aws:kms/key:Key', { deletionWindowInDays: 7 })],
    failing: [
      [awsSecret({ recoveryWindowInDays: 0 })],
      [made('aws:kms/key:Key', { deletionWindowInDays: 1 })],
    ],
  },
  'readers-denied': {
    passing: [awsSecret(), secretPolicy(document(deny))],
    failing: [
      [awsSecret()],
      [secretPolicy(document())],
      [secretPolicy('no JSON')],
      [secretPolicy(document(deny), { blockPublicPolicy: false })],
      [secretPolicy(document({ ...deny, Effect: 'Allow' }))],
      [secretPolicy(document({ ...deny, Action: deny.Action.slice(0, 1) }))],
      [secretPolicy(document({ ...deny, Condition: undefined }))],
      [secretPolicy(document({ ...deny, Condition: { ArnNotLike: { 'aws:PrincipalArn': '*' } } }))],
      [secretPolicy(document({ ...deny, Condition: { ArnLike: { 'aws:PrincipalArn': 'x' } } }))],
      [secretPolicy(document(deny, { Effect: 'Allow', Principal: '*', Action: 'x' }))],
    ],
  },
  'narrow-iam': {
    passing: [rolePolicy({})],
    failing: [
      [rolePolicy({ Action: 'secretsmanager:*' })],
      [rolePolicy({ Resource: '*' })],
      [rolePolicy({ Action: 'kms:Decrypt' })],
      [rolePolicy({ NotAction: 'x', Action: undefined })],
      [made('aws:iam/rolePolicy:RolePolicy', { policy: 'no JSON' })],
      [
        made('aws:iam/role:Role', {
          assumeRolePolicy: document({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }),
        }),
      ],
      [
        made('aws:iam/role:Role', {
          assumeRolePolicy: document({
            Effect: 'Allow',
            Principal: { Federated: 'x' },
            Action: 'sts:AssumeRoleWithWebIdentity',
            Condition: { StringLike: { 'x:sub': '*' }, StringEquals: { 'x:aud': 'sts' } },
          }),
        }),
      ],
      [
        made('aws:kms/key:Key', {
          policy: document({ Effect: 'Allow', Principal: '*', Action: 'kms:*' }),
        }),
      ],
    ],
  },
  'own-account': {
    passing: [
      made('pulumi:providers:aws', { allowedAccountIds: '["210987654321"]' }),
      made('pulumi:providers:kubernetes', { clusterIdentifier: 'x', kubeconfig: 'x' }),
    ],
    failing: [
      [made('pulumi:providers:aws', {})],
      [made('pulumi:providers:aws', { allowedAccountIds: ['1', '2'] })],
      [made('pulumi:providers:kubernetes', { kubeconfig: 'x' })],
    ],
  },
  'kept-from-deletion': {
    passing: [awsSecret()],
    failing: [
      [awsSecret({}, false)],
      [made('aws:kms/key:Key', {})],
      [made('kubernetes:core/v1:Namespace', {})],
    ],
  },
  'narrow-vault-policy': {
    passing: [
      vaultPolicy(
        'path "secret/data/x/trading" {\n capabilities = ["read"]\n}\npath "auth/token/revoke-self" {\n capabilities = ["update"]\n}\n',
      ),
    ],
    failing: [
      [vaultPolicy('path "secret/data/x/*" { capabilities = ["read"] }')],
      [vaultPolicy('path "secret/data/+/x" { capabilities = ["read"] }')],
      [vaultPolicy('path "secret/data/x" { capabilities = ["read", "delete"] }')],
      [vaultPolicy('nothing')],
    ],
  },
  'bound-vault-role': {
    passing: [vaultRole()],
    failing: [
      [vaultRole({ boundServiceAccountNames: ['*'] })],
      [vaultRole({ boundServiceAccountNamespaces: [] })],
      [vaultRole({ audience: undefined })],
      [vaultRole({ tokenNoDefaultPolicy: false })],
      [vaultRole({ tokenTtl: 86_400 })],
      [vaultRole({ tokenMaxTtl: undefined })],
    ],
  },
  'checked-writes': {
    passing: [vaultSecret()],
    failing: [
      [vaultSecret({ options: {} })],
      [vaultSecret({ customMetadata: {} })],
      [vaultSecret({ deleteAllVersions: true })],
    ],
  },
  'pinned-sync': {
    passing: [externalSecret()],
    failing: [
      [externalSecret({}, { apiVersion: 'external-secrets.io/v1beta1' })],
      [externalSecret({ secretStoreRef: { kind: 'ClusterSecretStore' } })],
      [externalSecret({ dataFrom: [{ find: {} }] })],
      [
        externalSecret({
          target: { deletionPolicy: 'Delete', creationPolicy: 'Owner', immutable: true },
        }),
      ],
      [externalSecret({ target: { deletionPolicy: 'Retain', creationPolicy: 'Owner' } })],
      [externalSecret({ data: [{ remoteRef: { key: 'x', property: 'y' } }] })],
      [externalSecret({ data: [{ remoteRef: { key: 'x', version: 'z' } }] })],
      [made('kubernetes:external-secrets.io/v1:ClusterSecretStore', {})],
      [
        made('kubernetes:external-secrets.io/v1:SecretStore', {
          apiVersion: 'external-secrets.io/v1',
          spec: { provider: { x: { serviceAccountRef: { name: 'x', namespace: 'y' } } } },
        }),
      ],
    ],
  },
  'strict-seal': {
    passing: [sealed()],
    failing: [
      [
        sealed({
          metadata: { annotations: { 'sealedsecrets.bitnami.com/namespace-wide': 'true' } },
        }),
      ],
      [sealed({ spec: { encryptedData: { x: 'short' }, template: {} } })],
      [sealed({ spec: { encryptedData: { x: 'A'.repeat(400) }, template: { data: { y: 'z' } } } })],
      [sealed({ spec: {} })],
    ],
  },
  'sealed-in-git': {
    passing: [
      made('hummingbot:index:SopsDocument', { recipients: ['x'], manifest: '{"kind":"Secret"}' }),
      inGit(
        { creation_rules: [{ path_regex: 'x', encrypted_regex: '^(data|stringData)$', age: 'x' }] },
        'prod/.sops.yaml',
      ),
    ],
    failing: [
      [inGit({ kind: 'Secret', data: {} })],
      [made('hummingbot:index:SopsDocument', { recipients: [], manifest: '{"kind":"Secret"}' })],
      [
        made('hummingbot:index:SopsDocument', {
          recipients: ['x'],
          manifest: '{"kind":"ConfigMap"}',
        }),
      ],
      [inGit({ creation_rules: [{ path_regex: 'x', age: 'x' }] }, 'prod/.sops.yaml')],
      [
        inGit(
          { creation_rules: [{ encrypted_regex: '^(data|stringData)$', age: 'x' }] },
          'prod/.sops.yaml',
        ),
      ],
      [
        inGit(
          { creation_rules: [{ path_regex: 'x', encrypted_regex: '^(data|stringData)$' }] },
          'prod/.sops.yaml',
        ),
      ],
    ],
  },
  'closed-files': {
    passing: [delivered, file('prod/x', ''), made('hummingbot:index:File', { path: 'x' })],
    failing: [
      [file('prod/x', '', '0644')],
      [file('prod/x', '', '0440')],
      [file('prod/x', '', 'rw')],
    ],
  },
  'own-environment': {
    passing: [awsSecret({ name: 'hummingbot-prod/trading' }), file('prod/secrets/trading/x', '')],
    failing: [
      [awsSecret({ name: 'hummingbot/staging/trading' })],
      [file('dev/secrets/trading/x', '')],
      [object('Namespace', { metadata: { name: 'hummingbot-dev' } })],
      [
        rolePolicy({
          Resource: 'arn:aws:secretsmanager:us-east-1:210987654321:secret:staging/trading',
        }),
      ],
      [vaultPolicy('path "secret/data/dev/trading" { capabilities = ["read"] }')],
      [inGit({ kind: 'Role', metadata: { namespace: 'dev' } })],
    ],
  },
  'owner-and-age': {
    passing: [awsSecret(), vaultSecret()],
    failing: [
      [awsSecret({ tags: { environment: 'prod', 'max-age-days': '90' } })],
      [awsSecret({ tags: { owner: 'x', 'max-age-days': '0' } })],
      [vaultSecret({ customMetadata: { casRequired: true, data: { owner: 'x' } } })],
    ],
  },
  'says-its-stack': {
    passing: [pod(), awsSecret()],
    failing: [
      [object('Pod', { metadata: {} })],
      [
        object('Pod', {
          metadata: { labels: { ...restricted, 'app.kubernetes.io/instance': 'other' } },
        }),
      ],
      [made('docker:index/secret:Secret', { labels: [] })],
      [
        made('docker:index/secret:Secret', {
          labels: [{ label: 'hummingbot-secrets.stack', value: 'other' }],
        }),
      ],
      [awsSecret({ tags: { environment: 'staging' } })],
    ],
  },
  'tagged-secret': {
    passing: [externalSecret(), deployment(), swarm()],
    failing: [
      [externalSecret({}, { metadata: {} })],
      [object('Secret', { data: {} })],
      [sealed()],
      [deployment({ template: { spec: podSpec } })],
      [
        made('docker:index/secret:Secret', {
          labels: [{ label: 'hummingbot-secrets.tag', value: 'x' }],
        }),
      ],
      [swarm({ labels: [] })],
    ],
  },
};
