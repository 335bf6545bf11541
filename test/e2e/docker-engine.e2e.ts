/** A real Docker Engine and Compose v2 run what was delivered. The image is busybox that sleeps. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { entryOf } from '../../components/catalog.ts';
import { goTool } from '../../operations/engine/go.ts';
import { DockerEngine } from '../../rehearsal/docker-engine.ts';
import { dockerCompose } from '../../rehearsal/tools/tools.ts';
import { makeCanary } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { guideKeys } from '../guide-keys.ts';
import { Checkout, type Result } from './checkout.ts';

const container = 'hummingbot-dev-hummingbot-1';
const botKeys = guideKeys.filter((key) => entryOf(key).consumers.includes('hummingbot'));

describe('docker compose up, on a real engine', () => {
  const checkout = new Checkout();
  const values = canaryValues();
  let engine: DockerEngine;
  let compose: string;

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    compose = await goTool(dockerCompose);
    engine = await DockerEngine.start();
    const { config } = parse(readFileSync('Pulumi.yaml', 'utf8'));
    engine.importImage(config.image.default);
    await checkout.import(values);
    assert.equal((await checkout.npmStart()).code, 0);
  });

  after(async () => {
    await engine?.stop();
    checkout.remove();
  });

  async function up(...files: readonly string[]): Promise<Result> {
    const words = ['--project-directory', 'out/dev', ...files, 'up', '-d', '--timeout', '1'];
    const result = await checkout.run(compose, words, { env: engine.environment });
    assert.equal(result.code, 0, result.stderr);
    return result;
  }

  const inside = (...words: readonly string[]): string =>
    engine.docker('exec', container, ...words).stdout;
  const id = (): string => engine.docker('ps', '-q', '--no-trunc').stdout.trim();
  const bySecretFiles = ['-f', 'out/dev/compose.yaml'];
  const byEnvFile = ['--env-file', 'out/dev/.env.secrets', '-f', 'out/dev/compose.env.yaml'];

  it('gives the bot its ten keys as files, named by *_FILE, and no other', async () => {
    await up(...bySecretFiles);
    for (const key of botKeys) {
      const variable = `${key.toUpperCase()}_FILE`;
      assert.equal(inside('sh', '-c', `cat "$${variable}"`), values.get(key), key);
    }
    assert.deepEqual(inside('ls', '/run/secrets').trim().split('\n').sort(), [...botKeys].sort());
    const environment = inside('env');
    for (const value of values.values()) assert.ok(!environment.includes(value));
  });

  it('runs as the owner of the files, who alone may read them, and may write its own', () => {
    const owner = `${process.getuid?.()}`;
    assert.equal(inside('id', '-u').trim(), owner);
    assert.equal(
      inside('stat', '-c', '%a %u', '/run/secrets/binance_api_key').trim(),
      `400 ${owner}`,
    );
    for (const directory of ['conf', 'data', 'logs']) {
      inside('touch', `${directory}/written`);
      assert.ok(checkout.files(`out/dev/${directory}`).has('written'), directory);
    }
  });

  it('is not touched by a new value that it does not use', async () => {
    const before = id();
    await checkout.setSecret('monitoring.grafana_api_key', makeCanary('grafana'));
    assert.equal((await checkout.npmStart()).code, 0);
    await up(...bySecretFiles);
    assert.equal(id(), before);
  });

  it('is recreated once by a new key, reads it, and still has its data', async () => {
    const before = id();
    const value = makeCanary('rotated');
    await checkout.setSecret('trading.binance_api_key', value);
    assert.equal((await checkout.npmStart()).code, 0);
    await up(...bySecretFiles);
    assert.notEqual(id(), before);
    assert.equal(id().split('\n').length, 1);
    assert.equal(inside('cat', '/run/secrets/binance_api_key'), value);
    assert.ok(inside('ls', 'data').includes('written'));
    const after = id();
    await up(...bySecretFiles);
    assert.equal(id(), after);
  });

  it('is replaced, and never doubled, by the env file', async () => {
    await up(...byEnvFile);
    assert.equal(id().split('\n').length, 1);
    assert.equal(
      inside('sh', '-c', 'printf %s "$COINBASE_SECRET_KEY"'),
      values.get('coinbase_secret_key'),
    );
    assert.equal(inside('sh', '-c', 'printf %s "$POSTGRES_PASSWORD"'), '');
  });

  it('what the bot wrote outlives destroy, and nothing else does', async () => {
    engine.docker('rm', '--force', container);
    assert.equal((await checkout.npmStart('destroy')).code, 0);
    const left = [...checkout.files('out').keys()].sort();
    assert.deepEqual(left, ['dev/conf/written', 'dev/data/written', 'dev/logs/written']);
  });
});
