/** Against an API server of objects; what a real one says is the rehearsal's part. */
import assert from 'node:assert/strict';
import { lookAtSynced, lookAtWritten } from '../../../operations/doctor/cluster.ts';
import { askPod } from '../../../operations/doctor/pod.ts';
import { KubernetesApi } from '../../../plugins/kubernetes-api.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { keyFacts } from './case.ts';

const namespace = '/api/v1/namespaces/hummingbot';
const secrets = `${namespace}/secrets`;
const external = '/apis/external-secrets.io/v1/namespaces/hummingbot/externalsecrets';
const name = 'hummingbot-trading-keys-0a1b2c3d';
const tag = 'aaaaaaaaaa';
const annotations = { 'hummingbot-secrets/tag': tag };
const keys = [keyFacts('binance_api_key'), keyFacts('binance_secret_key')];
const place = {
  target: 'store',
  stack: 'prod',
  namespace: 'hummingbot',
  kubectl: 'kubectl --context c --namespace hummingbot',
  tags: { trading: tag },
  values: ['a-value-of-somebody'],
};

describe('the doctor in a cluster', () => {
  let server: KubernetesServer;
  let api: KubernetesApi;
  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
    api = await KubernetesApi.connect(server.kubeconfig());
  });
  afterEach(() => server.stop());

  const ready = (status: string, reason = 'SecretSynced') => ({
    conditions: [{ type: 'Ready', status, reason }],
  });
  function putSecret(more: object = {}, own: object = annotations): void {
    const data = keys.map(({ key }) => ({ secretKey: key }));
    const object = { metadata: { annotations }, spec: { data }, status: ready('True'), ...more };
    server.put(`${external}/${name}`, object);
    server.put(`${secrets}/${name}`, { metadata: { annotations: own } });
  }

  describe('at Secrets that an operator made', () => {
    const look = async () => {
      const { arrivals, findings } = await lookAtSynced(api, place, keys);
      const lines = findings.map(({ what, got, fix }) => `${what}: got ${got}; fix: ${fix}`);
      return { arrivals: [...arrivals.values()], lines };
    };

    it('finds them with the tag of the last up, and asks for metadata alone', async () => {
      putSecret();
      assert.deepEqual(await look(), { arrivals: ['yes', 'yes'], lines: [] });
      const asked = server.requests.filter(({ path }) => path.startsWith(secrets));
      assert.equal(asked.length, 1);
      assert.match(asked[0]?.accept ?? '', /as=PartialObjectMetadata/);
      assert.doesNotMatch(asked[0]?.accept ?? '', /,/);
    });

    it('finds another tag', async () => {
      putSecret({}, { 'hummingbot-secrets/tag': 'bbbbbbbbbb' });
      const { arrivals, lines } = await look();
      assert.deepEqual(arrivals, ['another tag', 'another tag']);
      assert.deepEqual(lines, [
        `Secret hummingbot/${name}: got tag bbbbbbbbbb; fix: npm start -- --stack prod`,
      ]);
    });

    it('finds an ExternalSecret that is not Ready, with its reason and not its message', async () => {
      putSecret({ status: ready('False', 'SecretSyncedError') });
      const { arrivals, lines } = await look();
      assert.deepEqual(arrivals, ['not synced', 'not synced']);
      assert.deepEqual(lines, [
        `ExternalSecret hummingbot/${name}: got not Ready: SecretSyncedError; fix: ${place.kubectl} describe externalsecret ${name}`,
      ]);
    });

    it('finds a Secret, an ExternalSecret or a key that is not there', async () => {
      putSecret({ spec: { data: [{ secretKey: 'binance_api_key' }] } });
      assert.deepEqual((await look()).arrivals, ['yes', 'no']);
      assert.match((await look()).lines[0] ?? '', /nothing of binance_secret_key/);
      server.remove(`${secrets}/${name}`);
      assert.match((await look()).lines[0] ?? '', /^Secret hummingbot\/\S+: got none/);
      server.remove(`${external}/${name}`);
      // A server lists a kind of which there is nothing.
      server.onRequest = ({ path }) =>
        path === external ? { code: 200, body: { items: [] } } : undefined;
      const { arrivals, lines } = await look();
      assert.deepEqual(arrivals, ['no', 'no']);
      assert.match(lines[0] ?? '', /^ExternalSecret hummingbot\/hummingbot-trading-keys: got none/);
    });

    it('takes of two, in the middle of a rotation, the one with the tag', async () => {
      putSecret();
      const other = 'hummingbot-trading-keys-ffffffff';
      server.put(`${external}/${other}`, { metadata: {}, spec: {}, status: ready('False') });
      assert.deepEqual((await look()).lines, []);
    });

    it('expects no tag of a group that somebody else writes', async () => {
      putSecret({}, {});
      const facts = keys.map(({ key }) => keyFacts(key, 'external'));
      const { arrivals, findings } = await lookAtSynced(api, { ...place, tags: {} }, facts);
      assert.deepEqual([[...arrivals.values()], findings], [['yes', 'yes'], []]);
    });

    it('passes on that it may not', async () => {
      server.onRequest = () => ({ code: 403, body: { kind: 'Status', reason: 'Forbidden' } });
      await assert.rejects(look(), { message: `GET ${external}: 403 Forbidden` });
    });
  });

  describe('at Secrets that Pulumi wrote', () => {
    const look = async (place_ = place, facts = keys) => {
      const { arrivals, findings } = await lookAtWritten(api, place_, facts);
      const lines = findings.map(({ what, got, fix }) => `${what}: got ${got}; fix: ${fix}`);
      return { arrivals: [...arrivals.values()], lines };
    };
    const put = (own: object = annotations, at = name) =>
      server.put(`${secrets}/${at}`, { metadata: { annotations: own } });

    it('finds them with the tag of the last up, and asks for metadata alone', async () => {
      put();
      put({}, 'hummingbot-trading-keys-ffffffff');
      assert.deepEqual(await look(), { arrivals: ['yes', 'yes'], lines: [] });
      for (const { path, accept } of server.requests.filter((each) => each.path !== '/version')) {
        assert.equal(path, secrets);
        assert.match(accept ?? '', /^application\/json;as=PartialObjectMetadataList;[^,]*$/);
      }
    });

    it('finds another tag, or none', async () => {
      put({ 'hummingbot-secrets/tag': 'bbbbbbbbbb' });
      assert.deepEqual(await look(), {
        arrivals: ['another tag', 'another tag'],
        lines: [`Secret hummingbot/${name}: got tag bbbbbbbbbb; fix: npm start -- --stack prod`],
      });
      server.remove(`${secrets}/${name}`);
      put({}, 'another-secret');
      assert.deepEqual(await look(), {
        arrivals: ['no', 'no'],
        lines: [
          'Secret hummingbot/hummingbot-trading-keys: got none; fix: npm start -- --stack prod',
        ],
      });
    });

    it('expects no tag of a group that somebody else writes', async () => {
      put({}, 'hummingbot-trading-keys');
      const facts = keys.map(({ key }) => keyFacts(key, 'external'));
      const seen = await look({ ...place, tags: {} as never }, facts);
      assert.deepEqual(seen, { arrivals: ['yes', 'yes'], lines: [] });
    });
  });

  describe('at the pod', () => {
    const report = JSON.stringify({ materialised: { binance: ['binance_api_key'] }, read: {} });
    const labels = { 'app.kubernetes.io/name': 'hummingbot' };
    const annotated = { 'hummingbot-secrets/tags': JSON.stringify({ trading: tag }) };
    const up = {
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'hummingbot', ready: true, state: { running: {} } }],
    };
    function putPod(status: object, own: object = annotated): void {
      server.put(`${namespace}/pods/bot-1`, { metadata: { labels, annotations: own }, status });
    }
    const ask = async (answer: string | undefined = report) => {
      const facts = await askPod(api, async () => answer, place);
      const lines = facts.findings.map(({ what, got, fix }) => `${what}: got ${got}; fix: ${fix}`);
      return { facts, lines };
    };
    beforeEach(() => {
      server.put(`${namespace}/events/other`, { involvedObject: { name: 'other' }, metadata: {} });
      server.put(`${namespace}/pods/other-1`, { metadata: {}, status: up });
    });

    it('reads what the bot has read', async () => {
      putPod(up);
      const { facts, lines } = await ask();
      assert.deepEqual(lines, []);
      assert.deepEqual(facts.report?.materialised, ['binance_api_key']);
      assert.equal(facts.restart, `${place.kubectl} rollout restart deployment/hummingbot`);
    });

    it('says why it is not Ready, in the word of the container that materialises', async () => {
      const message = 'kraken_secret_key: got no base64; allowed: base64; fix: set it';
      const terminated = { exitCode: 65, message };
      putPod({
        phase: 'Pending',
        initContainerStatuses: [
          {
            name: 'materialise',
            restartCount: 2,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated },
          },
        ],
      });
      const { facts, lines } = await ask();
      assert.equal(facts.report, undefined);
      assert.deepEqual(lines, [
        'kraken_secret_key: got no base64; fix: set it',
        `pod bot-1: got container materialise: CrashLoopBackOff, exit code 65, 2 restarts; fix: ${place.kubectl} describe pod bot-1`,
      ]);
    });

    it('keeps to itself what a container says in another form', async () => {
      const terminated = { exitCode: 1, message: 'KeyError: a-value-of-somebody' };
      const state = { terminated };
      putPod({ containerStatuses: [{ name: 'hummingbot', restartCount: 1, state }] });
      const { lines } = await ask();
      assert.equal(lines.length, 1);
      assert.ok(!lines.join().includes('a-value-of-somebody'));
    });

    it('finds a pod of older values', async () => {
      putPod(up, { 'hummingbot-secrets/tags': JSON.stringify({ trading: 'bbbbbbbbbb' }) });
      assert.deepEqual((await ask()).lines, [
        'bot: got a pod from before the last change of trading; fix: npm start -- --stack prod',
      ]);
    });

    it('says that there is no pod, no exec, or no report', async () => {
      assert.match(
        (await ask()).lines[0] ?? '',
        /^bot: got no pod; fix: npm start -- --stack prod$/,
      );
      putPod(up);
      assert.match(
        (await ask('')).lines[0] ?? '',
        /got no \/run\/hummingbot\/report\.json in pod bot-1/,
      );
      const facts = await askPod(api, async () => undefined, place);
      assert.match(facts.findings[0]?.got ?? '', /no exec into pod bot-1/);
      assert.match(facts.findings[0]?.fix ?? '', /auth can-i create pods\/exec$/);
    });
  });
});
