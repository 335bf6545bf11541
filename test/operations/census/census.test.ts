/** What is asked of which place, by a stack's settings and outputs; the places have tests of their own. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeCensus } from '../../../operations/census/census.ts';
import type { Engine } from '../../../operations/engine/engine.ts';
import type { Settings } from '../../../settings.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';

describe('a census of a stack for git', () => {
  const folder = mkdtempSync(join(tmpdir(), 'census-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const { KUBECONFIG: before } = process.env;
  let server: KubernetesServer;

  beforeEach(async () => {
    server = new KubernetesServer();
    await server.start();
    server.put('/api/v1/namespaces/kube-system', { metadata: {} });
    writeFileSync(kubeconfig, server.kubeconfig());
    process.env.KUBECONFIG = kubeconfig;
  });
  afterEach(async () => {
    await server.stop();
    if (before === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = before;
  });
  after(() => rmSync(folder, { recursive: true }));

  async function taken(raw: Readonly<Record<string, unknown>>) {
    const outputs = { tags: {}, delivered: { sops: { manifests: folder, next: '' } } };
    const engine = {
      stack: 'prod',
      ask: async ([, verb]: readonly string[]) => {
        const said = verb === 'output' ? outputs : { deployment: { resources: [] } };
        return { code: 0, stdout: JSON.stringify(said), stderr: '' };
      },
    } as unknown as Engine;
    const settled = {
      targets: ['sops'],
      groups: [],
      namespace: 'hummingbot',
      recipients: [],
    } as unknown as Settings;
    return await takeCensus(engine, { settings: raw, settled, mistakes: [] }, { readers: false });
  }

  it('asks the cluster that the settings name', async () => {
    const cluster = server.get('/api/v1/namespaces/kube-system')?.metadata.uid;
    const { unasked } = await taken({ kubeContext: 'test', cluster });
    assert.deepEqual(unasked, []);
    assert.ok(server.requests.some(({ path }) => path.endsWith('/namespaces/hummingbot/secrets')));
  });

  it('says that nobody was asked where the machine does not have the context', async () => {
    const { unasked } = await taken({ kubeContext: 'eks-prod', cluster: 'uid' });
    const [{ fix, ...first } = { fix: '' }, ...others] = unasked;
    assert.deepEqual(
      [first, others],
      [{ target: 'sops', what: 'cluster', got: 'no cluster that the settings name' }, []],
    );
    assert.match(
      fix,
      /^a kubeconfig that has context eks-prod \(KUBECONFIG\), or .*pulumi.* config set kubeContext NAME --stack prod$/,
    );
    assert.deepEqual(server.requests, []);
  });

  it('asks for no cluster where the settings name none', async () => {
    assert.deepEqual((await taken({})).unasked, []);
    assert.deepEqual(server.requests, []);
  });
});
