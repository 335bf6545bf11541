/**
 * The rehearsal plugin for aws under the real engine, against moto: life of every type, what is
 * written when, and that a value is nowhere but in the secret.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { findCli } from '../../operations/engine/cli.ts';
import { packageVersion } from '../../operations/engine/package.ts';
import { type AwsServer, startAws } from '../../rehearsal/servers/aws.ts';
import { isWrite } from '../../rehearsal/servers/aws-requests.ts';
import { leaks, makeCanary } from '../canary.ts';
import { listFiles } from './checkout.ts';

const project = resolve(import.meta.dirname, '../..');
const name = 'e2e/trading';
const [first, second] = ['first', 'second'].map((each) =>
  JSON.stringify({ binance_api_key: makeCanary(each), binance_secret_key: makeCanary(each) }),
) as [string, string];
/** Whole texts and each value in them. */
const canaries = new Map(
  [first, second].flatMap((text, at) => [
    [`text ${at}`, text] as const,
    ...Object.entries<string>(JSON.parse(text)).map(([k, v]) => [`${k} ${at}`, v] as const),
  ]),
);

describe('the rehearsal plugin for aws, under the engine', () => {
  const base = mkdtempSync(join(tmpdir(), 'plugin-aws-'));
  const home = join(base, 'home');
  const work = join(base, 'work');
  const printed: string[] = [];
  let aws: AwsServer;
  let environment: NodeJS.ProcessEnv;
  let secrets: SecretsManagerClient;
  let kms: KMSClient;

  before(async () => {
    const { bin } = await findCli(false);
    aws = await startAws({ directory: join(base, 'aws') });
    const version = packageVersion('@pulumi/aws');
    const plugin = join(home, 'plugins', `resource-aws-v${version}`);
    mkdirSync(plugin, { recursive: true });
    const binary = join(plugin, 'pulumi-resource-aws');
    const main = join(project, 'rehearsal/plugins/aws/main.ts');
    writeFileSync(binary, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    chmodSync(binary, 0o755);
    mkdirSync(join(work, 'state'), { recursive: true });
    const runtime = 'runtime: {name: nodejs, options: {typescript: false}}';
    writeFileSync(join(work, 'Pulumi.yaml'), `name: plugin-aws\n${runtime}\nmain: aws.ts\n`);
    writeFileSync(join(work, 'package.json'), '{"type": "module"}');
    writeFileSync(join(work, 'aws.ts'), readFileSync(join(project, 'test/e2e/programs/aws.ts')));
    symlinkSync(join(project, 'node_modules'), join(work, 'node_modules'));
    environment = {
      ...process.env,
      ...aws.environment,
      PATH: `${bin}:${process.env.PATH}`,
      PULUMI_HOME: home,
      PULUMI_BACKEND_URL: `file://${join(work, 'state')}`,
      PULUMI_CONFIG_PASSPHRASE: 'e2e',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    };
    const client = {
      region: 'eu-west-1',
      endpoint: aws.endpoint,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    secrets = new SecretsManagerClient(client);
    kms = new KMSClient(client);
    assert.equal(pulumi(['stack', 'init', 'e2e']).status, 0);
    set('account', aws.account);
    set('value', first, '--secret');
  });

  after(async () => {
    await aws?.stop();
    rmSync(base, { recursive: true, force: true });
  });

  function pulumi(args: readonly string[], input = ''): { status: number | null; out: string } {
    const words = [...args, '--non-interactive', '--color', 'never'];
    const options = { cwd: work, env: environment, input, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync('pulumi', words, options);
    const out = `${stdout}${stderr}`;
    printed.push(out);
    return { status, out };
  }

  function set(key: string, value: string, ...flags: readonly string[]): void {
    const { status, out } = pulumi(['config', 'set', ...flags, key], value);
    assert.equal(status, 0, out);
  }

  /** Runs a command that has to succeed. @returns what it printed, and the writes it made */
  function written(...args: readonly string[]): { out: string; writes: readonly string[] } {
    const before = aws.requests().length;
    const { status, out } = pulumi(args);
    assert.equal(status, 0, out);
    const writes = aws.requests().slice(before).filter(isWrite);
    return { out, writes: writes.map(({ action }) => action) };
  }

  const up = (...more: readonly string[]) => written('up', '--yes', '--skip-preview', ...more);
  const output = (key: string): string => pulumi(['stack', 'output', key]).out.trim();
  const valueAt = async (VersionStage: string): Promise<string | undefined> =>
    (await secrets.send(new GetSecretValueCommand({ SecretId: name, VersionStage }))).SecretString;

  it('refuses an account that is not allowed, before anything is written', () => {
    set('account', '210987654321');
    const before = aws.requests().length;
    const { status, out } = pulumi(['up', '--yes', '--skip-preview']);
    set('account', aws.account);
    assert.notEqual(status, 0);
    assert.match(out, /AWS account ID not allowed: 123456789012/);
    // This program catches no failed invoke, for which the SDK may print a stack of its own.
    assert.doesNotMatch(out, /\n\s+at [^\n]*rehearsal\/plugins/);
    assert.deepEqual(aws.requests().slice(before).filter(isWrite), []);
  });

  it('previews what does not exist, and writes nothing', () => {
    const { out, writes } = written('preview', '--diff');
    assert.match(out, /7 to create/);
    assert.deepEqual(writes, []);
  });

  it('makes every type', async () => {
    const { out, writes } = up();
    assert.match(out, /\+ 7 created/);
    assert.deepEqual([...writes].sort(), [
      'iam.CreateRole',
      'iam.PutRolePolicy',
      'kms.CreateAlias',
      'kms.CreateKey',
      'kms.EnableKeyRotation',
      'secretsmanager.CreateSecret',
      'secretsmanager.PutResourcePolicy',
      'secretsmanager.PutSecretValue',
    ]);
    assert.equal(await valueAt('AWSCURRENT'), first);
    assert.match(output('versionId'), /^terraform-\d{18}[0-9a-f]{8}$/);
    const found = await secrets.send(new DescribeSecretCommand({ SecretId: name }));
    assert.deepEqual(Object.fromEntries((found.Tags ?? []).map(({ Key, Value }) => [Key, Value])), {
      owner: 'e2e',
      environment: 'test',
      project: 'e2e',
    });
  });

  it('changes and writes nothing the second time, with and without a refresh', () => {
    for (const more of [[], ['--refresh']]) {
      const { out, writes } = up('--expect-no-changes', ...more);
      assert.match(out, /9 unchanged/);
      assert.deepEqual(writes, []);
    }
    assert.deepEqual(written('refresh', '--yes', '--expect-no-changes').writes, []);
  });

  it('sees no difference in a policy that says the same in another order', () => {
    set('swapped', 'true');
    const { writes } = up('--expect-no-changes');
    assert.deepEqual(writes, []);
  });

  it('previews an update with what stays known, and updates in place', () => {
    set('description', 'another');
    const { out } = written('preview', '--diff');
    assert.match(out, /~ 1 to update/);
    assert.match(out, /8 unchanged/);
    assert.deepEqual(up().writes, ['secretsmanager.UpdateSecret']);
  });

  it('a changed value is one PutSecretValue, and AWSPREVIOUS holds the old one', async () => {
    const before = output('versionId');
    set('value', second, '--secret');
    const preview = written('preview', '--diff');
    assert.deepEqual(preview.writes, []);
    assert.match(preview.out, /1 to replace/);
    const { out, writes } = up();
    assert.match(out, /1 replaced/);
    assert.deepEqual(writes, ['secretsmanager.PutSecretValue']);
    assert.notEqual(output('versionId'), before);
    assert.equal(await valueAt('AWSCURRENT'), second);
    assert.equal(await valueAt('AWSPREVIOUS'), first);
    const list = new ListSecretVersionIdsCommand({ SecretId: name, IncludeDeprecated: true });
    const { Versions = [] } = await secrets.send(list);
    assert.equal(
      Versions.find(({ VersionId }) => VersionId === before)?.VersionStages?.[0],
      'AWSPREVIOUS',
    );
    assert.deepEqual(up('--refresh', '--expect-no-changes').writes, []);
  });

  it('refuses another resource type in one line', () => {
    const path = join(work, 'aws.ts');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, `${text}\nnew aws.s3.Bucket('bucket', {}, opts);\n`);
    const { status, out } = pulumi(['preview']);
    writeFileSync(path, text);
    assert.notEqual(status, 0);
    assert.match(out, /aws:s3\/bucket:Bucket: not in this plugin; allowed: aws:kms\/key:Key/);
  });

  it('destroy schedules what can be had back', async () => {
    const keyId = output('keyId');
    const { writes } = written('destroy', '--yes', '--skip-preview');
    assert.deepEqual([...writes].sort(), [
      'iam.DeleteRole',
      'iam.DeleteRolePolicy',
      'kms.DeleteAlias',
      'kms.ScheduleKeyDeletion',
      'secretsmanager.DeleteResourcePolicy',
      'secretsmanager.DeleteSecret',
    ]);
    const found = await secrets.send(new DescribeSecretCommand({ SecretId: name }));
    const days = (Number(found.DeletedDate) - Date.now()) / 86_400_000;
    assert.ok(days > 6.9 && days < 7.1, `${days} days`);
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyId }));
    assert.equal(KeyMetadata?.KeyState, 'PendingDeletion');
  });

  it('shows no value in anything printed, stored, recorded or logged', () => {
    const { out } = pulumi(['stack', 'export', '--show-secrets']);
    printed.pop();
    assert.ok(printed.length > 10);
    assert.deepEqual(leaks(printed.join('\n'), canaries), []);
    const left = [home, work, join(base, 'aws')].flatMap((directory) =>
      listFiles(directory).map((path) => join(directory, path)),
    );
    const hits = left
      .filter((path) => !path.includes('node_modules'))
      .flatMap((path) => leaks(readFileSync(path), canaries).map((hit) => `${path}: ${hit}`));
    // The engine's own logs are another test's: a self-built one does not redact them.
    assert.deepEqual(
      hits.filter((hit) => !/\/home\/logs\//.test(hit)),
      [],
    );
    assert.ok(left.some((path) => path.endsWith('aws-requests.jsonl')));
    assert.match(out, /"deployment"/);
  });

  it('a name that waits for its deletion is refused in the words of AWS, at Ctrl-C at once', async () => {
    const before = aws.requests().length;
    const words = ['up', '--yes', '--skip-preview', '--non-interactive', '--color', 'never'];
    const child = spawn('pulumi', words, { cwd: work, env: environment, detached: true });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
    }
    const ended = once(child, 'close');
    const refused = (): number =>
      aws
        .requests()
        .slice(before)
        .filter(({ action, status }) => action.endsWith('.CreateSecret') && status === 400).length;
    // The official provider tries for two minutes: a name deleted by force is free a little later.
    while (refused() < 2 && child.exitCode === null) await sleep(100);
    process.kill(child.pid ?? 0, 'SIGINT');
    const [status] = await ended;
    assert.notEqual(status, 0);
    assert.match(
      out,
      /creating Secrets Manager Secret \(\S+\): operation error Secrets Manager: CreateSecret, https response error StatusCode: 400, RequestID: \S*, InvalidRequestException: You can't create this secret because a secret with this name is already scheduled for deletion\./,
    );
    assert.doesNotMatch(out, /\n\s+at .*\.ts:/);
  });
});
