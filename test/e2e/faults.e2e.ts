/**
 * Provoked failures on the servers of a rehearsal, with proxies before AWS and before the API server
 * that misbehave on demand: one line, no value, nothing half done, and one run converges afterwards.
 * Throttling at several shares, from nothing too, is `npm run soak -- faults`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileResource } from '../../plugins/hummingbot/file.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import { Account } from '../../rehearsal/plugins/aws/account.ts';
import { KubernetesProvider } from '../../rehearsal/plugins/kubernetes/provider.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { leaks, makeCanary } from '../canary.ts';
import { ApiFaultProxy, refusing } from './api-fault-proxy.ts';
import { AwsFaultProxy, failing } from './aws-fault-proxy.ts';
import { Checkout, listFiles } from './checkout.ts';
import { isReady } from './cluster-watch.ts';
import { assertFailed, errorsIn, stackTrace } from './failed-run.ts';
import { askPreflight, BadInput, type Place, provokedFailures } from './provoked-failures.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

describe('a failure of AWS or of the API server', () => {
  const stack = new RehearsedStack('prod');
  const value = makeCanary('provoked');
  const canaries = new Map([['provoked', value]]);
  const namespace = 'faults';
  const own = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'));
  let place: Omit<Place, 'prefix'>;
  let detour: Readonly<Record<string, string>>;

  before(async function () {
    if (!canRehearse) this.skip();
    await stack.start();
    const { environment, cluster } = stack;
    const aws = await AwsFaultProxy.start(environment.AWS_ENDPOINT_URL ?? '');
    const api = await ApiFaultProxy.start(stack.folder, cluster.server);
    const path = join(stack.checkout.temporary, 'kubeconfig');
    const kubeconfig = readFileSync(api.writeKubeconfig(cluster.kubeconfig, path), 'utf8');
    // Two tries where the official provider has 25: what does not pass is told in seconds.
    detour = { AWS_ENDPOINT_URL: aws.endpoint, KUBECONFIG: path, AWS_MAX_ATTEMPTS: '2' };
    for (const [name, text] of Object.entries({ ...environment, ...detour })) {
      if (name.startsWith('AWS_') && text !== undefined) process.env[name] = text;
    }
    await stack.access.core.createNamespace({ body: { metadata: { name: namespace } } });
    const account = new Account();
    await account.configure({ region: 'us-east-1' });
    const provider = new KubernetesProvider();
    await provider.configure({ kubeconfig });
    const token = environment.AWS_SESSION_TOKEN ?? '';
    canaries.set('token of the session', token);
    const image = (await stack.pod()).spec?.containers[0]?.image ?? '';
    place = { aws, api, account, cluster: provider, kubeconfig, namespace, value, image, token };
  });
  after(async () => {
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('AWS_')) delete process.env[name];
    }
    Object.assign(process.env, Object.fromEntries(own));
    await place?.aws.stop();
    await place?.api.stop();
    await stack.end();
  });
  afterEach(() => {
    place?.aws.mend();
    place?.api.mend();
  });

  for (const [at, { name, provoke, ask, line }] of provokedFailures.entries()) {
    it(`${name}: one line, and once it is mended it is done`, async () => {
      const own = { ...place, prefix: `faults-${at}` };
      provoke?.(own);
      const error = await ask(own, false).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof PluginError || error instanceof BadInput, 'no line of ours');
      const { message } = error;
      assert.deepEqual(leaks(message, canaries), []);
      assert.doesNotMatch(message, /\n/u);
      const source = line.source
        .replaceAll('PREFIX', own.prefix)
        .replaceAll('NAMESPACE', namespace);
      assert.match(message, new RegExp(source, 'u'));
      own.aws.mend();
      own.api.mend();
      await ask(own, true);
    });
  }

  it('is told of at least 40 of them, and a proxy that quotes a value would be found out', async () => {
    assert.ok(provokedFailures.length >= 40, String(provokedFailures.length));
    place.aws.break(failing('InternalServiceError'));
    const answer = await fetch(place.aws.endpoint, { method: 'POST', body: value });
    assert.ok(leaks(await answer.text(), canaries).length > 0);
  });

  it('is over for a preflight whose Job was made before the answer was lost: there is one, and it passes', async () => {
    const own = { ...place, prefix: 'faults-lost' };
    place.api.break(
      { does: 'lose' },
      ({ action, about }) => action === 'POST' && about.includes('/jobs'),
      1,
    );
    const mark = stack.mark();
    await askPreflight(own, true);
    const jobs = stack.apiWrites(mark).filter(({ resource }) => resource === 'jobs');
    assert.equal(jobs.filter(({ verb }) => verb === 'create').length, 2);
    // The cluster takes the pods away after their Jobs.
    const isGone = async (): Promise<boolean> => {
      const { items } = await stack.access.core.listNamespacedPod({ namespace });
      return items.every(({ metadata }) => metadata?.name?.startsWith(own.prefix) !== true);
    };
    assert.ok(await eventually(60, isGone), 'a pod is left');
  });

  describe('in the middle of an up', () => {
    const key = 'binance_api_key';
    let pod: string | undefined;

    before(async () => {
      stack.detour = detour;
      pod = (await stack.pod()).metadata?.uid;
      await stack.set(key, value);
    });
    after(() => {
      stack.detour = {};
    });

    /** The bot is the one that it was, and no run has left anything open. */
    async function assertUntouched(): Promise<void> {
      const now = await stack.pod();
      assert.equal(now.metadata?.uid, pod);
      assert.ok(isReady(now));
      const { stdout } = await stack.pulumi(['stack', 'export']);
      const { deployment } = JSON.parse(stdout) as {
        readonly deployment: { readonly pending_operations?: readonly unknown[] };
      };
      assert.equal(deployment.pending_operations?.length ?? 0, 0);
    }

    const cases: readonly (readonly [string, () => void, RegExp])[] = [
      [
        'AWS answers 500 with the value in it',
        () =>
          place.aws.break(
            failing('InternalServiceError'),
            ({ action, about }) =>
              action === 'secretsmanager.PutSecretValue' && about.includes('/trading'),
          ),
        /^error: creating Secrets Manager Secret Version \(\S*hummingbot\/trading\S*\): operation error Secrets Manager: PutSecretValue, https response error StatusCode: 500, RequestID: \S+, InternalServiceError$/u,
      ],
      [
        'the API server answers 413 with the request in it',
        () =>
          place.api.break(
            refusing(413, 'RequestEntityTooLarge'),
            ({ action, about }) => action === 'POST' && about.includes('/externalsecrets'),
          ),
        /^error: ExternalSecret hummingbot\/hummingbot-trading-keys-\w+: creation failed: 413 RequestEntityTooLarge/u,
      ],
      [
        'the answer to a POST is lost, and the object is there',
        () =>
          place.api.break(
            { does: 'lose' },
            ({ action, about }) => action === 'POST' && about.includes('/externalsecrets'),
            1,
          ),
        /^error: ExternalSecret hummingbot\/hummingbot-trading-keys-\w+: creation failed: /u,
      ],
      [
        'the API server answers nothing',
        () => place.api.break({ does: 'reset' }),
        /^error: cluster: got no answer \(.*\); allowed: [0-9a-f-]{36}; fix: kubectl .*; nothing was changed$/u,
      ],
    ];
    for (const [name, provoke, line] of cases) {
      it(`${name}: the up fails in one line, and the bot runs on`, async () => {
        provoke();
        assertFailed(await stack.up(), line, canaries);
        await assertUntouched();
      });
    }

    it('is over with one up: what was set is where it belongs', async () => {
      const mark = stack.mark();
      const { code, stdout, stderr } = await stack.up();
      assert.equal(code, 0, stdout + stderr);
      assert.notEqual((await stack.pod()).metadata?.uid, pod);
      const { stdout: inside } = await stack.inBot(['cat', `/etc/secrets/trading/${key}`]);
      assert.equal(inside === value, true, 'another value in the bot');
      // The value was put before the 413, and the object was made before its answer was lost.
      const puts = stack.awsWrites(mark).filter(({ action }) => /PutSecretValue/u.test(action));
      assert.equal(puts.length, 0);
      const posts = stack
        .apiWrites(mark)
        .filter(({ verb, resource }) => verb === 'create' && resource === 'externalsecrets');
      assert.equal(posts.length, 0);
    });

    it('with a fifth of all calls refused, a change is one up, with at most three times its calls', async () => {
      // As often as the official provider tries.
      stack.detour = { ...detour, AWS_MAX_ATTEMPTS: '25' };
      const calls = async (share: number): Promise<number> => {
        const proxies = [place.aws, place.api];
        const before = proxies.map(({ counted }) => counted.length);
        const set = makeCanary('throttled');
        canaries.set(`throttled ${share}`, set);
        await stack.set('grafana_api_key', set);
        if (share > 0) for (const [at, proxy] of proxies.entries()) proxy.throttle(share, at + 1);
        const { code, stdout, stderr } = await stack.up();
        for (const proxy of proxies) proxy.mend();
        assert.equal(code, 0, stdout + stderr);
        const asked = proxies.flatMap(({ counted }, at) => counted.slice(before[at]));
        assert.equal(
          asked.some(({ passed }) => !passed),
          share > 0,
        );
        return asked.length;
      };
      const [ideal, throttled] = [await calls(0), await calls(0.2)];
      assert.ok(throttled <= 3 * ideal, `${throttled} calls, ideally ${ideal}`);
    });
  });

  // After the ups: mocha runs what stands in no group first.
  describe('after all of it', () => {
    it('leaves no value in what was printed or logged', () => {
      assert.deepEqual(leaks(stack.checkout.printed.join('\n'), canaries), []);
      for (const [name, text] of stack.logs()) assert.deepEqual(leaks(text, canaries), [], name);
    });
  });
});

describe('a failure of the file system', () => {
  const checkout = new Checkout();
  const value = makeCanary('file');
  const canaries = new Map([['file', value]]);
  const nobody = 65_534;
  const mounted: string[] = [];
  const base = checkout.temporary;
  const unmount = (): void => {
    for (const path of mounted.splice(0)) execFileSync('umount', [path]);
  };

  before(function () {
    if (!canRehearse) this.skip();
  });
  afterEach(unmount);
  after(() => checkout.remove());

  /** A file system of its own, so small that little fits, or one that nobody may write. */
  function mount(path: string, options: string): void {
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
    mounted.push(path);
  }

  /** Name, what is in the way, what takes it away, the line. */
  const cases: readonly (readonly [
    string,
    (root: string) => void,
    (root: string) => void,
    RegExp,
  ])[] = [
    [
      'a full disk',
      (root) => mount(root, 'size=4k,mode=0700'),
      unmount,
      /: ENOSPC; fix: free some space and run again$/u,
    ],
    [
      'a file system that cannot be written',
      (root) => mount(root, 'ro,mode=0700'),
      unmount,
      /: EROFS; fix: choose a directory on a writable file system$/u,
    ],
    [
      'no permission',
      (root) => {
        for (const path of [join(base, '..'), base]) chmodSync(path, 0o711);
        mkdirSync(root, { recursive: true, mode: 0o755 });
        process.seteuid?.(nobody);
      },
      () => process.seteuid?.(0),
      /: EACCES; fix: give your user the right to write there$/u,
    ],
    [
      'a directory in its place',
      (root) => mkdirSync(join(root, 'secrets/trading/binance_api_key'), { recursive: true }),
      (root) => rmSync(join(root, 'secrets/trading/binance_api_key'), { recursive: true }),
      /: EISDIR; a directory is in its place; fix: move it away and run again$/u,
    ],
    [
      'a file in place of its directory',
      (root) => {
        mkdirSync(root, { recursive: true });
        writeFileSync(join(root, 'secrets'), '');
      },
      (root) => rmSync(join(root, 'secrets')),
      /: .*fix: .*$/u,
    ],
    [
      'a link in place of its directory',
      (root) => {
        mkdirSync(root, { recursive: true });
        symlinkSync('/tmp', join(root, 'secrets'));
      },
      (root) => rmSync(join(root, 'secrets')),
      /: .*fix: .*$/u,
    ],
  ];
  for (const [at, [name, provoke, mend, line]] of cases.entries()) {
    it(`${name}: one line that names the file, nothing half written, and then it is done`, async () => {
      const root = join(base, `files-${at}`);
      const path = 'secrets/trading/binance_api_key';
      const inputs = { root, path, content: value.repeat(2000), mode: '0400' };
      provoke(root);
      const error = await new FileResource(base).create(inputs).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      const left = listFiles(root).filter((each) => each !== 'secrets');
      mend(root);
      assert.ok(error instanceof PluginError, 'no line of ours');
      assert.deepEqual(leaks(error.message, canaries), []);
      assert.ok(error.message.startsWith(`${root}/secrets`), error.message);
      assert.match(error.message, line);
      assert.doesNotMatch(error.message, /\n/u);
      assert.deepEqual(left, []);
      await new FileResource(base).create(inputs);
      assert.ok(readFileSync(join(root, path), 'utf8') === inputs.content);
    });
  }

  it('a full disk under an up: only lines that name files; one up after it', async () => {
    await checkout.setSecret('trading.binance_api_key', value);
    const out = checkout.path('out/dev');
    mount(out, 'size=16k,mode=0700');
    const failed = await checkout.pulumi(['up', '--yes', '--skip-preview', '--stack', 'dev']);
    const printed = `${failed.stdout}\n${failed.stderr}`;
    const errors = errorsIn(failed);
    assert.deepEqual(leaks(printed, canaries), []);
    assert.equal(failed.code, 1, printed);
    assert.ok(errors.length > 0, printed);
    for (const each of errors) assert.match(each, /^error: out\/dev\/\S+: ENOSPC; fix: free some/u);
    assert.doesNotMatch(printed, stackTrace);
    assert.deepEqual(
      listFiles(out).filter((each) => /\.tmp|hummingbot-secrets-/u.test(each)),
      [],
    );
    unmount();
    const mended = await checkout.npmStart();
    assert.equal(mended.code, 0, mended.stderr);
    assert.ok(checkout.read('out/dev/secrets/trading/binance_api_key') === value);
  });

  it('a full disk under the state: no value, no stack trace; one up after it', async () => {
    const other = makeCanary('other');
    await checkout.setSecret('trading.binance_api_key', other);
    const state = checkout.path('.local/state');
    const kept = `${state}-kept`;
    execFileSync('mv', [state, kept]);
    const size = Number(execFileSync('du', ['-sk', kept], { encoding: 'utf8' }).split('\t')[0]);
    // What is there fits; what a run adds does not.
    mount(state, `size=${size + 8}k,mode=0700`);
    execFileSync('cp', ['-a', `${kept}/.`, state]);
    const failed = await checkout.npmStart();
    const printed = `${failed.stdout}\n${failed.stderr}`;
    assert.deepEqual(leaks(printed, new Map([...canaries, ['other', other]])), []);
    assert.notEqual(failed.code, 0, printed);
    assert.match(printed, /no space left on device|ENOSPC/u);
    assert.doesNotMatch(printed, stackTrace);
    execFileSync('cp', ['-a', `${state}/.`, kept]);
    unmount();
    rmSync(state, { recursive: true });
    execFileSync('mv', [kept, state]);
    const mended = await checkout.npmStart();
    assert.equal(mended.code, 0, mended.stdout + mended.stderr);
    assert.ok(checkout.read('out/dev/secrets/trading/binance_api_key') === other);
  });
});
