/**
 * `npm run rotate` with real stores and no cluster: what AWS Secrets Manager (moto) and Vault keep of an old
 * value, within the overlap and behind it, and what they say of the last rotation.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DescribeSecretCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { parseDocument } from 'yaml';
import { goTool } from '../../operations/engine/go.ts';
import { type Entry, lineOf, readLedger } from '../../operations/rotation/ledger.ts';
import { isObject } from '../../plugins/resource-handler.ts';
import { VaultApi } from '../../plugins/vault-api.ts';
import { type AwsServer, startAws } from '../../rehearsal/servers/aws.ts';
import { Servers } from '../../rehearsal/servers/process.ts';
import { openVault } from '../../rehearsal/servers/vault.ts';
import { vault } from '../../rehearsal/tools/tools.ts';
import { leaks } from '../canary.ts';
import { Checkout, type Result } from './checkout.ts';

const ledger = 'ledger/dev.jsonl';
const group = 'infrastructure';
const path = 'secret/metadata/hummingbot/infrastructure';
const region = 'eu-west-1';

describe('npm run rotate with stores', () => {
  const checkout = new Checkout();
  const canaries = new Map<string, string>();
  const folder = join(checkout.temporary, 'servers');
  const servers = new Servers(folder);
  let aws: AwsServer;
  let secrets: SecretsManagerClient;
  let root: VaultApi;
  let env: NodeJS.ProcessEnv = {};

  before(async () => {
    mkdirSync(folder);
    aws = await startAws({ directory: folder });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    secrets = new SecretsManagerClient({ region, endpoint: aws.endpoint, credentials });
    const { address, keys } = await openVault({ folder, servers, binary: await goTool(vault) });
    root = await VaultApi.connect(address, { VAULT_TOKEN: keys.rootToken });
    const policy = readFileSync('docs/targets/vault-deployer.hcl', 'utf8');
    await root.write('sys/policies/acl/deployer', { policy });
    const made = await root.write('auth/token/create', { policies: ['deployer'] });
    const { client_token: token = '' } = (made?.auth ?? {}) as { client_token?: string };
    env = { ...aws.environment, VAULT_ADDR: address, VAULT_TOKEN: token };
    const program = "export * from './test/e2e/programs/stored-groups.ts';\n";
    writeFileSync(checkout.path('index.ts'), program);
    set('exchanges', []);
    set('services', ['redis', 'postgres', 'telegram']);
    set('rotation', { overlap: 0 });
    // Which plugins are there follows from the targets; the program has its own.
    for (const target of ['aws-secrets-manager', 'vault', 'env-file']) {
      set('targets', [target]);
      const { code, stderr } = await npm('pulumi', 'config');
      assert.equal(code, 0, stderr);
    }
    const { code, stdout, stderr } = await up();
    assert.equal(code, 0, stdout + stderr);
  });
  after(async () => {
    secrets?.destroy();
    await aws?.stop();
    await servers.stopAll();
    checkout.remove();
  });

  /** In the committed stack file, and in this machine's copy of it. */
  function set(setting: string, value: unknown): void {
    for (const name of ['Pulumi.dev.yaml', '.local/stacks/Pulumi.dev.yaml']) {
      if (!existsSync(checkout.path(name))) continue;
      const document = parseDocument(checkout.read(name));
      document.setIn(['config', `hummingbot-secrets:${setting}`], value);
      writeFileSync(checkout.path(name), document.toString());
    }
  }
  async function npm(script: string, ...words: string[]): Promise<Result> {
    const args = ['run', '--silent', script, '--', ...words, '--stack', 'dev'];
    return await checkout.run('npm', args, { env });
  }
  async function up(): Promise<Result> {
    return await npm('pulumi', 'up', '--yes', '--skip-preview', '--refresh');
  }
  /** A value of which nobody is asked. */
  async function rotate(...words: string[]): Promise<Result> {
    return await npm('rotate', ...(words.length > 0 ? words : ['infrastructure.redis']));
  }
  function keepValue(name: string): void {
    const [, value = ''] =
      /^REDIS_PASSWORD='(.*)'$/mu.exec(checkout.read('out/dev/.env.secrets')) ?? [];
    assert.match(value, /^[A-Za-z0-9]{32}$/u);
    canaries.set(name, value);
  }
  /** Labels of every version that has one. */
  async function labels(): Promise<readonly string[]> {
    const SecretId = 'hummingbot/infrastructure';
    const { Versions = [] } = await secrets.send(new ListSecretVersionIdsCommand({ SecretId }));
    return Versions.flatMap(({ VersionStages = [] }) => VersionStages).sort();
  }
  /** Numbers of the versions that Vault can give. */
  async function numbers(): Promise<readonly number[]> {
    const { versions } = (await root.read(path)) ?? {};
    return Object.entries(isObject(versions) ? versions : {})
      .filter(([, each]) => isObject(each) && each.destroyed === false)
      .map(([number]) => Number(number));
  }
  async function said(): Promise<readonly unknown[]> {
    const SecretId = 'hummingbot/infrastructure';
    const { Tags = [] } = await secrets.send(new DescribeSecretCommand({ SecretId }));
    const { custom_metadata: custom } = (await root.read(path)) ?? {};
    const { stdout } = await npm('pulumi', 'stack', 'output', '--json');
    const { tags } = JSON.parse(stdout) as { tags: Record<string, { rotation?: string }> };
    return [
      Tags.find(({ Key }) => Key === 'rotation')?.Value,
      isObject(custom) ? custom.rotation : undefined,
      tags[group]?.rotation,
    ];
  }
  function entries(): readonly Entry[] {
    const read = readLedger(checkout.read(ledger));
    assert.ok('entries' in read, 'the chain is broken');
    return read.entries;
  }
  /** As if the last rotation had been a day ago. */
  function aDayPasses(): void {
    const lines = checkout.read(ledger).trimEnd().split('\n');
    const { after: _, hash: __, ...last } = JSON.parse(lines.at(-1) ?? '') as Entry;
    const before = lines
      .slice(0, -1)
      .map((line) => `${line}\n`)
      .join('');
    const read = readLedger(before);
    assert.ok('entries' in read);
    const open = last.open.map((item) => ({ ...item, after: new Date().toISOString() }));
    writeFileSync(checkout.path(ledger), before + lineOf({ ...last, open }, read));
  }

  it('without an overlap leaves one labelled version in AWS, and one that is not destroyed in Vault', async () => {
    keepValue('first');
    const { code, stdout, stderr } = await rotate();
    assert.equal(code, 0, stdout + stderr);
    keepValue('second');
    assert.match(stdout, /AWS secret hummingbot\/infrastructure\S*: 1 old version removed/u);
    assert.match(stdout, /Vault secret secret\/hummingbot\/infrastructure: 1 old version removed/u);
    assert.deepEqual(await labels(), ['AWSCURRENT']);
    assert.deepEqual(await numbers(), [2]);
    const [last] = entries();
    assert.deepEqual(
      last?.open.map(({ revoke }) => revoke),
      ['old'],
    );
  });

  it('says in outputs and stores what the last rotation was, and an up afterwards changes nothing', async () => {
    const [tag, custom, output] = await said();
    assert.match(
      String(tag),
      new RegExp(`^${entries()[0]?.rotation} \\d{4}-\\d\\d-\\d\\d [0-9a-f]{64}$`, 'u'),
    );
    assert.deepEqual([custom, output], [tag, tag]);
    const { code, stdout, stderr } = await up();
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Resources:\n {4}\d+ unchanged\n/u);
    assert.deepEqual(await said(), [tag, tag, tag]);
    assert.deepEqual(await numbers(), [2]);
  });

  it('keeps old versions for the overlap, and the next run of any kind removes them', async () => {
    set('rotation', { ...lastIn(), overlap: '24h' });
    const { code, stdout, stderr } = await rotate();
    assert.equal(code, 0, stdout + stderr);
    keepValue('third');
    assert.match(stdout, /the copies of infrastructure: not before \d{4}-/u);
    assert.deepEqual(await labels(), ['AWSCURRENT', 'AWSPREVIOUS']);
    assert.deepEqual(await numbers(), [2, 3]);
    const early = await rotate('--revoke');
    // The first old credential waits for a person.
    assert.equal(early.code, 2, early.stderr);
    assert.match(early.stdout, /^open from \S+ on: remove the old copies of infrastructure/mu);
    assert.deepEqual(await labels(), ['AWSCURRENT', 'AWSPREVIOUS']);
    assert.deepEqual(await numbers(), [2, 3]);
    aDayPasses();
    // It has nothing to resume.
    const late = await rotate('--resume');
    assert.equal(late.code, 0, late.stderr);
    assert.deepEqual(await labels(), ['AWSCURRENT']);
    assert.deepEqual(await numbers(), [3]);
    assert.equal(entries().at(-1)?.did, 'confirmed');
    const again = await rotate('--revoke');
    assert.doesNotMatch(again.stdout, /copies/u);
  });

  it('goes back behind that too: the journal has the value', async () => {
    const { code, stdout, stderr } = await rotate('--back', 'infrastructure.redis');
    assert.equal(code, 0, stdout + stderr);
    const [, value] = /^REDIS_PASSWORD='(.*)'$/mu.exec(checkout.read('out/dev/.env.secrets')) ?? [];
    assert.equal(value, canaries.get('second'));
    assert.deepEqual(await numbers(), [3, 4]);
  });

  it('takes nothing away while somebody else has written, and says so in a line each', async () => {
    aDayPasses();
    const SecretId = 'hummingbot/infrastructure';
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: '{}' }));
    await root.write('secret/data/hummingbot/infrastructure', {
      data: {},
      options: { cas: 4 },
    });
    const { code, stderr } = await rotate('--revoke');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^AWS secret \S+: got another current version than .*; fix: [^\n]+--revoke$/mu,
    );
    assert.deepEqual(await numbers(), [3, 4, 5]);
    // A rotation writes behind theirs; then nothing of theirs is left.
    set('rotation', { ...lastIn(), overlap: 0 });
    const again = await rotate();
    assert.equal(again.code, 0, again.stdout + again.stderr);
    keepValue('fourth');
    assert.deepEqual(await labels(), ['AWSCURRENT']);
    assert.deepEqual(await numbers(), [6]);
    // Credentials wait for a person.
    const after = await rotate('--revoke');
    assert.equal(after.code, 2, after.stdout + after.stderr);
    assert.doesNotMatch(after.stdout, /^open.*copies/mu);
  });

  it('finds that the last line of the ledger was cut off', async () => {
    const text = checkout.read(ledger);
    const lines = text.trimEnd().split('\n');
    const at = lines.findLastIndex((line) => line.includes('"did":"rotated"'));
    writeFileSync(
      checkout.path(ledger),
      lines
        .slice(0, at)
        .map((line) => `${line}\n`)
        .join(''),
    );
    const line =
      /^ledger\/dev\.jsonl: got no line of rotation [a-z2-7]{6} of \d{4}-\d\d-\d\d, the last of infrastructure; allowed: [^\n]+; fix: [^\n]+$/mu;
    const { code, stderr } = await rotate();
    assert.equal(code, 1);
    assert.match(stderr, line);
    assert.match((await npm('doctor')).stdout, /got no line of rotation/u);
    writeFileSync(checkout.path(ledger), text);
    assert.equal((await rotate('--plan', 'infrastructure.redis')).code, 0);
  });

  it('refuses an overlap that is none, in one line', async () => {
    const before = lastIn();
    set('rotation', { ...before, overlap: 'soon' });
    const { code, stderr } = await rotate();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /rotation\.overlap: got "soon"; allowed: 0, or minutes, [^\n]+; fix: [^\n]+24h/u,
    );
    set('rotation', before);
  });

  it('shows no value', () => {
    assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
    for (const file of [ledger, '.local/rotations/dev.json', '.local/stacks/Pulumi.dev.yaml']) {
      assert.deepEqual(leaks(checkout.read(file), canaries), [], file);
    }
    assert.notDeepEqual(leaks(checkout.read('out/dev/.env.secrets'), canaries), []);
  });

  /** The setting as it is now. */
  function lastIn(): Readonly<Record<string, unknown>> {
    const document = parseDocument(checkout.read('.local/stacks/Pulumi.dev.yaml'));
    const { config } = document.toJS() as { config: Record<string, Record<string, unknown>> };
    return config['hummingbot-secrets:rotation'] ?? {};
  }
});
