/** Runs index.ts, whole, under Pulumi's mocks, with a stack's own file and a canary for every key. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import { parse } from 'yaml';
import { entryOf, groupNames, type SecretKey } from '../components/catalog.ts';
import { makeCanary } from './canary.ts';
import { mocked, Recorder, settled } from './recorder.ts';

export const project = 'hummingbot-secrets';
export const stacks = ['dev', 'staging', 'prod'] as const;
export type Stack = (typeof stacks)[number];

interface Outputs {
  readonly tags: Record<
    string,
    {
      group: pulumi.Output<string>;
      keys: pulumi.Output<Record<string, string>>;
      rotation?: string;
    }
  >;
  readonly delivered: Record<string, { directory?: string; namespace?: string; next: string }>;
}

export const deployRole = `arn:aws:iam::${mocked.account}:role/ci/${mocked.role}`;
const digest = `sha256:${'0a'.repeat(32)}`;
/** The credential in the kubeconfig. */
export const token = makeCanary('kubeconfig');

/** What prod and staging leave unset, because ids are never invented. */
export const ids = {
  account: mocked.account,
  cluster: mocked.cluster,
  issuer: 'https://oidc.eks.us-east-1.amazonaws.com/id/0A1B2C',
  kubeContext: 'ours',
  deployRoles: [deployRole],
  image: `hummingbot/hummingbot:version-2.16.0@${digest}`,
};

/** The same for a stack that delivers to Vault. */
export const vaultIds = {
  targets: ['vault'],
  vaultAddress: 'https://vault.example.org:8200',
  vaultId: mocked.vault,
  cluster: mocked.cluster,
  kubeContext: 'ours',
  image: ids.image,
};

const kubeconfig = JSON.stringify({
  contexts: [
    { name: 'theirs', context: { cluster: 'other', user: 'other' } },
    { name: 'ours', context: { cluster: 'c', user: 'u' } },
  ],
  clusters: [
    { name: 'other', cluster: { server: 'https://other.invalid' } },
    { name: 'c', cluster: { server: 'https://cluster.invalid', 'certificate-authority': 'ca' } },
  ],
  users: [
    { name: 'other', user: { token: 'of-another-cluster' } },
    { name: 'u', user: { token } },
  ],
});

let runs = 0;

/** Runs index.ts as `pulumi up` would, with the stack's own file and a canary for every key. */
export async function runProgram(
  stack: Stack,
  preview: boolean,
  values: ReadonlyMap<SecretKey, string>,
  recorder = new Recorder(),
  settings: Record<string, unknown> = stack === 'dev' ? {} : ids,
) {
  const directory = mkdtempSync(join(tmpdir(), 'program-'));
  try {
    const defaults = parse(readFileSync('Pulumi.yaml', 'utf8')).config as Record<
      string,
      { default: unknown }
    >;
    const file = parse(readFileSync(`Pulumi.${stack}.yaml`, 'utf8')) as { config: object };
    // Values of whoever has a backend of their own stand in it, encrypted.
    const config = Object.fromEntries(
      Object.entries(file.config).filter(
        ([name]) => !groupNames.some((group) => name === `${project}:${group}`),
      ),
    );
    const maps: Record<string, Record<string, string>> = {};
    for (const [key, value] of values) {
      const { group } = entryOf(key);
      maps[group] = { ...maps[group], [key]: value };
    }
    const encrypted = Object.entries(maps).map(([group, map]) => [
      `${project}:${group}`,
      Object.fromEntries(Object.keys(map).map((key) => [key, { secure: 'v1:x:y' }])),
    ]);
    const path = join(directory, `Pulumi.${stack}.yaml`);
    writeFileSync(
      path,
      JSON.stringify({ config: { ...config, ...Object.fromEntries(encrypted) } }),
    );
    writeFileSync(join(directory, 'kubeconfig'), kubeconfig);
    process.env.KUBECONFIG = join(directory, 'kubeconfig');
    const whole = {
      ...Object.fromEntries(
        Object.entries(defaults).map(([name, v]) => [`${project}:${name}`, v.default]),
      ),
      ...config,
      ...Object.fromEntries(
        Object.entries(settings).map(([name, value]) => [`${project}:${name}`, value]),
      ),
      ...Object.fromEntries(
        Object.entries(maps).map(([group, map]) => [`${project}:${group}`, map]),
      ),
    };
    const text = Object.entries(whole).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    pulumi.runtime.setAllConfig(
      Object.fromEntries(text),
      Object.keys(maps).map((group) => `${project}:${group}`),
    );
    recorder.install(project, stack, preview);
    process.env.PULUMI_OPTION_CONFIG_FILE = path;
    const outputs = (await import(`../index.ts?run=${runs++}`)) as Outputs;
    const tags = Object.fromEntries(
      await Promise.all(
        Object.entries(outputs.tags).map(async ([group, { group: tag, keys, rotation }]) => {
          assert.equal(await pulumi.isSecret(tag), false);
          assert.equal(await pulumi.isSecret(keys), false);
          const shown = { group: await settled(tag), keys: await settled(keys) };
          return [group, { ...shown, ...(rotation && { rotation }) }] as const;
        }),
      ),
    );
    await quiet(recorder);
    return { recorder, tags, delivered: outputs.delivered };
  } finally {
    delete process.env.PULUMI_OPTION_CONFIG_FILE;
    delete process.env.KUBECONFIG;
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Registrations come one after another; done is when none has come for a while. */
async function quiet(recorder: Recorder): Promise<void> {
  for (let seen = -1; seen !== recorder.registrations.length; ) {
    seen = recorder.registrations.length;
    await new Promise((settle) => setTimeout(settle, 30));
  }
}

export type Run = Awaited<ReturnType<typeof runProgram>>;
