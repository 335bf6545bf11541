/** What the program hands to sops. That a reader with the key gets it is proven by test/e2e/sops.e2e.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { keysOf, secretKeys } from '../../../components/catalog.ts';
import { filesBeside } from '../../../components/delivery/sops.ts';
import { leaks } from '../../canary.ts';
import { canaryValues } from '../../canary-values.ts';
import { ids, type Run, runProgram } from '../../program-run.ts';
import { Recorder, secretOf, withoutSecrets } from '../../recorder.ts';

const canaries = canaryValues();
const type = 'hummingbot:index:SopsDocument';
const recipients = [
  'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj',
  'arn:aws:kms:us-east-1:210987654321:key/0a1b2c3d-0000-4000-8000-000000000000',
];

async function written(
  settings: Readonly<Record<string, unknown>> = {},
  recorder = new Recorder(),
): Promise<Run> {
  const all = { targets: ['sops'], recipients, image: ids.image, ...settings };
  return await runProgram('prod', false, canaries, recorder, all);
}

interface Secret {
  readonly kind: string;
  readonly type: string;
  readonly immutable: boolean;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly data: Readonly<Record<string, string>>;
}

function manifestOf(run: Run, group: string): Secret {
  const { manifest } = run.recorder.one(type, `${group}-document`).inputs;
  return JSON.parse(secretOf(manifest)) as Secret;
}

describe('the Secrets for sops', () => {
  let run: Run;
  before(async () => {
    run = await written();
  });

  it('are one file a group, named as the guide names its Secret, for all recipients', () => {
    for (const [group, file] of [
      ['trading', 'hummingbot-trading-keys'],
      ['infrastructure', 'hummingbot-infrastructure'],
      ['monitoring', 'hummingbot-monitoring'],
    ]) {
      const { inputs } = run.recorder.one(type, `${group}-document`);
      assert.deepEqual(
        [inputs.root, inputs.path, inputs.recipients],
        ['gitops', `prod/encrypted/${file}.yaml`, recipients],
      );
    }
    assert.equal(run.recorder.of(type).length, 3);
    assert.deepEqual(run.delivered.sops, {
      manifests: 'gitops/prod',
      next: 'git add --all . && git commit --message "Hummingbot" . && git push',
    });
  });

  it('hold the values of their group and nothing else', () => {
    for (const group of ['trading', 'infrastructure', 'monitoring'] as const) {
      const { kind, type: of, data, metadata } = manifestOf(run, group);
      assert.deepEqual([kind, of, metadata.namespace], ['Secret', 'Opaque', 'hummingbot']);
      const keys = keysOf(group).filter((key) => Object.hasOwn(run.tags[group]?.keys ?? {}, key));
      assert.deepEqual(Object.keys(data).toSorted(), keys.toSorted());
      for (const key of keys) {
        const decoded = Buffer.from(String(data[key]), 'base64').toString();
        assert.ok(decoded === canaries.get(key), key);
      }
      assert.equal(metadata.annotations['hummingbot-secrets/tag'], run.tags[group]?.group);
    }
  });

  it('hold no value outside of a secret mark, and no file beside them holds one', () => {
    const shown = JSON.stringify(withoutSecrets(run.recorder.registrations));
    assert.deepEqual(leaks(shown, canaries), []);
    // The control: inside of the marks each is there.
    const manifests = ['trading', 'infrastructure', 'monitoring'].map((group) =>
      JSON.stringify(manifestOf(run, group)),
    );
    const inside = leaks(manifests.join(), canaries);
    for (const key of secretKeys.filter((each) => canaries.has(each))) {
      const used = Object.values(run.tags).some(({ keys }) => Object.hasOwn(keys, key));
      if (used)
        assert.ok(
          inside.some((hit) => hit.startsWith(`${key} as`)),
          key,
        );
    }
  });

  it('of a versioned group have another name at each change, in the same file', async () => {
    const { metadata, immutable } = manifestOf(run, 'trading');
    assert.match(metadata.name, /^hummingbot-trading-keys-[0-9a-f]{8}$/u);
    assert.equal(immutable, true);
    const fixed = manifestOf(run, 'monitoring');
    assert.equal(fixed.metadata.name, 'hummingbot-monitoring');
    assert.equal(fixed.immutable, false);
    const other = await written({}, new Recorder('other'));
    assert.notEqual(manifestOf(other, 'trading').metadata.name, metadata.name);
  });

  it('come with the rules of sops and with what Flux and KSOPS build from', () => {
    const files = new Map(
      run.recorder
        .of('hummingbot:index:GitFile')
        .map(({ inputs }) => [String(inputs.path), parse(String(inputs.content))]),
    );
    const names = ['trading-keys', 'infrastructure', 'monitoring'].map(
      (name) => `encrypted/hummingbot-${name}.yaml`,
    );
    assert.deepEqual(files.get('prod/.sops.yaml'), {
      creation_rules: [
        {
          path_regex: '^encrypted/[^/]+\\.yaml$',
          encrypted_regex: '^(data|stringData)$',
          age: recipients[0],
          kms: recipients[1],
        },
      ],
    });
    assert.deepEqual(files.get('prod/kustomization.yaml').resources, [...names, 'manifests']);
    assert.deepEqual(files.get('prod/argocd/kustomization.yaml').generators, ['ksops.yaml']);
    const ksops = files.get('prod/argocd/ksops.yaml');
    assert.deepEqual([ksops.apiVersion, ksops.kind], ['viaduct.ai/v1', 'ksops']);
    assert.deepEqual(
      ksops.files,
      names.map((name) => `../${name}`),
    );
    assert.deepEqual(files.get('prod/argocd/kustomization.yaml').resources, ['../manifests']);
  });

  it('are found where the examples for Flux and Argo CD look for them', () => {
    const { manifests } = run.delivered.sops as { readonly manifests?: string };
    const flux = parse(readFileSync('examples/flux.yaml', 'utf8'));
    assert.equal(flux.spec.path, `./${manifests}`);
    assert.deepEqual(flux.spec.decryption, { provider: 'sops', secretRef: { name: 'sops-age' } });
    assert.equal(flux.spec.prune, true);
    const argo = parse(readFileSync('examples/argo-cd.yaml', 'utf8'));
    assert.equal(argo.spec.source.path, `${manifests}/argocd`);
    assert.equal(argo.spec.syncPolicy.automated.prune, true);
    assert.equal(argo.spec.destination.namespace, manifestOf(run, 'trading').metadata.namespace);
  });

  it('are the same files for the same groups, whatever the order of the recipients', () => {
    const [one, other] = [recipients, recipients.toReversed()].map((each) =>
      filesBeside(['trading'], each),
    );
    assert.deepEqual(one, other);
  });

  it('need no cluster and no AWS, and make nothing in either', () => {
    assert.deepEqual(
      run.recorder.registrations.filter((each) => /kubernetes|aws/u.test(each.type)),
      [],
    );
    assert.deepEqual(run.recorder.calls, ['hummingbot:index:getSops']);
  });

  it('are not written for a group that somebody else writes', async () => {
    const values = new Map([...canaries].filter(([key]) => !keysOf('trading').includes(key)));
    const settings = { targets: ['sops'], recipients, image: ids.image };
    const groups = { trading: { source: 'external' } };
    const { recorder } = await runProgram('prod', false, values, new Recorder(), {
      ...settings,
      groups,
    });
    assert.deepEqual(
      recorder
        .of(type)
        .map(({ name }) => name)
        .toSorted(),
      ['infrastructure-document', 'monitoring-document'],
    );
  });

  it('are no list for KSOPS when all groups are written by somebody else', () => {
    const files = new Map(filesBeside([], recipients));
    assert.deepEqual([...files.keys()].includes('argocd/ksops.yaml'), false);
    const { resources, generators } = parse(files.get('argocd/kustomization.yaml') ?? '');
    assert.deepEqual([resources, generators], [['../manifests'], undefined]);
  });

  it('are refused in one line when there is no sops, before anything is registered', async () => {
    const reason = 'sops: got no sops on the PATH; allowed: sops 3.10.0 or newer; fix: install it';
    const answer = new Error(`invocation of hummingbot:index:getSops returned an error: ${reason}`);
    const recorder = new Recorder('seed', { 'hummingbot:index:getSops': answer });
    await assert.rejects(written({}, recorder), (error: Error) => {
      assert.equal(error.message, `${reason}; nothing was changed`);
      return true;
    });
    assert.deepEqual(recorder.registrations, []);
  });

  it('share their namespace with no other target that feeds one', async () => {
    await assert.rejects(
      written({ targets: ['kubernetes', 'sops'] }),
      /targets: got kubernetes and sops, which both own the namespace; allowed: one of them; fix: /u,
    );
  });

  it('stand beside file targets, with the same tags', async () => {
    const both = await written({ targets: ['compose', 'sops'] });
    assert.deepEqual(Object.keys(both.delivered), ['compose', 'sops']);
    assert.equal(
      manifestOf(both, 'trading').metadata.annotations['hummingbot-secrets/tag'],
      both.tags.trading?.group,
    );
  });
});
