/** All questions at once, to an engine that answers as Pulumi does and an API server of objects. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryOf, groups, type SecretKey, secretKeys } from '../../../components/catalog.ts';
import { targetNames, targetOf } from '../../../components/delivery/targets.ts';
import { tag } from '../../../components/values.ts';
import { diagnose } from '../../../operations/doctor/diagnosis.ts';
import { examine } from '../../../operations/doctor/examination.ts';
import type { Engine } from '../../../operations/engine/engine.ts';
import { lookAlike } from '../../../rehearsal/look-alikes.ts';
import { leaks } from '../../canary.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';

const target =
  targetNames.find((name) => {
    const rules = targetOf(name);
    return rules.kind === 'cluster' && rules.synced;
  }) ?? '';
const keys = secretKeys.filter((key) => entryOf(key).usedWith === 'binance');
const values = new Map(keys.map((key) => [key, lookAlike('line', key)]));
const groupTag = 'aaaaaaaaaa';
const name = `${groups.trading.secretName}-0a1b2c3d`;
const urn =
  'urn:pulumi:prod::p::hummingbot-secrets:values:TagKey$random:index/randomPassword:RandomPassword::tag-key';

describe('an examination of a stack in a cluster', () => {
  const directory = mkdtempSync(join(tmpdir(), 'doctor-'));
  const before = process.env.KUBECONFIG;
  let server: KubernetesServer;
  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
    process.env.KUBECONFIG = join(directory, 'kubeconfig');
    writeFileSync(process.env.KUBECONFIG, server.kubeconfig());
    server.put('/api/v1/namespaces/kube-system', { metadata: {} });
    const annotations = { 'hummingbot-secrets/tag': groupTag };
    const data = keys.map((key) => ({ secretKey: key }));
    server.put(`/apis/external-secrets.io/v1/namespaces/hummingbot/externalsecrets/${name}`, {
      metadata: { annotations },
      spec: { data },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    server.put(`/api/v1/namespaces/hummingbot/secrets/${name}`, { metadata: { annotations } });
    server.put('/api/v1/namespaces/hummingbot/pods/bot-1', {
      metadata: { labels: { 'app.kubernetes.io/name': 'hummingbot' } },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'hummingbot', ready: true, state: { running: {} } }],
      },
    });
  });
  afterEach(async () => {
    await server.stop();
    if (before === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = before;
  });
  after(() => rmSync(directory, { recursive: true }));

  function engineOf(
    delivered: ReadonlyMap<SecretKey, string>,
    places: object = { [target]: { namespace: 'hummingbot', next: 'kubectl get pods' } },
  ): Engine {
    const tags = [...delivered].map(([key, value]) => [key, tag('the key', [[key, value]])]);
    const outputs = {
      tags: { trading: { group: groupTag, keys: Object.fromEntries(tags) } },
      delivered: places,
    };
    const result = { plaintext: JSON.stringify('the key') };
    const state = { deployment: { resources: [{ urn, outputs: { result } }] } };
    return {
      stack: 'prod',
      ask: async (words: readonly string[]) => ({
        code: 0,
        stdout: JSON.stringify(words.includes('export') ? state : outputs),
        stderr: '',
      }),
    } as unknown as Engine;
  }

  async function diagnosed(delivered = values, more: object = {}) {
    const settings = {
      targets: [target],
      exchanges: ['binance'],
      services: [],
      kubeContext: 'test',
      cluster: server.get('/api/v1/namespaces/kube-system')?.metadata.uid,
      trading: Object.fromEntries(values),
      ...more,
    };
    const diagnosis = diagnose(await examine(engineOf(delivered), { settings, mistakes: [] }));
    assert.ok(leaks(JSON.stringify(settings), values).length > 0, 'the control');
    assert.deepEqual(leaks(JSON.stringify(diagnosis), values), []);
    const lines = diagnosis.problems.map(({ what, got }) => `${what}: got ${got}`);
    return { arrivals: diagnosis.keys.map((row) => row.delivered[target]), lines };
  }
  const deaf = 'bot: got no exec into pod bot-1';

  it('finds all delivered, and says that the bot cannot be heard', async () => {
    assert.deepEqual(await diagnosed(), { arrivals: ['yes', 'yes'], lines: [deaf] });
  });

  it('finds a value that was set since the last up, which no Secret shows', async () => {
    const { arrivals, lines } = await diagnosed(
      new Map([...values, ['binance_secret_key', 'old']]),
    );
    assert.deepEqual(arrivals, ['yes', 'older value']);
    assert.deepEqual(lines, [
      `${target}, trading: got an older value, or none, of binance_secret_key`,
      deaf,
    ]);
  });

  it('says so of files for git when this machine does not know their cluster', async () => {
    const git = targetNames.find((each) => targetOf(each).kind === 'git') ?? '';
    const places = { [git]: { manifests: directory, next: 'git push' } };
    const settings = {
      ...{ targets: [git], exchanges: ['binance'], services: [], namespace: 'hummingbot' },
      ...{ kubeContext: 'eks-prod', cluster: 'uid', trading: Object.fromEntries(values) },
    };
    const engine = engineOf(values, places);
    const { problems } = diagnose(await examine(engine, { settings, mistakes: [] }));
    const [line] = problems.filter(({ what }) => what === 'cluster');
    assert.match(line?.got ?? '', /^no cluster that the settings name$/);
    assert.match(line?.fix ?? '', /^a kubeconfig that has context eks-prod \(KUBECONFIG\), or /);
    assert.deepEqual(server.requests, []);
  });

  it('asks nothing of another cluster', async () => {
    const { arrivals, lines } = await diagnosed(values, { cluster: 'another' });
    assert.deepEqual(arrivals, ['unknown', 'unknown']);
    assert.deepEqual(lines, ['kubeContext: got another cluster']);
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ['/api/v1/namespaces/kube-system'],
    );
  });

  it('says what it may not see, and still what it may', async () => {
    server.onRequest = ({ path }) =>
      path.includes('externalsecrets')
        ? { code: 403, body: { kind: 'Status', reason: 'Forbidden' } }
        : undefined;
    const { arrivals, lines } = await diagnosed();
    assert.deepEqual(arrivals, ['unknown', 'unknown']);
    assert.match(lines[0] ?? '', /^cluster: got GET \S+externalsecrets: 403 Forbidden$/);
    assert.deepEqual(lines.slice(1), [deaf]);
  });

  it('says once that nobody answers', async () => {
    server.onRequest = () => 'hang up';
    const { lines } = await diagnosed();
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^cluster: got API server http:\S+: ECONNRESET$/);
  });
});
