/** Our own program, whole, as the policies see it: every stack, every example and every target. */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { keysOf, type SecretKey } from '../../components/catalog.ts';
import { secretMark, signature } from '../../plugins/resource-handler.ts';
import type { Context } from '../../policies/context.ts';
import type { Resource } from '../../policies/resource.ts';
import type { Fields } from '../../policies/sight/fields.ts';
import { KnownValues } from '../../policies/values.ts';
import { canaryValues } from '../canary-values.ts';
import { ids, project, runProgram, type Stack, vaultIds } from '../program-run.ts';
import { mocked, Recorder } from '../recorder.ts';

export interface PolicedStack {
  readonly name: string;
  readonly stack: Stack;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Group that somebody else writes. */
  readonly without?: 'trading';
}

const age = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj';
const swarm = {
  targets: ['swarm'],
  swarmId: mocked.swarm,
  swarmNode: 'abcdefghijklmnopqrstuvwxy',
  image: ids.image,
};
const sealed = { targets: ['sealed-secrets'], certificateFingerprint: mocked.fingerprint };

/** What the examples leave to their user, by file. */
const completions: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'Pulumi.gitops.yaml': { recipients: [age], image: ids.image },
  'Pulumi.sealed-secrets.yaml': { ...sealed, image: ids.image },
  'Pulumi.swarm.yaml': swarm,
  'Pulumi.vault.yaml': vaultIds,
};

/** The settings of an example, which is a stack file of prod. */
function exampleSettings(file: string): Readonly<Record<string, unknown>> {
  const { config } = parse(readFileSync(`examples/${file}`, 'utf8')) as { config: object };
  const given = Object.entries(config).map(([name, value]) => [
    name.replace(`${project}:`, ''),
    value as unknown,
  ]);
  return { ...Object.fromEntries(given), ...completions[file] };
}

const ofProd = (name: string, settings: object, more: object = {}): PolicedStack => ({
  name,
  stack: 'prod',
  settings: { ...ids, ...settings },
  ...more,
});

export const exampleFiles = readdirSync('examples').filter((name) =>
  /^Pulumi\..*\.yaml$/u.test(name),
);

export const policedStacks: readonly PolicedStack[] = [
  { name: 'dev', stack: 'dev', settings: {} },
  { name: 'staging', stack: 'staging', settings: ids },
  ofProd('prod', {}),
  ...exampleFiles.map((file) => ({
    name: `example ${file}`,
    stack: 'prod' as const,
    settings: exampleSettings(file),
  })),
  ofProd('native Secrets', { targets: ['kubernetes'] }),
  ofProd('SealedSecrets that are applied', { ...sealed }),
  ofProd('a swarm by its stack file', { ...swarm, swarmDeploy: 'stack' }),
  ofProd('values in the environment', { groups: { trading: { env: 'values' } } }),
  ofProd('readers', { readers: { monitoring: ['ServiceAccount:monitoring/prometheus'] } }),
  ofProd('every group versioned', {
    groups: { infrastructure: { naming: 'versioned' }, monitoring: { naming: 'versioned' } },
  }),
  ofProd('fixed names', { groups: { trading: { naming: 'fixed' } } }),
  ofProd(
    'a group that somebody else writes',
    { groups: { trading: { source: 'external' } } },
    { without: 'trading' },
  ),
];

export interface SeenStack {
  readonly resources: readonly Resource[];
  /** Of the stack, and nothing seen yet. */
  readonly context: () => Context;
  readonly values: ReadonlyMap<SecretKey, string>;
}

const known = new Map<string, Promise<SeenStack>>();

/** Runs the program under mocks, once, with a canary for every value. */
export async function see(policed: PolicedStack, preview = false): Promise<SeenStack> {
  const key = `${policed.name} ${preview}`;
  const seen = known.get(key) ?? run(policed, preview);
  known.set(key, seen);
  return await seen;
}

async function run(policed: PolicedStack, preview: boolean): Promise<SeenStack> {
  const { stack, settings, without } = policed;
  const left = without ? new Set<string>(keysOf(without)) : new Set<string>();
  const values = new Map([...canaryValues()].filter(([key]) => !left.has(key)));
  const recorder = new Recorder();
  await runProgram(stack, preview, values, recorder, { ...settings });
  const resources = recorder.registrations.map(({ type, name, inputs }) => ({
    type,
    name,
    props: revealed(inputs) as Fields,
    protect: recorder.options.get(`${type} ${name}`)?.protect ?? false,
  }));
  const { config } = parse(readFileSync(`Pulumi.${stack}.yaml`, 'utf8')) as {
    config: Record<string, unknown>;
  };
  const context = (): Context => ({
    stack,
    environment: stack,
    protected: config[`${project}:protect`] === true,
    values: new KnownValues(),
  });
  return { resources, context, values };
}

/** Without the marks of secrets, as @pulumi/policy shows them to a rule. */
export function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (value === null || typeof value !== 'object') return value;
  const fields = value as Record<string, unknown>;
  if (fields[signature] === secretMark) return revealed(fields.value);
  return Object.fromEntries(Object.entries(fields).map(([key, each]) => [key, revealed(each)]));
}
