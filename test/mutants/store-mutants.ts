/** Controls of the stores, and of the way from them into the cluster and into git. */
import { type Edit, inPolicy, inTrust, inYaml, replaced, set, without } from './edits.ts';
import { type Mutant, ofResource } from './mutant.ts';

const condition = ['Statement', 1, 'Condition'] as const;

const key = ofResource(
  'prod',
  'aws:kms/key:Key',
  undefined,
  ['the key is rotated', without('enableKeyRotation'), 'own-key'],
  ['the key can be had back', set(['deletionWindowInDays'], 0), 'recovery-window'],
  ['the key is protected', 'unprotected', 'kept-from-deletion'],
  [
    'the key is used through Secrets Manager',
    inPolicy(without(...condition, 'StringEquals', 'kms:ViaService')),
    'narrow-iam',
  ],
  [
    'the key is for the own account',
    inPolicy(without(...condition, 'StringEquals', 'kms:CallerAccount')),
    'narrow-iam',
  ],
  ['the key is for listed roles', inPolicy(without(...condition, 'ArnLike')), 'narrow-iam'],
  ['the account administers the key', inPolicy(without('Statement', 0)), 'narrow-iam'],
  ['environment of the key', without('tags', 'environment'), 'says-its-stack'],
);

const secret = ofResource(
  'prod',
  'aws:secretsmanager/secret:Secret',
  'trading',
  ['a key of its own', without('kmsKeyId'), 'own-key'],
  ['a secret can be had back', set(['recoveryWindowInDays'], 0), 'recovery-window'],
  ['a secret is protected', 'unprotected', 'kept-from-deletion'],
  ['owner', without('tags', 'owner'), 'owner-and-age'],
  ['age', without('tags', 'max-age-days'), 'owner-and-age'],
  ['environment', without('tags', 'environment'), 'says-its-stack'],
  ['the own prefix', set(['name'], 'hummingbot/dev/trading'), 'own-environment'],
);

const policy = ofResource(
  'prod',
  'aws:secretsmanager/secretPolicy:SecretPolicy',
  'trading-policy',
  ['a resource policy', 'gone', 'readers-denied'],
  ['others are denied', inPolicy(set(['Statement', 0, 'Effect'], 'Allow')), 'readers-denied'],
  [
    'all others are denied',
    inPolicy(set(['Statement', 0, 'Principal'], { AWS: 'x' })),
    'readers-denied',
  ],
  ['single reads are denied', inPolicy(without('Statement', 0, 'Action', 0)), 'readers-denied'],
  ['reads of many are denied', inPolicy(without('Statement', 0, 'Action', 1)), 'readers-denied'],
  [
    'readers are named one by one',
    inPolicy(
      set(['Statement', 0, 'Condition', 'ArnNotLike', 'aws:PrincipalArn'], ['arn:aws:iam::1:*']),
    ),
    'readers-denied',
  ],
  ['no public policy', without('blockPublicPolicy'), 'readers-denied'],
);

/** The claims of a token have the issuer's name in their keys. */
const claim =
  (name: 'aud' | 'sub'): Edit =>
  (props) => {
    const { Statement } = props as { Statement: { Condition: { StringEquals: object } }[] };
    const equals = Statement[0]?.Condition.StringEquals as Record<string, unknown>;
    const found = Object.keys(equals).find((each) => each.endsWith(`:${name}`));
    if (found === undefined) throw new Error(`no ${name}`);
    delete equals[found];
  };

const roles = [
  ...ofResource(
    'prod',
    'aws:iam/role:Role',
    undefined,
    ['the role is for one service account', inTrust(claim('sub')), 'narrow-iam'],
    ['the role is for tokens made for AWS', inTrust(claim('aud')), 'narrow-iam'],
    ['the role is for the issuer', inTrust(set(['Statement', 0, 'Principal'], '*')), 'narrow-iam'],
  ),
  ...ofResource(
    'prod',
    'aws:iam/rolePolicy:RolePolicy',
    undefined,
    [
      'the role reads named secrets',
      inPolicy(set(['Statement', 0, 'Resource'], '*')),
      'narrow-iam',
    ],
    [
      'the role reads, and no more',
      inPolicy(set(['Statement', 0, 'Action'], 'secretsmanager:*')),
      'narrow-iam',
    ],
    [
      'the role decrypts through the store',
      inPolicy(without('Statement', 1, 'Condition')),
      'narrow-iam',
    ],
  ),
  ...ofResource('prod', 'pulumi:providers:aws', undefined, [
    'one account',
    without('allowedAccountIds'),
    'own-account',
  ]),
  ...ofResource('prod', 'pulumi:providers:kubernetes', undefined, [
    'one cluster',
    without('clusterIdentifier'),
    'own-account',
  ]),
];

const external = 'kubernetes:external-secrets.io/v1:ExternalSecret';
const synced = [
  ...ofResource(
    'prod',
    external,
    'trading-external-secret',
    ['a pinned version', without('spec', 'data', 0, 'remoteRef', 'version'), 'pinned-sync'],
    ['an immutable Secret', without('spec', 'target', 'immutable'), 'pinned-sync'],
    ['Retain', without('spec', 'target', 'deletionPolicy'), 'pinned-sync'],
    ['Owner', set(['spec', 'target', 'creationPolicy'], 'Merge'), 'pinned-sync'],
    [
      'a store of the namespace',
      set(['spec', 'secretStoreRef', 'kind'], 'ClusterSecretStore'),
      'pinned-sync',
    ],
    [
      'the version that is served',
      set(['apiVersion'], 'external-secrets.io/v1beta1'),
      'pinned-sync',
    ],
    ['one key, not the whole', without('spec', 'data', 0, 'remoteRef', 'property'), 'pinned-sync'],
    ['no template', set(['spec', 'target', 'template'], { data: {} }), 'pinned-sync'],
    ['tag', without('metadata', 'annotations', 'hummingbot-secrets/tag'), 'tagged-secret'],
  ),
  ...ofResource('prod', 'kubernetes:external-secrets.io/v1:SecretStore', undefined, [
    'a service account of the namespace',
    set(['spec', 'provider', 'aws', 'auth', 'jwt', 'serviceAccountRef', 'namespace'], 'other'),
    'pinned-sync',
  ]),
];

const vault = 'example Pulumi.vault.yaml';
const vaults = [
  ...ofResource(
    vault,
    'vault:index/policy:Policy',
    undefined,
    [
      'named paths',
      replaced(['policy'], 'hummingbot/trading', 'hummingbot/*'),
      'narrow-vault-policy',
    ],
    ['read alone', replaced(['policy'], '["read"]', '["read", "list"]'), 'narrow-vault-policy'],
    [
      'paths of the own environment',
      replaced(['policy'], 'hummingbot/trading', 'staging/trading'),
      'own-environment',
    ],
  ),
  ...ofResource(
    vault,
    'vault:kubernetes/authBackendRole:AuthBackendRole',
    undefined,
    ['an audience', without('audience'), 'bound-vault-role'],
    ['one service account', set(['boundServiceAccountNames'], ['*']), 'bound-vault-role'],
    ['one namespace', set(['boundServiceAccountNamespaces'], ['*']), 'bound-vault-role'],
    ['short tokens', without('tokenTtl'), 'bound-vault-role'],
    ['no default policy', without('tokenNoDefaultPolicy'), 'bound-vault-role'],
  ),
  ...ofResource(
    vault,
    'vault:kv/secretV2:SecretV2',
    'trading-kv',
    ['check-and-set', without('options', 'cas'), 'checked-writes'],
    ['check-and-set of others', without('customMetadata', 'casRequired'), 'checked-writes'],
    ['versions are kept', set(['deleteAllVersions'], true), 'checked-writes'],
    ['a secret in Vault is protected', 'unprotected', 'kept-from-deletion'],
    ['owner, in Vault', without('customMetadata', 'data', 'owner'), 'owner-and-age'],
    ['age, in Vault', without('customMetadata', 'data', 'max-age-days'), 'owner-and-age'],
  ),
];

const sealed = 'example Pulumi.sealed-secrets.yaml';
const wide = { 'sealedsecrets.bitnami.com/cluster-wide': 'true' };
const inGit = [
  ...ofResource(
    sealed,
    'hummingbot:index:GitFile',
    'trading-sealed-secret',
    ['strict scope', inYaml(set(['metadata', 'annotations'], wide)), 'strict-seal'],
    [
      'ciphertexts',
      inYaml(set(['spec', 'encryptedData', 'binance_api_key'], 'in the open')),
      'strict-seal',
    ],
    [
      'nothing beside ciphertexts',
      inYaml(set(['spec', 'template', 'data'], { a: 'b' })),
      'strict-seal',
    ],
    ['a SealedSecret and no Secret', inYaml(set(['kind'], 'Secret')), 'sealed-in-git'],
  ),
  ...ofResource(
    'SealedSecrets that are applied',
    'kubernetes:bitnami.com/v1alpha1:SealedSecret',
    'trading-sealed-secret',
    [
      'strict scope of what is applied',
      set(['spec', 'template', 'metadata', 'annotations'], wide),
      'strict-seal',
    ],
  ),
  ...ofResource('example Pulumi.gitops.yaml', 'hummingbot:index:SopsDocument', 'trading-document', [
    'recipients',
    set(['recipients'], []),
    'sealed-in-git',
  ]),
  ...ofResource(
    'example Pulumi.gitops.yaml',
    'hummingbot:index:GitFile',
    'sops-.sops.yaml',
    [
      'data and stringData alone',
      inYaml(without('creation_rules', 0, 'encrypted_regex')),
      'sealed-in-git',
    ],
    ['somebody who decrypts', inYaml(without('creation_rules', 0, 'age')), 'sealed-in-git'],
  ),
  ...ofResource('native Secrets', 'kubernetes:core/v1:Secret', 'trading-secret', [
    'tag of a native Secret',
    without('metadata', 'annotations', 'hummingbot-secrets/tag'),
    'tagged-secret',
  ]),
];

export const storeMutants: readonly Mutant[] = [
  ...key,
  ...secret,
  ...policy,
  ...roles,
  ...synced,
  ...vaults,
  ...inGit,
];
