/** How sops is called, by a program in its place; what the real one does is in test/e2e/sops.e2e.ts. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { InstalledSops } from '../../../plugins/hummingbot/sops.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { assertRefused } from '../refusal.ts';

const canary = makeCanary('sops-call');
const canaries = new Map([['value', canary]]);

describe('the call of sops', () => {
  let folder: string;
  const program = () => join(folder, 'sops');
  const write = (script: string) =>
    writeFileSync(program(), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const seen = (name: string) => readFileSync(join(folder, name), 'utf8');
  const refused = async (act: Promise<unknown>, reason: RegExp): Promise<void> =>
    await assertRefused(act, reason, canaries);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sops-call-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('has the value on the standard input alone, and its rules in a file that goes', async () => {
    write(
      `cat > ${folder}/stdin; echo "$@" > ${folder}/argv; env > ${folder}/env; cp "$2" ${folder}/rules; echo done`,
    );
    const others = {
      PULUMI_CONFIG_PASSPHRASE: canary,
      SOPS_AGE_RECIPIENTS: 'age1somebody',
      SOPS_KMS_ARN: 'arn:aws:kms:us-east-1:210987654321:key/k',
      SOPS_AGE_KEY_FILE: '/keys',
      AWS_PROFILE: 'mine',
    };
    Object.assign(process.env, others);
    try {
      const text = await new InstalledSops(program()).encrypt(canary, ['age1b', 'age1a']);
      assert.equal(text, 'done\n');
    } finally {
      for (const name of Object.keys(others)) delete process.env[name];
    }
    assert.equal(seen('stdin'), canary);
    const argv = seen('argv');
    assert.deepEqual(leaks(argv + seen('env') + seen('rules'), canaries), []);
    assert.match(argv, /^--config \S+ encrypt --input-type json --output-type yaml /u);
    assert.match(seen('env'), /^SOPS_AGE_KEY_FILE=\/keys$/mu);
    assert.match(seen('env'), /^AWS_PROFILE=mine$/mu);
    assert.doesNotMatch(seen('env'), /SOPS_AGE_RECIPIENTS|SOPS_KMS_ARN|PULUMI/u);
    assert.deepEqual(parse(seen('rules')), {
      creation_rules: [{ encrypted_regex: '^(data|stringData)$', age: 'age1a,age1b' }],
    });
    assert.ok(!existsSync(argv.split(' ')[1] ?? ''));
  });

  it('wraps anew in a file that holds ciphertext, and goes', async () => {
    write(
      `for file; do :; done; cp "$file" ${folder}/before; echo "$@" > ${folder}/argv; echo wrapped > "$file"`,
    );
    const wrapped = await new InstalledSops(program()).rewrap('ciphertext', ['age1a']);
    assert.equal(wrapped, 'wrapped\n');
    assert.equal(seen('before'), 'ciphertext');
    assert.match(seen('argv'), / updatekeys --yes --input-type yaml \S+\n$/u);
    assert.ok(!existsSync(seen('argv').trim().split(' ').at(-1) ?? ''));
  });

  it('has no wrapping where sops cannot open the document', async () => {
    write('exit 128');
    assert.equal(await new InstalledSops(program()).rewrap('ciphertext', ['age1a']), undefined);
  });

  it('says why an encryption failed in words of its own, whatever sops quotes', async () => {
    const sops = new InstalledSops(program());
    write(`echo "could not parse: $(cat)" >&2; exit 4`);
    await refused(
      sops.encrypt(canary, ['age1a']),
      /^sops: got exit code 4; allowed: recipients .*; fix: /u,
    );
    write(`echo "$(cat): AccessDeniedException: not authorized for ${canary}" >&2; exit 25`);
    await refused(
      sops.encrypt(canary, ['age1a']),
      /^sops: got AccessDeniedException \(exit code 25\); /u,
    );
  });

  it('is refused before anything when there is none, an old one, or something else', async () => {
    const none = new InstalledSops(join(folder, 'none'));
    await refused(
      none.version(),
      /^sops: got no sops on the PATH; allowed: sops 3\.10\.0 or newer; fix: /u,
    );
    const sops = new InstalledSops(program());
    write('echo "sops 3.9.4 (latest)"');
    await refused(sops.version(), /^sops: got sops 3\.9\.4; allowed: sops 3\.10\.0 or newer; /u);
    write('echo hello');
    await refused(sops.version(), /^sops: got a sops that ends with 0; /u);
    write('echo "sops 3.13.3"');
    assert.equal(await sops.version(), '3.13.3');
  });

  it('ends when the engine is asked to stop', async () => {
    write('exec sleep 30');
    const stop = new AbortController();
    const running = new InstalledSops(program()).encrypt(canary, ['age1a'], stop.signal);
    setTimeout(() => stop.abort(), 50);
    await refused(running, /^sops: stopped$/u);
  });
});
