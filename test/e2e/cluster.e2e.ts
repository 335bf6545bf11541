/**
 * The cluster of a rehearsal: hardened as it says, with a node that runs a pod, and nothing left of
 * it afterwards, however it ends. Linux and root.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerd, unpacked } from '../../rehearsal/images/unpacked.ts';
import { cgroupsOf } from '../../rehearsal/servers/cgroups.ts';
import {
  type Cluster,
  clusterIn,
  startCluster,
  stopServers,
} from '../../rehearsal/servers/cluster.ts';
import { enclosureName, nameOf } from '../../rehearsal/servers/enclosure.ts';
import {
  type Access,
  accessTo,
  apply,
  eventually,
} from '../../rehearsal/servers/kubernetes-client.ts';
import { isRunning, Servers } from '../../rehearsal/servers/process.ts';
import { execute } from '../../rehearsal/verify.ts';
import { makeCanary } from '../canary.ts';
import { bookKeeper } from './book-keeper.ts';
import { processes } from './process-tree.ts';

const namespace = 'hummingbot';
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };

function bot(name: string, image: string, secret: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        fsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'hummingbot',
          image,
          command: bookKeeper('BINANCE_API_KEY_FILE'),
          env: [{ name: 'BINANCE_API_KEY_FILE', value: '/etc/secrets/trading/binance_api_key' }],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [
            { name: 'keys', mountPath: '/etc/secrets/trading', readOnly: true },
            { name: 'data', mountPath: '/home/hummingbot/data' },
          ],
        },
      ],
      volumes: [
        { name: 'keys', secret: { secretName: secret, defaultMode: 0o400 } },
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      ],
    },
  };
}

const secretOf = (name: string, value: string): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  stringData: { binance_api_key: value },
});

describe('the cluster of a rehearsal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
  const canary = makeCanary('cluster');
  let cluster: Cluster;
  let access: Access;
  let image: string;

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    cluster = await startCluster({ folder, storageClass: 'gp3' });
    access = await accessTo(cluster.kubeconfig);
    image = cluster.image ?? '';
    await apply(access, [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: restricted } },
      secretOf('trading', canary),
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data', namespace },
        spec: {
          storageClassName: 'gp3',
          accessModes: ['ReadWriteOncePod'],
          resources: { requests: { storage: '5Gi' } },
        },
      },
    ]);
    const account = { name: 'default', namespace };
    await eventually(30, async () =>
      Boolean(await access.core.readNamespacedServiceAccount(account)),
    );
  });

  after(async () => {
    await stopServers(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Asks a server as a client with a certificate, or as nobody. */
  async function ask(
    url: string,
    options: { as?: string; body?: object } = {},
  ): Promise<{ status: number; body: string }> {
    const pki = (name: string): Buffer => readFileSync(join(folder, 'pki', name));
    const { as } = options;
    return await new Promise((settle, fail) => {
      const asked = request(
        url,
        {
          ca: pki('ca.crt'),
          agent: false,
          method: options.body === undefined ? 'GET' : 'POST',
          ...(as !== undefined && { cert: pki(`${as}.crt`), key: pki(`${as}.key`) }),
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () =>
            settle({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
          );
        },
      );
      asked.on('error', fail);
      asked.end(options.body && JSON.stringify(options.body));
    });
  }

  const phaseOf = async (name: string): Promise<string | undefined> =>
    (await access.core.readNamespacedPod({ name, namespace })).status?.phase;

  const inside = async (name: string, ...command: string[]): Promise<string> =>
    (await execute(access, { namespace, name }, command)).stdout;

  it('answers nobody who does not show who they are', async () => {
    assert.equal((await ask(`${cluster.server}/api`)).status, 401);
    assert.equal((await ask(`${cluster.server}/healthz`)).status, 401);
    assert.equal((await ask(`${cluster.server}/api`, { as: 'admin' })).status, 200);
    await assert.rejects(ask(`https://${cluster.addresses.address}:2379/health`));
  });

  it('lets a component do what it has to, and no more', async () => {
    const secrets = `${cluster.server}/api/v1/namespaces/${namespace}/secrets`;
    assert.equal((await ask(secrets, { as: 'kube-scheduler' })).status, 403);
    assert.equal((await ask(secrets, { as: 'kubelet' })).status, 403);
    assert.equal((await ask(secrets, { as: 'deployer' })).status, 200);
  });

  it('keeps Secrets encrypted in etcd', async () => {
    const key = Buffer.from(`/registry/secrets/${namespace}/trading`).toString('base64');
    const url = `https://${cluster.addresses.address}:2379/v3/kv/range`;
    const { body } = await ask(url, { as: 'etcd-client', body: { key } });
    const { kvs } = JSON.parse(body) as { kvs: { value: string }[] };
    const stored = Buffer.from(kvs[0]?.value ?? '', 'base64').toString('latin1');
    assert.match(stored, /^k8s:enc:secretbox:v1:rehearsal:/u);
    assert.ok(!stored.includes(canary));
  });

  it('signs tokens that its issuer vouches for, as IRSA needs it', async () => {
    const { status } = await access.core.createNamespacedServiceAccountToken({
      name: 'default',
      namespace,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: ['sts.amazonaws.com'], expirationSeconds: 600 },
      },
    });
    const [head = '', payload = '', signature = ''] = (status?.token ?? '').split('.');
    const decode = (part: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(part, 'base64url').toString());
    const wellKnown = `${cluster.issuer}/.well-known/openid-configuration`;
    const discovery = JSON.parse((await ask(wellKnown, { as: 'admin' })).body);
    const { keys } = JSON.parse((await ask(discovery.jwks_uri, { as: 'admin' })).body);
    assert.equal(discovery.issuer, cluster.issuer);
    assert.equal(decode(payload).iss, cluster.issuer);
    assert.deepEqual(decode(payload).aud, ['sts.amazonaws.com']);
    assert.equal(decode(payload).sub, `system:serviceaccount:${namespace}:default`);
    const key = createPublicKey({ key: keys[0], format: 'jwk' });
    const signed = Buffer.from(`${head}.${payload}`);
    assert.ok(verify('sha256', signed, key, Buffer.from(signature, 'base64url')));
  });

  it('admits no pod that is not restricted into a restricted namespace', async () => {
    const pod = bot('root', image, 'trading') as { spec: { securityContext: object } };
    pod.spec.securityContext = { runAsUser: 0 };
    await assert.rejects(apply(access, [pod]), /violates PodSecurity/u);
  });

  it("runs a pod of the bot's image, which reads its key and keeps its book", async () => {
    await apply(access, [bot('one', image, 'trading')]);
    assert.ok(await eventually(60, async () => (await phaseOf('one')) === 'Running'));
    const file = '/etc/secrets/trading/binance_api_key';
    assert.equal(await inside('one', 'cat', file), canary);
    assert.equal((await inside('one', 'stat', '-L', '-c', '%a %u %g', file)).trim(), '440 0 1000');
    assert.ok(
      await eventually(10, async () =>
        /^\d+ start one\n$/u.test(await inside('one', 'cat', '/home/hummingbot/data/trades.log')),
      ),
    );
  });

  it('gives a ReadWriteOncePod claim to one pod only', async () => {
    await apply(access, [bot('two', image, 'trading')]);
    await new Promise((settle) => setTimeout(settle, 3000));
    assert.equal(await phaseOf('two'), 'Pending');
    await access.core.deleteNamespacedPod({ name: 'one', namespace });
    assert.ok(await eventually(60, async () => (await phaseOf('two')) === 'Running'));
    const book = await inside('two', 'cat', '/home/hummingbot/data/trades.log');
    assert.match(book, /^\d+ start one\n\d+ stop one\n\d+ start two\n$/u);
    await access.core.deleteNamespacedPod({ name: 'two', namespace });
  });

  it('shows the reason of a container that ends, and no value', async () => {
    const refused = `${makeCanary('refused')}-refused-by-exchange`;
    await apply(access, [secretOf('refused', refused), bot('three', image, 'refused')]);
    const read = async () =>
      (await access.core.readNamespacedPod({ name: 'three', namespace })).status;
    const ended = async (): Promise<boolean> => {
      const [status] = (await read())?.containerStatuses ?? [];
      return (status?.state?.terminated ?? status?.lastState?.terminated)?.exitCode === 1;
    };
    assert.ok(await eventually(60, ended));
    const log = await access.core.readNamespacedPodLog({ name: 'three', namespace });
    assert.match(log, /the exchange refuses the key of BINANCE_API_KEY_FILE/u);
    assert.ok(!log.includes(refused));
    await access.core.deleteNamespacedPod({ name: 'three', namespace });
  });

  it('lets a container that writes over the files of its image change them for itself alone', async () => {
    const kept = await unpacked(containerd);
    const facts = (): string => {
      const words = ['-printf', '%P %s %m %U %G %T@ %l\\n'];
      return execFileSync('find', [kept, ...words], { encoding: 'utf8', maxBuffer: 1 << 28 });
    };
    const before = facts();
    assert.match(before, /hummingbot\/bin\/hummingbot_quickstart\.py/u);
    const spoil =
      'for file in /etc/passwd /home/hummingbot/bin/*; do echo x >$file; chmod 777 $file; done';
    const command = ['sh', '-c', `${spoil}; rm -r /home/hummingbot/hummingbot; sleep 60`];
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'spoiler', namespace: 'default' },
      spec: {
        containers: [{ name: 'hummingbot', image, command }],
        terminationGracePeriodSeconds: 0,
      },
    };
    await apply(access, [pod]);
    const place = { name: 'spoiler', namespace: 'default' };
    const spoilt = async (): Promise<boolean> =>
      (await execute(access, place, ['cat', '/etc/passwd'])).stdout === 'x\n';
    assert.ok(await eventually(60, async () => await spoilt().catch(() => false)));
    assert.ok(facts() === before, 'the image has changed');
    await access.core.deleteNamespacedPod(place);
  });

  it('writes who did what into the audit log, and no value into any log', () => {
    const lines = readFileSync(cluster.auditLog, 'utf8').trim().split('\n');
    const events = lines.map((line) => JSON.parse(line));
    const made = events.filter(
      ({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'secrets',
    );
    assert.ok(made.some(({ user }) => user.username === 'deployer'));
    assert.ok(events.every(({ level }) => level === 'Metadata'));
    const forms = [canary, Buffer.from(canary).toString('base64').slice(0, -4)];
    const logs = readdirSync(cluster.logs, { recursive: true, encoding: 'utf8' })
      .map((name) => join(cluster.logs, name))
      .filter((path) => path.endsWith('.log'));
    assert.ok(logs.length >= 8, logs.join());
    for (const path of logs) {
      if (!existsSync(path)) continue;
      // The kubelet takes those of a pod that is gone away with it.
      const text = readFileSync(path, 'utf8');
      for (const form of forms) assert.ok(!text.includes(form), path);
    }
  });

  it('keeps values off the disk of the machine', () => {
    const files = readdirSync(join(folder, 'kubelet'), { recursive: true, encoding: 'utf8' });
    assert.ok(files.length > 0);
    assert.ok(!files.some((name) => name.endsWith('binance_api_key')));
  });

  function leftovers(): readonly string[] {
    const name = nameOf(folder);
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    return [
      ...processes()
        .filter(({ command }) => command.includes(folder) || command.includes('/run/rehearsal/'))
        .filter(({ pid }) => cgroupOfThis(pid))
        .map(({ command }) => `process ${command.slice(0, 80)}`),
      ...mounts.filter((line) => line.includes(folder)).map((line) => `mount ${line}`),
      ...(existsSync(`/sys/class/net/${name}`) ? [`interface ${name}`] : []),
      ...cgroupsOf(folder).map((path) => `cgroup ${path}`),
      ...new Servers(folder)
        .list()
        .filter(isRunning)
        .map((each) => `server ${each.name}`),
    ];
  }

  /** Other rehearsals of this machine call their folder by the same name inside. */
  function cgroupOfThis(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`${folder} /run/rehearsal `);
    } catch {
      return false;
    }
  }

  it('is seen by the search for leftovers while it runs', () => {
    const seen = leftovers().join('\n');
    for (const kind of ['process', 'interface', 'server kubelet'])
      assert.match(seen, new RegExp(kind));
  });

  it('is gone, all of it, when its first process is killed', async () => {
    await apply(access, [bot('four', image, 'trading')]);
    assert.ok(await eventually(60, async () => (await phaseOf('four')) === 'Running'));
    const all = new Servers(folder).list();
    const first = all.find(({ name }) => name === enclosureName);
    process.kill(first?.pid ?? 0, 'SIGKILL');
    assert.ok(await eventually(20, async () => !all.some(isRunning)));
    await stopServers(folder);
    assert.deepEqual(leftovers(), []);
    assert.equal(clusterIn(folder), undefined);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('starts anew after that, and ends in order', async () => {
    cluster = await startCluster({ folder, node: false });
    assert.equal((await ask(`${cluster.server}/readyz`, { as: 'admin' })).status, 200);
    await stopServers(folder);
    assert.deepEqual(leftovers(), []);
    assert.deepEqual(readdirSync(folder), []);
  });
});
