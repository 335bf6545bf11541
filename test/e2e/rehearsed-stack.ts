/**
 * A stack that is up on real servers, for the tests of what it does there: one checkout, the
 * environment that `npm run rehearse -- STACK shell` gives, and eyes on all that it talks to.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { V1Pod } from '@kubernetes/client-node';
import { parseDocument } from 'yaml';
import { entryOf, isSecretKey, type SecretKey } from '../../components/catalog.ts';
import { keystoreOf } from '../../rehearsal/keystore.ts';
import { type AwsRequest, isWrite, readRequests } from '../../rehearsal/servers/aws-requests.ts';
import { cgroupsOf } from '../../rehearsal/servers/cgroups.ts';
import { type Cluster, enclosureIn } from '../../rehearsal/servers/cluster.ts';
import { nameOf } from '../../rehearsal/servers/enclosure.ts';
import { type Access, accessTo } from '../../rehearsal/servers/kubernetes-client.ts';
import { volumesFolder } from '../../rehearsal/servers/node.ts';
import { isRunning, Servers } from '../../rehearsal/servers/process.ts';
import { execute } from '../../rehearsal/verify.ts';
import {
  type ApiRequest,
  AuditLog,
  isApiWrite,
  isLookAtStore,
  isOfKubernetes,
} from './audit-log.ts';
import { Checkout, type Result } from './checkout.ts';
import { ClusterWatch, type Kind } from './cluster-watch.ts';
import { processes } from './process-tree.ts';

const rehearsalVariable = 'HUMMINGBOT_SECRETS_REHEARSAL';
/** The user of the kubeconfig that Pulumi gets. */
export const deployer = 'deployer';

/** A place in both logs. */
export interface Mark {
  readonly api: number;
  readonly aws: number;
}

/** A line of the bot's book: when it began or ended, in seconds since 1970. */
export interface Trade {
  readonly at: number;
  readonly what: string;
  /** Name of the pod. */
  readonly pod: string;
}

/** Whether this machine can have servers of its own; say so to `this.skip()`. */
export const canRehearse = process.platform === 'linux' && process.getuid?.() === 0;

interface Running {
  readonly cluster: Cluster;
  readonly environment: Readonly<Record<string, string>>;
  readonly access: Access;
  readonly audit: AuditLog;
}

/** A strategy that keeps a book, takes its time to stop, and ends at a key that holds `refused-by-exchange`. */
const book = {
  config: 'test/e2e/strategies/book.yml',
  script: 'test/e2e/strategies/book.py',
} as const;

export interface RehearsedStackArgs {
  /** @default - one of its own */
  readonly checkout?: Checkout;
  /** Whether the bot trades by the strategy that keeps a book. @default - it logs in and does not trade */
  readonly keepsBook?: boolean;
}

export class RehearsedStack {
  readonly stack: string;
  readonly checkout: Checkout;
  readonly namespace = 'hummingbot';
  /** Variables of clients beside those of the rehearsal: a way round its servers, say. */
  detour: Readonly<Record<string, string>> = {};
  #running: Running | undefined;
  readonly #watches: ClusterWatch[] = [];

  constructor(
    stack = 'prod',
    { checkout = new Checkout(), keepsBook = false }: RehearsedStackArgs = {},
  ) {
    this.stack = stack;
    this.checkout = checkout;
    if (keepsBook) this.commit('strategy', book);
  }

  /** Commits a setting of the stack file: a rehearsal copies what is committed. */
  commit(setting: string, value: unknown): void {
    const path = this.checkout.path(`Pulumi.${this.stack}.yaml`);
    const document = parseDocument(readFileSync(path, 'utf8'));
    document.setIn(['config', `hummingbot-secrets:${setting}`], value);
    writeFileSync(path, document.toString());
    this.checkout.commit(setting);
  }

  /** Folder of the rehearsal, with the servers' logs in `logs`. */
  get folder(): string {
    return this.checkout.path(`.local/rehearsal/${this.stack}`);
  }

  /** `npm run rehearse -- STACK WORDS` */
  async rehearse(...words: readonly string[]): Promise<Result> {
    const all = ['run', '--silent', 'rehearse', '--', this.stack, ...words];
    return await this.checkout.run('npm', all);
  }

  /**
   * Starts the servers and brings the stack up with look-alikes.
   * @param flags of `rehearse up`
   * @throws AssertionError
   */
  async start(...flags: readonly string[]): Promise<Result> {
    const result = await this.rehearse('up', ...flags);
    assert.equal(result.code, 0, result.stdout + result.stderr);
    await this.open();
    return result;
  }

  /** Opens what a `rehearse up` left, also one that failed after its servers had started. */
  async open(): Promise<void> {
    const text = readFileSync(join(this.folder, 'systems.json'), 'utf8');
    const { cluster, environment } = JSON.parse(text) as Pick<Running, 'cluster' | 'environment'>;
    const access = await accessTo(cluster.adminKubeconfig, cluster.context);
    this.#running = { cluster, environment, access, audit: new AuditLog(cluster.auditLog) };
  }

  get #open(): Running {
    if (this.#running === undefined) throw new Error(`the rehearsal of ${this.stack} is not up`);
    return this.#running;
  }

  get cluster(): Cluster {
    return this.#open.cluster;
  }

  /** To the cluster, as its administrator, whom no assertion about the deployer's writes sees. */
  get access(): Access {
    return this.#open.access;
  }

  /** What the shell of the rehearsal has; undefined takes one of the user's own away. */
  get environment(): NodeJS.ProcessEnv {
    const { REHEARSAL_PATH: path, ...more } = this.#open.environment;
    const own = Object.keys(process.env).filter((each) =>
      /^(?:AWS_|VAULT_|KUBE|DOCKER_)/u.test(each),
    );
    return {
      ...Object.fromEntries(own.map((name) => [name, undefined])),
      ...more,
      ...this.detour,
      [rehearsalVariable]: this.stack,
      ...(path !== undefined && { PATH: [path, process.env.PATH].join(delimiter) }),
    };
  }

  /** Runs something as in the shell of the rehearsal. */
  async run(command: string, args: readonly string[], input?: string): Promise<Result> {
    const env = this.environment;
    return await this.checkout.run(command, args, input === undefined ? { env } : { env, input });
  }

  /** `npm start -- WORDS --stack STACK`; agrees to all that it is asked. */
  async npmStart(...words: readonly string[]): Promise<Result> {
    const yes = words[0] === 'preview' ? [] : ['--yes'];
    return await this.run('npm', ['start', '--', ...words, '--stack', this.stack, ...yes]);
  }

  /** `npm run pulumi -- WORDS --stack STACK` */
  async pulumi(words: readonly string[], input?: string): Promise<Result> {
    const all = ['run', '--silent', 'pulumi', '--', ...words, '--stack', this.stack];
    return await this.run('npm', all, input);
  }

  /** `pulumi up` without questions; its result is the caller's to judge. */
  async up(...flags: readonly string[]): Promise<Result> {
    return await this.pulumi(['up', '--yes', '--skip-preview', ...flags]);
  }

  async kubectl(...words: readonly string[]): Promise<Result> {
    return await this.run('kubectl', ['--namespace', this.namespace, ...words]);
  }

  /** Sets a value by standard input. */
  async set(key: SecretKey, value: string): Promise<void> {
    const words = ['config', 'set', '--secret', '--path', `${entryOf(key).group}.${key}`];
    const { code, stderr } = await this.pulumi(words, value);
    assert.equal(code, 0, stderr);
  }

  /** Sets values by one `npm run import`. */
  async import(values: ReadonlyMap<SecretKey, string>): Promise<void> {
    const directory = mkdtempSync(join(dirname(this.checkout.directory), 'import-'));
    for (const [name, value] of values) writeFileSync(join(directory, name), value);
    const words = ['run', '--silent', 'import', '--', '--stack', this.stack, directory];
    const { code, stderr } = await this.run('npm', words);
    rmSync(directory, { recursive: true });
    assert.equal(code, 0, stderr);
  }

  /** Begins `npm start` or `npm run pulumi -- up` on the stack, without questions. */
  begin(command: 'npm start' | 'pulumi up'): ChildProcess {
    const words = {
      'npm start': ['start', '--', '--stack', this.stack, '--yes'],
      'pulumi up': [
        ...['run', '--silent', 'pulumi', '--', 'up'],
        ...['--stack', this.stack, '--yes', '--skip-preview'],
      ],
    };
    return this.checkout.start('npm', words[command], this.environment);
  }

  /**
   * The values that are set. What this prints is kept out of `checkout.printed`: it is what was
   * asked for.
   */
  async values(): Promise<ReadonlyMap<SecretKey, string>> {
    const { stdout } = await this.pulumi(['config', '--show-secrets', '--json']);
    this.checkout.forget(stdout);
    const config = JSON.parse(stdout) as Record<string, { objectValue?: Record<string, unknown> }>;
    return new Map(
      Object.values(config)
        .flatMap(({ objectValue }) => Object.entries(objectValue ?? {}))
        .flatMap(([key, value]) => (isSecretKey(key) ? [[key, String(value)] as const] : [])),
    );
  }

  /** Watches on the namespace; they end with the stack. */
  async watch(kinds?: readonly Kind[]): Promise<ClusterWatch> {
    const watch = await ClusterWatch.start(this.access, this.namespace, kinds);
    this.#watches.push(watch);
    return watch;
  }

  mark(): Mark {
    return { api: this.#open.audit.mark(), aws: this.#awsRequests().length };
  }

  /** Requests to the API server since a mark, by anybody. */
  apiRequests({ api }: Mark): readonly ApiRequest[] {
    return this.#open.audit.since(api);
  }

  /** Requests to the API server that may have changed something, by anybody, since a mark. */
  apiWrites({ api }: Mark): readonly ApiRequest[] {
    return this.#open.audit.since(api).filter(isApiWrite);
  }

  /** The same by the one who deploys. */
  deployersWrites(mark: Mark): readonly ApiRequest[] {
    return this.apiWrites(mark).filter(({ user }) => user === deployer);
  }

  /** The same without those of Kubernetes' own parts, and what goes on whether anything changes or not. */
  foreignWrites(mark: Mark): readonly ApiRequest[] {
    return this.apiWrites(mark).filter((each) => !isOfKubernetes(each) && !isLookAtStore(each));
  }

  /** Requests to AWS that may have changed something since a mark. */
  awsWrites({ aws }: Mark): readonly AwsRequest[] {
    return this.#awsRequests().slice(aws).filter(isWrite);
  }

  #awsRequests(): readonly AwsRequest[] {
    return readRequests(join(this.folder, 'logs', 'aws-requests.jsonl'));
  }

  /**
   * Holds a server still while something is done, as if it were busy elsewhere.
   * @param name as `npm run rehearse -- STACK status` shows it
   */
  async paused<T>(name: string, work: () => Promise<T>): Promise<T> {
    const server = new Servers(this.folder).running(name);
    if (server === undefined) throw new Error(`${name} does not run`);
    const all = processes();
    const own = all.find(({ pid }) => pid === server.pid);
    const enterer = all.find(
      ({ pid, command }) => pid === own?.parent && command.includes('nsenter'),
    );
    process.kill(server.pid, 'SIGSTOP');
    try {
      return await work();
    } finally {
      process.kill(server.pid, 'SIGCONT');
      // nsenter(1) stops with its child; stopped, it would keep the dead one as a zombie, and the
      // enclosure with it.
      if (enterer !== undefined) process.kill(enterer.pid, 'SIGCONT');
    }
  }

  /** To the AWS API of the rehearsal, as the one who deploys. */
  secretsManager(): SecretsManagerClient {
    const environment = this.#open.environment;
    const of = (name: string): string => environment[name] ?? '';
    return new SecretsManagerClient({
      region: 'us-east-1',
      endpoint: of('AWS_ENDPOINT_URL'),
      credentials: {
        accessKeyId: of('AWS_ACCESS_KEY_ID'),
        secretAccessKey: of('AWS_SECRET_ACCESS_KEY'),
        ...(environment.AWS_SESSION_TOKEN !== undefined && {
          sessionToken: environment.AWS_SESSION_TOKEN,
        }),
      },
    });
  }

  /** Pods of the bot that are there, whatever they do. */
  async pods(): Promise<readonly V1Pod[]> {
    const labelSelector = 'app.kubernetes.io/name=hummingbot';
    const { namespace } = this;
    return (await this.access.core.listNamespacedPod({ namespace, labelSelector })).items;
  }

  /** The one pod of the bot. @throws AssertionError when there is none or more */
  async pod(): Promise<V1Pod> {
    const [pod, ...more] = await this.pods();
    assert.ok(pod !== undefined && more.length === 0, `${more.length + (pod ? 1 : 0)} pods`);
    return pod;
  }

  /** Runs a command inside the bot's container. What it prints goes to the caller alone. */
  async inBot(
    command: readonly string[],
    name?: string,
  ): Promise<{ readonly code: number; readonly stdout: string }> {
    const pod = name ?? (await this.pod()).metadata?.name ?? '';
    return await execute(this.access, { namespace: this.namespace, name: pod }, command);
  }

  /** What the bot reads from its keystore, by field. @throws AssertionError when it cannot log in */
  async keystore(): Promise<ReadonlyMap<string, string>> {
    const name = (await this.pod()).metadata?.name ?? '';
    const keystore = await keystoreOf(async (...command) => await this.inBot(command, name));
    assert.ok(keystore !== undefined, 'no login');
    return keystore;
  }

  /** Environments, arguments and mounted files of all that runs in the bot's container. */
  async inside(): Promise<string> {
    const files = '/proc/[0-9]*/environ /proc/[0-9]*/cmdline /etc/secrets/*/*';
    const { stdout } = await this.inBot(['sh', '-c', `cat ${files} 2>/dev/null; true`]);
    return stdout;
  }

  /** Path on this machine of the folder that is the bot's data; undefined before its first pod. */
  data(): string | undefined {
    const volumes = join(this.folder, volumesFolder);
    const names = existsSync(volumes) ? readdirSync(volumes) : [];
    const used = names.find((name) => existsSync(join(volumes, name, 'trades.log')));
    return used && join(volumes, used);
  }

  /** The bot's book, oldest line first. Needs no pod that runs. */
  trades(): readonly Trade[] {
    const data = this.data();
    if (data === undefined) return [];
    const lines = readFileSync(join(data, 'trades.log'), 'utf8').split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => line.split(' '))
      .map(([at, what = '', pod = '']) => ({ at: Number(at), what, pod }));
  }

  /** Text of each log of the servers, by path; for a search of canaries. */
  logs(): ReadonlyMap<string, Buffer> {
    const directory = join(this.folder, 'logs');
    const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    return new Map(
      names
        .filter((name) => /\.(?:log|jsonl)$/u.test(name))
        .map((name) => [name, readFileSync(join(directory, name))]),
    );
  }

  /** Takes all of it down, whatever happened before; the checkout stays for a look at it. */
  async down(): Promise<Result> {
    for (const watch of this.#watches) watch.stop();
    const result = await this.rehearse('down');
    this.#running = undefined;
    return result;
  }

  /** For `after()`: takes all of it down and the checkout away. */
  async end(): Promise<void> {
    const { code, stderr } = await this.down();
    assert.equal(code, 0, stderr);
    const left = this.leftovers();
    this.checkout.remove();
    assert.deepEqual(left, []);
  }

  /** What is left on this machine of the rehearsal; `process ...`, `mount ...`, `file ...`. */
  leftovers(): readonly string[] {
    const { folder } = this;
    const { directory } = this.checkout;
    const name = nameOf(folder);
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    return [
      ...processes()
        .filter(({ pid, command }) => pid !== process.pid && ofFolder(pid, command, directory))
        .map(({ pid, command }) => `process ${pid} ${command.slice(0, 80)}`),
      ...mounts.filter((line) => line.includes(directory)).map((line) => `mount ${line}`),
      ...(existsSync(`/sys/class/net/${name}`) ? [`interface ${name}`] : []),
      ...cgroupsOf(folder).map((path) => `cgroup ${path}`),
      ...new Servers(folder)
        .list()
        .filter(isRunning)
        .map((each) => `server ${each.name}`),
      ...(enclosureIn(folder) === undefined ? [] : ['enclosure']),
      ...[folder, this.checkout.path('out')].filter(existsSync).map((path) => `file ${path}`),
      ...this.checkout
        .gitStatus()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => `git ${line}`),
    ];
  }
}

/** Inside, every rehearsal calls its folder by the same name: what is mounted there tells. */
function ofFolder(pid: number, command: string, directory: string): boolean {
  if (command.includes(directory)) return true;
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(directory);
  } catch {
    return false;
  }
}
