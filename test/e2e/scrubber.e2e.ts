/** What the engine prints, without values, by a program that says them aloud: the real engine. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { scrubVariable } from '../../operations/engine/engine.ts';
import { makeCanary } from '../canary.ts';
import { Checkout, type Result } from './checkout.ts';

describe('the output of an operation', () => {
  let checkout: Checkout;
  const canary = makeCanary('talker');

  before(async () => {
    process.env[scrubVariable] = 'yes';
    checkout = new Checkout();
    writeFileSync(checkout.path('index.ts'), "export * from './test/e2e/programs/talker.ts';\n");
    await checkout.setSecret('trading.binance_api_key', canary);
  });

  after(() => {
    delete process.env[scrubVariable];
    checkout.remove();
  });

  /** Pieces of a value in an output: the first and last characters of base64 are not its own. */
  function pieces({ stdout, stderr }: Result, value: string): readonly string[] {
    const text = `${stdout}${stderr}`.replaceAll(/\s+/gu, '');
    const forms = [0, 1, 2].map((offset) =>
      Buffer.from(`${'x'.repeat(offset)}${value}`)
        .toString('base64url')
        .slice(4, -4),
    );
    return [value, ...forms, Buffer.from(value).toString('hex'), encodeURIComponent(value)].filter(
      (form) => text.includes(form) || text.includes(form.slice(8, 24)),
    );
  }

  async function generated(): Promise<string> {
    const { stdout } = await checkout.pulumi(['stack', 'export', '--show-secrets']);
    checkout.forget(stdout);
    const { deployment } = JSON.parse(stdout) as {
      deployment: { resources: readonly { outputs?: { result?: { plaintext?: string } } }[] };
    };
    const [text] = deployment.resources.flatMap(({ outputs }) => outputs?.result?.plaintext ?? []);
    return String(JSON.parse(text ?? '""'));
  }

  it('shows no value that its program says, in whatever encoding, and all that stands beside it', async () => {
    const up = await checkout.npmStart();
    assert.equal(up.code, 0, up.stderr);
    assert.deepEqual(pieces(up, canary), []);
    for (const name of ['in base64', 'behind a letter', 'in hex', 'in lines', 'as it is']) {
      assert.match(up.stdout, new RegExp(`config ${name}: .{0,3}\\[secret\\].{0,3}\\.`, 'u'), name);
    }
    // A password that this very run has made is not in the state that it began with.
    const password = await generated();
    assert.equal(password.length, 32);
    const again = await checkout.npmStart();
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual([...pieces(again, password), ...pieces(again, canary)], []);
    assert.match(again.stdout, /generated in hex: \[secret\]\./);
  });

  it('shows none in a preview, in a destroy, and in the error that a run ends with', async () => {
    const options = { env: { TALKER_FAILS: '1' } };
    const preview = await checkout.run('npm', ['start', '--', 'preview'], options);
    assert.notEqual(preview.code, 0);
    assert.match(preview.stdout + preview.stderr, /refused: %22\[secret\]%22/);
    const destroy = await checkout.npmStart('destroy');
    assert.equal(destroy.code, 0, destroy.stderr);
    for (const result of [preview, destroy]) assert.deepEqual(pieces(result, canary), []);
  });

  it('shows what it is asked for: config get, for a pipe', async () => {
    const words = ['config', 'get', '--path', 'trading.binance_api_key', '--stack', 'dev'];
    const { stdout } = await checkout.pulumi(words);
    checkout.forget(stdout);
    assert.equal(stdout.trim(), canary);
  });
});
