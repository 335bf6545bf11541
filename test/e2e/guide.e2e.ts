/**
 * The guide's own snippets, brought up to date: the files that docs/guide.md shows, each run as it
 * stands there, or applied, and read back by who reads it: a container of a swarm and one of Compose,
 * a shell, a pod, the sealed-secrets controller, sops, the External Secrets Operator. Images are
 * replaced, because no registry can be asked. Linux and root.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { parse as parseDotenv } from 'dotenv';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { goTool, toolDirectory } from '../../operations/engine/go.ts';
import { programOf } from '../../rehearsal/debian-packages.ts';
import { type AwsServer, startAws } from '../../rehearsal/servers/aws.ts';
import {
  type Cluster,
  enclosureIn,
  startCluster,
  stopServers,
} from '../../rehearsal/servers/cluster.ts';
import { type Docker, startDocker } from '../../rehearsal/servers/docker.ts';
import {
  operatorAccount,
  operatorNamespace,
  startOperator,
} from '../../rehearsal/servers/external-secrets.ts';
import {
  type Access,
  accessTo,
  apply,
  eventually,
} from '../../rehearsal/servers/kubernetes-client.ts';
import { Servers } from '../../rehearsal/servers/process.ts';
import { fingerprintOf, startSealedSecrets } from '../../rehearsal/servers/sealed-secrets.ts';
import {
  dockerCompose,
  externalSecrets,
  kubernetes,
  sealedSecrets,
  sops,
} from '../../rehearsal/tools/tools.ts';
import { leaks, makeCanary } from '../canary.ts';
import { ToolRecord } from '../tool-record.ts';
import type { Result } from './checkout.ts';
import { ProcessWatch } from './process-watch.ts';
import { canRehearse } from './rehearsed-stack.ts';

const namespace = 'hummingbot';
const name = 'hummingbot-trading-keys';
const keys = ['binance_api_key', 'binance_secret_key'] as const;
/** Ends as soon as it is told to. */
const sleeps = ['sh', '-c', 'trap "exit 0" TERM; sleep 3600 & wait'];

describe("the guide's snippets, brought up to date", () => {
  const base = mkdtempSync(join(tmpdir(), 'guide-'));
  const folders = { cluster: join(base, 'cluster'), docker: join(base, 'docker') };
  const work = join(base, 'work');
  const values = new Map<string, string>(
    [...keys, 'postgres_password', 'redis_password'].map((key) => [key, makeCanary(key)]),
  );
  /** All that the snippets printed. */
  const printed: string[] = [];
  let watch: ProcessWatch;
  /** Of the tools that the snippets start. */
  let records: readonly ToolRecord[] = [];
  let cluster: Cluster;
  let access: Access;
  let docker: Docker;
  let aws: AwsServer;

  const path = (...names: readonly string[]): string => join(work, ...names);
  const at = (...names: readonly string[]): string => readFileSync(path(...names), 'utf8');
  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    PATH: [
      ...records.map(({ directory }) => directory),
      ...[kubernetes, sealedSecrets, sops].map(toolDirectory),
      dirname(programOf('docker', 'docker.io')),
      process.env.PATH,
    ].join(delimiter),
    HOME: join(base, 'home'),
    XDG_CONFIG_HOME: undefined,
    KUBECONFIG: cluster.kubeconfig,
    DOCKER_CONFIG: join(base, 'docker-config'),
    ...docker.environment,
  });

  /** A command in the folder of the snippets; what it prints goes to the search for values. */
  async function run(
    command: string,
    words: readonly string[],
    more: NodeJS.ProcessEnv = {},
    input = '',
  ): Promise<Result> {
    const child = spawn(command, words, { cwd: work, env: { ...environment(), ...more } });
    child.stdin.on('error', () => {}).end(input);
    const [stdout, stderr, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number>((settle) => child.on('close', (status) => settle(status ?? 1))),
    ]);
    printed.push(stderr);
    return { code, stdout, stderr };
  }

  /** A snippet's script, as it stands in the page. */
  async function script(file: string, more: NodeJS.ProcessEnv = {}): Promise<Result> {
    const result = await run('sh', [file], more);
    printed.push(result.stdout);
    return result;
  }

  async function ok(result: Promise<Result>): Promise<string> {
    const { code, stdout, stderr } = await result;
    assert.equal(code, 0, stderr);
    return stdout;
  }

  const kubectl = async (...words: readonly string[]): Promise<string> =>
    await ok(run('kubectl', ['--namespace', namespace, ...words]));

  const applied = async (manifest: string, ...flags: readonly string[]): Promise<Result> =>
    await run(
      'kubectl',
      ['apply', '--server-side', '--validate=strict', ...flags, '-f', '-'],
      {},
      manifest,
    );

  /** Whether the Secret has the values of the trading keys, and no others. */
  async function assertSecret(): Promise<void> {
    const { data = {}, metadata } = await access.core.readNamespacedSecret({ namespace, name });
    assert.deepEqual(Object.keys(data).toSorted(), [...keys]);
    for (const key of keys) {
      assert.ok(Buffer.from(data[key] ?? '', 'base64').toString() === values.get(key), key);
    }
    assert.deepEqual(leaks(JSON.stringify(metadata), values), []);
  }

  /** Takes away what a snippet made, for the next one that makes a Secret of the same name. */
  async function clear(...what: readonly string[]): Promise<void> {
    await kubectl('delete', '--wait=true', ...what);
    const gone = await eventually(30, async () => {
      const { items } = await access.core.listNamespacedSecret({ namespace });
      return items.every(({ metadata }) => metadata?.name !== name);
    });
    assert.ok(gone, `Secret ${name} is still there`);
  }

  async function startKubernetes(): Promise<void> {
    const folder = folders.cluster;
    cluster = await startCluster({ folder });
    access = await accessTo(cluster.adminKubeconfig);
    const enclosure = enclosureIn(folder);
    assert.ok(enclosure);
    const operator = await goTool(externalSecrets);
    await startOperator({
      folder,
      servers: new Servers(folder),
      access,
      binary: operator,
      crds: join(dirname(operator), 'crds.yaml'),
      awsEndpoint: aws.endpoint,
      enclosure,
    });
    await startSealedSecrets({ folder, access, enclosure, tools: toolDirectory(sealedSecrets) });
  }

  before(async function () {
    if (!canRehearse) this.skip();
    for (const tool of [kubernetes, sealedSecrets, sops]) await goTool(tool);
    const plugins = join(base, 'docker-config', 'cli-plugins');
    for (const folder of [plugins, work, join(base, 'home')]) {
      mkdirSync(folder, { recursive: true });
    }
    symlinkSync(await goTool(dockerCompose), join(plugins, 'docker-compose'));
    aws = await startAws({ directory: base });
    docker = await startDocker(new Servers(folders.docker), folders.docker, true);
    await startKubernetes();
    cpSync('examples/guide', work, { recursive: true });
    for (const [key, value] of values) {
      const folder = key.startsWith('binance') ? 'trading' : 'database';
      mkdirSync(path('secrets', folder), { recursive: true });
      writeFileSync(path('secrets', folder, key), value);
    }
    const mine = (text: string, key: string): string =>
      text.replace(`your_${key}`, values.get(key) ?? '');
    writeFileSync(path('.env.secrets'), keys.reduce(mine, at('env.secrets')));
    const tools = [
      join(toolDirectory(kubernetes), 'kubectl'),
      join(toolDirectory(sealedSecrets), 'kubeseal'),
      join(toolDirectory(sops), 'sops'),
      programOf('docker', 'docker.io'),
    ];
    records = tools.map((tool) => new ToolRecord(tool));
    watch = new ProcessWatch();
  });

  after(async () => {
    await watch?.stop();
    for (const each of records) each.remove();
    await stopServers(folders.cluster);
    await stopServers(folders.docker);
    await aws?.stop();
    rmSync(base, { recursive: true, force: true });
  });

  /** The one container that runs, once it runs. */
  async function container(): Promise<string> {
    let id = '';
    const came = await eventually(60, async () => {
      id = (await ok(run('docker', ['ps', '--quiet', '--no-trunc']))).trim();
      return /^\w{64}$/u.test(id);
    });
    assert.ok(
      came,
      (await run('docker', ['service', 'ps', '--no-trunc', 'hummingbot_hummingbot'])).stdout,
    );
    return id;
  }

  /** What a container reads by the variables that name files. */
  async function assertFilesIn(container: string): Promise<void> {
    for (const key of keys) {
      const line = `stat -L -c %a "$${key.toUpperCase()}_FILE"; cat "$${key.toUpperCase()}_FILE"`;
      const seen = await ok(run('docker', ['exec', container, 'sh', '-c', line]));
      assert.match(seen, /^400\n/u);
      assert.ok(seen.slice(4) === values.get(key), key);
    }
    const inspected = await ok(run('docker', ['inspect', container]));
    assert.deepEqual(leaks(inspected, values), []);
  }

  it('docker-secrets.sh and stack.yaml: a container of the swarm reads its keys, without a newline', async () => {
    await ok(script('docker-secrets.sh'));
    const override = {
      version: '3.9',
      services: { hummingbot: { image: docker.image, command: sleeps } },
      // The network that a swarm makes itself needs more than this engine has.
      networks: { default: { external: true, name: 'bridge' } },
    };
    writeFileSync(path('override.yaml'), stringify(override));
    const files = ['-c', 'stack.yaml', '-c', 'override.yaml'];
    await ok(
      run('docker', ['stack', 'deploy', '--resolve-image', 'never', ...files, 'hummingbot']),
    );
    await assertFilesIn(await container());
    const made = await ok(run('docker', ['secret', 'ls', '--format', '{{.Name}}']));
    assert.deepEqual(made.trim().split('\n').toSorted(), [...values.keys()].toSorted());
    await ok(run('docker', ['stack', 'rm', 'hummingbot']));
    const isGone = async (): Promise<boolean> =>
      (await ok(run('docker', ['ps', '--all', '--quiet']))) === '';
    assert.ok(await eventually(30, isGone));
  });

  const overridden = {
    services: {
      hummingbot: { image: '', command: sleeps, network_mode: 'bridge' },
    },
  };

  /** `docker compose`, with another image and the project `guide`. */
  async function compose(words: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Result> {
    overridden.services.hummingbot.image = docker.image;
    writeFileSync(path('override.yaml'), stringify(overridden));
    const [verb, ...rest] = words.slice(words.indexOf('--') + 1);
    const flags = [...words.slice(0, words.indexOf('--')), '-f', 'override.yaml'];
    const all = ['compose', '--project-name', 'guide', ...flags, String(verb), ...rest];
    return await run('docker', all, more);
  }

  it('compose.yaml: Compose takes it without a word, and the container reads its keys', async () => {
    const owner = { OWNER: String(process.getuid?.()) };
    for (const key of keys) spawnSync('chmod', ['400', path('secrets/trading', key)]);
    const words = ['-f', 'compose.yaml', '--'];
    const shown = await compose([...words, 'config', '--quiet'], owner);
    assert.deepEqual([shown.code, shown.stdout, shown.stderr], [0, '', '']);
    await ok(compose([...words, 'up', '-d'], owner));
    await assertFilesIn(await container());
    await ok(compose([...words, 'down'], owner));
  });

  it('compose.env.yaml: the container has the values of the file, and none starts without it', async () => {
    const without = await compose(['-f', 'compose.env.yaml', '--', 'up', '-d']);
    assert.notEqual(without.code, 0);
    assert.match(without.stderr, /is missing a value: use --env-file \.env\.secrets/u);
    const words = ['--env-file', '.env.secrets', '-f', 'compose.env.yaml', '--'];
    await ok(compose([...words, 'up', '-d']));
    const running = await container();
    for (const key of keys) {
      const line = `printf %s "$${key.toUpperCase()}"`;
      const seen = await ok(run('docker', ['exec', running, 'sh', '-c', line]));
      assert.ok(seen === values.get(key), key);
    }
    await ok(compose([...words, 'down']));
  });

  it('env.secrets and load-env.sh: sh, Compose and dotenv read the same seven values', async () => {
    const byDotenv = parseDotenv(at('.env.secrets'));
    const names = Object.keys(byDotenv);
    assert.equal(names.length, 7);
    const print = names.map((each) => `printf '%s\\0' "$${each}"`).join('; ');
    const bySh = (await ok(run('sh', ['load-env.sh', 'sh', '-c', print]))).split('\0');
    const environment = Object.fromEntries(names.map((each) => [each, `\${${each}:?}`]));
    const all = { services: { all: { image: 'all:1', environment } } };
    writeFileSync(path('all.yaml'), stringify(all));
    const flags = ['--env-file', '.env.secrets', '-f', 'all.yaml'];
    const config = await ok(run('docker', ['compose', ...flags, 'config', '--format', 'json']));
    const byCompose = JSON.parse(config).services.all.environment;
    for (const [index, each] of names.entries()) {
      assert.ok(bySh[index] === byDotenv[each], `${each} by sh`);
      assert.ok(byCompose[each] === byDotenv[each], `${each} by Compose`);
    }
    for (const key of keys) assert.ok(byDotenv[key.toUpperCase()] === values.get(key), key);
  });

  it('kubernetes-secrets.sh: the Secret has the values, and no copy in an annotation; again, the same', async () => {
    await ok(script('kubernetes-secrets.sh'));
    await assertSecret();
    await ok(script('kubernetes-secrets.sh'));
    await assertSecret();
  });

  it('deployment.yaml: taken field by field where Pod Security is restricted, and its pod reads its keys', async () => {
    await kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    const asShown = await applied(at('deployment.yaml'), '--dry-run=server');
    assert.deepEqual([asShown.code, asShown.stderr], [0, '']);
    // The control: a field that does not exist is refused.
    const wrong = at('deployment.yaml').replace('replicas:', 'replica:');
    assert.notEqual((await applied(wrong, '--dry-run=server')).code, 0);
    // As kubectl reads it: 0400 is octal.
    const manifest = parse(at('deployment.yaml'), { version: '1.1' });
    const [bot] = manifest.spec.template.spec.containers;
    Object.assign(bot, { image: cluster.image, imagePullPolicy: 'Never', command: sleeps });
    await ok(applied(JSON.stringify(manifest)));
    await kubectl('rollout', 'status', '--timeout=90s', 'deployment/hummingbot');
    for (const key of keys) {
      const line = `stat -L -c %a "$${key.toUpperCase()}_FILE"; cat "$${key.toUpperCase()}_FILE"`;
      const seen = await kubectl('exec', 'deployment/hummingbot', '--', 'sh', '-c', line);
      // The kubelet lets the pod's group read what it owns.
      assert.match(seen, /^440\n/u);
      assert.ok(seen.slice(4) === values.get(key), key);
    }
    await clear('deployment/hummingbot', `secret/${name}`);
  });

  it('sealed-secrets.sh: sealed for the pinned certificate, opened by the controller', async () => {
    const FINGERPRINT = await fingerprintOf(cluster.adminKubeconfig, cluster.context);
    const refused = await script('sealed-secrets.sh', { FINGERPRINT: 'another' });
    assert.notEqual(refused.code, 0);
    assert.equal(
      at('sealed-trading-keys.yaml'),
      readFileSync('examples/guide/sealed-trading-keys.yaml', 'utf8'),
    );
    await ok(script('sealed-secrets.sh', { FINGERPRINT }));
    await assertSecret();
    assert.deepEqual(leaks(at('sealed-trading-keys.yaml'), values), []);
    await clear(`sealedsecret/${name}`);
  });

  it('sealed-trading-keys.yaml: as the script writes it, and with its ciphertexts it opens', async () => {
    const example = parse(readFileSync('examples/guide/sealed-trading-keys.yaml', 'utf8'));
    const { spec } = parse(at('sealed-trading-keys.yaml'));
    assert.deepEqual(Object.keys(example.spec.encryptedData), Object.keys(spec.encryptedData));
    const sealed = { ...example, spec: { ...example.spec, encryptedData: spec.encryptedData } };
    await ok(applied(JSON.stringify(sealed)));
    await kubectl('wait', '--for=condition=Synced', '--timeout=60s', `sealedsecret/${name}`);
    await assertSecret();
    await clear(`sealedsecret/${name}`);
  });

  it('sops.sh: no value in the file, no private key beside it, and what it opens is the Secret', async () => {
    await ok(script('sops.sh'));
    await assertSecret();
    const file = parse(at('k8s/secrets/hummingbot-trading-keys.yaml'));
    assert.equal(file.metadata.name, name);
    for (const key of keys) assert.match(file.data[key], /^ENC\[/u);
    const written = readdirSync(work, { recursive: true, encoding: 'utf8' })
      .filter((each) => /^(?:k8s\/.*|\.sops)\.yaml$/u.test(each))
      .map((each) => at(each));
    assert.equal(written.length, 2);
    assert.deepEqual(leaks(written.join('\n'), values), []);
    assert.doesNotMatch(written.join('\n'), /AGE-SECRET-KEY/u);
    await clear(`secret/${name}`);
  });

  it('external-secret.yaml: the operator fills the Secret from AWS, by the role of one service account', async () => {
    const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
      aws.environment;
    const client = new SecretsManagerClient({
      endpoint: aws.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
    });
    const SecretString = JSON.stringify(
      Object.fromEntries(keys.map((key) => [key, values.get(key)])),
    );
    await client.send(new CreateSecretCommand({ Name: 'hummingbot/trading', SecretString }));
    client.destroy();
    await apply(access, tokenRights);
    const old = await applied(at('external-secret.yaml').replaceAll('.io/v1\n', '.io/v1beta1\n'));
    assert.match(
      old.stderr,
      /no matches for kind "ExternalSecret" in version "external-secrets\.io\/v1beta1"/u,
    );
    await ok(applied(at('external-secret.yaml')));
    await kubectl('wait', '--for=condition=Ready', '--timeout=60s', `externalsecret/${name}`);
    await assertSecret();
    const documents = parseAllDocuments(at('external-secret.yaml')).map((each) => each.toJSON());
    const roles = aws.requests().filter(({ action }) => action === 'sts.AssumeRoleWithWebIdentity');
    assert.equal(documents.length, 3);
    assert.ok(roles.length > 0, 'the role was taken');
  });

  it('has shown no value: printed, or in an argument of any process', async () => {
    await watch.stop();
    const told = records.map((each) => each.arguments());
    assert.ok(
      told.every((each) => each !== ''),
      'the control: each tool was recorded',
    );
    assert.deepEqual(leaks([...told, ...watch.arguments].join('\n'), values), []);
    assert.deepEqual(leaks(printed.join('\n'), values), []);
  });
});

/** Of the operator's chart: here the program gives it for one account, so the rehearsal leaves it out. */
const tokenRights = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'external-secrets-token', namespace },
    rules: [
      {
        apiGroups: [''],
        resources: ['serviceaccounts/token'],
        resourceNames: ['external-secrets'],
        verbs: ['create'],
      },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'external-secrets-token', namespace },
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'Role',
      name: 'external-secrets-token',
    },
    subjects: [{ kind: 'ServiceAccount', name: operatorAccount, namespace: operatorNamespace }],
  },
];
