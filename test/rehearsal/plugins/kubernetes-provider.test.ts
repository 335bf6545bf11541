import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Properties, unwrap } from '../../../plugins/provider-server.ts';
import { kinds } from '../../../rehearsal/plugins/kubernetes/kinds.ts';
import { KubernetesResource } from '../../../rehearsal/plugins/kubernetes/kubernetes-resource.ts';
import { KubernetesProvider } from '../../../rehearsal/plugins/kubernetes/provider.ts';
import { call } from '../../plugins/calls.ts';

const kubeconfig = (server: string, token: string, context = 'one') =>
  JSON.stringify({
    'current-context': context,
    contexts: [
      { name: 'one', context: { cluster: 'a', user: 'u' } },
      { name: 'two', context: { cluster: 'b', user: 'u' } },
    ],
    clusters: [
      { name: 'a', cluster: { server } },
      { name: 'b', cluster: { server: 'https://b' } },
    ],
    users: [{ name: 'u', user: { token } }],
  });

describe('the inputs of the rehearsal provider for kubernetes', () => {
  const provider = new KubernetesProvider();
  const replaces = async (olds: Properties, news: Properties) => {
    const { changes, replaces } = await provider.diffConfig(olds, news);
    return [changes, replaces];
  };

  it('replace nothing for other credentials, and everything for another cluster', async () => {
    const old = { kubeconfig: kubeconfig('https://a', 'old') };
    assert.deepEqual(await replaces(old, old), [false, []]);
    assert.deepEqual(await replaces(old, { kubeconfig: kubeconfig('https://a', 'new') }), [
      true,
      [],
    ]);
    const other = { kubeconfig: kubeconfig('https://c', 'old') };
    assert.deepEqual(await replaces(old, other), [true, ['kubeconfig']]);
    assert.deepEqual(await replaces(old, { ...old, context: 'two' }), [true, ['context']]);
    const unknown = { kubeconfig: '04da6b54-80e4-46f7-96ec-b56ff0331ba9' };
    assert.deepEqual(await replaces(old, unknown), [true, ['kubeconfig']]);
    const known = { ...old, clusterIdentifier: 'a' };
    assert.deepEqual(await replaces(known, { ...other, clusterIdentifier: 'a' }), [true, []]);
    assert.deepEqual(await replaces(old, known), [true, []]);
    const renamed = await replaces(known, { ...old, clusterIdentifier: 'b' });
    assert.deepEqual(renamed, [true, ['clusterIdentifier']]);
    const yaml = await replaces({ renderYamlToDirectory: 'a' }, { renderYamlToDirectory: 'b' });
    assert.deepEqual(yaml, [true, ['renderYamlToDirectory']]);
  });

  it('are refused by name when the plugin does not know them', async () => {
    const { failures } = await provider.checkConfig({
      kubeconfig: 'x',
      renderYamlToDirectory: 'out',
      enableServerSideApply: 'false',
      helmReleaseSettings: '{}',
      context: undefined,
    });
    assert.deepEqual(
      failures?.map(({ property }) => property),
      ['helmReleaseSettings', 'enableServerSideApply', 'kubeconfig'],
    );
    assert.deepEqual((await provider.checkConfig({ enableSecretMutable: 'true' })).failures, []);
  });

  it('say what is missing before anything is asked', async () => {
    await provider.configure({});
    await assert.rejects(provider.api(), /kubeconfig: got nothing; allowed:/u);
  });
});

describe('renderYamlToDirectory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'yaml-'));
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('writes, rewrites and removes one file an object, and warns of a secret', async () => {
    const provider = new KubernetesProvider();
    await provider.configure({ renderYamlToDirectory: directory });
    const kind = kinds['kubernetes:core/v1:Secret'];
    assert.ok(kind !== undefined);
    const secret = new KubernetesResource(kind, provider);
    const inputs = {
      metadata: { name: 'keys', namespace: 'bots' },
      stringData: { b: '2', a: '1' },
    };
    const recorded = call();
    const checked = await secret.check({}, inputs, recorded);
    const plain = unwrap(checked.inputs) as Properties;
    const { id, outs } = await secret.create(plain, { ...recorded, marked: checked.inputs });
    assert.equal(id, 'bots/keys');
    assert.deepEqual(readdirSync(directory).sort(), ['0-crd', '1-manifest']);
    const file = join(directory, '1-manifest', 'v1-secret-bots-keys.yaml');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(
      readFileSync(file, 'utf8'),
      'apiVersion: v1\ndata:\n  a: MQ==\n  b: Mg==\nkind: Secret\nmetadata:\n  name: keys\n  namespace: bots\n',
    );
    assert.equal(
      recorded.lines.filter((line) => /secret value in plaintext/u.test(line)).length,
      2,
    );
    const state = unwrap(outs) as Properties;
    assert.equal((await secret.diff(id, state, plain, call())).changes, false);
    await secret.delete(id, state, call());
    assert.deepEqual(readdirSync(join(directory, '1-manifest')), []);
  });

  it('says in one line when it cannot write', async () => {
    const provider = new KubernetesProvider();
    await provider.configure({ renderYamlToDirectory: '/dev/null/out' });
    const kind = kinds['kubernetes:core/v1:Namespace'];
    assert.ok(kind !== undefined);
    const resource = new KubernetesResource(kind, provider);
    await assert.rejects(resource.create({ metadata: { name: 'n' } }, call()), {
      message: /cannot be written: ENOTDIR; fix:/u,
    });
  });
});
