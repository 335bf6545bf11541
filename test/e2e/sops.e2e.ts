/**
 * Target `sops` by the real command line, the real sops and real keys: what was written opens with
 * the key and not without, follows its recipients, and is the same file for as long as nothing
 * changed.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { parse } from 'yaml';
import { keysOf, type SecretKey } from '../../components/catalog.ts';
import { gitYaml, kustomization } from '../../components/git-yaml.ts';
import { goTool, toolDirectory } from '../../operations/engine/go.ts';
import { startAws } from '../../rehearsal/servers/aws.ts';
import { kubernetes, sops } from '../../rehearsal/tools/tools.ts';
import { ambiguousNames } from '../ambiguous-names.ts';
import { leaks, makeCanary } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { ToolRecord } from '../tool-record.ts';
import { Checkout, listFiles, type Result } from './checkout.ts';
import { AgeKey, builtForFlux, isSecret, type SecretManifest } from './conformance/git-target.ts';
import { ProcessWatch } from './process-watch.ts';

const directory = 'gitops/dev';
const trading = `${directory}/encrypted/hummingbot-trading-keys.yaml`;

describe('target sops', () => {
  const values = canaryValues();
  const canaries = new Map<string, string>(values);
  let checkout: Checkout;
  let [first, second]: AgeKey[] = [];

  const path = (): string => [toolDirectory(sops), process.env.PATH].join(delimiter);
  const start = async (env: NodeJS.ProcessEnv = {}): Promise<Result> =>
    await checkout.run('npm', ['start'], {
      env: { PATH: path(), HOME: checkout.temporary, ...home(), ...env },
    });
  /** Tools stay where they are; sops finds no key of the developer's. */
  const home = (): NodeJS.ProcessEnv => ({
    XDG_CACHE_HOME: join(process.env.HOME ?? '/root', '.cache'),
  });
  const up = async (env?: NodeJS.ProcessEnv): Promise<Result> => {
    const result = await start(env);
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return result;
  };
  const config = async (...words: string[]): Promise<void> => {
    const { code, stderr } = await checkout.pulumi(['config', ...words, '--stack', 'dev']);
    assert.equal(code, 0, stderr);
  };
  const recipients = async (...keys: readonly AgeKey[]): Promise<void> => {
    await config('rm', 'recipients');
    for (const [at, { recipient }] of keys.entries()) {
      await config('set', '--path', `recipients[${at}]`, recipient);
    }
  };
  const opened = (key: AgeKey | undefined, file = trading): SecretManifest | undefined => {
    const found = key?.open(checkout.read(file));
    return found && 'text' in found ? (parse(found.text) as SecretManifest) : undefined;
  };
  /** Lines of a document that hold values. */
  const ciphertext = (): readonly string[] =>
    checkout.read(trading).match(/^ {4}\w+: ENC.*$/gmu) ?? [];
  const facts = (): string => JSON.stringify([...checkout.files(directory)]);

  before(async function () {
    if (process.platform !== 'linux') this.skip();
    await goTool(sops);
    await goTool(kubernetes);
    [first, second] = [new AgeKey(), new AgeKey()];
    checkout = new Checkout();
    await checkout.import(values);
    await config('rm', 'targets');
    await config('set', '--path', 'targets[0]', 'sops');
  });
  after(() => {
    first?.remove();
    second?.remove();
    checkout?.remove();
  });

  it('refuses a stack without recipients, a private key in the tree and a missing sops, in a line each', async () => {
    const none = await start();
    assert.equal(none.code, 1);
    assert.match(none.stdout + none.stderr, /recipients: got nothing; allowed: age public keys /u);
    assert.ok(first && second);
    await recipients(first);
    writeFileSync(checkout.path('keys.txt'), readFileSync(first.path, 'utf8'));
    const key = await start();
    assert.equal(key.code, 1);
    assert.match(key.stdout + key.stderr, /"keys\.txt": got a private key of age; allowed: /u);
    rmSync(checkout.path('keys.txt'));
    const bare = await start({ PATH: process.env.PATH });
    assert.equal(bare.code, 1);
    assert.match(
      bare.stdout + bare.stderr,
      /sops: got no sops on the PATH; allowed: sops 3\.10\.0/u,
    );
    assert.ok(!existsSync(checkout.path('gitops')), 'nothing is written');
  });

  it('ends in lines that name files when the disk is full, and leaves no half of one', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const folder = checkout.path(directory);
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k,mode=0755', 'tmpfs', folder]);
    try {
      const { code, stdout, stderr } = await start();
      const errors = (stdout + stderr).match(/error: \S+: ENOSPC.*/gu) ?? [];
      assert.equal(code, 1);
      assert.ok(errors.length > 0, stdout + stderr);
      for (const line of errors)
        assert.match(line, /^error: gitops\/dev\/\S+: ENOSPC; fix: free some/u);
      assert.doesNotMatch(stdout + stderr, /^ +at .*:\d+:\d+\)?$/mu);
      for (const file of listFiles(folder)) {
        const document = readFileSync(join(folder, file), 'utf8');
        assert.doesNotMatch(file, /\.tmp/u);
        if (file.startsWith('encrypted/'))
          assert.ok('text' in (first as AgeKey).open(document), file);
      }
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  it('writes what opens with the key alone, and what no process was told of', async () => {
    const told = new ToolRecord(join(toolDirectory(sops), 'sops'));
    const watch = new ProcessWatch();
    try {
      await up({ PATH: [told.directory, process.env.PATH].join(delimiter) });
      await watch.stop();
      const seen = [
        told.arguments(),
        told.environments(),
        ...watch.arguments,
        ...watch.environments,
      ];
      assert.deepEqual(leaks(seen.join('\n'), canaries), []);
      assert.match(told.arguments(), /sops\n.*\nencrypt\n/su, 'the control: sops was recorded');
    } finally {
      told.remove();
    }
    const { data, metadata } = opened(first) ?? {};
    assert.match(metadata?.name ?? '', /^hummingbot-trading-keys-[0-9a-f]{8}$/u);
    const keys = keysOf('trading').filter((key) => Object.hasOwn(data ?? {}, key));
    assert.ok(keys.length >= 9);
    for (const key of keys) {
      assert.ok(Buffer.from(data?.[key] ?? '', 'base64').toString() === values.get(key), key);
    }
    assert.equal(opened(second), undefined);
    const files = [...checkout.files(directory).values()].map(({ content }) => content);
    assert.deepEqual(leaks(files.join('\n'), canaries), []);
  });

  it('leaves no plaintext on the disk, and no file of its own in the folder for temporary ones', () => {
    for (const file of listFiles(checkout.temporary)) {
      assert.deepEqual(leaks(readFileSync(join(checkout.temporary, file)), canaries), [], file);
    }
    const left = readdirSync(checkout.temporary).filter((name) =>
      name.startsWith('hummingbot-sops'),
    );
    assert.deepEqual(left, []);
    for (const file of checkout.files('.local').values()) {
      assert.deepEqual(leaks(file.content, canaries), []);
    }
  });

  it('is the same bytes for as long as nothing changed, in a fresh clone too', async () => {
    const before = facts();
    await up();
    assert.equal(facts(), before);
    checkout.commit('what was written');
    assert.equal(checkout.gitStatus(), '');
    const clone = mkdtempSync(join(tmpdir(), 'clone-'));
    try {
      spawnSync('git', ['clone', '-q', checkout.directory, clone]);
      rmSync(checkout.path(directory), { recursive: true });
      spawnSync('cp', ['-r', join(clone, directory), checkout.path(directory)]);
      const { stdout } = await up();
      assert.match(stdout, /Resources:\n {4}\d+ unchanged\n/u);
      assert.equal(checkout.gitStatus(), '');
    } finally {
      rmSync(clone, { recursive: true });
    }
  });

  it('brings back byte by byte what was deleted or changed by hand', async () => {
    rmSync(checkout.path(trading));
    writeFileSync(checkout.path(`${directory}/encrypted/hummingbot-monitoring.yaml`), 'mine');
    writeFileSync(checkout.path(`${directory}/kustomization.yaml`), 'mine');
    assert.notEqual(checkout.gitStatus(), '');
    await up();
    assert.equal(checkout.gitStatus(), '');
  });

  it('is built by Kustomize and decrypted afterwards, as Flux does it', () => {
    assert.ok(first);
    const secrets = builtForFlux(checkout.path(directory), first).filter(isSecret);
    assert.equal(secrets.length, 3);
    const all = Object.assign({}, ...secrets.map(({ data }) => data)) as Record<SecretKey, string>;
    for (const [key, value] of Object.entries(all)) {
      const decoded = Buffer.from(value, 'base64').toString();
      assert.ok(values.get(key as SecretKey) === decoded, key);
    }
  });

  it('is read by Kustomize as it was meant, whatever a name looks like', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kustomize-'));
    try {
      const data = Object.fromEntries(ambiguousNames.map((name, at) => [`key-${at}`, name]));
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'on' }, data };
      writeFileSync(join(folder, 'object.yaml'), gitYaml(object));
      writeFileSync(
        join(folder, 'kustomization.yaml'),
        kustomization({ resources: ['object.yaml'] }),
      );
      const kubectl = join(toolDirectory(kubernetes), 'kubectl');
      const { status, stdout, stderr } = spawnSync(kubectl, ['kustomize', folder], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      assert.deepEqual(parse(stdout, { version: '1.1' }), object);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names for KSOPS files that are there, each of which sops opens by itself', () => {
    const folder = checkout.path(`${directory}/argocd`);
    const { generators } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
    assert.deepEqual(generators, ['ksops.yaml']);
    const { files } = parse(readFileSync(join(folder, 'ksops.yaml'), 'utf8')) as {
      files: string[];
    };
    assert.equal(files.length, 3);
    for (const file of files) assert.ok(opened(first, join(directory, 'argocd', file)), file);
  });

  it('has rules by which sops itself finds nothing to change', () => {
    const words = ['updatekeys', '--yes', 'encrypted/hummingbot-trading-keys.yaml'];
    const { status, stdout, stderr } = spawnSync(join(toolDirectory(sops), 'sops'), words, {
      cwd: checkout.path(directory),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout + stderr, /already up to date/u);
    assert.equal(checkout.gitStatus(), '');
  });

  it('wraps the data key for a recipient more, by a key at hand, and encrypts nothing anew', async () => {
    assert.ok(first && second);
    const before = ciphertext();
    assert.ok(before.length >= 9);
    await recipients(first, second);
    await up({ SOPS_AGE_KEY_FILE: first.path });
    assert.deepEqual(ciphertext(), before);
    assert.deepEqual(opened(second), opened(first));
    assert.ok(opened(second));
  });

  it('takes a recipient away without a key at hand by encrypting anew, and warns', async () => {
    assert.ok(first && second);
    const before = ciphertext();
    await recipients(second);
    const { stdout, stderr } = await up();
    assert.match(stdout + stderr, /no key at hand opens it, so it was encrypted anew/u);
    assert.ok(ciphertext().every((line) => !before.includes(line)));
    assert.equal(opened(first), undefined);
    assert.ok(opened(second));
  });

  it('follows a KMS key as well: wraps for it, opens by it alone, and says when it does not answer', async () => {
    assert.ok(second);
    const folder = mkdtempSync(join(tmpdir(), 'kms-'));
    const aws = await startAws({ directory: folder });
    try {
      const client = new KMSClient({
        endpoint: aws.endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' },
      });
      const arn = (await client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
      const byKms = (): SecretManifest | undefined => {
        const words = ['decrypt', checkout.path(trading)];
        const { status, stdout } = spawnSync(join(toolDirectory(sops), 'sops'), words, {
          encoding: 'utf8',
          env: { ...process.env, ...aws.environment, HOME: folder },
        });
        return status === 0 ? (parse(stdout) as SecretManifest) : undefined;
      };
      const before = ciphertext();
      await config('set', '--path', 'recipients[1]', arn);
      await up({ SOPS_AGE_KEY_FILE: second.path, ...aws.environment });
      assert.deepEqual(ciphertext(), before);
      assert.deepEqual(byKms(), opened(second));
      await config('rm', 'recipients');
      await config('set', '--path', 'recipients[0]', arn);
      await up(aws.environment);
      assert.deepEqual(ciphertext(), before);
      assert.equal(opened(second), undefined);
      assert.ok(byKms());
      const text = checkout.read(trading);
      await checkout.setSecret('trading.kucoin_passphrase', makeCanary('without-kms'));
      await aws.stop();
      const { code, stdout, stderr } = await start(aws.environment);
      assert.equal(code, 1);
      assert.match(stdout + stderr, /sops: got connection refused .*; allowed: .*; fix: /u);
      assert.equal(checkout.read(trading), text, 'nothing half-done');
      await recipients(second);
      await up();
      assert.ok(opened(second));
    } finally {
      await aws.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('changes the file of the changed key and what names it alone, and takes back what is no longer in use', async () => {
    checkout.commit('recipients');
    const changed = makeCanary('changed');
    canaries.set('changed', changed);
    await checkout.setSecret('trading.kucoin_passphrase', changed);
    await up();
    // The Deployment names the new Secret.
    assert.deepEqual(checkout.gitStatus().trim().split(/\s*M /u).filter(Boolean), [
      trading,
      `${directory}/manifests/deployment-hummingbot.yaml`,
    ]);
    const { data } = opened(second) ?? {};
    assert.ok(Buffer.from(data?.kucoin_passphrase ?? '', 'base64').toString() === changed);
    await config('rm', 'services');
    await up();
    assert.deepEqual(readdirSync(checkout.path(`${directory}/encrypted`)), [
      'hummingbot-trading-keys.yaml',
    ]);
    assert.deepEqual(parse(checkout.read(`${directory}/kustomization.yaml`)).resources, [
      'encrypted/hummingbot-trading-keys.yaml',
      'manifests',
    ]);
  });

  it('is looked at by doctor, which says what is wrong with a file and decrypts nothing', async () => {
    const doctor = async (): Promise<string> =>
      (await checkout.run('npm', ['run', '--silent', 'doctor'])).stdout;
    const healthy = await doctor();
    assert.match(healthy, /^trading\.binance_api_key +own value +yes /mu);
    assert.match(healthy, /bot: got no cluster to ask; /u);
    const text = checkout.read(trading);
    writeFileSync(
      checkout.path(trading),
      text.replace(/hummingbot-secrets\/tag: .*/u, 'hummingbot-secrets/tag: zyxwvutsrq'),
    );
    assert.match(
      await doctor(),
      /hummingbot-trading-keys\.yaml: got tag zyxwvutsrq; allowed: tag /u,
    );
    rmSync(checkout.path(trading));
    assert.match(await doctor(), /hummingbot-trading-keys\.yaml: got no such file; /u);
    await up();
  });

  it('leaves nothing behind when it is destroyed, and has shown no value', async () => {
    const { code, stdout, stderr } = await checkout.npmStart('destroy');
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(listFiles(checkout.path('gitops')), []);
    assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
  });
});
