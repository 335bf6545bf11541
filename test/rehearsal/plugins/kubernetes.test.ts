/** The rehearsal plugin's types against an API server in memory. */
import assert from 'node:assert/strict';
import {
  InitialisationError,
  isSecret,
  type Properties,
  secret,
  unwrap,
} from '../../../plugins/provider-server.ts';
import { kinds } from '../../../rehearsal/plugins/kubernetes/kinds.ts';
import { KubernetesResource } from '../../../rehearsal/plugins/kubernetes/kubernetes-resource.ts';
import { KubernetesProvider } from '../../../rehearsal/plugins/kubernetes/provider.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { call } from '../../plugins/calls.ts';

const canary = makeCanary('kubernetes');
const canaries = new Map([['kubernetes', canary]]);
const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const secrets = '/api/v1/namespaces/bots/secrets';

describe('the rehearsal plugin for kubernetes', () => {
  let server: KubernetesServer;
  let provider: KubernetesProvider;
  const of = (type: string) => {
    const kind = kinds[`kubernetes:${type}`];
    assert.ok(kind !== undefined);
    return new KubernetesResource(kind, provider);
  };
  const urn = 'urn:pulumi:dev::p::kubernetes:core/v1:Secret::keys';
  const keys = (more: Properties = {}): Properties => ({
    metadata: { name: 'keys', namespace: 'bots' },
    stringData: { key: canary },
    ...more,
  });
  /** Check and create, as the engine does. */
  const up = async (type: string, news: Properties, marked = news) => {
    const checked = await of(type).check({}, unwrap(news) as Properties, call({ urn, marked }));
    const inputs = unwrap(checked.inputs) as Properties;
    const made = await of(type).create(inputs, call({ urn, marked: checked.inputs }));
    return {
      inputs,
      id: made.id,
      outs: made.outs as Properties,
      state: unwrap(made.outs) as Properties,
    };
  };
  const configure = async (more: Properties = {}) => {
    provider = new KubernetesProvider();
    await provider.configure({ kubeconfig: server.kubeconfig(canary), ...more });
  };

  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
    await configure({ enableSecretMutable: 'true' });
  });
  afterEach(async () => await server.stop());

  it('has the types that the program uses', () => {
    assert.deepEqual(
      Object.keys(kinds).map((type) => type.split(':').at(-1)),
      [
        'Namespace',
        'ServiceAccount',
        'ConfigMap',
        'Secret',
        'PersistentVolumeClaim',
        'ResourceQuota',
        'LimitRange',
        'NetworkPolicy',
        'Role',
        'RoleBinding',
        'Deployment',
        'ExternalSecret',
        'SealedSecret',
        'SecretStore',
      ],
    );
  });

  it('makes by a POST with a field manager of its own, and marks all data of a Secret', async () => {
    const { id, outs, state } = await up('core/v1:Secret', keys());
    assert.equal(id, 'bots/keys');
    const [post] = server.requests;
    assert.equal(post?.method, 'POST');
    assert.match(post?.query.get('fieldManager') ?? '', /^pulumi-kubernetes-[0-9a-f]{8}$/u);
    assert.equal(state.__fieldManager, post?.query.get('fieldManager'));
    assert.equal(post?.query.get('force'), null);
    assert.ok(isSecret(outs.data));
    assert.ok(isSecret((outs.__inputs as Properties).data));
    assert.deepEqual(state.data, { key: Buffer.from(canary).toString('base64') });
    const open = { ...outs, data: '', __inputs: { ...(outs.__inputs as object), data: '' } };
    assert.deepEqual(leaks(JSON.stringify(open), canaries), []);
  });

  it('keeps secret what the program marked in other objects', async () => {
    const news = {
      metadata: { name: 'n', annotations: { open: 'a', hidden: secret(canary) } },
    };
    const { outs } = await up('core/v1:Namespace', news);
    const { annotations } = outs.metadata as { annotations: Properties };
    assert.ok(isSecret(annotations.hidden));
    assert.equal(annotations.open, 'a');
  });

  it('fails on a name that exists, and never quotes a Secret', async () => {
    await up('core/v1:Secret', keys());
    await assert.rejects(up('core/v1:Secret', keys()), {
      message: 'Secret bots/keys: creation failed: 409 AlreadyExists',
    });
    server.onRequest = () => ({ code: 422, body: { reason: 'Invalid', message: `bad ${canary}` } });
    await assert.rejects(up('core/v1:Secret', keys({ type: 'x' })), {
      message: 'Secret bots/keys: creation failed: 422 Invalid',
    });
    const role = { metadata: { name: 'r', namespace: 'bots' }, rules: secret([]) };
    await assert.rejects(up('rbac.authorization.k8s.io/v1:Role', role), {
      message: 'Role bots/r: creation failed: 422 Invalid',
    });
    server.onRequest = () => ({ code: 422, body: { reason: 'Invalid', message: 'a\nb' } });
    const plain = { metadata: { name: 'r', namespace: 'bots' } };
    await assert.rejects(up('rbac.authorization.k8s.io/v1:Role', plain), {
      message: 'Role bots/r: creation failed: 422 Invalid a b',
    });
  });

  it('names what has no name, keeps the name, and says that it did', async () => {
    const { inputs, state, id } = await up(
      'core/v1:Secret',
      keys({ metadata: { namespace: 'bots' } }),
    );
    const { name, annotations } = inputs.metadata as { name: string; annotations: Properties };
    assert.match(name, /^keys-[a-z0-9]{8}$/u);
    assert.deepEqual(annotations, { 'pulumi.com/autonamed': 'true' });
    const news = keys({ metadata: { namespace: 'bots' } });
    const again = await of('core/v1:Secret').check(inputs, news, call({ urn, marked: news }));
    assert.equal((again.inputs.metadata as Properties).name, name);
    const diff = await of('core/v1:Secret').diff(
      id,
      state,
      { ...(unwrap(again.inputs) as Properties), type: 'other' },
      call(),
    );
    assert.deepEqual([diff.replaces, diff.deleteBeforeReplace], [['type'], false]);
  });

  it("puts what names no namespace into the provider's", async () => {
    await configure({ namespace: 'bots' });
    const { id } = await up('core/v1:Secret', keys({ metadata: { name: 'keys' } }));
    assert.equal(id, 'bots/keys');
    const space = await up('core/v1:Namespace', { metadata: { name: 'n' } });
    assert.equal(space.id, 'n');
  });

  it('sees no difference in what the server added', async () => {
    server.onWrite = (path, object) => {
      server.put(path, { ...object, type: 'Opaque', status: { phase: 'x' } });
    };
    const { id, inputs, state } = await up('core/v1:Secret', keys());
    const diff = await of('core/v1:Secret').diff(id, state, inputs, call());
    assert.deepEqual([diff.changes, diff.replaces], [false, []]);
  });

  it('updates a mutable Secret in place and replaces an immutable one', async () => {
    const differ = async (more: Properties) => {
      const { id, state } = await up('core/v1:Secret', keys(more));
      const news = keys({ ...more, stringData: { key: 'another' } });
      const { inputs } = await of('core/v1:Secret').check({}, news, call({ marked: news }));
      server.remove(`${secrets}/keys`);
      const diff = await of('core/v1:Secret').diff(id, state, unwrap(inputs) as Properties, call());
      assert.equal(diff.changes, true);
      assert.deepEqual(Object.keys(diff.detailedDiff ?? {}), ['data.key']);
      return [diff.replaces, diff.deleteBeforeReplace];
    };
    assert.deepEqual(await differ({}), [[], false]);
    // The same fixed name: the old one must go first.
    assert.deepEqual(await differ({ immutable: true }), [['data.key'], true]);
    await configure();
    assert.deepEqual(await differ({}), [['data.key'], true]);
  });

  for (const [type, old, next, replaces] of [
    ['core/v1:Secret', { metadata: { name: 'b', namespace: 'bots' } }, {}, ['metadata.name']],
    [
      'apps/v1:Deployment',
      { spec: { selector: { matchLabels: { app: 'a' } }, replicas: 1 } },
      { spec: { selector: { matchLabels: { app: 'b' } }, replicas: 2 } },
      ['spec.selector.matchLabels.app'],
    ],
    [
      'core/v1:PersistentVolumeClaim',
      { spec: { storageClassName: 'a', resources: { requests: { storage: '1Gi' } } } },
      { spec: { storageClassName: 'b', resources: { requests: { storage: '2Gi' } } } },
      ['spec.storageClassName'],
    ],
    [
      'rbac.authorization.k8s.io/v1:RoleBinding',
      { roleRef: { name: 'a' }, subjects: [{ name: 'a' }] },
      { roleRef: { name: 'b' }, subjects: [{ name: 'b' }] },
      ['roleRef.name'],
    ],
    [
      'networking.k8s.io/v1:NetworkPolicy',
      { spec: { policyTypes: ['Egress'] } },
      { spec: { policyTypes: ['Ingress'] } },
      [],
    ],
  ] as const) {
    it(`replaces a ${type} for ${replaces.join(', ') || 'nothing but its name'}`, async () => {
      const metadata = { name: 'a', namespace: 'bots' };
      const state = { ...old, metadata: { ...metadata }, __inputs: { ...old, metadata } };
      if ('metadata' in old) Object.assign(state, old, { __inputs: old });
      const diff = await of(type).diff('bots/a', state, { metadata, ...next }, call());
      assert.equal(diff.changes, true);
      assert.deepEqual(diff.replaces, replaces);
      const fixed = replaces.length > 0 && !replaces.some((path) => path === 'metadata.name');
      assert.equal(diff.deleteBeforeReplace, fixed);
    });
  }

  it('heeds ignoreChanges', async () => {
    const { id, inputs, state } = await up('core/v1:Secret', keys());
    const news = { ...inputs, data: { key: 'b' }, type: 'x' };
    const diff = await of('core/v1:Secret').diff(
      id,
      state,
      news,
      call({ ignoreChanges: ['data'] }),
    );
    assert.deepEqual(Object.keys(diff.detailedDiff ?? {}), ['type']);
  });

  it('updates by server-side apply, after it has taken over what its POST owns', async () => {
    const { id, inputs, state } = await up('core/v1:Secret', keys());
    const fieldManager = String(state.__fieldManager);
    const live = server.get(`${secrets}/keys`);
    assert.ok(live !== undefined);
    const managedFields = [
      { manager: fieldManager, operation: 'Update', fieldsV1: { 'f:data': {} } },
    ];
    server.put(`${secrets}/keys`, { ...live, metadata: { ...live.metadata, managedFields } });
    server.requests.length = 0;
    const marked = { ...inputs, data: secret({ key: 'eA==' }) };
    const news = unwrap(marked) as Properties;
    const { outs } = await of('core/v1:Secret').update(id, state, news, call({ marked }));
    assert.ok(isSecret(outs.data));
    const writes = server.requests.filter(({ method }) => method === 'PATCH');
    assert.deepEqual(
      writes.map(({ contentType }) => contentType),
      ['application/json-patch+json', 'application/apply-patch+yaml'],
    );
    assert.equal(writes[1]?.query.get('fieldManager'), fieldManager);
    assert.equal(writes[1]?.query.get('force'), 'false');
    assert.deepEqual(writes[1]?.body.data, { key: 'eA==' });
  });

  it('says that another manager owns a field, keeps the state, and tries again', async () => {
    const { id, inputs, state } = await up('core/v1:Namespace', { metadata: { name: 'n' } });
    const message =
      'Apply failed with 1 conflict: conflict with "kubectl" using v1: .metadata.labels.a';
    server.onRequest = ({ method }) =>
      method === 'PATCH' ? { code: 409, body: { reason: 'Conflict', message } } : undefined;
    await assert.rejects(of('core/v1:Namespace').update(id, state, inputs, call()), (error) => {
      assert.ok(error instanceof InitialisationError);
      assert.match(
        error.message,
        /^Namespace n: update failed: 409 Conflict Apply failed.*patchForce$/u,
      );
      assert.equal(error.id, 'n');
      return true;
    });
  });

  it('previews on the server, writes nothing, and knows no status or id', async () => {
    const inputs = { kind: 'Namespace', metadata: { name: 'n' }, status: { phase: 'x' } };
    const made = await of('core/v1:Namespace').create(inputs, call({ preview: true }));
    assert.equal(made.id, '');
    assert.equal('status' in (made.outs as object), false);
    assert.equal(server.requests[0]?.query.get('dryRun'), 'All');
    assert.equal(server.get('/api/v1/namespaces/n'), undefined);
  });

  it('previews as they are inputs that are not known, and what cannot be said yet', async () => {
    const marked = { metadata: { name: unknown, namespace: 'bots' } };
    const early = await of('core/v1:Secret').create(marked, call({ preview: true, marked }));
    assert.deepEqual(early, { id: '', outs: marked });
    assert.equal(server.requests.length, 0);
    for (const [code, reason] of [
      [403, 'Forbidden'],
      [404, 'NotFound'],
      [409, 'AlreadyExists'],
    ] as const) {
      server.onRequest = () => ({ code, body: { reason } });
      const inputs = { metadata: { name: 'a', namespace: 'bots' } };
      const made = await of('core/v1:Secret').create(
        inputs,
        call({ preview: true, marked: inputs }),
      );
      assert.deepEqual(made, { id: '', outs: inputs });
    }
  });

  it('keeps in the state what was made and did not become ready', async () => {
    const news = {
      metadata: {
        name: 'e',
        namespace: 'bots',
        annotations: { 'pulumi.com/waitFor': 'condition=Ready', 'pulumi.com/timeoutSeconds': '1' },
      },
    };
    await assert.rejects(up('external-secrets.io/v1:ExternalSecret', news), (error) => {
      assert.ok(error instanceof InitialisationError);
      assert.equal(error.id, 'bots/e');
      assert.match(
        error.message,
        /ExternalSecret bots\/e: creation failed: timed out after 1 s: no/u,
      );
      assert.equal((error.outs.metadata as Properties).name, 'e');
      return true;
    });
  });

  it('reads what drifted, into the inputs too, and sees what is gone', async () => {
    const { id, inputs, state } = await up('core/v1:Namespace', {
      metadata: { name: 'n', labels: { a: '1' } },
    });
    const path = '/api/v1/namespaces/n';
    const live = server.get(path);
    assert.ok(live !== undefined);
    server.put(path, { ...live, metadata: { ...live.metadata, labels: { a: '2', b: '3' } } });
    const read = await of('core/v1:Namespace').read(
      id,
      state,
      call({ oldInputs: inputs, marked: inputs }),
    );
    assert.deepEqual((read.inputs.metadata as Properties).labels, { a: '2' });
    const diff = await of('core/v1:Namespace').diff(
      id,
      unwrap(read.props) as Properties,
      inputs,
      call(),
    );
    assert.deepEqual(Object.keys(diff.detailedDiff ?? {}), ['metadata.labels.a']);
    server.remove(path);
    assert.deepEqual(
      await of('core/v1:Namespace').read(id, state, call({ oldInputs: inputs })),
      {},
    );
    await assert.rejects(of('core/v1:Namespace').read(id, {}, call()), /cannot import/u);
  });

  it('deletes in the foreground and waits, and is content when it is gone already', async () => {
    const { id, state } = await up('core/v1:Secret', keys());
    await of('core/v1:Secret').delete(id, state, call());
    const sent = server.requests.find(({ method }) => method === 'DELETE');
    assert.deepEqual(sent?.body, { propagationPolicy: 'Foreground' });
    await of('core/v1:Secret').delete(id, state, call());
    assert.equal(server.get(`${secrets}/keys`), undefined);
  });

  it('says in one line that the server cannot be reached', async () => {
    server.onRequest = () => 'hang up';
    await assert.rejects(up('core/v1:Secret', keys()), (error: Error) => {
      assert.match(
        error.message,
        /^Secret bots\/keys: creation failed: API server http:\S+: ECONNRESET; fix:/u,
      );
      assert.deepEqual(leaks(`${error.message}${error.stack}`, canaries), []);
      return true;
    });
  });
});
