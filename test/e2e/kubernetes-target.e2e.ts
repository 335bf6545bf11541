/** Target `kubernetes` on a real API server: no store, no operator, the same bot. */
import assert from 'node:assert/strict';
import { differences } from '../../rehearsal/keystore.ts';
import { leaks, makeCanary } from '../canary.ts';
import { isReady } from './cluster-watch.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

describe('the target kubernetes', () => {
  const stack = new RehearsedStack('prod');
  stack.commit('targets', ['kubernetes']);

  before(async function () {
    if (!canRehearse) this.skip();
    await stack.start();
  });
  after(async () => await stack.end());

  const secrets = async (): Promise<readonly string[]> => {
    const { namespace } = stack;
    const { items } = await stack.access.core.listNamespacedSecret({ namespace });
    return items.map(({ metadata }) => metadata?.name ?? '').toSorted();
  };

  it('starts no store and no operator, and the bot reads its keys', async () => {
    const { stdout } = await stack.rehearse('status');
    assert.doesNotMatch(stdout, /aws|external-secrets/u);
    assert.match(stdout, /api-server|kube-apiserver/u);
    assert.deepEqual(differences(await stack.keystore(), await stack.values()), []);
    assert.match(
      (await secrets()).join(' '),
      /^hummingbot-infrastructure hummingbot-monitoring hummingbot-trading-keys-[0-9a-f]{8}$/u,
    );
  });

  it('has nothing to do the second time', async () => {
    const mark = stack.mark();
    const { code, stdout } = await stack.npmStart();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /Resources:\n {4}\d+ unchanged\n/u);
    assert.deepEqual(stack.apiWrites(mark), []);
  });

  it('rotates a versioned group with one restart, and a fixed one in place with none', async () => {
    const [before, old] = [await stack.pod(), await secrets()];
    const value = makeCanary('rotated');
    await stack.set('binance_api_key', value);
    assert.equal((await stack.up()).code, 0);
    const pod = await stack.pod();
    assert.notEqual(pod.metadata?.uid, before.metadata?.uid);
    assert.ok(isReady(pod));
    assert.deepEqual(differences(await stack.keystore(), await stack.values()), []);
    const now = await secrets();
    assert.equal(now.length, 3);
    assert.notDeepEqual(now, old);
    await stack.set('grafana_api_key', makeCanary('fixed'));
    assert.equal((await stack.up()).code, 0);
    assert.equal((await stack.pod()).metadata?.uid, pod.metadata?.uid);
    assert.deepEqual(await secrets(), now);
  });

  it('sees and heals what somebody changed or deleted by hand', async () => {
    assert.equal((await stack.kubectl('delete', 'secret', 'hummingbot-monitoring')).code, 0);
    const patch = JSON.stringify({ stringData: { redis_password: 'by-hand' } });
    const words = ['patch', 'secret', 'hummingbot-infrastructure', '--patch', patch];
    assert.equal((await stack.kubectl(...words)).code, 0);
    const { code, stdout, stderr } = await stack.npmStart();
    assert.equal(code, 0, stdout + stderr);
    const values = await stack.values();
    const { namespace } = stack;
    for (const [name, key] of [
      ['hummingbot-monitoring', 'grafana_api_key'],
      ['hummingbot-infrastructure', 'redis_password'],
    ] as const) {
      const { data } = await stack.access.core.readNamespacedSecret({ name, namespace });
      const text = Buffer.from(data?.[key] ?? '', 'base64').toString();
      assert.ok(text !== '' && text !== 'by-hand' && (values.get(key) ?? text) === text, key);
    }
  });

  it('is fine by the doctor', async () => {
    const { code, stdout } = await stack.run('npm', [
      'run',
      '-s',
      'doctor',
      '--',
      '--stack',
      'prod',
    ]);
    assert.equal(code, 0, stdout);
  });

  it('shows no value in what was printed or logged', async () => {
    const values = await stack.values();
    assert.deepEqual(leaks(stack.checkout.printed.join('\n'), values), []);
    for (const [name, text] of stack.logs()) {
      assert.deepEqual(leaks(text.toString('latin1'), values), [], name);
    }
  });

  it('takes everything with it', async () => {
    assert.equal((await stack.rehearse('destroy')).code, 0);
    const { items } = await stack.access.core.listNamespace();
    assert.ok(!items.some(({ metadata }) => metadata?.name === stack.namespace));
  });
});
