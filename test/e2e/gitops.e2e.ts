/**
 * A whole stack for git: what `npm start` writes is taken by a real API server, and what a GitOps
 * controller makes of it (build, decrypt, apply, prune) is the bot, logged in with every key. Nothing
 * but git stands between the two: the stack has no kubeconfig and no private key. Linux and root.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { goTool, toolDirectory } from '../../operations/engine/go.ts';
import { differences, keystoreOf } from '../../rehearsal/keystore.ts';
import { type Cluster, startCluster, stopServers } from '../../rehearsal/servers/cluster.ts';
import { type Access, accessTo, eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { sops } from '../../rehearsal/tools/tools.ts';
import { execute } from '../../rehearsal/verify.ts';
import { leaks, makeCanary } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { Checkout, type Result } from './checkout.ts';
import { AgeKey, builtForFlux, type Manifest } from './conformance/git-target.ts';
import { GitSync } from './git-sync.ts';
import { canRehearse } from './rehearsed-stack.ts';

const namespace = 'hummingbot';
const directory = 'gitops/dev';

describe('a stack for git, in a cluster that it never talks to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gitops-'));
  const values = new Map<SecretKey, string>(canaryValues());
  const canaries = new Map<string, string>(values);
  let cluster: Cluster;
  let access: Access;
  let checkout: Checkout;
  let key: AgeKey;
  let controller: GitSync;

  const start = async (...words: readonly string[]): Promise<Result> => {
    const PATH = [toolDirectory(sops), process.env.PATH].join(delimiter);
    const result = await checkout.run('npm', ['start', ...words], {
      env: { PATH, KUBECONFIG: '/nowhere' },
    });
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return result;
  };
  const config = async (...words: string[]): Promise<void> => {
    const { code, stderr } = await checkout.pulumi(['config', ...words, '--stack', 'dev']);
    assert.equal(code, 0, stderr);
  };
  const built = (): readonly Manifest[] => builtForFlux(checkout.path(directory), key);
  const sync = (): void => controller.sync(built());
  const pods = async (): Promise<readonly V1Pod[]> => {
    const labelSelector = 'app.kubernetes.io/name=hummingbot';
    return (await access.core.listNamespacedPod({ namespace, labelSelector })).items;
  };
  /** The one pod of the bot, Ready, of another name than the one before. */
  const ready = async (before = ''): Promise<string> => {
    let name = '';
    const came = await eventually(240, async () => {
      const all = await pods();
      assert.ok(all.length <= 1, 'never two bots');
      const [pod] = all;
      name = pod?.metadata?.name ?? '';
      const conditions = pod?.status?.conditions ?? [];
      return (
        name !== before &&
        conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
      );
    });
    assert.ok(came, JSON.stringify((await pods()).map(({ status }) => status?.containerStatuses)));
    return name;
  };
  /** The bot's own keystore has what is set. */
  const trades = async (name: string): Promise<void> => {
    const keystore = await keystoreOf(
      async (...command) => await execute(access, { namespace, name }, command),
    );
    assert.ok(keystore !== undefined, 'no login');
    const mine = [...values].filter(([each]) => entryOf(each).consumers.includes('hummingbot'));
    assert.deepEqual(differences(keystore, new Map(mine)), []);
  };

  before(async function () {
    if (!canRehearse) this.skip();
    await goTool(sops);
    cluster = await startCluster({ folder, storageClass: 'gp3' });
    access = await accessTo(cluster.kubeconfig);
    controller = new GitSync(cluster.kubeconfig, namespace);
    key = new AgeKey();
    checkout = new Checkout();
    await checkout.import(values);
    await config('rm', 'targets');
    for (const [path, value] of [
      ['targets[0]', 'sops'],
      ['recipients[0]', key.recipient],
      ['storageClass', 'gp3'],
      ['image', cluster.image ?? ''],
      ['readers.trading[0]', 'User:ann'],
    ]) {
      await config('set', '--path', String(path), String(value));
    }
  });
  after(async () => {
    key?.remove();
    checkout?.remove();
    await stopServers(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  it('writes all of it without a cluster, and the second time nothing', async () => {
    await start();
    const files = checkout.files(directory);
    assert.ok([...files.keys()].includes('manifests/deployment-hummingbot.yaml'));
    const text = [...files.values()].map(({ content }) => content).join('\n');
    assert.deepEqual(leaks(text, canaries), []);
    checkout.commit('written');
    assert.match((await start()).stdout, /Resources:\n {4}\d+ unchanged\n/u);
    assert.equal(checkout.gitStatus(), '');
  });

  it('is taken by the API server, field by field, and does what it did when it is applied again', () => {
    const objects = built();
    const [space] = objects.filter(({ kind }) => kind === 'Namespace');
    assert.ok(space);
    controller.apply([space]);
    const { code, text } = controller.tryApply(objects, '--dry-run=server');
    assert.equal(code, 0, text);
    assert.equal(text.match(/serverside-applied \(server dry run\)/gu)?.length, objects.length);
    assert.doesNotMatch(text, /warning/iu);
    // The control: a field that does not exist is refused.
    const wrong = objects.map((each) => ({ ...each, spek: {} }));
    assert.notEqual(controller.tryApply(wrong, '--dry-run=server').code, 0);
  });

  it('stands beside the schedule of examples/, which the API server takes, field by field, as restricted', () => {
    const text = readFileSync('examples/schedule/cronjob.yaml', 'utf8');
    const objects = parseAllDocuments(text).map((each) => each.toJS() as Manifest);
    const [space] = objects.filter(({ kind }) => kind === 'Namespace');
    assert.ok(space);
    controller.apply([space]);
    const dryRun = controller.tryApply(objects, '--dry-run=server');
    assert.equal(dryRun.code, 0, dryRun.text);
    assert.doesNotMatch(dryRun.text, /warning/iu);
    // The control: Pod Security speaks up for the same pod with one line less.
    const loose = JSON.parse(JSON.stringify(objects).replace('"runAsNonRoot":true,', ''));
    assert.match(controller.tryApply(loose, '--dry-run=server').text, /runAsNonRoot/u);
  });

  it('is a bot that has logged in with every key, once the controller has synced', async () => {
    sync();
    await trades(await ready());
  });

  it('has nothing to do at the next sync', async () => {
    const [before] = await pods();
    // A Deployment's resourceVersion changes with its status too, which its controller may write late.
    const versions = (): readonly string[] =>
      [
        ['deployments', '{.items[*].metadata.generation}'],
        ['secrets,configmaps', '{.items[*].metadata.resourceVersion}'],
      ].map(
        ([kinds = '', path]) =>
          controller.kubectl(['--namespace', namespace, 'get', kinds, '-o', `jsonpath=${path}`])
            .text,
      );
    const seen = versions();
    sync();
    assert.deepEqual(versions(), seen);
    assert.equal((await pods())[0]?.metadata?.uid, before?.metadata?.uid);
  });

  it('rotates: one changed value is two changed files, one restart, and the old Secret is gone', async () => {
    const [before] = await pods();
    const changed = makeCanary('rotated');
    values.set('kucoin_passphrase', changed);
    canaries.set('rotated', changed);
    await checkout.setSecret('trading.kucoin_passphrase', changed);
    await start();
    // The reader's Role names the Secret.
    assert.deepEqual(checkout.gitStatus().trim().split(/\s*M /u).filter(Boolean), [
      `${directory}/encrypted/hummingbot-trading-keys.yaml`,
      `${directory}/manifests/deployment-hummingbot.yaml`,
      `${directory}/manifests/role-hummingbot-trading-reader.yaml`,
    ]);
    sync();
    await trades(await ready(before?.metadata?.name));
    const { items } = await access.core.listNamespacedSecret({ namespace });
    assert.equal(items.filter(({ metadata }) => /trading/u.test(metadata?.name ?? '')).length, 1);
  });

  it('restarts no bot for a value that the bot does not read', async () => {
    const [before] = await pods();
    const changed = makeCanary('grafana');
    values.set('grafana_api_key', changed);
    canaries.set('grafana', changed);
    await checkout.setSecret('monitoring.grafana_api_key', changed);
    checkout.commit('rotated');
    await start();
    assert.equal(
      checkout.gitStatus().trim(),
      `M ${directory}/encrypted/hummingbot-monitoring.yaml`,
    );
    sync();
    assert.equal((await pods())[0]?.metadata?.uid, before?.metadata?.uid);
    const read = { namespace, name: 'hummingbot-monitoring' };
    const { data } = await access.core.readNamespacedSecret(read);
    assert.ok(Buffer.from(data?.grafana_api_key ?? '', 'base64').toString() === changed);
  });

  it('is looked at by doctor, which asks that cluster when the settings name it', async () => {
    await config('set', 'kubeContext', cluster.context);
    await config('set', 'cluster', cluster.uid);
    const doctor = async (): Promise<Result> =>
      await checkout.run('npm', ['run', '--silent', 'doctor'], {
        env: { KUBECONFIG: cluster.kubeconfig },
      });
    const healthy = await doctor();
    assert.equal(healthy.code, 0, healthy.stdout + healthy.stderr);
    assert.match(healthy.stdout, /The bot reads all \d+ keys\./u);
    await checkout.setSecret('trading.kucoin_passphrase', makeCanary('not-yet-pushed'));
    await start();
    const late = await doctor();
    assert.equal(late.code, 1);
    assert.match(
      late.stdout,
      /got tag \w{10}; allowed: tag \w{10}, of the last up; fix: see that gitops\/dev is pushed/u,
    );
  });

  it('is gone from git when it is destroyed, and has shown no value', async () => {
    await start('--', 'destroy');
    assert.equal(checkout.files('gitops').size, 0);
    assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
  });
});
