/** Controls of a stack in a cluster. */
import { inYaml, replaced, set, without } from './edits.ts';
import { type Mutant, ofResource } from './mutant.ts';

const container = ['spec', 'template', 'spec', 'containers', 0] as const;
const init = ['spec', 'template', 'spec', 'initContainers', 0] as const;
const pod = ['spec', 'template', 'spec'] as const;
const security = 'securityContext';
const podSecurity = 'pod-security.kubernetes.io';
const value = 'canary-value-of-nobody-0123456789';

const namespace = ofResource(
  'prod',
  'kubernetes:core/v1:Namespace',
  undefined,
  ...(['enforce', 'audit', 'warn'] as const).map(
    (mode) =>
      [
        `Pod Security: ${mode}`,
        without('metadata', 'labels', `${podSecurity}/${mode}`),
        'restricted-namespace',
      ] as const,
  ),
  ['the namespace is protected', 'unprotected', 'kept-from-deletion'],
  [
    'label of the stack',
    without('metadata', 'labels', 'app.kubernetes.io/instance'),
    'says-its-stack',
  ],
  [
    'its own environment’s name',
    set(['metadata', 'name'], 'hummingbot-staging'),
    'own-environment',
  ],
);

const bounds = [
  ...ofResource('prod', 'kubernetes:core/v1:ResourceQuota', undefined, [
    'quota',
    'gone',
    'bounded-namespace',
  ]),
  ...ofResource('prod', 'kubernetes:core/v1:LimitRange', undefined, [
    'limits for who names none',
    'gone',
    'bounded-namespace',
  ]),
];

const policy = 'kubernetes:networking.k8s.io/v1:NetworkPolicy';
const network = [
  ...ofResource(
    'prod',
    policy,
    'namespace-network-default-deny',
    ['default deny', 'gone', 'closed-network'],
    ['default deny of egress', without('spec', 'policyTypes', 1), 'closed-network'],
    [
      'default deny of every pod',
      set(['spec', 'podSelector'], { matchLabels: { a: 'b' } }),
      'closed-network',
    ],
  ),
  ...ofResource(
    'prod',
    policy,
    'namespace-network-hummingbot',
    ['named destinations', without('spec', 'egress', 0, 'to'), 'named-destinations'],
    ['named ports', without('spec', 'egress', 1, 'ports'), 'named-destinations'],
    [
      'no metadata service',
      without('spec', 'egress', 1, 'to', 0, 'ipBlock', 'except', 5),
      'named-destinations',
    ],
  ),
];

const account = 'kubernetes:core/v1:ServiceAccount';
const role = 'kubernetes:rbac.authorization.k8s.io/v1:Role';
const rights = [
  ...ofResource('prod', account, 'hummingbot', [
    'no token for the bot’s account',
    without('automountServiceAccountToken'),
    'no-token',
  ]),
  ...ofResource('prod', account, 'hummingbot-secrets-reader', [
    'no token for the reader’s account',
    without('automountServiceAccountToken'),
    'no-token',
  ]),
  ...ofResource(
    'prod',
    role,
    undefined,
    [
      'the operator’s tokens are of one account',
      without('rules', 0, 'resourceNames'),
      'narrow-rights',
    ],
    ['the operator’s verbs are named', set(['rules', 0, 'verbs'], ['*']), 'narrow-rights'],
    ['the operator’s resources are named', set(['rules', 0, 'resources'], ['*']), 'narrow-rights'],
  ),
  ...ofResource(
    'readers',
    role,
    'hummingbot-monitoring-reader',
    ['readers read by name', without('rules', 0, 'resourceNames'), 'secrets-by-name'],
    ['readers do not list', set(['rules', 0, 'verbs'], ['get', 'list']), 'secrets-by-name'],
    ['readers do not watch', set(['rules', 0, 'verbs'], ['get', 'watch']), 'secrets-by-name'],
  ),
  ...ofResource(
    'readers',
    'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding',
    'hummingbot-monitoring-reader',
    [
      'readers are somebody',
      set(['subjects'], [{ kind: 'Group', name: 'system:authenticated' }]),
      'rights-in-namespace',
    ],
    ['readers have a Role of ours', set(['roleRef', 'kind'], 'ClusterRole'), 'rights-in-namespace'],
  ),
];

const deployment = ofResource(
  'prod',
  'kubernetes:apps/v1:Deployment',
  undefined,
  ['one replica', set(['spec', 'replicas'], 2), 'one-bot'],
  ['Recreate', set(['spec', 'strategy', 'type'], 'RollingUpdate'), 'one-bot'],
  ['a bot is not root', set([...container, security, 'runAsNonRoot'], false), 'confined-pod'],
  ['no user 0', set([...pod, security, 'runAsUser'], 0), 'confined-pod'],
  ['seccomp', without(...pod, security, 'seccompProfile'), 'confined-pod'],
  ['no host network', set([...pod, 'hostNetwork'], true), 'confined-pod'],
  ['no new rights', without(...container, security, 'allowPrivilegeEscalation'), 'confined-pod'],
  ['capabilities are dropped', without(...container, security, 'capabilities'), 'confined-pod'],
  ['a read-only root', without(...container, security, 'readOnlyRootFilesystem'), 'confined-pod'],
  [
    'no new rights, init container',
    without(...init, security, 'allowPrivilegeEscalation'),
    'confined-pod',
  ],
  [
    'capabilities are dropped, init container',
    without(...init, security, 'capabilities'),
    'confined-pod',
  ],
  [
    'a read-only root, init container',
    without(...init, security, 'readOnlyRootFilesystem'),
    'confined-pod',
  ],
  ['no token for the pod', without(...pod, 'automountServiceAccountToken'), 'no-token'],
  ['time to cancel orders', without(...pod, 'terminationGracePeriodSeconds'), 'time-to-stop'],
  ['the image’s digest', replaced([...container, 'image'], /@.*/u, ''), 'pinned-image'],
  ['the image’s version', replaced([...container, 'image'], /:.*/u, ''), 'pinned-image'],
  [
    'mode of the secrets',
    set([...pod, 'volumes', 0, 'secret', 'defaultMode'], 0o444),
    'secret-mounts',
  ],
  ['only the bot’s keys', without(...pod, 'volumes', 0, 'secret', 'items'), 'secret-mounts'],
  [
    'secrets are mounted read-only',
    without(...container, 'volumeMounts', 0, 'readOnly'),
    'secret-mounts',
  ],
  [
    'the keystore is in memory',
    without(...pod, 'volumes', 2, 'emptyDir', 'medium'),
    'secret-mounts',
  ],
  ['limits', without(...container, 'resources', 'limits'), 'limited-container'],
  ['tags of the pod', without('spec', 'template', 'metadata', 'annotations'), 'tagged-secret'],
  ['labels', without('metadata', 'labels', 'app.kubernetes.io/part-of'), 'says-its-stack'],
  [
    'keys by path',
    set([...container, 'env', 1], { name: 'BINANCE_API_KEY', value }),
    'secret-by-reference',
  ],
);

const others = [
  ...ofResource(
    'prod',
    'hummingbot:index:Preflight',
    undefined,
    [
      'the preflight is not root',
      set(['job', ...container.slice(1), security, 'runAsNonRoot'], false),
      'confined-pod',
    ],
    [
      'no token for the preflight',
      without('job', ...pod.slice(1), 'automountServiceAccountToken'),
      'no-token',
    ],
    [
      'the preflight’s digest',
      replaced(['job', ...pod.slice(1), 'containers', 0, 'image'], /@.*/u, ''),
      'pinned-image',
    ],
  ),
  ...ofResource('prod', 'kubernetes:core/v1:PersistentVolumeClaim', undefined, [
    'a claim for one pod',
    set(['spec', 'accessModes'], ['ReadWriteOnce']),
    'one-bot',
  ]),
  ...ofResource('values in the environment', 'kubernetes:apps/v1:Deployment', undefined, [
    'values by secretKeyRef',
    set([...container, 'env', 2], { name: 'BINANCE_API_KEY', value }),
    'secret-by-reference',
  ]),
];

const manifest = 'hummingbot:index:GitFile';
const gitops = 'example Pulumi.gitops.yaml';
const inGit = [
  ...ofResource(
    gitops,
    manifest,
    'deployment-hummingbot',
    ['one replica, in git', inYaml(set(['spec', 'replicas'], 3)), 'one-bot'],
    [
      'a bot is not root, in git',
      inYaml(set([...container, security, 'runAsNonRoot'], false)),
      'confined-pod',
    ],
    ['no token, in git', inYaml(without(...pod, 'automountServiceAccountToken')), 'no-token'],
    [
      'the image’s digest, in git',
      inYaml(replaced([...container, 'image'], /@.*/u, '')),
      'pinned-image',
    ],
  ),
  ...ofResource(gitops, manifest, 'namespace-namespace', [
    'Pod Security, in git',
    inYaml(without('metadata', 'labels', `${podSecurity}/enforce`)),
    'restricted-namespace',
  ]),
  ...ofResource(gitops, manifest, 'networkpolicy-namespace-network-default-deny', [
    'default deny, in git',
    'gone',
    'closed-network',
  ]),
];

export const clusterMutants: readonly Mutant[] = [
  ...namespace,
  ...bounds,
  ...network,
  ...rights,
  ...deployment,
  ...others,
  ...inGit,
];
