/**
 * Ways out of the stack's secrets through the External Secrets Operator, each with the barrier that
 * stops it. Mallory owns a namespace of her own, all rights in it. Ivan may make ExternalSecrets,
 * and nothing else, in the stack's. The administrator tries what nobody else may even make.
 */

/** What an attempt needs to know of the stack. */
export interface Facts {
  /** Name of the versioned Secret of now. */
  readonly trading: string;
  /** ARN of the role that the operator takes. */
  readonly role: string;
  readonly apiServer: string;
}

export type Person = 'mallory' | 'ivan' | 'ann' | 'deployer';

/**
 * `forbidden`: the API server takes one of the objects from nobody like them. `refused`: the
 * operator says no. `ignored`: it never looks. `denied`: AWS would say no, where the rehearsal's
 * gives everything. `succeeds`: nothing of this stack stops it.
 */
export type End = 'forbidden' | 'refused' | 'ignored' | 'denied' | 'succeeds';

/** What the operator asks of AWS, and would be denied. */
export interface AwsAttempt {
  readonly action: string;
  /** Name of a secret or ARN of a role; undefined is none. */
  readonly about?: string;
  /** Account of the token, where it is one that is asked with. */
  readonly subject?: string;
}

export interface Attempt {
  readonly name: string;
  readonly by: Person;
  readonly ends: End;
  /** What stops it, and whatever stands behind. */
  readonly barrier: string;
  /** Why: of the API server's refusal, or of the operator's event. */
  readonly says?: RegExp;
  readonly aws?: AwsAttempt;
  /** Made in this order. The last is the one that is looked at. */
  readonly objects: readonly object[];
}

export const own = 'intruder';
const ours = 'hummingbot';
const store = { name: 'aws-secrets-manager', kind: 'SecretStore' };
/** Secrets in AWS that are not of this stack. */
export const foreign = ['other/app', 'staging/trading'] as const;

const eso = 'external-secrets.io/v1';

function externalSecret(name: string, namespace: string, spec: object): object {
  const common = { refreshInterval: '1h0m0s', target: { name } };
  return {
    apiVersion: eso,
    kind: 'ExternalSecret',
    metadata: { name, namespace },
    spec: { ...common, ...spec },
  };
}

function secretStore(name: string, provider: object, kind = 'SecretStore'): object {
  const namespace = kind === 'SecretStore' ? own : undefined;
  return {
    apiVersion: eso,
    kind,
    metadata: { name, ...(namespace && { namespace }) },
    spec: { provider },
  };
}

/** A store of hers, and what she makes of it. */
const harmless = secretStore('hers', { fake: { data: [{ key: 'k', value: 'hers' }] } });
const hers = {
  secretStoreRef: { name: 'hers', kind: 'SecretStore' },
  data: [{ secretKey: 'k', remoteRef: { key: 'k' } }],
};
const templated = (name: string, template: object): readonly object[] => [
  harmless,
  externalSecret(name, own, { ...hers, target: { name, template } }),
];

/** The value that she is after. */
const wanted = [
  { secretKey: 'v', remoteRef: { key: 'hummingbot/trading', property: 'kraken_api_key' } },
];

/** Her service account with our role, and a store that signs in as it. */
const disguised = (name: string, role: string): readonly object[] => [
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: own, annotations: { 'eks.amazonaws.com/role-arn': role } },
  },
  secretStore(name, aws({ jwt: { serviceAccountRef: { name } } })),
  externalSecret(name, own, { secretStoreRef: { name, kind: 'SecretStore' }, data: wanted }),
];

function aws(auth?: object, more: object = {}): object {
  return {
    aws: { service: 'SecretsManager', region: 'us-east-1', ...(auth && { auth }), ...more },
  };
}

/** Lets the operator make tokens of one of her accounts, as she may. */
const tokensOf = (name: string): readonly object[] => {
  const metadata = { name: `tokens-of-${name}`, namespace: own };
  const apiGroup = 'rbac.authorization.k8s.io';
  return [
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'Role',
      metadata,
      rules: [
        {
          apiGroups: [''],
          resources: ['serviceaccounts/token'],
          resourceNames: [name],
          verbs: ['create'],
        },
      ],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup, kind: 'Role', name: metadata.name },
      subjects: [
        { kind: 'ServiceAccount', name: 'external-secrets', namespace: 'external-secrets' },
      ],
    },
  ];
};

const byOurStore = (name: string, spec: object): object =>
  externalSecret(name, ours, { secretStoreRef: store, ...spec });

/** @param facts of the stack that is up */
export function attempts({ trading, role, apiServer }: Facts): readonly Attempt[] {
  return [
    {
      name: 'names our SecretStore from her namespace',
      by: 'mallory',
      ends: 'refused',
      barrier: 'namespace: a SecretStore serves its own',
      says: /could not get SecretStore "aws-secrets-manager"/u,
      objects: [externalSecret('by-name', own, { secretStoreRef: store, data: wanted })],
    },
    {
      name: 'makes a ClusterSecretStore',
      by: 'mallory',
      ends: 'forbidden',
      barrier: 'RBAC',
      says: /clustersecretstores/u,
      objects: [secretStore('for-all', aws(), 'ClusterSecretStore')],
    },
    {
      name: 'uses a ClusterSecretStore with our account, made by an administrator',
      by: 'deployer',
      ends: 'ignored',
      barrier: 'flag --enable-cluster-store-reconciler=false; RBAC of the operator',
      objects: [
        secretStore(
          'of-administrator',
          aws({
            jwt: { serviceAccountRef: { name: 'hummingbot-secrets-reader', namespace: ours } },
          }),
          'ClusterSecretStore',
        ),
        externalSecret('by-cluster-store', own, {
          secretStoreRef: { name: 'of-administrator', kind: 'ClusterSecretStore' },
          data: wanted,
        }),
      ],
    },
    {
      name: 'takes our role with an account of hers',
      by: 'mallory',
      ends: 'refused',
      barrier: 'RBAC: the operator makes tokens of our account alone; then the trust policy',
      says: /cannot create resource "serviceaccounts\/token"/u,
      objects: disguised('thief', role),
    },
    {
      name: 'takes our role with an account of hers, whose tokens the operator may make',
      by: 'mallory',
      ends: 'denied',
      barrier: 'IAM: the trust policy names one account of one namespace',
      aws: {
        action: 'sts.AssumeRoleWithWebIdentity',
        about: role,
        subject: `system:serviceaccount:${own}:thief-with-token`,
      },
      objects: [...tokensOf('thief-with-token'), ...disguised('thief-with-token', role)],
    },
    {
      name: 'names our account by its namespace',
      by: 'mallory',
      ends: 'refused',
      barrier: 'namespace: a SecretStore has no account but of its own',
      says: /ServiceAccount "hummingbot-secrets-reader" not found|namespace/iu,
      objects: [
        secretStore(
          'our-account',
          aws({
            jwt: { serviceAccountRef: { name: 'hummingbot-secrets-reader', namespace: ours } },
          }),
        ),
        externalSecret('our-account', own, {
          secretStoreRef: { name: 'our-account', kind: 'SecretStore' },
          data: wanted,
        }),
      ],
    },
    {
      name: 'takes credentials out of a Secret of ours',
      by: 'mallory',
      ends: 'refused',
      barrier: 'namespace: a SecretStore has no Secret but of its own',
      says: /cannot get Kubernetes secret|not found|namespace/iu,
      objects: [
        secretStore(
          'our-secret',
          aws({
            secretRef: {
              accessKeyIDSecretRef: { name: trading, namespace: ours, key: 'kraken_api_key' },
              secretAccessKeySecretRef: { name: trading, namespace: ours, key: 'kraken_api_key' },
            },
          }),
        ),
        externalSecret('our-secret', own, {
          secretStoreRef: { name: 'our-secret', kind: 'SecretStore' },
          data: wanted,
        }),
      ],
    },
    {
      name: "takes our role with the operator's own credentials",
      by: 'mallory',
      ends: 'refused',
      barrier: 'the operator has none; IAM: the trust policy takes no role',
      says: /credentials/iu,
      objects: [
        secretStore('ambient', aws(undefined, { role })),
        externalSecret('ambient', own, {
          secretStoreRef: { name: 'ambient', kind: 'SecretStore' },
          data: wanted,
        }),
      ],
    },
    {
      name: "reads the operator's environment by a template",
      by: 'mallory',
      ends: 'refused',
      barrier: 'operator: no such function',
      says: /function "env" not defined/u,
      objects: templated('environment', { data: { v: '{{ env "KUBECONFIG" }}' } }),
    },
    {
      name: 'reads a file by a template',
      by: 'mallory',
      ends: 'refused',
      barrier: 'operator: no such function',
      says: /function "readFile" not defined/u,
      objects: templated('file', { data: { v: '{{ readFile "/etc/passwd" }}' } }),
    },
    {
      name: 'reads our Secret by a template',
      by: 'mallory',
      ends: 'succeeds',
      barrier: 'only a newer operator (CVE-2026-22822), or one that is scoped to a namespace',
      objects: templated('secret-by-template', {
        data: { v: `{{ getSecretKey "${trading}" "${ours}" "kraken_api_key" }}` },
      }),
    },
    {
      name: 'asks a name server by a template, which carries values out',
      by: 'mallory',
      ends: 'succeeds',
      barrier: 'only a newer operator (CVE-2026-34984), or a network policy for the operator',
      objects: templated('name-server', { data: { v: '{{ getHostByName "localhost" }}' } }),
    },
    {
      name: 'takes a template out of our Secret',
      by: 'mallory',
      ends: 'refused',
      barrier: "namespace: templates are of the ExternalSecret's own",
      says: /not found/u,
      objects: templated('template-of-ours', {
        templateFrom: [
          { secret: { name: 'hummingbot-monitoring', items: [{ key: 'slack_webhook_url' }] } },
        ],
      }),
    },
    {
      name: 'has a generator make credentials of our role',
      by: 'mallory',
      ends: 'refused',
      barrier: 'namespace: a generator has no account but of its own; then the trust policy',
      says: /hummingbot-secrets-reader"? not found/u,
      objects: [
        {
          apiVersion: 'generators.external-secrets.io/v1alpha1',
          kind: 'ECRAuthorizationToken',
          metadata: { name: 'generator', namespace: own },
          spec: {
            region: 'us-east-1',
            role,
            auth: { jwt: { serviceAccountRef: { name: 'hummingbot-secrets-reader' } } },
          },
        },
        externalSecret('generator', own, {
          dataFrom: [
            {
              sourceRef: {
                generatorRef: {
                  apiVersion: 'generators.external-secrets.io/v1alpha1',
                  kind: 'ECRAuthorizationToken',
                  name: 'generator',
                },
              },
            },
          ],
        }),
      ],
    },
    {
      name: 'reads our namespace by a store of the kind kubernetes',
      by: 'mallory',
      ends: 'refused',
      barrier: "RBAC: her account's token opens nothing of ours",
      says: /not allowed|forbidden|cannot|unable/iu,
      objects: [
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'looker', namespace: own } },
        ...tokensOf('looker'),
        secretStore('of-kubernetes', {
          kubernetes: {
            remoteNamespace: ours,
            server: {
              url: apiServer,
              caProvider: { type: 'ConfigMap', name: 'kube-root-ca.crt', key: 'ca.crt' },
            },
            auth: { serviceAccount: { name: 'looker' } },
          },
        }),
        externalSecret('of-kubernetes', own, {
          secretStoreRef: { name: 'of-kubernetes', kind: 'SecretStore' },
          data: [{ secretKey: 'v', remoteRef: { key: trading, property: 'kraken_api_key' } }],
        }),
      ],
    },
    {
      name: 'asks for a token of our account',
      by: 'mallory',
      ends: 'forbidden',
      barrier: 'RBAC',
      says: /serviceaccounts\/token|serviceaccounts "hummingbot-secrets-reader" is forbidden/u,
      objects: [],
    },
    {
      name: 'makes an ExternalSecret beside ours',
      by: 'mallory',
      ends: 'forbidden',
      barrier: 'RBAC',
      says: /externalsecrets/u,
      objects: [byOurStore('beside', { data: wanted })],
    },
    {
      name: 'makes an ExternalSecret, as a reader of one Secret',
      by: 'ann',
      ends: 'forbidden',
      barrier: 'RBAC',
      says: /externalsecrets/u,
      objects: [byOurStore('of-reader', { data: wanted })],
    },
    {
      name: 'has a ClusterExternalSecret put one into our namespace',
      by: 'deployer',
      ends: 'ignored',
      barrier: 'flag --enable-cluster-external-secret-reconciler=false; RBAC of the operator',
      objects: [
        {
          apiVersion: eso,
          kind: 'ClusterExternalSecret',
          metadata: { name: 'everywhere' },
          spec: {
            namespaces: [own],
            externalSecretSpec: { secretStoreRef: store, data: wanted },
          },
        },
      ],
    },
    {
      name: 'pushes a Secret of ours into the store',
      by: 'deployer',
      ends: 'ignored',
      barrier: 'flag --enable-push-secret-reconciler=false; IAM: the role writes nothing',
      objects: [
        {
          apiVersion: 'external-secrets.io/v1alpha1',
          kind: 'PushSecret',
          metadata: { name: 'push', namespace: ours },
          spec: {
            secretStoreRefs: [store],
            selector: { secret: { name: 'hummingbot-monitoring' } },
            data: [
              { match: { secretKey: 'slack_webhook_url', remoteRef: { remoteKey: 'pushed' } } },
            ],
          },
        },
      ],
    },
    ...foreign.map(
      (about): Attempt => ({
        name: `extracts ${about} by our store`,
        by: 'ivan',
        ends: 'denied',
        barrier: 'IAM: the role reads the secrets of the stack, by their ARNs',
        aws: { action: 'secretsmanager.GetSecretValue', about },
        objects: [
          byOurStore(`extract-${about.replace('/', '-')}`, {
            dataFrom: [{ extract: { key: about } }],
          }),
        ],
      }),
    ),
    {
      name: 'finds secrets by a pattern by our store',
      by: 'ivan',
      ends: 'denied',
      barrier: 'IAM: the role lists nothing',
      aws: { action: 'secretsmanager.ListSecrets' },
      objects: [byOurStore('find', { dataFrom: [{ find: { name: { regexp: '^other' } } }] })],
    },
    {
      name: 'takes over our Secret as its owner',
      by: 'ivan',
      ends: 'refused',
      barrier: 'operator: a Secret has one owner',
      says: /owned by another ExternalSecret/u,
      objects: [
        byOurStore('owner', {
          target: { name: trading, creationPolicy: 'Owner' },
          data: wanted,
        }),
      ],
    },
    {
      name: 'merges into our versioned Secret',
      by: 'ivan',
      ends: 'refused',
      barrier: 'operator: a Secret has one owner; API server: it is immutable',
      says: /owned by another ExternalSecret/u,
      objects: [
        byOurStore('merge-versioned', {
          target: { name: trading, creationPolicy: 'Merge' },
          data: [{ ...wanted[0], secretKey: 'binance_api_key' }],
        }),
      ],
    },
    {
      name: 'reads the version before of a secret of ours',
      by: 'ivan',
      ends: 'succeeds',
      barrier: 'RBAC: nobody but who deploys makes ExternalSecrets there',
      objects: [
        byOurStore('version-before', {
          data: [
            {
              secretKey: 'v',
              remoteRef: {
                key: 'hummingbot/trading',
                property: 'kraken_api_key',
                version: 'AWSPREVIOUS',
              },
            },
          ],
        }),
      ],
    },
    {
      name: 'merges into our fixed Secret',
      by: 'ivan',
      ends: 'refused',
      barrier: 'operator: a Secret has one owner',
      says: /owned by another ExternalSecret/u,
      objects: [
        byOurStore('merge-fixed', {
          target: { name: 'hummingbot-monitoring', creationPolicy: 'Merge' },
          data: [{ ...wanted[0], secretKey: 'planted' }],
        }),
      ],
    },
  ];
}
