import assert from 'node:assert/strict';
import {
  type Api,
  type ClusterScope,
  lookAtCluster,
  missingRight,
} from '../../../operations/access/cluster.ts';
import type { Finding } from '../../../operations/access/finding.ts';
import { KubernetesError } from '../../../plugins/kubernetes-api.ts';
import { FakeCluster, type FakeRule } from './fake-cluster.ts';

const trading = 'hummingbot-trading-keys-0011aabb';
const monitoring = 'hummingbot-monitoring';
const bootstrap = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

const scope: ClusterScope = {
  namespace: 'hummingbot',
  groups: ['trading', 'infrastructure', 'monitoring'],
  readers: {
    trading: [{ kind: 'User', name: 'ann' }],
    monitoring: [
      { kind: 'Group', name: 'oncall' },
      { kind: 'ServiceAccount', namespace: 'watch', name: 'alertmanager' },
    ],
  },
  administrators: [{ kind: 'User', name: 'deployer' }],
  operators: [{ kind: 'ServiceAccount', namespace: 'external-secrets', name: 'external-secrets' }],
  accounts: [
    { kind: 'ServiceAccount', namespace: 'hummingbot', name: 'hummingbot-secrets-reader' },
  ],
  synced: true,
  kubectl: 'kubectl --context prod',
};

function rule(
  verbs: string,
  resources: string,
  apiGroup = '',
  names?: readonly string[],
): FakeRule {
  return {
    apiGroups: [apiGroup],
    resources: resources.split(' '),
    verbs: verbs.split(' '),
    ...(names && { resourceNames: names }),
  };
}

/** As the program leaves it. */
function clean(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.secrets = [
    trading,
    monitoring,
    'hummingbot-infrastructure',
    'hummingbot-trading-keys-old',
  ];
  const all = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  cluster.clusterRoles.set('cluster-admin', [all]);
  cluster.bind('cluster-admin', 'Group:system:masters', undefined, bootstrap);
  cluster.bind('cluster-admin', 'User:deployer', undefined, undefined, 'deployer');
  cluster.clusterRoles.set('eso', [
    rule('get list watch create update delete patch', 'secrets'),
    rule('get list watch update patch', 'externalsecrets secretstores', 'external-secrets.io'),
  ]);
  cluster.bind('eso', 'ServiceAccount:external-secrets/external-secrets');
  cluster.clusterRoles.set('system:controller:job-controller', [
    rule('create delete patch', 'pods'),
  ]);
  cluster.bind(
    'system:controller:job-controller',
    'ServiceAccount:kube-system/job-controller',
    undefined,
    bootstrap,
  );
  cluster.clusterRoles.set('system:discovery', [
    rule('create', 'selfsubjectaccessreviews', 'authorization.k8s.io'),
  ]);
  cluster.bind('system:discovery', 'Group:system:authenticated', undefined, bootstrap);
  const reader = (group: string, name: string, ...subjects: string[]): void => {
    cluster.roles.set(`hummingbot/${group}`, [rule('get', 'secrets', '', [name])]);
    for (const each of subjects) cluster.bind(group, each, 'hummingbot');
  };
  reader('trading-reader', trading, 'User:ann');
  reader('monitoring-reader', monitoring, 'Group:oncall', 'ServiceAccount:watch/alertmanager');
  cluster.roles.set('hummingbot/token', [
    rule('create', 'serviceaccounts/token', '', ['hummingbot-secrets-reader']),
  ]);
  cluster.bind('token', 'ServiceAccount:external-secrets/external-secrets', 'hummingbot');
  return cluster;
}

async function findingsOf(cluster: FakeCluster, asked: ClusterScope): Promise<readonly Finding[]> {
  const { findings, unasked } = await lookAtCluster(cluster, asked);
  assert.deepEqual(unasked, []);
  return findings;
}

const differencesOf = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(({ expected }) => expected === undefined);

describe('who may read the Secrets of a namespace', () => {
  it('is, in a clean cluster, whom the settings name, the operator and Kubernetes itself', async () => {
    const findings = await findingsOf(clean(), scope);
    assert.deepEqual(differencesOf(findings), []);
    const direct = findings.filter(({ way }) => way === 'get');
    assert.deepEqual(
      new Set(direct.map(({ who, secrets, expected }) => `${who} ${secrets.join()} ${expected}`)),
      new Set([
        'Group:system:masters  a part of Kubernetes',
        'User:deployer  administrators',
        'ServiceAccount:external-secrets/external-secrets  brings the Secrets',
        `User:ann ${trading} readers.trading`,
        `Group:oncall ${monitoring} readers.monitoring`,
        `ServiceAccount:watch/alertmanager ${monitoring} readers.monitoring`,
      ]),
    );
  });

  const eve = 'User:eve';
  const planted: readonly (readonly [
    string,
    (cluster: FakeCluster) => void,
    way: string,
    cause: RegExp,
  ])[] = [
    [
      'a foreign RoleBinding with list',
      (c) => role(c, 'spy', rule('list', 'secrets')),
      'list',
      /^RoleBinding hummingbot\/spy of Role spy: list secrets$/,
    ],
    [
      'list of one name',
      (c) => role(c, 'spy', rule('list', 'secrets', '', [trading])),
      'list',
      /RoleBinding hummingbot\/spy/,
    ],
    ['watch', (c) => role(c, 'spy', rule('watch', 'secrets')), 'watch', /watch secrets/],
    [
      'a ClusterRole with wildcards',
      (c) => clusterRole(c, 'all', { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }),
      'get',
      /^ClusterRoleBinding all of ClusterRole all: get secrets by API group \*, resource \*, verb \*$/,
    ],
    [
      'pods that it may create',
      (c) => role(c, 'maker', rule('create', 'pods')),
      'create pods',
      /create pods$/,
    ],
    [
      'pods that it may patch',
      (c) => role(c, 'maker', rule('patch', 'pods')),
      'change pods',
      /patch pods$/,
    ],
    ...[
      'deployments daemonsets statefulsets replicasets'
        .split(' ')
        .map((each) => ['apps', each] as const),
      [
        ['batch', 'jobs'],
        ['batch', 'cronjobs'],
        ['', 'replicationcontrollers'],
      ] as const,
    ]
      .flat()
      .map(
        ([group, each]) =>
          [
            `${each} that it may change`,
            (c: FakeCluster) => role(c, 'maker', rule('update', each, group)),
            `change ${each}`,
            new RegExp(`update ${each}$`),
          ] as const,
      ),
    ['exec', (c) => role(c, 'shell', rule('create', 'pods/exec')), 'exec into pods', /pods\/exec/],
    [
      'exec by get, of one pod',
      (c) => role(c, 'shell', rule('get', 'pods/exec', '', ['bot-0'])),
      'exec into pods',
      /get pods\/exec/,
    ],
    [
      'every subresource of pods',
      (c) => role(c, 'shell', rule('create', '*')),
      'attach to pods',
      /resource \*/,
    ],
    [
      'ephemeral containers',
      (c) => role(c, 'debug', rule('patch', 'pods/ephemeralcontainers')),
      'add ephemeral containers',
      /ephemeralcontainers/,
    ],
    [
      'tokens of any account',
      (c) => role(c, 'token-maker', rule('create', 'serviceaccounts/token')),
      'get tokens of ServiceAccount:hummingbot/hummingbot-secrets-reader',
      /serviceaccounts\/token/,
    ],
    [
      "tokens of another team's reader",
      (c) => role(c, 'token-maker', rule('create', 'serviceaccounts/token'), 'watch'),
      'get tokens of ServiceAccount:watch/alertmanager',
      /RoleBinding watch\/token-maker/,
    ],
    [
      "pods beside another team's reader",
      (c) => role(c, 'maker', rule('create', 'pods'), 'watch'),
      'run as ServiceAccount:watch/alertmanager',
      /RoleBinding watch\/maker/,
    ],
    [
      'escalate',
      (c) => role(c, 'up', rule('escalate', 'roles', 'rbac.authorization.k8s.io')),
      'give itself rights',
      /escalate roles/,
    ],
    [
      'bind',
      (c) => clusterRole(c, 'up', rule('bind', 'clusterroles', 'rbac.authorization.k8s.io')),
      'give itself rights',
      /bind clusterroles/,
    ],
    [
      'bind by a RoleBinding, which counts in its own namespace',
      (c) => role(c, 'up', rule('bind', 'clusterroles', 'rbac.authorization.k8s.io')),
      'give itself rights',
      /^RoleBinding hummingbot\/up of Role up: bind clusterroles$/,
    ],
    ...['patch', 'delete', 'deletecollection'].map(
      (verb) =>
        [
          `${verb}, which is answered with the Secret`,
          (c: FakeCluster) => role(c, 'spy', rule(verb, 'secrets')),
          verb,
          new RegExp(`${verb} secrets$`),
        ] as const,
    ),
    ...['clustersecretstores', 'clusterexternalsecrets', 'clusterpushsecrets'].map(
      (each) =>
        [
          `another of ${each}`,
          (c: FakeCluster) =>
            clusterRole(c, 'redirect', rule('create', each, 'external-secrets.io')),
          `change ${each}`,
          new RegExp(`create ${each}$`),
        ] as const,
    ),
    [
      'certificates that it may make and approve',
      (c) => {
        clusterRole(c, 'sign', rule('create', 'certificatesigningrequests', 'certificates.k8s.io'));
        clusterRole(
          c,
          'approval',
          rule('update', 'certificatesigningrequests/approval', 'certificates.k8s.io'),
        );
        clusterRole(
          c,
          'signer',
          rule('approve', 'signers', 'certificates.k8s.io', [
            'kubernetes.io/kube-apiserver-client',
          ]),
        );
      },
      'approve a certificate of its own',
      /^ClusterRoleBinding approval .*; ClusterRoleBinding sign .*; ClusterRoleBinding signer .*: approve signers$/,
    ],
    [
      "Secrets of the operator's namespace",
      (c) => role(c, 'keys', rule('list', 'secrets'), 'external-secrets'),
      'read Secrets of external-secrets, where external-secrets runs',
      /^RoleBinding external-secrets\/keys of Role keys: list secrets$/,
    ],
    [
      "token Secrets that it may make beside another team's reader",
      (c) => role(c, 'maker', rule('create get', 'secrets'), 'watch'),
      'make token Secrets of ServiceAccount:watch/alertmanager',
      /create secrets; .*get secrets$/,
    ],
    [
      'pods beside a controller of Kubernetes',
      (c) => role(c, 'maker', rule('create', 'pods'), 'kube-system'),
      "run as Kubernetes' own controllers",
      /^RoleBinding kube-system\/maker/,
    ],
    [
      'impersonate',
      (c) => clusterRole(c, 'act', rule('impersonate', 'users')),
      'impersonate',
      /impersonate users/,
    ],
    [
      'nodes/proxy',
      (c) => clusterRole(c, 'kubelet', rule('get', 'nodes/proxy')),
      'reach kubelets (nodes/proxy)',
      /nodes\/proxy/,
    ],
    [
      'another store',
      (c) => role(c, 'redirect', rule('patch', 'secretstores', 'external-secrets.io')),
      'change secretstores',
      /patch secretstores/,
    ],
    [
      'another ExternalSecret',
      (c) => role(c, 'redirect', rule('create', 'externalsecrets', 'external-secrets.io')),
      'change externalsecrets',
      /create externalsecrets/,
    ],
    [
      'a webhook',
      (c) =>
        clusterRole(
          c,
          'hook',
          rule('create', 'mutatingwebhookconfigurations', 'admissionregistration.k8s.io'),
        ),
      'see Secrets as they are written (admission webhooks)',
      /mutatingwebhook/,
    ],
  ];

  function role(
    cluster: FakeCluster,
    name: string,
    given: FakeRule,
    namespace = 'hummingbot',
  ): void {
    cluster.roles.set(`${namespace}/${name}`, [given]);
    cluster.bind(name, eve, namespace);
  }
  function clusterRole(cluster: FakeCluster, name: string, given: FakeRule): void {
    cluster.clusterRoles.set(name, [given]);
    cluster.bind(name, eve);
  }

  for (const [name, plant, way, cause] of planted) {
    it(`names the cause of ${name}`, async () => {
      const cluster = clean();
      plant(cluster);
      const found = differencesOf(await findingsOf(cluster, scope));
      const one = found.find((each) => each.way === way);
      assert.ok(one, found.map((each) => each.way).join());
      assert.equal(one.who, eve);
      assert.match(one.cause, cause);
      assert.match(
        one.fix,
        /^kubectl --context prod .*delete (?:cluster)?rolebinding \S+, take User:eve out of it/,
      );
      assert.deepEqual([...new Set(found.map(({ who }) => who))], [eve]);
    });
  }

  it('finds a subject that somebody added to a binding of the API server', async () => {
    const cluster = clean();
    cluster.bind('cluster-admin', eve, undefined, bootstrap);
    cluster.bind(
      'system:controller:job-controller',
      'ServiceAccount:default/x',
      undefined,
      bootstrap,
    );
    const found = differencesOf(await findingsOf(cluster, scope));
    assert.deepEqual(
      new Set(found.map(({ who }) => who)),
      new Set([eve, 'ServiceAccount:default/x']),
    );
  });

  it('finds who may become an account that reads and that nobody lists, through another too', async () => {
    const cluster = clean();
    cluster.clusterRoles.set('view-all', [rule('get', 'secrets')]);
    cluster.bind('view-all', 'ServiceAccount:ci/runner');
    cluster.roles.set('ci/shell', [rule('create', 'pods/exec')]);
    cluster.bind('shell', 'ServiceAccount:portal/portal', 'ci');
    role(cluster, 'portal-token', rule('create', 'serviceaccounts/token'), 'portal');
    const found = differencesOf(await findingsOf(cluster, scope));
    const ways = found.map(({ who, way }) => `${who} ${way}`);
    for (const each of [
      'ServiceAccount:ci/runner get',
      'ServiceAccount:portal/portal run as ServiceAccount:ci/runner',
      'User:eve get tokens of ServiceAccount:portal/portal',
    ]) {
      assert.ok(ways.includes(each), ways.join('; '));
    }
  });

  it('finds who may become any account of a namespace whose accounts all read', async () => {
    const cluster = clean();
    cluster.clusterRoles.set('view-all', [rule('get', 'secrets')]);
    cluster.bind('view-all', 'Group:system:serviceaccounts:ci');
    role(cluster, 'maker', rule('create', 'pods'), 'ci');
    const ways = differencesOf(await findingsOf(cluster, scope)).map(({ way }) => way);
    assert.ok(ways.includes('run as ServiceAccount:ci/default'), ways.join('; '));
  });

  it('takes no part of a way for the way: approval alone, update of what is sent, names of others', async () => {
    const cluster = clean();
    const group = 'certificates.k8s.io';
    clusterRole(cluster, 'sign', rule('update', 'certificatesigningrequests/approval', group));
    clusterRole(cluster, 'own', rule('approve', 'signers', group, ['example.com/x']));
    role(cluster, 'write', rule('update create', 'secrets'));
    role(cluster, 'own-secret', rule('get', 'secrets', '', ['webhook-ca']), 'external-secrets');
    role(cluster, 'make', rule('create', 'secrets'), 'watch');
    assert.deepEqual(differencesOf(await findingsOf(cluster, scope)), []);
  });

  it("knows the API server's own RoleBindings where a controller opens what is sealed", async () => {
    const cluster = clean();
    const [name, label] = ['system:controller:token-cleaner', bootstrap];
    cluster.roles.set(`kube-system/${name}`, [rule('get list watch delete', 'secrets')]);
    cluster.bind(name, 'ServiceAccount:kube-system/token-cleaner', 'kube-system', label);
    const controller = 'sealed-secrets-controller';
    const operators = [
      { kind: 'ServiceAccount', namespace: 'kube-system', name: controller },
    ] as const;
    cluster.clusterRoles.set(controller, [rule('get list create update', 'secrets')]);
    cluster.bind(controller, `ServiceAccount:kube-system/${controller}`);
    const sealed = { ...scope, operators, synced: false };
    const others = (found: readonly Finding[]) =>
      differencesOf(found).filter(({ who }) => !who.includes('external-secrets'));
    assert.deepEqual(others(await findingsOf(cluster, sealed)), []);
    role(cluster, 'keys', rule('get', 'secrets', '', ['sealed-secrets-key8x2kp']), 'kube-system');
    assert.deepEqual(
      others(await findingsOf(cluster, sealed)).map(({ who, way }) => [who, way]),
      [['User:eve', `read Secrets of kube-system, where ${controller} runs`]],
    );
  });

  it('finds a reader who may more than its group', async () => {
    const cluster = clean();
    cluster.roles.set('hummingbot/more', [rule('get', 'secrets', '', [monitoring, 'unrelated'])]);
    cluster.bind('more', 'User:ann', 'hummingbot');
    const found = differencesOf(await findingsOf(cluster, scope));
    assert.deepEqual(
      found.map(({ who, secrets }) => [who, ...secrets]),
      [['User:ann', monitoring]],
    );
  });

  it('believes the server and not the rules', async () => {
    const cluster = clean();
    role(cluster, 'spy', rule('list', 'secrets'));
    cluster.send = async () => ({ status: { allowed: false } });
    assert.deepEqual(await findingsOf(cluster, scope), []);
  });

  it('reads no namespace that has nothing to do with it', async () => {
    const cluster = clean();
    role(cluster, 'spy', rule('get list watch', 'secrets'), 'elsewhere');
    assert.deepEqual(differencesOf(await findingsOf(cluster, scope)), []);
  });

  it('asks as many questions as there are rights, not subjects times secrets', async () => {
    const counts: number[] = [];
    for (const size of [50, 100]) {
      const cluster = clean();
      cluster.secrets = Array.from(
        { length: size },
        (_, at) => `hummingbot-trading-keys-${at.toString(16).padStart(8, '0')}`,
      );
      cluster.clusterRoles.set('view', [rule('get list', 'pods configmaps')]);
      cluster.clusterRoles.set('spy', [rule('list', 'secrets')]);
      for (let at = 0; at < size; at++) cluster.bind('view', `User:viewer-${at}`, 'hummingbot');
      // All of one class: one question.
      for (let at = 0; at < size; at++)
        cluster.bind('spy', `User:spy-${at}`, 'hummingbot', undefined, 'spy');
      const found = differencesOf(await findingsOf(cluster, scope));
      assert.equal(new Set(found.map(({ who }) => who)).size, size);
      counts.push(cluster.reviews.length);
      assert.equal(cluster.lists.length, 5);
    }
    const [small = 0, large = 0] = counts;
    // One a spy, each by a binding of its own; none for those who only view, none a secret.
    assert.equal(large - small, 50);
  });

  it('asks once for all that one binding names', async () => {
    const cluster = clean();
    await findingsOf(cluster, scope);
    const base = cluster.reviews.length;
    const crowd = clean();
    crowd.roles.set('hummingbot/crowd', [rule('list', 'secrets')]);
    crowd.bind('crowd', 'User:x-0', 'hummingbot');
    const list = crowd.list.bind(crowd);
    crowd.list = async (path) => {
      const { items, metadata } = await list(path);
      const subjects = Array.from({ length: 500 }, (_, at) => ({ kind: 'User', name: `x-${at}` }));
      return {
        items: items.map((each) =>
          each.metadata?.name === 'crowd' && 'subjects' in each ? { ...each, subjects } : each,
        ),
        metadata,
      };
    };
    const found = differencesOf(await findingsOf(crowd, scope));
    assert.equal(found.length, 500);
    assert.equal(crowd.reviews.length, base + 1);
  });

  for (const [kind, right] of [
    ['roles', 'list roles'],
    ['externalsecrets', 'list externalsecrets'],
  ] as const) {
    it(`answers the rest where ${kind} are refused`, async () => {
      const cluster = clean();
      clusterRole(cluster, 'all', rule('get', 'secrets', '', [trading]));
      const list = cluster.list.bind(cluster);
      cluster.list = async (path) => {
        if (path.split('/').at(-1) === kind) throw new KubernetesError(`GET ${path}`, 403, {});
        return await list(path);
      };
      const { findings, unasked } = await lookAtCluster(cluster, scope);
      assert.deepEqual(
        unasked.map(({ got }) => got),
        [`no right to ${right}`],
      );
      const found = differencesOf(findings);
      assert.deepEqual(
        found.map(({ who, secrets }) => [who, ...secrets]),
        [[eve, trading]],
      );
    });
  }

  it('takes the null that a server answers for no Secrets at all', async () => {
    const cluster: Api = {
      list: async () => ({ items: null, metadata: {} }),
      send: async () => assert.fail(),
    };
    const nothing = { findings: [], unasked: [] };
    assert.deepEqual(await lookAtCluster(cluster, { ...scope, synced: false }), nothing);
  });

  it('answers the rest where one question fails, and asks no more where all are refused', async () => {
    const cluster = clean();
    role(cluster, 'spy', rule('list watch', 'secrets'));
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const send = cluster.send.bind(cluster);
    cluster.send = async (method, at, details) => {
      const { spec } = details.body as {
        readonly spec: { readonly resourceAttributes: { readonly verb: string } };
      };
      if (spec.resourceAttributes.verb === 'list')
        throw new KubernetesError(`POST ${path}`, 500, {});
      return await send(method, at, details);
    };
    const { findings, unasked } = await lookAtCluster(cluster, scope);
    assert.deepEqual(
      differencesOf(findings).map(({ way }) => way),
      ['watch'],
    );
    assert.equal(unasked.length, 1);
    let asked = 0;
    cluster.send = async () => {
      asked++;
      throw new KubernetesError(`POST ${path}`, 403, {});
    };
    const refused = await lookAtCluster(cluster, scope);
    assert.deepEqual(refused.findings, []);
    assert.deepEqual(
      refused.unasked.map(({ got }) => got),
      ['no right to create subjectaccessreviews'],
    );
    assert.ok(asked <= 20, String(asked));
  });

  it('names the right that whoever asks lacks', () => {
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
    assert.equal(missingRight(new KubernetesError(`GET ${path}`, 403, {})), 'list clusterroles');
    assert.equal(
      missingRight(
        new KubernetesError('POST /apis/authorization.k8s.io/v1/subjectaccessreviews', 403, {}),
      ),
      'create subjectaccessreviews',
    );
    assert.equal(
      missingRight(new KubernetesError('GET /api/v1/namespaces/kube-system', 403, {})),
      'get namespaces',
    );
    assert.equal(missingRight(new KubernetesError(`GET ${path}`, 500, {})), undefined);
  });
});
