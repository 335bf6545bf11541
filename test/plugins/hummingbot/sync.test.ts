/** The gate against an API server that a test plays the operator of. */
import assert from 'node:assert/strict';
import { Sync } from '../../../plugins/hummingbot/sync.ts';
import { isSecret, type Properties, unwrap } from '../../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { call } from '../calls.ts';

const secrets = '/api/v1/namespaces/bots/secrets';
const externalSecrets = '/apis/external-secrets.io/v1/namespaces/bots/externalsecrets';
const name = 'hummingbot-monitoring';
const annotation = 'hummingbot-secrets/tag';
const canaries = new Map([
  ['kubeconfig', makeCanary('kubeconfig')],
  ['value', makeCanary('value')],
]);

describe('Sync', () => {
  let server: KubernetesServer;
  const sync = new Sync(5);
  const inputs = (more: Properties = {}) => ({
    kubeconfig: server.kubeconfig(canaries.get('kubeconfig')),
    namespace: 'bots',
    name,
    annotation,
    tag: 'newtag',
    version: 'v2',
    deadlineSeconds: 0.2,
    ...more,
  });

  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
  });
  afterEach(async () => await server.stop());

  const put = (tag: string) => {
    const data = { key: Buffer.from(canaries.get('value') ?? '').toString('base64') };
    server.put(`${secrets}/${name}`, { metadata: { annotations: { [annotation]: tag } }, data });
  };
  const conditions = (...all: readonly Properties[]) =>
    server.put(`${externalSecrets}/${name}`, { metadata: {}, status: { conditions: all } });

  async function fails(reason: RegExp, more: Properties = {}): Promise<void> {
    const recorded = call();
    await assert.rejects(sync.create(inputs(more), recorded), (error: Error) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /\n/u);
      assert.deepEqual(leaks(error.message + recorded.lines.join('\n'), canaries), []);
      return true;
    });
  }

  it('is done when the Secret carries the tag', async () => {
    put('newtag');
    const { id, outs } = await sync.create(inputs(), call());
    assert.equal(id, `bots/${name}`);
    assert.ok(isSecret(outs.kubeconfig));
    assert.deepEqual(unwrap(outs), { ...inputs(), synced: 'newtag' });
    assert.deepEqual(leaks(JSON.stringify(unwrap(outs)), new Map([...canaries].slice(1))), []);
  });

  it('waits while the Secret carries the old one, whatever Ready says', async () => {
    put('oldtag');
    conditions({ type: 'Ready', status: 'True', reason: 'SecretSynced' });
    let looks = 0;
    server.onRequest = ({ path }) => {
      if (path.startsWith(secrets) && ++looks === 3) put('newtag');
      return undefined;
    };
    const recorded = call();
    const { outs } = await sync.update('', {}, inputs({ deadlineSeconds: 10 }), recorded);
    assert.equal(outs.synced, 'newtag');
    assert.equal(looks, 3);
    assert.deepEqual(recorded.lines, ['waiting: the Secret does not have the new values yet', '']);
  });

  it('asks for metadata alone, with no other answer to fall back on', async () => {
    put('newtag');
    const accepted: string[] = [];
    server.onRequest = ({ path, accept }) => {
      if (path.startsWith(secrets)) accepted.push(accept);
      return undefined;
    };
    await sync.create(inputs(), call());
    assert.deepEqual(accepted, ['application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1']);
  });

  it("fails with the operator's reason, and not with a store's words", async () => {
    put('oldtag');
    const message = `cannot read ${canaries.get('value')}`;
    conditions({ type: 'Ready', status: 'False', reason: 'SecretSyncedError', message });
    await fails(
      /^ExternalSecret bots\/hummingbot-monitoring: after 0\.2 s the Secret does not have the new values: SecretSyncedError; nothing that uses it was changed; fix: kubectl --namespace bots describe externalsecret hummingbot-monitoring$/u,
    );
  });

  it('fails when there is nothing that could make it', async () => {
    await fails(/after 0\.2 s the ExternalSecret is not there;/u);
  });

  it('waits for a server that is away, and says so when it does not come back', async () => {
    put('newtag');
    let left = 2;
    server.onRequest = () => (left-- > 0 ? 'hang up' : undefined);
    assert.equal((await sync.create(inputs(), call())).outs.synced, 'newtag');
    server.onRequest = () => ({ code: 403, body: { reason: 'Forbidden' } });
    await fails(/after 0\.2 s GET \/api\/v1\/namespaces\/bots\/secrets\/.*: 403 Forbidden;/u);
  });

  it('ends at a request to stop', async () => {
    put('oldtag');
    conditions({ type: 'Ready', status: 'True' });
    const stop = AbortSignal.timeout(50);
    await assert.rejects(
      sync.create(inputs({ deadlineSeconds: 10 }), { ...call(), signal: stop }),
      /stopped/u,
    );
  });

  it('waits anew for another tag or version, and not for another kubeconfig', async () => {
    const olds = { ...inputs(), synced: 'newtag' };
    const diffs = async (news: Properties, more: Properties = {}) =>
      (await sync.diff('', { ...olds, ...more }, { ...inputs(), ...news })).diffs;
    assert.deepEqual(await diffs({}), []);
    assert.deepEqual(await diffs({ kubeconfig: 'another' }), []);
    assert.deepEqual(await diffs({ tag: 'other' }), ['tag']);
    // A failed change that is taken back.
    assert.deepEqual(await diffs({ version: 'v3' }), ['version']);
    assert.deepEqual(await diffs({}, { synced: '' }), ['synced']);
    const { replaces } = await sync.diff('', olds, { ...inputs(), name: 'other' });
    assert.deepEqual(replaces, ['name']);
  });

  it('is found not synced by a refresh when the Secret has another tag or is gone', async () => {
    const state = { ...inputs(), synced: 'newtag' };
    const read = async () => {
      const { props } = await sync.read('x', state, { ...call(), oldInputs: inputs() });
      return (unwrap(props) as Properties).synced;
    };
    assert.equal(await read(), '');
    put('oldtag');
    assert.equal(await read(), '');
    put('newtag');
    assert.equal(await read(), 'newtag');
  });

  it('says what is wrong with its inputs', async () => {
    const { failures } = await sync.check({}, { ...inputs(), tag: 7, deadlineSeconds: 0 });
    assert.deepEqual(
      failures?.map(({ property, reason }) => `${property}: ${reason}`),
      ['tag: got number; allowed: string', 'deadlineSeconds: got 0; allowed: more than 0'],
    );
  });
});
