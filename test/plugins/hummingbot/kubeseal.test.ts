/** How kubeseal is called, by a program in its place; what the real one does is in test/e2e. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InstalledKubeseal } from '../../../plugins/hummingbot/kubeseal.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { assertRefused } from '../refusal.ts';

const canary = makeCanary('kubeseal');
const canaries = new Map([['value', canary]]);
const data = { a: Buffer.from(canary).toString('base64'), b: 'eA==' };
const plain = { namespace: 'hummingbot', name: 'hummingbot-monitoring', data };
const ciphertext = 'Ag'.repeat(200);

/** What kubeseal writes. */
function answer(more: object = {}, spec: object = {}): object {
  const metadata = { name: plain.name, namespace: plain.namespace };
  const encryptedData = { b: ciphertext, a: ciphertext };
  return {
    kind: 'SealedSecret',
    metadata,
    spec: { encryptedData, template: { metadata }, ...spec },
    ...more,
  };
}

describe('the call of kubeseal', () => {
  let folder: string;
  const program = () => join(folder, 'kubeseal');
  const write = (script: string) =>
    writeFileSync(program(), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const answers = (object: object) => {
    writeFileSync(join(folder, 'answer'), JSON.stringify(object));
    write(`cat > /dev/null; cat ${folder}/answer`);
  };
  const seen = (name: string) => readFileSync(join(folder, name), 'utf8');
  const refused = async (act: Promise<unknown>, reason: RegExp): Promise<void> =>
    await assertRefused(act, reason, canaries);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubeseal-call-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('has the values on the standard input alone, the certificate in a file that goes, and strict scope', async () => {
    writeFileSync(join(folder, 'answer'), JSON.stringify(answer()));
    write(
      `cat > ${folder}/stdin; echo "$@" > ${folder}/argv; env > ${folder}/env; cp "$2" ${folder}/pem; cat ${folder}/answer`,
    );
    const others = { PULUMI_CONFIG_PASSPHRASE: canary, SEALED_SECRETS_SCOPE: 'cluster-wide' };
    Object.assign(process.env, others);
    try {
      const sealed = await new InstalledKubeseal(program()).seal(plain, 'the certificate');
      assert.deepEqual(sealed, { a: ciphertext, b: ciphertext });
      assert.deepEqual(Object.keys(sealed), ['a', 'b'], 'in an order of its own');
    } finally {
      for (const name of Object.keys(others)) delete process.env[name];
    }
    assert.deepEqual(JSON.parse(seen('stdin')), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: plain.namespace, name: plain.name },
      data,
    });
    const argv = seen('argv');
    assert.match(argv, /^--cert \S+ --scope strict --format json\n$/u);
    assert.deepEqual(leaks(argv + seen('env') + seen('pem'), canaries), []);
    assert.equal(seen('pem'), 'the certificate');
    assert.doesNotMatch(seen('env'), /SEALED_SECRETS|PULUMI/u);
    assert.ok(!existsSync(argv.split(' ')[1] ?? ''));
  });

  it('says why it failed in words of its own, whatever kubeseal quotes', async () => {
    write(`echo "error: $(cat)" >&2; exit 1`);
    await refused(
      new InstalledKubeseal(program()).seal(plain, ''),
      /^kubeseal: got exit code 1; allowed: a certificate of a sealed-secrets controller; fix: /u,
    );
  });

  const wide = { annotations: { 'sealedsecrets.bitnami.com/cluster-wide': 'true' } };
  const place = { name: plain.name, namespace: plain.namespace };
  for (const [what, object] of [
    ['a wider scope', answer({ metadata: { ...place, ...wide } })],
    ['a wider scope of what comes of it', answer({}, { template: { metadata: wide } })],
    ['another namespace', answer({ metadata: { ...place, namespace: 'other' } })],
    ['another name', answer({ metadata: { ...place, name: 'other' } })],
    ['another kind', answer({ kind: 'Secret' })],
    ['a key less', answer({}, { encryptedData: { a: ciphertext } })],
    ['a value in the clear', answer({}, { encryptedData: { a: ciphertext, b: canary } })],
    ['no object', []],
  ] as const) {
    it(`is refused when it answers with ${what}`, async () => {
      answers(object);
      await refused(
        new InstalledKubeseal(program()).seal(plain, ''),
        /^kubeseal: got something else than a SealedSecret of strict scope for hummingbot\/hummingbot-monitoring with all its keys; allowed: .*; fix: /u,
      );
    });
  }

  it('is refused before anything when there is none, or one with known holes', async () => {
    await refused(
      new InstalledKubeseal(join(folder, 'none')).version(),
      /^kubeseal: got no kubeseal on the PATH; allowed: kubeseal 0\.36\.0 or newer; fix: /u,
    );
    write('echo "kubeseal version: 0.24.0"');
    await refused(
      new InstalledKubeseal(program()).version(),
      /^kubeseal: got kubeseal 0\.24\.0; allowed: kubeseal 0\.36\.0 or newer; /u,
    );
    write('echo "kubeseal version: v0.36.0"');
    assert.equal(await new InstalledKubeseal(program()).version(), '0.36.0');
  });
});
