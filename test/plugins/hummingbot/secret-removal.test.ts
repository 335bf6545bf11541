/** Whose Secret is removed, against an API server that a test plays the controllers of. */
import assert from 'node:assert/strict';
import { SecretRemoval } from '../../../plugins/hummingbot/secret-removal.ts';
import { isSecret, type Properties, unwrap } from '../../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { call } from '../calls.ts';

const path = '/api/v1/namespaces/bots/secrets/hummingbot-monitoring';
const canaries = new Map([
  ['kubeconfig', makeCanary('kubeconfig')],
  ['value', makeCanary('value')],
]);
const owned = (controller: boolean): Properties => ({
  ownerReferences: [{ uid: 'x', kind: 'ExternalSecret', controller }],
});

describe('SecretRemoval', () => {
  let server: KubernetesServer;
  const removal = new SecretRemoval();
  const inputs = (more: Properties = {}) => ({
    kubeconfig: server.kubeconfig(canaries.get('kubeconfig')),
    namespace: 'bots',
    name: 'hummingbot-monitoring',
    ...more,
  });

  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
  });
  afterEach(async () => await server.stop());

  const put = (metadata: Properties = {}) => {
    const data = { key: Buffer.from(canaries.get('value') ?? '').toString('base64') };
    return server.put(path, { metadata, data });
  };
  const remove = async (more: Properties = {}, oldInputs: Properties = {}): Promise<void> =>
    await removal.delete('bots/hummingbot-monitoring', inputs(more), call({ oldInputs }));

  it('makes nothing when it is made, and keeps its kubeconfig a secret', async () => {
    const { id, outs } = await removal.create(inputs(), call());
    assert.equal(id, 'bots/hummingbot-monitoring');
    assert.ok(isSecret(outs?.kubeconfig));
    assert.deepEqual(unwrap(outs), inputs());
    assert.deepEqual(server.requests, []);
  });

  it('removes a Secret that nobody else owns, the very one that it has seen', async () => {
    for (const metadata of [{}, owned(false)]) {
      const { uid, resourceVersion } = put(metadata).metadata;
      await remove();
      assert.equal(server.get(path), undefined);
      const [seen, deleted] = server.requests.slice(-2);
      assert.deepEqual(deleted?.body.preconditions, { uid, resourceVersion });
      for (const { accept } of [seen, deleted].filter((each) => each !== undefined)) {
        assert.equal(accept, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
      }
    }
  });

  it('leaves one that a controller has taken over', async () => {
    put(owned(true));
    await remove();
    assert.ok(server.get(path));
    assert.deepEqual(
      server.requests.map(({ method }) => method),
      ['GET'],
    );
  });

  it('leaves one that a controller takes over between its look and its removal', async () => {
    put();
    server.onRequest = ({ method }) => {
      if (method !== 'DELETE') return undefined;
      put(owned(true));
      return { code: 409, body: { kind: 'Status', reason: 'Conflict', code: 409 } };
    };
    await remove();
    assert.ok(server.get(path));
    assert.equal(server.requests.filter(({ method }) => method === 'DELETE').length, 1);
  });

  it('has nothing to do where there is none', async () => {
    await remove();
    assert.deepEqual(
      server.requests.map(({ method }) => method),
      ['GET'],
    );
  });

  it('says in one line why a Secret stays, and no value', async () => {
    const body = { kind: 'Status', reason: 'Forbidden', message: canaries.get('value') };
    for (const [method, code] of [
      ['GET', 403],
      ['DELETE', 403],
      ['DELETE', 409],
    ] as const) {
      put();
      server.onRequest = (seen) => (seen.method === method ? { code, body } : undefined);
      await assert.rejects(remove(), (error: Error) => {
        assert.match(
          error.message,
          new RegExp(
            `^Secret bots/hummingbot-monitoring: it could not be removed: ${method} .*: ${code} `,
            'u',
          ),
        );
        assert.match(error.message, /; fix: [^\n]*$/u);
        assert.deepEqual(leaks(error.message, canaries), []);
        return true;
      });
      assert.ok(server.get(path));
    }
  });

  it('goes where its last inputs say, which an update without a difference saves', async () => {
    put();
    await remove({ kubeconfig: 'nowhere' }, inputs());
    assert.equal(server.get(path), undefined);
  });

  it('is another one for another name or namespace, and the same for another kubeconfig', async () => {
    const diff = async (news: Properties) =>
      (await removal.diff('', inputs(), { ...inputs(), ...news })).replaces;
    assert.deepEqual(await diff({ kubeconfig: 'other' }), []);
    assert.deepEqual(await diff({ name: 'other' }), ['name']);
    assert.deepEqual(await diff({ namespace: 'other' }), ['namespace']);
  });

  it('refuses what is no text', async () => {
    const { failures = [] } = await removal.check({}, inputs({ name: 5 }));
    assert.deepEqual(failures, [{ property: 'name', reason: 'got number; allowed: string' }]);
  });
});
