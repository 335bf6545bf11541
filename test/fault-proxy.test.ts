/** The proxies that provoke failures do what they are told, and count right. */
import assert from 'node:assert/strict';
import { AwsFaultProxy, failing } from './e2e/aws-fault-proxy.ts';
import { FakeAws } from './rehearsal/plugins/aws/fake-aws.ts';

describe('a fault proxy', () => {
  const put = 'secretsmanager.PutSecretValue';
  let fake: FakeAws;
  let proxy: AwsFaultProxy;

  before(async () => {
    fake = await FakeAws.start();
    await fake.account();
    fake.replies = { [put]: { VersionId: 'v' } };
  });
  beforeEach(async () => {
    proxy = await AwsFaultProxy.start(process.env.AWS_ENDPOINT_URL ?? '');
    fake.asked.length = 0;
  });
  afterEach(async () => await proxy.stop());
  after(() => fake.stop());

  async function ask(SecretString = 'a value', SecretId = 'x/trading') {
    const answer = await fetch(proxy.endpoint, {
      method: 'POST',
      headers: { 'x-amz-target': put },
      body: JSON.stringify({ SecretId, SecretString }),
    });
    return { status: answer.status, text: await answer.text() };
  }

  it('passes on what it has no fault for, and counts it', async () => {
    assert.deepEqual(await ask(), { status: 200, text: '{"VersionId":"v"}' });
    assert.deepEqual(proxy.counted, [{ action: put, about: 'x/trading', passed: true }]);
    assert.equal(fake.asked.length, 1);
  });

  it('answers instead of the server, with what it was sent, so often and to whom it is told', async () => {
    proxy.break(failing('InternalServiceError'), ({ about }) => about === 'x/trading', 1);
    assert.equal((await ask('a value', 'x/monitoring')).status, 200);
    const { status, text } = await ask();
    assert.equal(status, 500);
    assert.match(text, /InternalServiceError.*a value/u);
    assert.equal((await ask()).status, 200);
    assert.deepEqual(
      proxy.counted.map(({ passed }) => passed),
      [true, false, true],
    );
    assert.equal(fake.asked.length, 2);
  });

  it('hangs up before the server has heard anything, or after it has done everything', async () => {
    proxy.break({ does: 'reset' });
    await assert.rejects(ask());
    assert.equal(fake.asked.length, 0);
    proxy.break({ does: 'lose' });
    await assert.rejects(ask());
    assert.equal(fake.asked.length, 1);
    proxy.mend();
    assert.equal((await ask()).status, 200);
  });

  it('is late', async () => {
    proxy.break({ does: 'delay', milliseconds: 50 });
    const begun = performance.now();
    assert.equal((await ask()).status, 200);
    assert.ok(performance.now() - begun >= 49);
  });

  it('keeps the limit of 64 KiB, to the byte, also when all faults are off', async () => {
    proxy.mend();
    assert.equal((await ask('x'.repeat(65_536))).status, 200);
    const { status, text } = await ask('x'.repeat(65_537));
    assert.equal(status, 400);
    assert.match(text, /ValidationException/u);
  });

  it('refuses a share of all, the same for the same seed', async () => {
    const statuses = async (): Promise<readonly number[]> => {
      proxy.mend();
      proxy.throttle(0.5, 6);
      const seen: number[] = [];
      for (let at = 0; at < 40; at += 1) seen.push((await ask()).status);
      return seen;
    };
    const first = await statuses();
    assert.deepEqual(await statuses(), first);
    const refused = first.filter((status) => status === 400).length;
    assert.ok(refused >= 10 && refused <= 30, String(refused));
  });
});
