/**
 * Canaries in all values of prod, on the servers of a rehearsal: a rotation of all of them, one that
 * fails, a destroy and a restore; then a search through everything that Pulumi, Kubernetes, External
 * Secrets, the node and AWS have written, kept or shown. Linux and root.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { botArchive } from '../../rehearsal/images/hummingbot.ts';
import { enclosureIn } from '../../rehearsal/servers/cluster.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { keysInUse } from '../../rehearsal/values-in-use.ts';
import { leaks, makeCanary } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { listFiles, type Result } from './checkout.ts';
import { etcdBackup, etcdValues } from './etcd-backup.ts';
import { processes } from './process-tree.ts';
import { ProcessWatch } from './process-watch.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

const groups = ['trading', 'infrastructure', 'monitoring'];
const names = groups.map((group) => `hummingbot/${group}`);
/** Whoever reads them is nobody that the pod knows. */
const stranger = '12345';

describe('prod with canaries in all its values', () => {
  const prod = new RehearsedStack('prod', { keepsBook: true });
  const { checkout } = prod;
  const begun = Date.now();
  const canaries = new Map<string, string>();
  /** Of each bot that there was; they belong into its memory and nowhere else. */
  const passwords = new Map<string, string>();
  /** A text that is put where a search must find it. */
  const control = makeCanary('control');
  let watch: ProcessWatch;
  let made: readonly (string | undefined)[];
  /** Blobs of the bot's image, which are called by their digest. */
  const layers = new Set<string>();

  before(async function () {
    if (!canRehearse) this.skip();
    watch = new ProcessWatch();
    await prod.start();
    const { stdout } = spawnSync('tar', ['-tf', (await botArchive()).path], { encoding: 'utf8' });
    for (const [, digest = ''] of stdout.matchAll(/sha256\/([0-9a-f]{64})$/gmu)) layers.add(digest);
    assert.ok(layers.size >= 3, stdout);
    const values = canaryValues();
    const keys = keysInUse(checkout.read('Pulumi.prod.yaml')).map(({ key }) => key);
    for (const key of keys.filter((each) => entryOf(each).source === 'config')) {
      await set(key, values.get(key) ?? '');
    }
    for (const view of [['--diff'], ['--json']]) {
      succeeded(await prod.pulumi(['preview', ...view]));
    }
    succeeded(await prod.up());
    for (const [name, value] of await delivered()) {
      if (![...canaries.values()].includes(value)) canaries.set(`generated ${name}`, value);
    }
    await learnPassword();
  });

  after(async () => {
    await watch?.stop();
    if (canRehearse) await prod.end();
    else checkout.remove();
  });

  async function set(key: SecretKey, value: string, name: string = key): Promise<void> {
    canaries.set(name, value);
    await prod.set(key, value);
  }

  /** Of the bot that runs. */
  async function learnPassword(): Promise<void> {
    const { stdout } = await prod.inBot(['cat', '/run/hummingbot/password']);
    assert.match(stdout, /^[\w-]{43}$/u);
    passwords.set(`password ${passwords.size + 1}`, stdout);
  }

  /** All that must not be found. */
  const searched = (): ReadonlyMap<string, string> => new Map([...canaries, ...passwords]);

  function succeeded(result: Result): Result {
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return result;
  }

  /** Values in the Secrets of the namespace, by `<secret>/<key>`. */
  async function delivered(): Promise<ReadonlyMap<string, string>> {
    const { namespace, access } = prod;
    const { items } = await access.core.listNamespacedSecret({ namespace });
    return new Map(
      items.flatMap(({ metadata, data = {} }) =>
        Object.entries(data).map(
          ([key, value]) =>
            [`${metadata?.name}/${key}`, Buffer.from(value, 'base64').toString()] as const,
        ),
      ),
    );
  }

  /** The bot's image as it was made, before the canaries: a gigabyte, in a layer and unpacked. */
  function isOfImage(path: string): boolean {
    if (layers.has(basename(path))) return true;
    // The archive gives every file this time (rehearsal/images/archive.ts); a write gives another.
    return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs === 0;
  }

  /** @returns "<path>: <hit>" for each of the files below a folder that holds a canary */
  function scan(
    directory: string,
    wanted: ReadonlyMap<string, string> = searched(),
    skip = /^$/u,
  ): readonly string[] {
    return listFiles(directory)
      .filter((path) => !skip.test(path) && !isOfImage(join(directory, path)))
      .flatMap((path) =>
        leaks(contentOf(join(directory, path)), wanted).map((hit) => `${path}: ${hit}`),
      );
  }

  const controls = (): ReadonlyMap<string, string> => new Map([['control', control]]);

  /** That a search of a folder sees what lies in it. */
  function assertSeen(directory: string): void {
    const path = join(directory, 'planted');
    writeFileSync(path, `x${Buffer.from(`y${control}`).toString('base64')}`);
    const found = scan(directory, controls());
    rmSync(path);
    assert.deepEqual(
      found.filter((hit) => hit.startsWith('planted: ')),
      ['planted: control as base64 at 1', 'planted: control as base64url at 1'],
    );
  }

  /** All that the API gives, but Secrets, with who manages which field. */
  async function objects(): Promise<string> {
    const list = ['api-resources', '--verbs=list', '--output=name'];
    const kinds = succeeded(await prod.kubectl(...list))
      .stdout.trim()
      .split('\n');
    const shown = kinds.filter((kind) => kind !== 'secrets').join(',');
    const words = ['get', shown, '--all-namespaces', '--output=json', '--show-managed-fields'];
    return succeeded(await prod.kubectl(...words)).stdout;
  }

  /** The process of the bot, as this machine numbers it. */
  async function botProcess(): Promise<number> {
    const line = `HOSTNAME=${(await prod.pod()).metadata?.name}`;
    const found = processes().find(({ pid }) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(line);
      } catch {
        return false;
      }
    });
    assert.ok(found !== undefined);
    return found.pid;
  }

  async function ids(client: SecretsManagerClient): Promise<readonly (string | undefined)[]> {
    const found = await Promise.all(
      names.map((SecretId) => client.send(new DescribeSecretCommand({ SecretId }))),
    );
    return found.flatMap(({ ARN, KmsKeyId }) => [ARN, KmsKeyId]);
  }

  it('has them where they belong: in the store, in Secrets, and in the files of the bot', async () => {
    assert.ok(canaries.size >= 23);
    const trading = [...canaries].filter(([key]) =>
      /^(?:binance|coinbase|kraken|kucoin)_/u.test(key),
    );
    assert.equal(trading.length, 10);
    const inSecrets = new Set((await delivered()).values());
    for (const [name, value] of canaries) assert.ok(inSecrets.has(value), name);
    const SecretId = names[0];
    const stored = await prod.secretsManager().send(new GetSecretValueCommand({ SecretId }));
    assert.deepEqual(JSON.parse(stored.SecretString ?? ''), Object.fromEntries(trading));
    for (const [key, value] of trading) {
      assert.equal((await prod.inBot(['cat', `/etc/secrets/trading/${key}`])).stdout, value, key);
    }
  });

  it('gives the bot no token, no root, and no value in its environment', async () => {
    assert.equal((await prod.inBot(['id', '-u'])).stdout.trim(), '1000');
    const token = '/var/run/secrets/kubernetes.io/serviceaccount';
    assert.notEqual((await prod.inBot(['ls', token])).code, 0);
    // Of every process there; the one that asks has the control in both.
    const show = 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; true';
    const asked = ['env', `CONTROL=${control}`, 'sh', '-c', show, `argument-${control}`];
    const { code, stdout } = await prod.inBot(asked);
    assert.equal(code, 0);
    for (const part of [
      'BINANCE_API_KEY_FILE=/etc/secrets/trading/binance_api_key',
      '/etc/hummingbot/launch.py',
      `CONTROL=${control}`,
      `argument-${control}`,
    ]) {
      assert.ok(stdout.includes(part), part);
    }
    assert.deepEqual(leaks(stdout, searched()), []);
    const { spec } = await prod.pod();
    assert.equal(spec?.automountServiceAccountToken, false);
    assert.deepEqual(leaks(JSON.stringify(spec), searched()), []);
  });

  it('lets no other user of the container read its files', async () => {
    const target = ['--target', `${await botProcess()}`, '--mount'];
    const read = (user: string) =>
      spawnSync(
        'nsenter',
        [
          ...target,
          '--setuid',
          user,
          '--setgid',
          user,
          '/bin/cat',
          '/etc/secrets/trading/kraken_api_key',
        ],
        { encoding: 'utf8' },
      );
    assert.equal(read('1000').stdout, canaries.get('kraken_api_key'));
    const { status, stdout, stderr } = read(stranger);
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /Permission denied/u);
  });

  it('admits into its namespace no pod that is not restricted', async () => {
    const words = ['run', 'wide', '--image=rehearsal.invalid/wide', '--dry-run=server'];
    const { code, stderr } = await prod.kubectl(...words);
    assert.notEqual(code, 0);
    assert.match(stderr, /violates PodSecurity "restricted:v?[\w.]+"/u);
  });

  it('fails an up with a canary that the exchange refuses, and heals in the next', async () => {
    const failing = `${makeCanary('failing')}-refused-by-exchange`;
    await set('binance_api_key', failing, 'failing');
    const { code, stdout } = await prod.up();
    assert.notEqual(code, 0, stdout);
    assert.match(stdout, /exit code 1/u);
    await set('binance_api_key', makeCanary('changed'), 'changed');
    succeeded(await prod.up());
    await learnPassword();
    for (const words of [['stack', 'export'], ['stack', 'history', '--json'], ['config']]) {
      succeeded(await prod.pulumi(words));
    }
    succeeded(await prod.pulumi(['stack', 'output', '--json']));
  });

  it('has them in no object of the API but Secrets: no name, annotation, status or event', async () => {
    const { namespace, access } = prod;
    await access.core.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: control } },
    });
    const found = await objects();
    // It is what was asked for, and it is long.
    checkout.forget(found);
    assert.match(found, /"kind": "ExternalSecret"/u);
    assert.match(found, /"kind": "Event"/u);
    assert.match(found, /"kind": "ReplicaSet"/u);
    assert.deepEqual(leaks(found, controls()).includes('control as plain'), true);
    assert.deepEqual(leaks(found, searched()), []);
  });

  it('has them in no event of any namespace, in either form of the API', async () => {
    const { core } = prod.access;
    await core.createNamespacedEvent({
      namespace: 'default',
      body: {
        metadata: { name: 'control', namespace: 'default' },
        involvedObject: { kind: 'Namespace', name: 'default', namespace: 'default' },
        message: `said ${control}`,
      },
    });
    for (const kind of ['events.v1.', 'events.v1.events.k8s.io']) {
      const words = ['get', kind, '--all-namespaces', '--output=json'];
      const { stdout } = succeeded(await prod.kubectl(...words));
      checkout.forget(stdout);
      for (const reason of ['Pulled', 'Created', 'SuccessfulCreate']) {
        assert.ok(stdout.includes(`"reason": "${reason}"`), `${kind} ${reason}`);
      }
      assert.ok(leaks(stdout, controls()).includes('control as plain'), kind);
      assert.deepEqual(leaks(stdout, searched()), [], kind);
    }
  });

  it('keeps them in etcd in no form but encrypted, and its backup has none', async () => {
    const { folder, cluster } = prod;
    const secrets = await etcdValues(folder, cluster.addresses.address, '/registry/secrets/');
    assert.ok(secrets.has('/registry/secrets/hummingbot/hummingbot-monitoring'));
    for (const [key, value] of secrets) {
      const start = value.subarray(0, 32).toString('latin1');
      assert.ok(start.startsWith('k8s:enc:secretbox:v1:rehearsal:'), key);
    }
    const backup = await etcdBackup(folder, cluster.addresses.address);
    assert.ok(backup.length > 1_000_000);
    // What is no Secret stands there plainly.
    assert.ok(leaks(backup, controls()).includes('control as plain'));
    assert.deepEqual(leaks(backup, searched()), []);
  });

  it('lets the bot leave no core file', async () => {
    const limits = readFileSync(`/proc/${await botProcess()}/limits`, 'utf8');
    // 1 byte: a limit of 0 does not keep a kernel from piping a core to a program.
    assert.match(limits, /^Max core file size +1 +1 /mu);
  });

  it('keeps them off what the node has in memory beside the volumes themselves', () => {
    const pid = enclosureIn(prod.folder)?.record.pid;
    const root = `/proc/${pid}/root`;
    const skip = /^(?:rehearsal|tools|netns)\//u;
    const files = listFiles(join(root, 'run')).filter((path) => !skip.test(path));
    assert.ok(
      files.some((path) => /containerd.*config\.json$/u.test(path)),
      files.join(),
    );
    assert.deepEqual(scan(join(root, 'run'), searched(), skip), []);
    for (const below of ['var/lib', 'var/log']) {
      assertSeen(join(root, below));
      assert.deepEqual(scan(join(root, below)), []);
    }
  });

  it('is not destroyed while it is protected, and nothing is written', async () => {
    made = await ids(prod.secretsManager());
    const mark = prod.mark();
    const { code, stdout, stderr } = await prod.npmStart('destroy');
    assert.notEqual(code, 0, stdout);
    assert.match(stdout + stderr, /protect/u);
    assert.equal((await prod.rehearse('destroy')).code, 1);
    const own = prod.deployersWrites(mark);
    assert.deepEqual(own, []);
    assert.deepEqual(prod.awsWrites(mark), []);
  });

  it('unprotected, it is destroyed: secrets and key wait for their deletion', async () => {
    succeeded(await prod.pulumi(['config', 'set', 'protect', 'false']));
    succeeded(await prod.npmStart());
    const mark = prod.mark();
    succeeded(await prod.npmStart('destroy'));
    const actions = prod.awsWrites(mark).map(({ action }) => action);
    assert.equal(actions.filter((each) => each === 'secretsmanager.DeleteSecret').length, 3);
    assert.equal(actions.filter((each) => each === 'kms.ScheduleKeyDeletion').length, 1);
    assert.deepEqual(await ids(prod.secretsManager()), made);
  });

  it('up without a restore says the command in one line, and writes nothing', async () => {
    succeeded(await prod.pulumi(['config', 'set', 'protect', 'true']));
    const mark = prod.mark();
    const { code, stdout, stderr } = await prod.up();
    assert.notEqual(code, 0);
    const diagnostics = `${stdout}${stderr}`.split('Diagnostics:')[1] ?? '';
    const lines = diagnostics.split('\n').filter((line) => line.includes('npm run restore'));
    assert.equal(lines.length, 1, stdout + stderr);
    assert.match(lines[0] ?? '', /fix: npm run restore -- --stack prod; nothing was changed$/u);
    assert.deepEqual(prod.awsWrites(mark), []);
    const own = prod.deployersWrites(mark);
    assert.deepEqual(own, []);
  });

  it('is restored with the same names and key, and goes on: the bot has its values', async () => {
    const words = ['run', '--silent', 'restore', '--', '--stack', 'prod'];
    const { stdout } = succeeded(await prod.run('npm', words));
    for (const name of names) assert.match(stdout, new RegExp(`^restored ${name}$`, 'mu'));
    assert.match(stdout, /^restored key /mu);
    const mark = prod.mark();
    succeeded(await prod.npmStart());
    const actions = prod.awsWrites(mark).map(({ action }) => action);
    assert.ok(!actions.includes('secretsmanager.CreateSecret'), actions.join());
    assert.ok(!actions.includes('kms.CreateKey'), actions.join());
    assert.deepEqual(await ids(prod.secretsManager()), made);
    const file = '/etc/secrets/trading/binance_api_key';
    assert.equal((await prod.inBot(['cat', file])).stdout, canaries.get('changed'));
    await learnPassword();
    assert.equal(new Set(passwords.values()).size, 3);
    const again = prod.mark();
    succeeded(await prod.up('--expect-no-changes', '--refresh'));
    assert.deepEqual(prod.awsWrites(again), []);
    assert.notEqual((await prod.npmStart('destroy')).code, 0, 'protected again');
  });

  it('wrote them into no log of a server; a control stands in those that quote names', async () => {
    const { namespace, access, environment } = prod;
    await quote();
    const quoted = [
      'audit.log',
      'aws-requests.jsonl',
      'aws.log',
      'containerd.log',
      'external-secrets.log',
      'kubelet.log',
    ];
    const holding = (): readonly string[] =>
      [...prod.logs()]
        .filter(([, text]) => leaks(text, controls()).length > 0)
        .map(([name]) => name);
    const complete = async (): Promise<boolean> =>
      quoted.every((name) => holding().includes(name)) &&
      holding().some((name) => name.startsWith('pods/'));
    assert.ok(await eventually(60, complete), `control in: ${holding().join(', ')}`);
    const logs = prod.logs();
    for (const name of [...quoted, 'kube-apiserver.log', 'kube-controller-manager.log']) {
      assert.ok((logs.get(name)?.length ?? 0) > 0, name);
    }
    for (const [name, text] of logs) assert.deepEqual(leaks(text, searched()), [], name);

    /** Has each server say the control. */
    async function quote(): Promise<void> {
      const custom = access.config.makeApiClient(access.library.CustomObjectsApi);
      const SecretId = control;
      const asked = prod.secretsManager().send(new DescribeSecretCommand({ SecretId }));
      await assert.rejects(asked);
      await fetch(`${environment.AWS_ENDPOINT_URL}/${control}`);
      await prod.inBot(['sh', '-c', `echo ${control} > /proc/1/fd/1`]);
      await access.core.createNamespacedPod({
        namespace: 'default',
        body: {
          metadata: { name: 'control' },
          spec: { containers: [{ name: 'control', image: `rehearsal.invalid/${control}:1` }] },
        },
      });
      await custom.createNamespacedCustomObject({
        group: 'external-secrets.io',
        version: 'v1',
        namespace,
        plural: 'externalsecrets',
        body: {
          apiVersion: 'external-secrets.io/v1',
          kind: 'ExternalSecret',
          metadata: { name: 'control' },
          spec: {
            secretStoreRef: { kind: 'SecretStore', name: 'aws-secrets-manager' },
            target: { name: 'control' },
            data: [{ secretKey: 'control', remoteRef: { key: `hummingbot/${control}` } }],
          },
        },
      });
    }
  });

  it('wrote them nowhere on the disk: state, backups, history, etcd, containerd', () => {
    const files = listFiles(prod.folder);
    for (const name of [
      /^workspace\/state\/\.pulumi\/stacks\/.*prod\.json$/u,
      /^workspace\/state\/\.pulumi\/history\//u,
      /^workspace\/state\/\.pulumi\/backups\//u,
      /^workspace\/stacks\/Pulumi\.prod\.yaml$/u,
      /^etcd\/member\/wal\//u,
      /^etcd\/member\/snap\/db$/u,
      /^containerd\/.*meta\.db$/u,
      /^kubelet\//u,
    ]) {
      assert.ok(
        files.some((path) => name.test(path)),
        `${name}`,
      );
    }
    assertSeen(prod.folder);
    // What is no Secret stands there plainly: the search can read etcd.
    const inEtcd = scan(join(prod.folder, 'etcd'), controls());
    assert.ok(
      inEtcd.some((hit) => hit.endsWith('control as plain')),
      inEtcd.join(),
    );
    assert.deepEqual(scan(prod.folder), []);
  });

  it('shows them where they are asked for, and the search finds each in that', async () => {
    const words = ['stack', 'export', '--show-secrets'];
    const { stdout } = succeeded(await prod.pulumi(words));
    checkout.forget(stdout);
    const found = leaks(stdout, canaries);
    for (const name of canaries.keys()) {
      // Replaced since.
      if (['binance_api_key', 'failing'].includes(name) || /^generated /u.test(name)) continue;
      assert.ok(
        found.some((hit) => hit.startsWith(`${name} as`)),
        name,
      );
    }
  });

  it('printed none of them', () => {
    const printed = checkout.printed.join('\n');
    assert.ok(printed.length > 50_000);
    assert.match(printed, /binance_api_key/u);
    assert.deepEqual(leaks(printed, searched()), []);
  });

  it('gave none to a process as an argument, nor in its environment but to the program itself', async () => {
    const child = spawn('sh', ['-c', 'sleep 2; :', control], {
      env: { PATH: process.env.PATH, CONTROL: `x${control}` },
    });
    await once(child, 'exit');
    await watch.stop();
    assert.ok(watch.samples > 100);
    const all = {
      arguments: [...watch.arguments].join('\n'),
      environments: [...watch.environments].join('\n'),
    };
    for (const program of ['kubelet', 'containerd', 'external-secrets', 'pulumi up', 'main.ts']) {
      assert.ok(all.arguments.includes(program.replace(' ', '\n')), program);
    }
    assert.ok([...watch.programs].some((text) => text.includes('PULUMI_CONFIG=')));
    for (const text of Object.values(all)) {
      assert.ok(leaks(text, controls()).includes('control as plain'));
      assert.deepEqual(leaks(text, searched()), []);
    }
  });

  it('left none in a temporary file, in the checkout or in git', async () => {
    assertSeen(checkout.temporary);
    assert.deepEqual(scan(checkout.temporary), []);
    for (const name of readdirSync(tmpdir())) {
      const path = join(tmpdir(), name);
      const stat = statSync(path, { throwIfNoEntry: false });
      // Checkouts are those of other tests.
      if (stat === undefined || stat.mtimeMs < begun || /^checkout-/u.test(name)) continue;
      if (stat.isFile()) assert.deepEqual(leaks(contentOf(path), searched()), [], path);
      else if (stat.isDirectory()) assert.deepEqual(scan(path), [], path);
    }
    assert.deepEqual(scan(checkout.directory, searched(), /^(?:node_modules|\.local)\//u), []);
    assert.equal(checkout.gitStatus(), '');
    const git = ['cat-file', '--batch', '--batch-all-objects'];
    succeeded(await checkout.run('git', ['hash-object', '-w', '--stdin'], { input: control }));
    const all = spawnSync('git', git, { cwd: checkout.directory, maxBuffer: 2 ** 30 }).stdout;
    assert.ok(leaks(all, controls()).includes('control as plain'));
    assert.deepEqual(leaks(all, searched()), []);
  });
});

/** A file's bytes; the empty end of a file that is made in advance, as etcd's log is, left out. */
function contentOf(path: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return Buffer.alloc(0); // Gone meanwhile.
  }
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end);
}
