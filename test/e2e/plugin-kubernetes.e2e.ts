/**
 * The rehearsal plugin for kubernetes, the gate and getCluster on a real API server and a real
 * kubelet, through the official SDK and the engine: rehearsal/servers makes the cluster.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCli } from '../../operations/engine/cli.ts';
import { KubernetesApi, KubernetesError } from '../../plugins/kubernetes-api.ts';
import { type Cluster, startCluster, stopServers } from '../../rehearsal/servers/cluster.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, listFiles, type Result } from './checkout.ts';

const kubernetesVersion = '4.34.2';
const externals = '/apis/external-secrets.io/v1/namespaces/probe/externalsecrets';
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'externalsecrets.external-secrets.io' },
  spec: {
    group: 'external-secrets.io',
    scope: 'Namespaced',
    names: { kind: 'ExternalSecret', plural: 'externalsecrets' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};

describe('the rehearsal plugin for kubernetes on a real cluster', function () {
  // A retry of what is hopeless waits for the kubelet, five minutes at the most.
  this.timeout(1_500_000);
  const canaries = new Map<string, string>();
  let folder: string;
  let checkout: Checkout;
  let started = false;
  let cluster: Cluster;
  let api: KubernetesApi;
  let bin: string;
  let syncing = true;
  let operator: Promise<void> = Promise.resolve();

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'cluster-'));
    checkout = new Checkout();
    started = true;
    cluster = await startCluster({ folder, storageClass: 'gp3' });
    api = await KubernetesApi.connect(cluster.kubeconfig);
    const credential = /(?:client-key-data|token)"?: "?([^"\s]+)/u.exec(
      readFileSync(cluster.kubeconfig, 'utf8'),
    )?.[1];
    assert.ok(credential !== undefined);
    canaries.set('credential', credential);
    bin = (await findCli(false)).bin;
    writePlugin();
    const body = definition;
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await api.send('POST', path, { body });
    operator = sync();
    await pulumi(['stack', 'init', 'dev']);
  });

  after(async () => {
    syncing = false;
    await operator;
    if (!started) return;
    await stopServers(folder);
    checkout.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const home = () => join(checkout.temporary, 'home');

  function writePlugin(): void {
    const directory = join(home(), 'plugins', `resource-kubernetes-v${kubernetesVersion}`);
    const binary = join(directory, 'pulumi-resource-kubernetes');
    mkdirSync(directory, { recursive: true });
    mkdirSync(join(checkout.temporary, 'state'));
    const main = checkout.path('rehearsal/plugins/kubernetes/main.ts');
    writeFileSync(binary, `#!/bin/sh\nexec node '${main}' "$@"\n`);
    chmodSync(binary, 0o755);
  }

  /** Plays the operator: what is external is synced a second after it was made. */
  async function sync(): Promise<void> {
    while (syncing) {
      const { items } = await api.list(externals).catch(() => ({ items: [] }));
      for (const { metadata, status } of items) {
        if (status !== undefined) continue;
        await sleep(1000);
        await api
          .send('PATCH', `${externals}/${metadata?.name}/status`, {
            contentType: 'application/merge-patch+json',
            body: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
          })
          .catch(() => {});
      }
      await sleep(200);
    }
  }

  async function pulumi(args: readonly string[], input?: string): Promise<Result> {
    const env = {
      PATH: `${bin}:${process.env.PATH}`,
      PULUMI_HOME: home(),
      PULUMI_BACKEND_URL: `file://${join(checkout.temporary, 'state')}`,
      PULUMI_CONFIG_PASSPHRASE: 'e2e',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      KUBECONFIG: cluster.kubeconfig,
      BOT_IMAGE: cluster.image,
    };
    const cwd = checkout.path('test/e2e/kubernetes-program');
    const options = { env, ...(input !== undefined && { input }) };
    return await checkout.run(join(bin, 'pulumi'), [...args, '--cwd', cwd], options);
  }

  const up = async (): Promise<Result> => await pulumi(['up', '--yes', '--skip-preview']);

  async function give(step: string, prefix = ''): Promise<void> {
    const value = makeCanary(`${prefix}${step}`);
    canaries.set(step, value);
    const { code } = await pulumi(['config', 'set', '--secret', 'value'], value);
    assert.equal(code, 0);
    await pulumi(['config', 'set', 'step', step]);
  }

  /** Writes of the one who deploys, by verb and resource, since a time. */
  function writes(since: number): Readonly<Record<string, number>> {
    const found: Record<string, number> = {};
    for (const line of readFileSync(cluster.auditLog, 'utf8').split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(line);
      if (entry.stage !== 'ResponseComplete' || entry.user.username !== 'deployer') continue;
      if (Date.parse(entry.requestReceivedTimestamp) < since) continue;
      if (['get', 'list', 'watch'].includes(entry.verb)) continue;
      // The test's own operator.
      if (entry.objectRef.subresource === 'status') continue;
      const dry = entry.requestURI.includes('dryRun') ? 'dry ' : '';
      const what = `${dry}${entry.verb} ${entry.objectRef.resource}`;
      found[what] = (found[what] ?? 0) + 1;
    }
    return found;
  }

  const exists = async (path: string): Promise<boolean> =>
    await api.get(path).then(
      () => true,
      (error: unknown) => {
        if (error instanceof KubernetesError && error.code === 404) return false;
        throw error;
      },
    );
  const secret = (name: string) => `/api/v1/namespaces/probe/secrets/${name}`;
  const configMaps = '/api/v1/namespaces/probe/configmaps';

  /** What the cluster has of the program's, and the step in it; one of the cluster's own aside. */
  async function programs(): Promise<Readonly<Record<string, string | undefined>>> {
    const { items } = await api.list(configMaps);
    const ours = items.filter(({ metadata }) => metadata?.name !== 'kube-root-ca.crt');
    for (const each of ours) assert.equal(each.immutable, true);
    return Object.fromEntries(
      ours.map(({ metadata, data }) => [metadata?.name, (data as { step?: string }).step]),
    );
  }

  function assertOrder(text: string, parts: readonly string[]): void {
    const order = parts.map((part) => text.indexOf(part));
    assert.ok(!order.includes(-1), text);
    assert.deepEqual(
      order,
      order.toSorted((one, other) => one - other),
    );
  }

  it('makes every type, each once, and waits for the bot', async () => {
    await give('one');
    const begun = Date.now();
    const { code, stdout } = await up();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /\+ 17 created/u);
    assert.match(stdout, new RegExp(`uid +: "${cluster.uid}"`, 'u'));
    const made = Object.entries(writes(begun));
    assert.deepEqual(
      made.filter(([what]) => !what.startsWith('create ')),
      [],
    );
    assert.equal(
      made.reduce((sum, [, count]) => sum + count, 0),
      14,
    );
    const { items } = await api.list('/api/v1/namespaces/probe/pods');
    assert.equal(items.length, 1);
    assert.match(stdout, new RegExp(`pod +: "${items[0]?.metadata?.name}"`, 'u'));
    const data = (await api.get(secret('keys-one'))).data as Record<string, string>;
    assert.equal(Buffer.from(data['api.key'] ?? '', 'base64').toString(), canaries.get('one'));
  });

  it('changes and writes nothing the second time, nor in a preview or a refresh', async () => {
    const begun = Date.now();
    assert.match((await up()).stdout, /17 unchanged/u);
    assert.match((await pulumi(['preview'])).stdout, /17 unchanged/u);
    const refreshed = await pulumi(['refresh', '--yes', '--skip-preview']);
    assert.equal(refreshed.code, 0, refreshed.stdout);
    assert.match(refreshed.stdout, /17 unchanged/u);
    assert.deepEqual(writes(begun), {});
  });

  it('previews a change by dry runs alone, and shows no value', async () => {
    await give('two');
    const begun = Date.now();
    const { code, stdout } = await pulumi(['preview', '--diff']);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /name: "keys-one" => "keys-two"/u);
    assert.match(stdout, /\[secret\] => \[secret\]/u);
    assert.match(stdout, /generation: 1 => 2/u);
    const wet = Object.keys(writes(begun)).filter((what) => !what.startsWith('dry '));
    assert.deepEqual(wet, []);
    assert.deepEqual(leaks(stdout, canaries), []);
  });

  it('updates in place, replaces before it deletes, and lets the gate wait for the pod', async () => {
    const { code, stdout } = await up();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /~ 5 updated/u);
    assert.match(stdout, /\+-3 replaced/u);
    assertOrder(stdout, ['bot updated', 'gate updated', 'keys deleted original']);
    assert.equal(await exists(secret('keys-one')), false);
    assert.equal(await exists(secret('keys-two')), true);
    assert.equal(await exists(`${externals}/external-one`), false);
    const { items } = await api.list('/api/v1/namespaces/probe/pods');
    assert.equal(items.length, 1);
  });

  it('names an immutable ConfigMap anew for other data, and deletes the old when nothing needs it', async () => {
    const before = await programs();
    const [name = ''] = Object.keys(before);
    assert.match(name, /^program-[0-9a-z]{8}$/u);
    assert.deepEqual(Object.values(before), ['two']);
    await give('more');
    const { code, stdout } = await up();
    assert.equal(code, 0, stdout);
    assertOrder(stdout, [
      'program created replacement',
      'bot updated',
      'gate updated',
      'program deleted original',
    ]);
    const after = await programs();
    assert.deepEqual(Object.values(after), ['more']);
    assert.ok(!(name in after));
    assert.match(stdout, new RegExp(`programName: "${name}" => "${Object.keys(after)}"`, 'u'));
  });

  it('fails with the reason of a bot that does not run, keeps the old Secret, and heals', async () => {
    await give('three', 'refused-by-exchange-');
    const failed = await up();
    assert.equal(failed.code === 0, false);
    assert.match(
      failed.stdout,
      /error: Deployment probe\/bot: pod bot-\S+: container bot: [^;]*exit code 1, 3 restarts; nothing old is deleted/u,
    );
    assert.equal(await exists(secret('keys-more')), true);
    assert.deepEqual(Object.values(await programs()).toSorted(), ['more', 'three']);
    const again = await up();
    assert.equal(again.code === 0, false, 'a failed value that is tried again fails again');
    await give('four');
    const healed = await up();
    assert.equal(healed.code, 0, healed.stdout);
    assert.deepEqual(Object.values(await programs()), ['four']);
    for (const name of ['keys-more', 'keys-three']) assert.equal(await exists(secret(name)), false);
  });

  it('sees at a refresh what others changed, removed or stopped, and mends it', async () => {
    await api.send('DELETE', '/api/v1/namespaces/probe/serviceaccounts/account', { body: {} });
    const scale = '/apis/apps/v1/namespaces/probe/deployments/bot';
    await api.send('PATCH', scale, {
      contentType: 'application/merge-patch+json',
      query: { fieldManager: 'somebody' },
      body: { spec: { template: { metadata: { labels: { app: 'bot', more: 'x' } } } } },
    });
    await api.send('PATCH', '/api/v1/namespaces/probe', {
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: { more: 'x' } } },
    });
    const refreshed = await pulumi(['refresh', '--yes', '--skip-preview']);
    assert.match(refreshed.stdout, /- 1 deleted/u);
    const { code, stdout } = await up();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /\+ 1 created/u);
    assert.match(stdout, /gate updated/u);
    assert.equal(await exists('/api/v1/namespaces/probe/serviceaccounts/account'), true);
  });

  it('takes over nothing that exists', async () => {
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys-five' },
      stringData: { mine: 'mine' },
    };
    await api.send('POST', '/api/v1/namespaces/probe/secrets', { body });
    await give('five');
    const { code, stdout } = await up();
    assert.notEqual(code, 0);
    assert.match(stdout, /error: Secret probe\/keys-five: creation failed: 409 AlreadyExists\n/u);
    const data = (await api.get(secret('keys-five'))).data as object;
    assert.deepEqual(Object.keys(data), ['mine']);
    await give('six');
    assert.equal((await up()).code, 0);
  });

  it('refuses a type that it does not have, in one line with those that it has', async () => {
    await pulumi(['config', 'set', 'other', 'true']);
    const { code, stdout } = await pulumi(['preview']);
    assert.notEqual(code, 0);
    assert.match(
      stdout,
      /resource type kubernetes:core\/v1:Service: not in this plugin; allowed: kubernetes:core/u,
    );
    await pulumi(['config', 'set', 'other', 'false']);
  });

  it('deletes everything and waits until it is gone', async () => {
    const begun = Date.now();
    const { code, stdout } = await pulumi(['destroy', '--yes', '--skip-preview']);
    assert.equal(code, 0, stdout);
    assert.equal(writes(begun)['delete configmaps'], 1);
    assert.equal(await exists('/api/v1/namespaces/probe'), false);
  });

  it('leaves no value in state, output, homes and the logs of the cluster', () => {
    const found = [checkout.temporary, cluster.logs].flatMap((directory) =>
      listFiles(directory).flatMap((path) =>
        leaks(readFileSync(join(directory, path)), canaries).map((leak) => `${path}: ${leak}`),
      ),
    );
    assert.deepEqual(found, []);
    assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
    // A positive control: what was searched is what was used.
    assert.ok(listFiles(cluster.logs).length > 0);
    assert.ok(listFiles(join(checkout.temporary, 'state')).length > 0);
  });
});
