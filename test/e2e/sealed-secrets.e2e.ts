/**
 * Target `sealed-secrets` on a real controller, by the real kubeseal: which certificates are refused,
 * what comes of a renewed one, where a ciphertext opens and where not; and what is written for git is
 * what the controller makes Secrets of. Linux and root.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Secret } from '@kubernetes/client-node';
import { groups, type SecretKey } from '../../components/catalog.ts';
import { goTool, toolDirectory } from '../../operations/engine/go.ts';
import { apply, eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { controllerName, controllerNamespace } from '../../rehearsal/servers/sealed-secrets.ts';
import { sealedSecrets, sops } from '../../rehearsal/tools/tools.ts';
import { leaks, makeCanary } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { shownRequest } from './audit-log.ts';
import type { Result } from './checkout.ts';
import { AgeKey, builtForFlux, isSecret, type Manifest } from './conformance/git-target.ts';
import { GitSync, nameOf } from './git-sync.ts';
import { ProcessWatch } from './process-watch.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

const group = 'bitnami.com';
const version = 'v1alpha1';
const plural = 'sealedsecrets';
const name = groups.monitoring.secretName;
const unchanged = /Resources:\n {4}\d+ unchanged\n/u;

interface Sealed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly encryptedData: Readonly<Record<string, string>>;
    readonly template: object;
  };
  readonly status?: {
    readonly conditions?: readonly { readonly status?: string; readonly message?: string }[];
  };
}

describe('target sealed-secrets, with its controller', () => {
  const stack = new RehearsedStack('prod');
  stack.commit('targets', ['sealed-secrets']);
  const { checkout, namespace } = stack;
  const canaries = new Map<string, string>();
  /** What the controller gave out first. */
  let pinned = '';

  const up = async (): Promise<string> => {
    const { code, stdout, stderr } = await stack.npmStart();
    assert.equal(code, 0, stdout + stderr);
    return stdout + stderr;
  };
  const refused = async (line: RegExp): Promise<Result> => {
    const result = await stack.npmStart();
    assert.equal(result.code, 1);
    const text = result.stdout + result.stderr;
    assert.match(text, line);
    // Pulumi shows an error as it comes, and again at the end.
    assert.equal(new Set(text.match(/\S+: got .*; allowed: .*$/gmu)).size, 1, text);
    return result;
  };
  const config = async (...words: readonly string[]): Promise<void> => {
    const { code, stderr } = await stack.pulumi(['config', ...words]);
    assert.equal(code, 0, stderr);
  };
  /** @param pem path, or nothing for what the controller gives out */
  const certificate = async (pem: string, fingerprint: string): Promise<void> => {
    await config('set', 'certificate', pem);
    await config('set', 'certificateFingerprint', fingerprint);
  };
  const custom = () => stack.access.config.makeApiClient(stack.access.library.CustomObjectsApi);
  const sealedOf = async (of: string): Promise<Sealed> =>
    (await custom().getNamespacedCustomObject({
      group,
      version,
      namespace,
      plural,
      name: of,
    })) as Sealed;
  const all = async (): Promise<readonly Sealed[]> => {
    const { items } = (await custom().listNamespacedCustomObject({
      group,
      version,
      namespace,
      plural,
    })) as { items: readonly Sealed[] };
    return items;
  };
  const ciphertexts = async (): Promise<string> =>
    JSON.stringify((await all()).map(({ metadata, spec }) => [metadata.name, spec.encryptedData]));
  const openssl = (...words: readonly string[]): void => {
    const { status, stderr } = spawnSync('openssl', words, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  /** A key and a certificate of the test's own. @returns paths and the fingerprint */
  const another = (label: string, ...words: readonly string[]) => {
    const [key, pem] = [`${label}.key`, `${label}.pem`].map((file) =>
      join(checkout.temporary, file),
    );
    const subject = ['-subj', '/CN=sealed-secret'];
    const keys = ['-newkey', 'rsa:2048', '-nodes', '-keyout', String(key)];
    openssl('req', '-x509', ...keys, '-out', String(pem), ...subject, ...words);
    const { fingerprint256 } = new X509Certificate(readFileSync(String(pem)));
    return { key: String(key), pem: String(pem), fingerprint: fingerprint256 };
  };

  /** `req -x509` takes no days that are over; signing a request does. */
  const expired = () => {
    const [key, csr, pem] = ['key', 'csr', 'pem'].map((end) =>
      join(checkout.temporary, `ended.${end}`),
    ) as [string, string, string];
    const keys = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key];
    openssl('req', ...keys, '-out', csr, '-subj', '/CN=sealed-secret');
    openssl('x509', '-req', '-in', csr, '-signkey', key, '-days', '-1', '-out', pem);
    return { pem, fingerprint: new X509Certificate(readFileSync(pem)).fingerprint256 };
  };

  before(async function () {
    if (!canRehearse) this.skip();
    await stack.start();
    for (const [key, value] of await stack.values()) canaries.set(key, value);
    pinned = (await stack.pulumi(['config', 'get', 'certificateFingerprint'])).stdout.trim();
    assert.match(pinned, /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/u);
  });
  after(async () => await stack.end());

  it('has handed no value to a process by its arguments or its environment, nor to a SealedSecret', async () => {
    const changed = makeCanary('sealed');
    canaries.set('sealed', changed);
    await stack.set('grafana_api_key', changed);
    const watch = new ProcessWatch();
    await up();
    await watch.stop();
    assert.ok(
      [...watch.arguments].some((line) => /plugins\/hummingbot/u.test(line)),
      'seen',
    );
    assert.deepEqual(leaks([...watch.arguments, ...watch.environments].join('\n'), canaries), []);
    assert.deepEqual(leaks(JSON.stringify(await all()), canaries), []);
    const { data } = await stack.access.core.readNamespacedSecret({ namespace, name });
    assert.ok(Buffer.from(data?.grafana_api_key ?? '', 'base64').toString() === changed);
  });

  it('opens in its place alone: under another name the controller makes nothing of it', async () => {
    const { apiVersion, kind, spec } = await sealedOf(name);
    const moved = { name: 'moved', namespace };
    await apply(stack.access, [{ apiVersion, kind, metadata: moved, spec }]);
    const seen = await eventually(30, async () => {
      const [condition] = (await sealedOf('moved')).status?.conditions ?? [];
      return condition?.status === 'False';
    });
    assert.ok(seen);
    const { items } = await stack.access.core.listNamespacedSecret({ namespace });
    assert.ok(!items.some(({ metadata }) => metadata?.name === 'moved'));
    await stack.kubectl('delete', 'sealedsecret', 'moved');
  });

  it('opens in strict scope alone: a wider one that somebody gave it is taken away by the next run', async () => {
    const wide = 'sealedsecrets.bitnami.com/cluster-wide';
    assert.equal((await stack.kubectl('annotate', 'sealedsecret', name, `${wide}=true`)).code, 0);
    const { metadata } = await stack.access.core.readNamespacedSecret({ namespace, name });
    await up();
    const { metadata: now, status } = await sealedOf(name);
    assert.equal(status?.conditions?.[0]?.status, 'True');
    assert.equal(now.annotations?.[wide], undefined);
    const after = await stack.access.core.readNamespacedSecret({ namespace, name });
    assert.equal(after.metadata?.uid, metadata?.uid, 'absent at a moment');
    assert.match(await up(), unchanged);
  });

  it('takes the same certificate from a URL or a file, and seals nothing anew for that', async () => {
    const before = await ciphertexts();
    const get = ['--fetch-cert', '--kubeconfig', stack.cluster.kubeconfig];
    const { code, stdout: pem } = await stack.run('kubeseal', get);
    assert.equal(code, 0);
    const file = join(checkout.temporary, 'fetched.pem');
    writeFileSync(file, pem);
    const server = createServer((_, response) => void response.end(pem));
    await new Promise<void>((settle) => void server.listen(0, '127.0.0.1', settle));
    try {
      const { port } = server.address() as AddressInfo;
      for (const source of [`http://127.0.0.1:${port}/cert.pem`, file]) {
        await config('set', 'certificate', source);
        assert.match(await up(), unchanged);
      }
    } finally {
      await new Promise((settle) => server.close(settle));
    }
    await config('set', 'certificate', 'controller');
    assert.equal(await ciphertexts(), before);
  });

  it('refuses another certificate, one that has ended, no file, a URL and a controller that do not answer, in a line each', async () => {
    const mark = stack.mark();
    const other = another('other', '-days', '30');
    await config('set', 'certificate', other.pem);
    await refused(
      new RegExp(
        `certificate: got SHA-256 ${other.fingerprint}.*; allowed: certificateFingerprint ${pinned}; fix: `,
        'u',
      ),
    );
    const ended = expired();
    await certificate(ended.pem, ended.fingerprint);
    await refused(
      /certificate: got one that ended on \d{4}-\d\d-\d\d; allowed: one that is valid; fix: /u,
    );
    await certificate(join(checkout.temporary, 'none.pem'), pinned);
    await refused(/certificate: got ENOENT of its file; allowed: /u);
    const server = createServer((_, response) => void response.writeHead(404).end());
    await new Promise<void>((settle) => void server.listen(0, '127.0.0.1', settle));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cert.pem`;
    await config('set', 'certificate', url);
    await refused(/certificate: got HTTP 404 from its URL; allowed: /u);
    await new Promise((settle) => server.close(settle));
    await refused(/certificate: got ECONNREFUSED from its URL; allowed: /u);
    await config('set', 'certificate', other.key);
    const { stdout, stderr } = await refused(
      /certificate: got no certificate from there; allowed: PEM /u,
    );
    assert.ok(!(stdout + stderr).includes(readFileSync(other.key, 'utf8').split('\n')[1] ?? ''));
    await config('set', 'certificate', 'controller:kube-system/elsewhere');
    await refused(
      /certificate: got 404 NotFound from controller kube-system\/elsewhere; allowed: /u,
    );
    await config('set', 'certificate', 'controller');
    const own = stack.deployersWrites(mark);
    assert.deepEqual(own.map(shownRequest), []);
    assert.match(await up(), unchanged);
  });

  it('fails in one line when no key of the controller opens what was sealed, touches no bot, and converges', async () => {
    const pod = (await stack.pod()).metadata?.uid;
    const stranger = another('stranger', '-days', '30');
    await certificate(stranger.pem, stranger.fingerprint);
    const { code, stdout, stderr } = await stack.npmStart();
    assert.equal(code, 1);
    const line =
      /SealedSecret hummingbot\/\S+: no key of the controller opens it: it was sealed for another certificate, namespace, name or scope; nothing that uses it was changed; fix: kubectl /u;
    assert.match(stdout + stderr, line);
    assert.equal((await stack.pod()).metadata?.uid, pod);
    const { data } = await stack.access.core.readNamespacedSecret({ namespace, name });
    assert.ok(
      Buffer.from(data?.grafana_api_key ?? '', 'base64').toString() === canaries.get('sealed'),
    );
    await certificate('controller', pinned);
    await up();
    assert.match(await up(), unchanged);
    assert.equal((await stack.pod()).metadata?.uid, pod);
  });

  it('seals everything anew, once, for a renewed certificate that the settings take, and restarts nothing', async () => {
    const pod = (await stack.pod()).metadata?.uid;
    const before = await ciphertexts();
    const next = another('next', '-days', '3650');
    const label = 'sealedsecrets.bitnami.com/sealed-secrets-key=active';
    const admin = [
      '--kubeconfig',
      stack.cluster.adminKubeconfig,
      '--namespace',
      controllerNamespace,
    ];
    const kubectl = async (...words: readonly string[]): Promise<void> => {
      const { code, stderr } = await stack.run('kubectl', [...admin, ...words]);
      assert.equal(code, 0, stderr);
    };
    await kubectl('create', 'secret', 'tls', 'next', `--cert=${next.pem}`, `--key=${next.key}`);
    await kubectl('label', 'secret', 'next', label);
    await kubectl('rollout', 'restart', `deployment/${controllerName}`);
    await kubectl('rollout', 'status', `deployment/${controllerName}`, '--timeout=120s');
    await refused(
      new RegExp(
        `certificate: got SHA-256 ${next.fingerprint} from controller; allowed: certificateFingerprint ${pinned}; .*pulumi -- config set certificateFingerprint ${next.fingerprint} --stack prod`,
        'u',
      ),
    );
    assert.equal(await ciphertexts(), before);
    await config('set', 'certificateFingerprint', next.fingerprint);
    const said = await up();
    const anew = said.match(/\S+: sealed anew, for another certificate$/gmu);
    assert.equal(new Set(anew).size, 3, said);
    const after = await ciphertexts();
    assert.notEqual(after, before);
    assert.match(await up(), unchanged);
    assert.equal(await ciphertexts(), after);
    assert.equal((await stack.pod()).metadata?.uid, pod, 'a restart');
    for (const { metadata, status } of await all()) {
      assert.equal(status?.conditions?.[0]?.status, 'True', metadata.name);
    }
  });

  it('shows a value in nothing that was printed or logged', () => {
    assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
    const logs = [...stack.logs()];
    assert.ok(logs.some(([path]) => path.includes(controllerName)));
    for (const [path, text] of logs) {
      assert.deepEqual(leaks(text.toString('latin1'), canaries), [], path);
    }
  });

  describe('written for git', () => {
    const values = canaryValues();
    let controller: GitSync;
    let key: AgeKey;
    /** What was applied last of the stack as it is sealed. */
    let sealed: readonly Manifest[];

    const dev = async (...words: readonly string[]): Promise<void> => {
      const { code, stderr } = await checkout.pulumi(['config', ...words, '--stack', 'dev']);
      assert.equal(code, 0, stderr);
    };
    const run = async (...words: readonly string[]): Promise<Result> => {
      const tools = [toolDirectory(sealedSecrets), toolDirectory(sops)];
      const env = {
        PATH: [...tools, process.env.PATH].join(delimiter),
        KUBECONFIG: '/nowhere',
      };
      return await checkout.run('npm', ['start', ...words], { env });
    };
    const start = async (...words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(...words);
      assert.equal(code, 0, stdout + stderr);
      return stdout + stderr;
    };
    /** What a GitOps controller makes of the files; here without the bot and what stands around it. */
    const built = (): readonly Manifest[] =>
      builtForFlux(checkout.path('gitops/dev'), key).filter(({ kind }) =>
        ['Namespace', 'SealedSecret', 'Secret'].includes(kind),
      );
    const namesIn = (objects: readonly Manifest[], kind: string): readonly string[] =>
      objects.filter((each) => each.kind === kind).map(nameOf);
    const secrets = async (): Promise<readonly V1Secret[]> =>
      (await stack.access.core.listNamespacedSecret({ namespace })).items;
    const owners = async (): Promise<readonly (string | undefined)[]> =>
      (await secrets()).map(({ metadata }) => metadata?.ownerReferences?.[0]?.kind);
    const areOwnedBy = async (owner: string | undefined): Promise<boolean> =>
      await eventually(60, async () => {
        const kinds = await owners();
        return kinds.length === 3 && kinds.every((kind) => kind === owner);
      });
    const uids = async (): Promise<readonly string[]> =>
      (await secrets()).map(({ metadata }) => `${metadata?.name} ${metadata?.uid}`).toSorted();
    /** The Secrets have what was set, and nothing else. */
    const hold = async (): Promise<void> => {
      const seen = (await secrets())
        .flatMap(({ data }) => Object.entries(data ?? {}))
        .map(([name, value]) => [name, Buffer.from(value, 'base64').toString()] as const);
      const wrong = seen.filter(([name, value]) => values.get(name as SecretKey) !== value);
      assert.deepEqual(
        wrong.map(([name]) => name),
        [],
      );
      assert.ok(seen.length > 15);
    };
    const changed = (): readonly string[] =>
      checkout
        .gitStatus()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.trim().replace('gitops/dev/', ''))
        .toSorted();
    const holdsNoValue = (): void => {
      const files = [...checkout.files('gitops').values()].map(({ content }) => content);
      assert.ok(files.length > 10);
      assert.deepEqual(leaks(files.join('\n'), canaries), []);
    };

    before(async () => {
      await goTool(sops);
      key = new AgeKey();
      controller = new GitSync(stack.cluster.adminKubeconfig, namespace);
      for (const [name, value] of values) canaries.set(`git ${name}`, value);
    });
    after(() => key?.remove());

    it('without a cluster, it is what the controller makes the same Secrets of', async () => {
      const { stdout: fetched } = await stack.run('kubeseal', [
        '--fetch-cert',
        '--kubeconfig',
        stack.cluster.kubeconfig,
      ]);
      await config('set', '--type', 'bool', 'protect', 'false');
      await up();
      const destroyed = await stack.npmStart('destroy');
      assert.equal(destroyed.code, 0, destroyed.stderr);
      const pem = join(checkout.temporary, 'certificate.pem');
      writeFileSync(pem, fetched);
      await checkout.import(values);
      await dev('rm', 'targets');
      await dev('set', '--path', 'targets[0]', 'sealed-secrets');
      await dev('set', 'sealedInto', 'git');
      await dev('set', 'certificate', pem);
      await dev('set', 'certificateFingerprint', new X509Certificate(fetched).fingerprint256);
      await start();
      holdsNoValue();
      checkout.commit('written');
      assert.match(await start(), unchanged);
      assert.equal(checkout.gitStatus(), '');
      sealed = built();
      controller.apply(sealed);
      assert.ok(await areOwnedBy('SealedSecret'));
      await hold();
    });

    it('moves to sops in git: handed over first, no Secret is absent at a moment, versioned or fixed', async () => {
      const watch = await stack.watch(['secrets']);
      const gone = (since: number): readonly string[] =>
        watch
          .events('secrets')
          .filter(({ at, type }) => type === 'DELETED' && at > since)
          .map(({ name }) => name);
      // The control: not handed over, Secrets that were applied before their SealedSecrets go, go with them.
      const opened = (await secrets()).map(({ metadata, type, immutable, data }) => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: metadata?.name ?? '', namespace, annotations: metadata?.annotations },
        ...{ type, immutable, data },
      }));
      controller.apply(opened);
      const begun = Date.now();
      controller.prune(namesIn(sealed, 'SealedSecret'));
      assert.ok(await eventually(60, async () => gone(begun).length === 3));
      const collected = Date.now() - begun;
      controller.apply(sealed);
      assert.ok(await areOwnedBy('SealedSecret'));

      const mark = Date.now();
      const before = await uids();
      const isWhole = async (): Promise<void> => {
        // Long enough for the garbage collector, as the control has shown.
        await sleep(Math.max(1000, 2 * collected));
        assert.deepEqual(gone(mark), []);
        assert.deepEqual(await uids(), before);
        assert.deepEqual(await owners(), [undefined, undefined, undefined]);
        assert.deepEqual(await all(), []);
        await hold();
      };
      const setAll = ['set-all', '--path', '--plaintext'];
      await dev(...setAll, 'targets[0]=sops', '--plaintext', `recipients[0]=${key.recipient}`);
      const { code, stdout, stderr } = await run();
      assert.equal(code, 1);
      assert.match(
        stdout + stderr,
        /targets\[0\]: got sops, while the Secrets of sealed\/.*, sealed\/.*, sealed\/.* would go .*; fix: /u,
      );
      assert.equal(checkout.gitStatus(), '');

      await dev(...setAll, 'targets[0]=sealed-secrets', '--plaintext', 'handOver=true');
      assert.match(await start(), /handOver: each Secret stays in the cluster/u);
      const files = ['trading-keys', 'infrastructure', 'monitoring']
        .map((name) => `sealed/hummingbot-${name}.yaml`)
        .toSorted();
      assert.deepEqual(
        changed(),
        files.map((file) => `M ${file}`),
      );
      checkout.commit('handed over');
      const handedOver = built();
      controller.apply(handedOver);
      assert.ok(await areOwnedBy(undefined));
      // Whoever thinks better of it has it as it was.
      controller.apply(sealed);
      assert.ok(await areOwnedBy('SealedSecret'));
      controller.apply(handedOver);
      assert.ok(await areOwnedBy(undefined));

      await dev('rm', 'handOver');
      await dev('set', '--path', 'targets[0]', 'sops');
      await start();
      const lines = changed();
      assert.deepEqual(
        lines.filter((line) => !line.startsWith('??')),
        [...files.map((file) => `D ${file}`), 'M kustomization.yaml'],
      );
      // Nothing that the bot's pod is made of: it is not restarted.
      assert.ok(!lines.join().includes('manifests'), lines.join());
      holdsNoValue();
      checkout.commit('moved');
      assert.match(await start(), unchanged);
      assert.equal(checkout.gitStatus(), '');
      const encrypted = built();
      assert.equal(namesIn(encrypted, 'Secret').length, 3);
      assert.deepEqual(namesIn(encrypted, 'SealedSecret'), []);
      controller.apply(encrypted);
      controller.prune(namesIn(handedOver, 'SealedSecret'));
      await isWhole();
      // The other order, that of Argo CD.
      controller.apply(handedOver);
      assert.ok(await eventually(60, async () => (await all()).every(isSynced)));
      controller.prune(namesIn(handedOver, 'SealedSecret'), 'foreground');
      controller.apply(encrypted);
      await isWhole();
    });

    it('leaves a key that goes later in a Secret of a fixed name, unless its value has changed since', async () => {
      const keys = async (): Promise<readonly string[]> => {
        const { data } = await stack.access.core.readNamespacedSecret({ namespace, name });
        return Object.keys(data ?? {});
      };
      const [whole] = built()
        .filter(isSecret)
        .filter(({ metadata }) => metadata.name === name);
      assert.ok(whole);
      const { grafana_api_key: _, telegram_token: __, ...data } = whole.data;
      const value = makeCanary('rotated');
      canaries.set('rotated', value);
      const telegram_token = Buffer.from(value).toString('base64');
      const rotated = { ...whole, data: { ...whole.data, telegram_token } };
      // As Flux does it.
      assert.equal(controller.tryApply([rotated], '--force-conflicts').code, 0);
      controller.apply([{ ...whole, data } as Manifest]);
      assert.ok((await keys()).includes('grafana_api_key'));
      assert.ok(!(await keys()).includes('telegram_token'));
      const patch = '[{"op": "remove", "path": "/data/grafana_api_key"}]';
      const words = ['--namespace', namespace, 'patch', 'secret', name, '--type', 'json'];
      assert.equal(controller.kubectl([...words, '--patch', patch]).code, 0);
      controller.apply([{ ...whole, data } as Manifest]);
      assert.ok(!(await keys()).includes('grafana_api_key'));
    });

    it('is gone from git when it is destroyed, and has shown no value', async () => {
      await start('--', 'destroy');
      assert.equal(checkout.files('gitops').size, 0);
      checkout.commit('destroyed');
      assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
      for (const [path, text] of stack.logs()) {
        assert.deepEqual(leaks(text.toString('latin1'), canaries), [], path);
      }
    });
  });
});

function isSynced({ status }: Sealed): boolean {
  return status?.conditions?.[0]?.status === 'True';
}
