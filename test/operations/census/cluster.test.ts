/** Every kind of drift that a namespace can have, at an API server of objects. */
import assert from 'node:assert/strict';
import { groups as catalogGroups } from '../../../components/catalog.ts';
import { askNamespace, type NamespaceCase } from '../../../operations/census/cluster.ts';
import { KubernetesApi } from '../../../plugins/kubernetes-api.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { KubernetesServer, type Stored } from '../../kubernetes-server.ts';

const canary = makeCanary('cluster');
const tag = 'aaaaaaaaaa';
const trading = `${catalogGroups.trading.secretName}-0a1b2c3d`;
const monitoring = catalogGroups.monitoring.secretName;
const base = '/api/v1/namespaces/hummingbot/secrets';
const externals = '/apis/external-secrets.io/v1/namespaces/hummingbot/externalsecrets';
const about: NamespaceCase = {
  target: 'x',
  stack: 'prod',
  namespace: 'hummingbot',
  kubectl: 'kubectl -n hummingbot',
  synced: true,
  fix: 'FIX',
  groups: [
    { group: 'trading', keys: ['kraken_api_key', 'kraken_secret_key'], tag },
    { group: 'monitoring', keys: ['grafana_api_key'], tag },
  ],
  readers: true,
};

function written(manager: string, ...keys: readonly string[]): object {
  const data = Object.fromEntries(keys.map((key) => [`f:${key}`, {}]));
  return {
    manager,
    operation: 'Update',
    time: '2026-11-27T10:00:00Z',
    fieldsV1: { 'f:data': { '.': {}, ...data } },
  };
}

const operator = 'externalsecrets.external-secrets.io/hummingbot';

describe('what is asked of a namespace', () => {
  let server: KubernetesServer;
  let api: KubernetesApi;

  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
    api = await KubernetesApi.connect(server.kubeconfig());
    for (const [name, keys] of [
      [trading, ['kraken_api_key', 'kraken_secret_key']],
      [monitoring, ['grafana_api_key']],
    ] as const) {
      const uid = `uid-${name}`;
      server.put(`${externals}/${name}`, {
        metadata: { uid, annotations: { 'hummingbot-secrets/tag': tag } },
        spec: {},
        status: { conditions: [{ type: 'Ready', status: 'True' }] },
      });
      secret(name, tag, written(operator, ...keys), {
        ownerReferences: [
          { kind: 'ExternalSecret', uid: server.get(`${externals}/${name}`)?.metadata.uid },
        ],
      });
    }
  });
  afterEach(async () => await server.stop());

  function secret(
    name: string,
    tagged: string | undefined,
    managed: object,
    more: object = {},
  ): void {
    server.put(`${base}/${name}`, {
      metadata: {
        creationTimestamp: '2026-11-20T00:00:00Z',
        annotations: tagged === undefined ? {} : { 'hummingbot-secrets/tag': tagged },
        managedFields: [managed],
        ...more,
      },
      data: { kraken_api_key: canary },
    });
  }

  async function asked(more: Partial<NamespaceCase> = {}) {
    const found = await askNamespace(api, { ...about, ...more });
    assert.deepEqual(leaks(JSON.stringify(found), new Map([['canary', canary]])), []);
    return found;
  }
  async function kinds(more: Partial<NamespaceCase> = {}): Promise<readonly string[]> {
    const { drifts } = await asked(more);
    for (const { cause, fix } of drifts) assert.ok(cause !== '' && fix !== '');
    return drifts.map(({ kind, place, found }) => `${kind} ${place}: ${found}`);
  }

  it('is each group, its tag and since when, and no drift; of Secrets the metadata alone', async () => {
    const { sightings, drifts, unasked } = await asked();
    assert.deepEqual([drifts, unasked], [[], []]);
    assert.deepEqual(
      sightings.map(({ place, keys, tag: each, since }) => [place, keys.length, each, since]),
      [
        [`Secret hummingbot/${trading}`, 2, tag, '2026-11-20T00:00:00Z'],
        [`Secret hummingbot/${monitoring}`, 1, tag, '2026-11-20T00:00:00Z'],
      ],
    );
    const secrets = server.requests.filter(({ path }) => path === base);
    assert.ok(secrets.length > 0);
    for (const { accept } of secrets)
      assert.match(accept, /^application\/json;as=PartialObjectMeta/);
  });

  it('finds a Secret that is gone, and one whose keys were taken out', async () => {
    server.remove(`${base}/${monitoring}`);
    secret(trading, tag, written(operator, 'kraken_api_key'));
    assert.deepEqual(await kinds(), [
      `missing Secret hummingbot/${trading}: none of kraken_secret_key`,
      `missing Secret hummingbot/${monitoring}: none`,
    ]);
  });

  it('finds a Secret that was edited by hand, by whom and when, though its tag is right', async () => {
    const both = [
      written(operator, 'kraken_secret_key'),
      written('kubectl-edit', 'kraken_api_key'),
    ];
    secret(trading, tag, {}, { managedFields: both });
    assert.deepEqual(await kinds(), [
      `changed Secret hummingbot/${trading}: kraken_api_key written by kubectl-edit at 2026-11-27T10:00:00Z`,
    ]);
  });

  it('is mended by a sync where the operator knows the right tag, and by an up where not', async () => {
    const fixes = async () => (await asked()).drifts.map(({ kind, fix }) => `${kind}: ${fix}`);
    secret(monitoring, 'bbbbbbbbbb', written(operator, 'grafana_api_key'));
    assert.deepEqual(await fixes(), [
      `other tag: kubectl -n hummingbot annotate --overwrite externalsecret ${monitoring} force-sync="$(date +%s)"`,
    ]);
    const path = `${externals}/${monitoring}`;
    const annotations = { 'hummingbot-secrets/tag': 'bbbbbbbbbb' };
    server.put(path, { ...server.get(path), metadata: { name: monitoring, annotations } });
    assert.deepEqual(await fixes(), ['other tag: FIX']);
  });

  it('takes no writer of ours for a stranger', async () => {
    for (const manager of [
      'pulumi-kubernetes-0a1b2c3d',
      operator,
      'controller',
      'argocd-controller',
      'kustomize-controller',
    ]) {
      secret(monitoring, tag, written(manager, 'grafana_api_key'));
      assert.deepEqual(await kinds(), [], manager);
    }
  });

  it('finds a stale tag, alone and beside the right one', async () => {
    secret(monitoring, 'bbbbbbbbbb', written(operator, 'grafana_api_key'));
    secret(
      `${catalogGroups.trading.secretName}-00000000`,
      'bbbbbbbbbb',
      written(operator, 'kraken_api_key'),
    );
    assert.deepEqual(await kinds(), [
      `stale Secret hummingbot/${catalogGroups.trading.secretName}-00000000: tag bbbbbbbbbb`,
      `other tag Secret hummingbot/${monitoring}: tag bbbbbbbbbb`,
    ]);
  });

  it('finds Secrets that nobody of us made: by name, by label, with our own tag', async () => {
    secret(
      `${catalogGroups.trading.secretName}-deadbeef`,
      tag,
      written('kubectl-create', 'kraken_api_key'),
    );
    secret(
      `${catalogGroups.infrastructure.secretName}-copy`,
      undefined,
      written('kubectl-create', 'x'),
    );
    const labels = {
      'app.kubernetes.io/part-of': 'hummingbot',
      'app.kubernetes.io/component': 'secret',
    };
    secret('a-copy', undefined, written('curl', 'x'), { labels });
    secret('registry-login', undefined, written('kubectl-create', 'x'));
    const token = { annotations: { 'kubernetes.io/service-account.name': 'hummingbot' } };
    secret(`${monitoring}-token`, undefined, written('controller', 'token'), token);
    const found = await kinds();
    assert.deepEqual(found.map((line) => line.split(':')[0]).sort(), [
      'unknown Secret hummingbot/a-copy',
      `unknown Secret hummingbot/${catalogGroups.infrastructure.secretName}-copy`,
      `unknown Secret hummingbot/${catalogGroups.trading.secretName}-deadbeef`,
    ]);
  });

  it('leaves alone what is about to go', async () => {
    const old = `${catalogGroups.trading.secretName}-00000000`;
    const gone = { ownerReferences: [{ kind: 'ExternalSecret', uid: 'of-one-that-is-gone' }] };
    secret(old, 'bbbbbbbbbb', written(operator, 'x'), gone);
    assert.deepEqual(await kinds(), []);
    secret(old, 'bbbbbbbbbb', written(operator, 'x'), {
      deletionTimestamp: '2026-11-27T10:00:00Z',
    });
    assert.deepEqual(await kinds(), []);
  });

  it('finds an ExternalSecret that is not Ready', async () => {
    const path = `${externals}/${monitoring}`;
    const { uid } = server.get(path)?.metadata ?? {};
    const status = {
      conditions: [{ type: 'Ready', status: 'False', reason: 'SecretSyncedError' }],
    };
    server.put(path, { metadata: { uid }, spec: {}, status });
    assert.deepEqual(await kinds(), [
      `stale ExternalSecret hummingbot/${monitoring}: not Ready: SecretSyncedError`,
    ]);
  });

  it('asks for no ExternalSecret where Pulumi writes the Secrets', async () => {
    await kinds({ synced: false });
    assert.ok(server.requests.every(({ path }) => path !== externals));
  });

  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const inNamespace = `${rbac}/namespaces/hummingbot`;

  function put(path: string, object: object): void {
    server.put(path, { metadata: {}, ...object } as unknown as Stored);
  }
  function role(path: string, ...resourceNames: readonly string[]): void {
    put(path, {
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames }],
    });
  }
  function bound(name: string, kind = 'Role', subject = 'condor'): void {
    put(`${inNamespace}/rolebindings/${subject}-${name}`, {
      roleRef: { kind, name },
      subjects: [{ kind: 'ServiceAccount', name: subject, namespace: 'bots' }],
    });
  }
  function pod(name: string, spec: object): void {
    const metadata = { labels: { 'app.kubernetes.io/name': name } };
    put(`/api/v1/namespaces/hummingbot/pods/${name}-1`, { metadata, spec });
  }
  async function readers(): Promise<readonly (readonly string[])[]> {
    const { sightings, unasked } = await asked();
    assert.deepEqual(unasked, []);
    return sightings.map((each) =>
      each.readers.map(({ who, by, live }) => `${who}, by ${by}${live ? '' : ', by the settings'}`),
    );
  }

  it('says who may read a Secret: its Roles, and the pods that mount it', async () => {
    role(`${inNamespace}/roles/reader`, monitoring);
    role(`${inNamespace}/roles/other`, 'registry-login');
    bound('reader');
    bound('other');
    pod('hummingbot', { volumes: [{ secret: { secretName: trading } }] });
    assert.deepEqual(await readers(), [
      ['pods hummingbot, by they mount it'],
      ['ServiceAccount bots/condor, by Role reader'],
    ]);
  });

  it('says who may read by a ClusterRole that is bound in the namespace, and by no other', async () => {
    role(`${rbac}/clusterroles/view-secrets`);
    role(`${rbac}/clusterroles/not-bound`);
    put(`${rbac}/clusterroles/view`, {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['*'] }],
    });
    // A name is of a kind: a Role that is called as a ClusterRole is another one.
    role(`${inNamespace}/roles/view`);
    bound('view-secrets', 'ClusterRole');
    bound('view-secrets', 'ClusterRole', 'grafana');
    bound('view', 'ClusterRole');
    bound('gone', 'ClusterRole');
    const all = ['condor', 'grafana'].map(
      (each) => `ServiceAccount bots/${each}, by ClusterRole view-secrets`,
    );
    assert.deepEqual(await readers(), [all, all]);
    const roles = server.requests.filter(({ path }) => path.startsWith(`${rbac}/clusterroles`));
    assert.deepEqual(
      roles.map(({ path }) => path.split('/').at(-1)),
      ['view-secrets', 'view', 'gone'],
    );
  });

  it('says whose environment a Secret is in, of containers of any kind', async () => {
    const one = (name: string) => [{ env: [{ valueFrom: { secretKeyRef: { name, key: 'x' } } }] }];
    const whole = (name: string) => [{ envFrom: [{ secretRef: { name } }] }];
    pod('hummingbot', { containers: [{ env: [{ name: 'HOME' }] }, ...one(trading)] });
    pod('preflight', { containers: [{}], initContainers: whole(trading) });
    pod('debugged', { ephemeralContainers: one(monitoring), volumes: [] });
    assert.deepEqual(await readers(), [
      ['hummingbot', 'preflight'].map((each) => `pods ${each}, by it is in their environment`),
      ['pods debugged, by it is in their environment'],
    ]);
  });

  for (const [what, path, right] of [
    ['Roles', `${inNamespace}/roles`, 'list roles'],
    ['RoleBindings', `${inNamespace}/rolebindings`, 'list rolebindings'],
    ['pods', '/api/v1/namespaces/hummingbot/pods', 'list pods'],
    ['a bound ClusterRole', `${rbac}/clusterroles/view-secrets`, 'get clusterroles'],
  ] as const) {
    it(`says that nobody knows who may read where ${what} may not be seen`, async () => {
      bound('view-secrets', 'ClusterRole');
      const body = { kind: 'Status', reason: 'Forbidden', message: canary };
      server.onRequest = (seen) => (seen.path === path ? { code: 403, body } : undefined);
      const { unasked, sightings } = await asked();
      assert.equal(sightings.length, 2);
      assert.deepEqual(unasked, [
        {
          target: 'x',
          what: 'who may read in namespace hummingbot',
          got: `GET ${path}: 403 Forbidden`,
          fix: `kubectl -n hummingbot auth can-i ${right} says whether you may (docs/inventory.md)`,
        },
      ]);
    });
  }

  it('asks nothing of readers where nobody wants to know', async () => {
    bound('view-secrets', 'ClusterRole');
    const { sightings } = await asked({ readers: false });
    assert.deepEqual(
      sightings.map(({ readers: all }) => all),
      [[], []],
    );
    for (const { path } of server.requests) assert.doesNotMatch(path, /rbac|pods/);
  });
});
