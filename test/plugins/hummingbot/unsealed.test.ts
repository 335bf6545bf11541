/** The gate against an API server that a test plays the controller of. */
import assert from 'node:assert/strict';
import { Unsealed } from '../../../plugins/hummingbot/unsealed.ts';
import { isSecret, type Properties, unwrap } from '../../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { call } from '../calls.ts';

const name = 'hummingbot-monitoring';
const secret = `/api/v1/namespaces/bots/secrets/${name}`;
const sealed = `/apis/bitnami.com/v1alpha1/namespaces/bots/sealedsecrets/${name}`;
const annotation = 'hummingbot-secrets/tag';
const canaries = new Map([
  ['kubeconfig', makeCanary('kubeconfig')],
  ['value', makeCanary('value')],
]);

describe('Unsealed', () => {
  let server: KubernetesServer;
  const gate = new Unsealed(5);
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
  const put = (tag: string, writer = { manager: 'controller', time: '2026-11-27T00:00:00Z' }) => {
    const data = { key: Buffer.from(canaries.get('value') ?? '').toString('base64') };
    const managedFields = [
      { ...writer, operation: 'Update', fieldsV1: { 'f:data': { 'f:key': {} } } },
      { manager: 'other', operation: 'Update', fieldsV1: { 'f:metadata': {} } },
    ];
    server.put(secret, { metadata: { annotations: { [annotation]: tag }, managedFields }, data });
  };
  const status = (synced: string, message = '', observedGeneration = 2) =>
    server.put(sealed, {
      metadata: { generation: 2 },
      status: { observedGeneration, conditions: [{ type: 'Synced', status: synced, message }] },
    });
  const wider = () =>
    server.put(sealed, {
      metadata: {
        generation: 2,
        annotations: { 'sealedsecrets.bitnami.com/namespace-wide': 'true' },
      },
      status: { observedGeneration: 2, conditions: [{ type: 'Synced', status: 'True' }] },
    });

  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
  });
  afterEach(async () => await server.stop());

  async function fails(reason: RegExp, more: Properties = {}): Promise<void> {
    const recorded = call();
    await assert.rejects(gate.create(inputs(more), recorded), (error: Error) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /\n/u);
      assert.deepEqual(leaks(error.message + recorded.lines.join('\n'), canaries), []);
      return true;
    });
  }

  it('is done when the controller has opened it as it is and the Secret carries the tag', async () => {
    put('newtag');
    status('True');
    const { id, outs } = await gate.create(inputs(), call());
    assert.equal(id, `bots/${name}`);
    assert.ok(isSecret(outs.kubeconfig));
    assert.match(String(outs.unsealed), /^newtag [0-9a-f]{12}$/u);
    assert.deepEqual(leaks(JSON.stringify(unwrap(outs)), new Map([...canaries].slice(1))), []);
  });

  it('waits while the controller has seen an older one alone, though the tag is the same', async () => {
    put('newtag');
    status('True', '', 1);
    let looks = 0;
    server.onRequest = ({ path }) => {
      if (path === sealed && ++looks === 3) status('True');
      return undefined;
    };
    const recorded = call();
    await gate.create(inputs({ deadlineSeconds: 10 }), recorded);
    assert.equal(looks, 3);
    assert.deepEqual(recorded.lines, ['waiting: the controller has not looked at it yet', '']);
  });

  it('fails at once when no key opens it, in one line that says what may be wrong', async () => {
    status('False', `no key could decrypt secret (key, ${canaries.get('value')})`);
    const begun = performance.now();
    await fails(
      /^SealedSecret bots\/hummingbot-monitoring: no key of the controller opens it: it was sealed for another certificate, namespace, name or scope; nothing that uses it was changed; fix: kubectl --namespace bots describe sealedsecret hummingbot-monitoring$/u,
      { deadlineSeconds: 60 },
    );
    assert.ok(performance.now() - begun < 10_000);
  });

  it('fails at once for a wider scope, which the controller has not looked at yet', async () => {
    put('newtag');
    wider();
    await fails(
      /^SealedSecret bots\/hummingbot-monitoring: somebody gave it a wider scope than strict, in which no key opens it; nothing that uses it was changed; fix: /u,
      { deadlineSeconds: 60 },
    );
  });

  it('says whose Secret is in the way, and nothing else of what a controller quotes', async () => {
    status(
      'False',
      'failed update: Resource "x" already exists and is not managed by SealedSecret',
    );
    await fails(
      /: not opened after 0\.2 s: a Secret of its name is there already, and is not the controller's;/u,
    );
    status('False', `admission webhook denied ${canaries.get('value')}`);
    await fails(/: not opened after 0\.2 s: the controller cannot open it;/u);
  });

  it('fails when there is nothing, and when the Secret has another tag', async () => {
    await fails(/: not opened after 0\.2 s: the SealedSecret is not there;/u);
    status('True');
    await fails(/: not opened after 0\.2 s: its Secret is not there;/u);
    put('oldtag');
    await fails(/: not opened after 0\.2 s: its Secret does not have the new values yet;/u);
  });

  it('asks for metadata alone, with no other answer to fall back on', async () => {
    put('newtag');
    status('True');
    const accepted: string[] = [];
    server.onRequest = ({ path, accept }) => {
      if (path === secret) accepted.push(accept);
      return undefined;
    };
    await gate.create(inputs(), call());
    assert.deepEqual(accepted, ['application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1']);
  });

  describe('at a refresh', () => {
    let state: Properties;
    beforeEach(async () => {
      put('newtag');
      status('True');
      state = unwrap((await gate.create(inputs(), call())).outs) as Properties;
    });
    const refreshed = async (): Promise<Properties> =>
      unwrap((await gate.read('id', state, call({ oldInputs: inputs() }))).props) as Properties;

    it('finds itself as it was', async () => {
      const found = await refreshed();
      assert.equal(found.unsealed, state.unsealed);
      assert.equal((await gate.diff('id', found, inputs())).changes, false);
    });

    for (const [what, spoil] of [
      [
        'another writer',
        () => put('newtag', { manager: 'kubectl-edit', time: '2026-11-27T01:00:00Z' }),
      ],
      [
        'the same writer later',
        () => put('newtag', { manager: 'controller', time: '2026-11-27T01:00:00Z' }),
      ],
      ['another tag', () => put('oldtag')],
      ['no Secret', () => server.remove(secret)],
      ['what the controller cannot open', () => status('False')],
      ['a wider scope', () => wider()],
    ] as const) {
      it(`sees ${what}, and has the controller write all of it anew`, async () => {
        spoil();
        const found = await refreshed();
        assert.equal(found.unsealed, '');
        assert.equal((await gate.diff('id', found, inputs())).changes, true);
        server.onWrite = (path) => {
          if (path !== sealed) return;
          server.onWrite = () => undefined;
          put('newtag', { manager: 'controller', time: '2026-11-27T02:00:00Z' });
          status('True');
        };
        const { outs } = await gate.update('id', found, inputs({ deadlineSeconds: 10 }), call());
        assert.match(String(outs?.unsealed), /^newtag /u);
        const patch = server.requests.find(({ method }) => method === 'PATCH');
        assert.equal(patch?.contentType, 'application/merge-patch+json');
        assert.match(
          JSON.stringify(patch?.body),
          /^\{"spec":\{"template":\{"metadata":\{"annotations":\{"hummingbot-secrets\/mended":"2/u,
        );
        assert.deepEqual(patch?.body.metadata, {
          annotations: {
            'sealedsecrets.bitnami.com/cluster-wide': null,
            'sealedsecrets.bitnami.com/namespace-wide': null,
          },
        });
      });
    }
  });
});
