/**
 * A whole stack for git, as the program registers it. That an API server takes it, and what comes of
 * it in a cluster, is proven by test/e2e/gitops.e2e.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { keysOf } from '../../components/catalog.ts';
import { leaks } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { ids, project, type Run, runProgram } from '../program-run.ts';
import { mocked, Recorder, withoutSecrets } from '../recorder.ts';

const canaries = canaryValues();
const recipients = ['age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'];
const forGit = { targets: ['sops'], recipients, image: ids.image };

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly [other: string]: unknown;
}

async function run(
  settings: Readonly<Record<string, unknown>> = forGit,
  recorder = new Recorder(),
): Promise<Run> {
  return await runProgram('prod', false, canaries, recorder, settings);
}

/** By path below the folder of the stack. */
function manifestsOf({ recorder }: Run): ReadonlyMap<string, Manifest> {
  const files = recorder
    .of('hummingbot:index:GitFile')
    .map(({ inputs }) => [String(inputs.path), String(inputs.content)] as const)
    .filter(([path]) => path.startsWith('prod/manifests/'));
  return new Map(files.map(([path, text]) => [path.slice('prod/'.length), parse(text)]));
}

/** As the provider is asked for it in a cluster. */
function liveOf({ recorder }: Run): ReadonlyMap<string, Manifest> {
  const live = recorder.registrations.filter(({ type }) => /^kubernetes:[a-z./0-9]+:/u.test(type));
  return new Map(
    live.map(({ type, inputs }) => {
      const kind = type.split(':').at(-1) ?? '';
      const manifest = { ...inputs, kind } as unknown as Manifest;
      return [`${kind} ${manifest.metadata.name ?? 'unnamed'}`, manifest];
    }),
  );
}

describe('a stack for git', () => {
  let written: Run;
  let manifests: ReadonlyMap<string, Manifest>;
  before(async () => {
    written = await run();
    manifests = manifestsOf(written);
  });

  const one = (kind: string, name?: string): Manifest => {
    const found = [...manifests.values()].filter(
      (each) => each.kind === kind && (name === undefined || each.metadata.name === name),
    );
    assert.equal(found.length, 1, `${kind} ${name}`);
    return found[0] as Manifest;
  };

  it('has the same objects as one in a cluster, and talks to none', async () => {
    assert.deepEqual(
      written.recorder.registrations.filter(({ type }) =>
        /kubernetes|Rollout|Preflight/u.test(type),
      ),
      [],
    );
    const live = liveOf(await run({ ...ids, targets: ['kubernetes'] }));
    const kinds = (of: Iterable<Manifest>): readonly string[] =>
      [...of].map(({ kind, metadata }) => `${kind} ${kind === 'ConfigMap' ? '' : metadata.name}`);
    const ours = kinds([...manifests.values()].filter(({ kind }) => kind !== 'Kustomization'));
    const theirs = kinds(live.values()).filter((each) => !each.startsWith('Secret '));
    assert.deepEqual(ours.toSorted(), theirs.toSorted());
    assert.ok(ours.length >= 9);
  });

  it('asks for the same in each of them, but for what Pulumi alone reads', async () => {
    const live = liveOf(await run({ ...ids, targets: ['kubernetes'] }));
    const objects = [...manifests.values()].filter(({ kind }) => kind !== 'Kustomization');
    for (const { kind, metadata, spec, ...others } of objects) {
      const theirs = live.get(`${kind} ${metadata.name}`);
      // Named by its contents here and by the provider there; the Deployment names it.
      if (theirs === undefined) continue;
      const plain = (value: unknown): unknown =>
        JSON.parse(
          JSON.stringify(value ?? null)
            .replaceAll(/(hummingbot-trading-keys)-\w+/gu, '$1')
            .replaceAll(/"configMap":\{[^}]*\}/gu, '"configMap":{}'),
        );
      assert.deepEqual(plain(spec), plain(theirs.spec), kind);
      assert.deepEqual(others.rules, theirs.rules, kind);
      assert.ok(others.apiVersion, kind);
    }
  });

  it('names each file by its object, and lists all of them for Kustomize', () => {
    const list = manifests.get('manifests/kustomization.yaml');
    const names = [...manifests.keys()].map((path) => path.replace('manifests/', ''));
    assert.deepEqual(
      list?.resources,
      names.filter((name) => name !== 'kustomization.yaml').toSorted(),
    );
    assert.ok(names.includes('deployment-hummingbot.yaml'));
    assert.ok(names.includes('namespace-namespace.yaml'));
  });

  it('runs the bot on the Secrets that sops wrote, by their names of today', () => {
    const text = JSON.stringify(one('Deployment'));
    const { manifest } = written.recorder.one('hummingbot:index:SopsDocument', 'trading-document')
      .inputs as { manifest: { value: string } };
    const { name } = JSON.parse(manifest.value).metadata;
    assert.match(name, /^hummingbot-trading-keys-[0-9a-f]{8}$/u);
    assert.ok(text.includes(`"secretName":"${name}"`));
    assert.ok(text.includes(one('ConfigMap').metadata.name));
    assert.match(one('ConfigMap').metadata.name, /^hummingbot-program-[0-9a-f]{10}$/u);
    assert.ok(text.includes(String(written.tags.trading?.group)));
  });

  it('holds no value, and nothing that only Pulumi reads', () => {
    const shown = JSON.stringify(withoutSecrets(written.recorder.of('hummingbot:index:GitFile')));
    assert.ok(shown.length > 10_000);
    assert.deepEqual(leaks(shown, canaries), []);
    assert.ok(!shown.includes('pulumi.com/'));
    for (const { inputs } of written.recorder.of('hummingbot:index:GitFile')) {
      assert.equal(typeof inputs.content, 'string', 'none is marked as a secret');
    }
  });

  it('is the same files for the same settings, and another ConfigMap for another program', async () => {
    const again = manifestsOf(await run());
    assert.deepEqual([...again], [...manifests]);
    const readers = { trading: ['User:ann'] };
    const other = manifestsOf(await run({ ...forGit, exchanges: ['binance'], readers }));
    const nameOf = (of: ReadonlyMap<string, Manifest>): string | undefined =>
      [...of.values()].find(({ kind }) => kind === 'ConfigMap')?.metadata.name;
    assert.notEqual(nameOf(other), nameOf(manifests));
    const [role] = [...other.values()].filter(({ kind }) => kind === 'Role');
    assert.match(JSON.stringify(role?.rules), /hummingbot-trading-keys-[0-9a-f]{8}/u);
  });

  it('keeps the namespace from deletion where the stack is protected', async () => {
    const namespace = ['hummingbot:index:GitFile', 'namespace-namespace'] as const;
    assert.equal(written.recorder.one(...namespace).options.protect, true);
    const open = await run({ ...forGit, protect: false });
    assert.equal(open.recorder.one(...namespace).options.protect, false);
  });

  it('asks in a protected stack for the digest of the image and for a StorageClass', async () => {
    await assert.rejects(
      run({ ...forGit, image: 'hummingbot/hummingbot:version-2.16.0', storageClass: '' }),
      (error: Error) => {
        assert.match(error.message, /^ {2}image: got .* in a protected stack; /mu);
        assert.match(error.message, /^ {2}storageClass: got nothing in a protected stack; /mu);
        return true;
      },
    );
  });
});

/** What each example asks for beside its image, and makes. */
const examples = [
  { file: 'Pulumi.gitops.yaml', asks: 'recipients', missing: { recipients }, made: 'SopsDocument' },
  {
    file: 'Pulumi.sealed-secrets.yaml',
    asks: 'certificateFingerprint',
    missing: { certificateFingerprint: mocked.fingerprint },
    made: 'SealedData',
  },
] as const;

for (const { file, asks, missing, made } of examples) {
  describe(`the example of a stack for git, ${file}`, () => {
    const { config } = parse(readFileSync(`examples/${file}`, 'utf8')) as {
      config: Readonly<Record<string, unknown>>;
    };
    const settings = Object.fromEntries(
      Object.entries(config).map(([name, value]) => [name.replace(`${project}:`, ''), value]),
    );

    it('names settings that there are', () => {
      const declared = Object.keys(parse(readFileSync('Pulumi.yaml', 'utf8')).config);
      for (const name of Object.keys(settings)) assert.ok(declared.includes(name), name);
    });

    it('says what is missing and, with that, writes the whole stack', async () => {
      await assert.rejects(
        run(settings),
        new RegExp(`^ {2}${asks}: got nothing; [\\s\\S]*^ {2}image: got `, 'mu'),
      );
      const used = new Map(
        [...canaries].filter(
          ([key]) => !/kraken|coinbase/u.test(key) || !keysOf('trading').includes(key),
        ),
      );
      const { recorder } = await runProgram('prod', false, used, new Recorder(), {
        ...settings,
        ...missing,
        image: ids.image,
      });
      assert.equal(recorder.of(`hummingbot:index:${made}`).length, 3);
      assert.ok(recorder.of('hummingbot:index:GitFile').length > 12);
    });
  });
}
