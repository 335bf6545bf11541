/**
 * `npm run bench -- cluster [--write]`: what a stack in a cluster costs, on the real servers of a
 * rehearsal, beside tools that do a part of it; what it asks of AWS; what its state keeps of values.
 * Linux and root. Rounds alternate; quote the ratios.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keysOf, type SecretKey } from '../../components/catalog.ts';
import { startProgress } from '../../operations/engine/progress.ts';
import { type AwsRequest, readRequests } from '../../rehearsal/servers/aws-requests.ts';
import { leaks, makeCanary } from '../canary.ts';
import { ApiFaultProxy } from '../e2e/api-fault-proxy.ts';
import { Checkout } from '../e2e/checkout.ts';
import { RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { hoursAMonth, type Month, monthOf, prices } from './dollars.ts';
import { median } from './median.ts';
import type { Part } from './part.ts';
import { copiesOf, type Kept } from './state.ts';
import { hasTerraform, type Manifest, Terraform, terraformKinds } from './terraform.ts';
import { timed } from './timed.ts';

const rounds = 5;
const coldRounds = 3;
const idleSeconds = 30;
/** The operator answers an annotation within a second or two. */
const refreshSeconds = 15;
const maxNoOp = 1.5;
const maxToTerraform = 1;
const maxCopies = 3;
const maxSecretDollars = 1.2;
/** A shorter value may stand anywhere by chance. */
const shortestLeak = 12;

interface Exported {
  readonly deployment: {
    readonly resources: readonly {
      readonly type: string;
      readonly outputs?: { readonly kind?: string; readonly metadata?: { readonly name?: string } };
    }[];
  };
}

/** Seconds of each round, by what was done. */
class Times {
  readonly #seconds = new Map<string, number[]>();

  add(what: string, seconds: number): void {
    this.#seconds.set(what, [...this.of(what), seconds]);
    console.error(`  ${what}: ${seconds.toFixed(1)} s`);
  }

  of(what: string): readonly number[] {
    return this.#seconds.get(what) ?? [];
  }

  /** Median of the ratios round by round. */
  ratio(what: string, to: string): number {
    const others = this.of(to);
    return median(this.of(what).map((seconds, at) => seconds / (others[at] ?? Number.NaN)));
  }

  rows(): readonly string[] {
    return [...this.#seconds].map(([what, seconds]) => {
      const spread = `${Math.min(...seconds).toFixed(1)} to ${Math.max(...seconds).toFixed(1)}`;
      return `| ${what} | ${seconds.length} | ${median(seconds).toFixed(1)} | ${spread} |`;
    });
  }
}

const noOp = '`up --skip-preview`, nothing to do';
const floorNoOp = 'preview of a program with the same imports and plugins, nothing to do';
const delayMilliseconds = 100;
const isFar = `, ${delayMilliseconds} ms to each answer of the API server`;
const nothing = '`up` of a program without an object';
const terraformNothing = '`terraform apply` without an object';
const partCold = '`up` of the part that terraform can do, cold';
const partNoOp = '`up` of that part, nothing to do';
const terraformCold = '`terraform apply` of that part, cold';
const terraformNoOp = '`terraform apply` of that part, nothing to do';
const partFar = partCold + isFar;
const partFarNoOp = partNoOp + isFar;
const terraformFar = terraformCold + isFar;
const terraformFarNoOp = terraformNoOp + isFar;

/** `npm run pulumi -- WORDS --stack prod`, without npm. @returns seconds */
async function pulumi(
  checkout: Checkout,
  environment: NodeJS.ProcessEnv,
  words: readonly string[],
): Promise<number> {
  const args = ['--require', './runtime-check.cjs', 'operations/pulumi.ts', ...words];
  const env = checkout.environment(environment);
  const options = { cwd: checkout.directory, env };
  return await timed(process.execPath, [...args, '--stack', 'prod'], options);
}

/** Another program with the rehearsal's home, settings and servers, and a state of its own. */
function beside(stack: RehearsedStack, program: string): Checkout {
  const checkout = new Checkout();
  cpSync(join(import.meta.dirname, 'programs', program), checkout.path('index.ts'));
  const workspace = '.local/rehearsal/prod/workspace';
  cpSync(stack.checkout.path(workspace), checkout.path(workspace), {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const own of ['state', 'turns']) {
    rmSync(checkout.path(join(workspace, own)), { recursive: true, force: true });
  }
  return checkout;
}

export async function measureCluster(): Promise<Part> {
  const stack = new RehearsedStack('prod');
  // So that it can be destroyed between two rounds.
  stack.commit('protect', false);
  const others: Checkout[] = [];
  try {
    await stack.start();
    return await measure(stack, (program) => {
      const other = beside(stack, program);
      others.push(other);
      return other;
    });
  } finally {
    for (const other of others) other.remove();
    await stack.end();
  }
}

async function measure(
  stack: RehearsedStack,
  besides: (program: string) => Checkout,
): Promise<Part> {
  const { environment } = stack;
  const times = new Times();
  const progress = startProgress('a stack in a cluster', 'about 10 minutes');
  const ours = async (...words: readonly string[]): Promise<number> =>
    await pulumi(stack.checkout, environment, words);
  const up = async (): Promise<number> => await ours('up', '--yes', '--skip-preview');
  const calls = new Map<string, readonly AwsRequest[]>();
  const requests = (): readonly AwsRequest[] =>
    readRequests(join(stack.folder, 'logs', 'aws-requests.jsonl'));
  const counted = async (what: string, work: () => Promise<number>): Promise<number> => {
    const before = requests().length;
    const result = await work();
    calls.set(what, requests().slice(before));
    return result;
  };

  const floor = besides('imports-cluster.ts');
  await pulumi(floor, environment, ['up', '--yes', '--skip-preview']);
  const floorPreview = async (): Promise<number> => await pulumi(floor, environment, ['preview']);
  await up();
  await floorPreview();
  for (let round = 0; round < rounds; round++) {
    times.add(noOp, await counted('no-op `up`', up));
    times.add(floorNoOp, await floorPreview());
  }
  progress.at(0.2);

  // The graph before a change of one key of the bot and after, for tools that await nothing.
  const before = await rendered(stack);
  const change = async (key: SecretKey, whose: string): Promise<void> => {
    await stack.set(key, makeCanary('bench'));
    times.add(`\`up\` after a change of ${whose}`, await counted(`change of ${whose}`, up));
  };
  for (let round = 0; round < coldRounds; round++)
    await change('kraken_api_key', "a key of the bot's");
  const after = await rendered(stack);
  await change('grafana_api_key', 'a key that no bot uses');
  progress.at(0.4);

  const idle = requests().length;
  await sleep(idleSeconds * 1000);
  calls.set(`${idleSeconds} s of nothing`, requests().slice(idle));
  const refresh = await refreshed(stack, requests);
  calls.set(`${refresh.periodic} groups read again`, refresh.calls);
  const { kept, total, leaked } = await stateOf(stack);
  progress.at(0.5);

  // The same objects by kubectl, in a namespace of their own.
  const changed = after.filter((each) => !before.some((one) => same(each, one)));
  for (let round = 0; round < coldRounds; round++) {
    const apply = async (objects: readonly Manifest[]): Promise<number> =>
      await kubectl(stack, 'bench-kubectl', objects);
    times.add(
      '`kubectl apply --server-side` of the same objects, nothing awaited, cold',
      await apply(before),
    );
    times.add('`kubectl apply --server-side`, nothing to do', await apply(before));
    times.add(
      "`kubectl apply --server-side` after the change of a key of the bot's",
      await apply(after),
    );
    await forget(stack, 'bench-kubectl');
  }
  progress.at(0.6);

  const part = partOf(before);
  const changedOfPart = partOf(after).filter((each) => !part.some((one) => same(each, one)));
  const withTerraform = hasTerraform();
  if (withTerraform) await besideTerraform(stack, part, besides, times);
  else console.error('terraform: not on PATH; left out');
  progress.at(0.7);

  // With a prefix of its own each time: a deleted secret's name is blocked for days.
  for (let round = 0; round < coldRounds; round++) {
    await ours('destroy', '--yes');
    await ours('config', 'set', 'prefix', `bench-${round}`);
    times.add('cold `up`, until the bot has logged in', await counted('cold `up`', up));
    progress.at(0.7 + (0.3 * (round + 1)) / coldRounds);
  }
  progress.succeed('a stack in a cluster');

  const made = (action: string): number =>
    (calls.get('cold `up`') ?? []).filter((each) => each.action === action).length;
  const callsARefresh = secretsManager(refresh.calls) / Math.max(refresh.periodic, 1);
  const month = monthOf({
    secrets: made('secretsmanager.CreateSecret'),
    keys: made('kms.CreateKey'),
    periodic: refresh.periodic,
    callsARefresh,
  });
  const noOpRatio = times.ratio(noOp, floorNoOp);
  const toTerraform = times.ratio(partCold, terraformCold);
  const addedFar = added(times, partFar, nothing) / added(times, terraformFar, terraformNothing);
  const most = Math.max(...kept.map(({ copies }) => copies));
  const lines = [
    '## Time',
    '',
    'The stack prod, whole, on one machine with its servers and with the rehearsal plugins.',
    '',
    '| what | rounds | median s | min to max s |',
    '| --- | --- | --- | --- |',
    ...times.rows(),
    '',
    `A no-op \`up\` is ${noOpRatio.toFixed(2)} times the preview of the same imports and plugins (at most ${maxNoOp}).`,
    `kubectl applies ${before.length} objects, of which the change touches ${changed.length}.`,
    ...(withTerraform
      ? [
          `Terraform and its provider for Kubernetes 1.13.4 (2021) know ${part.length} of them: ${terraformKinds.join(', ')}.`,
          `The change touches ${changedOfPart.length} of these, so terraform has no round for it. Of that part, a cold \`up\` is`,
          `${toTerraform.toFixed(2)} times \`terraform apply\` (${maxToTerraform} cannot be had: see the floor below), a no-op ${times.ratio(partNoOp, terraformNoOp).toFixed(2)} times.`,
          `Without an object an \`up\` takes ${median(times.of(nothing)).toFixed(1)} s, of the command, the engine and the program's Node, and terraform ${median(times.of(terraformNothing)).toFixed(1)} s:`,
          `what the objects add is ${added(times, partCold, nothing).toFixed(1)} s and ${added(times, terraformCold, terraformNothing).toFixed(1)} s. On the way of ${delayMilliseconds} ms the whole is`,
          `${times.ratio(partFar, terraformFar).toFixed(2)} times terraform's, a no-op ${times.ratio(partFarNoOp, terraformFarNoOp).toFixed(2)} times, and the objects add ${added(times, partFar, nothing).toFixed(1)} s and ${added(times, terraformFar, terraformNothing).toFixed(1)} s: ${addedFar.toFixed(2)} times (at most ${maxToTerraform}).`,
        ]
      : ['terraform was not on PATH: left out.']),
    '',
    '## Calls to AWS',
    '',
    ...callsTable(calls),
    '',
    ...costTable(month, refresh.periodic, callsARefresh),
    '',
    '## What the state keeps',
    '',
    `The state is ${total} bytes for ${kept.length} values: ${(total / kept.length).toFixed(0)} bytes a value, with all that is not a value.`,
    'A ciphertext of a group holds its other values too.',
    '',
    '| value | ciphertexts that hold it | their bytes | in resources of type |',
    '| --- | --- | --- | --- |',
    ...kept.map(
      ({ key, copies, bytes, where }) => `| ${key} | ${copies} | ${bytes} | ${where.join(', ')} |`,
    ),
    '',
  ];
  const shown = leaked(lines.join('\n'));
  if (shown.length > 0) throw new Error(`the page shows values: ${shown.join(', ')}`);
  const blind = kept.filter(({ copies }) => copies === 0).map(({ key }) => key);
  return {
    lines,
    over: [
      ...(noOpRatio <= maxNoOp ? [] : [`no-op ratio ${noOpRatio.toFixed(2)} (at most ${maxNoOp})`]),
      ...(!withTerraform || addedFar <= maxToTerraform
        ? []
        : [`what objects add, to terraform's: ${addedFar.toFixed(2)} (at most ${maxToTerraform})`]),
      ...(most <= maxCopies ? [] : [`${most} ciphertexts of a value (at most ${maxCopies})`]),
      ...(month.secrets <= maxSecretDollars + 1e-9
        ? []
        : [`$${month.secrets.toFixed(2)} of secrets`]),
      ...(blind.length === 0
        ? []
        : [`no ciphertext found of ${blind.join(', ')}: the search is blind`]),
    ],
  };
}

/**
 * The same part by both, in turn; each makes a namespace of its own. Once on servers of this machine,
 * and once with a way to the API server that takes time.
 */
async function besideTerraform(
  stack: RehearsedStack,
  part: readonly Manifest[],
  besides: (program: string) => Checkout,
  times: Times,
): Promise<void> {
  const checkout = besides('graph.ts');
  const graph = join(checkout.temporary, 'graph.json');
  const terraform = await Terraform.open(
    join(stack.checkout.temporary, 'terraform'),
    stack.checkout.environment(stack.environment),
  );
  const environment: NodeJS.ProcessEnv = { ...stack.environment, BENCH_GRAPH: graph };
  const { KUBECONFIG: near = '' } = environment;
  const proxy = await ApiFaultProxy.start(stack.folder, stack.cluster.server);
  proxy.break({ does: 'delay', milliseconds: delayMilliseconds });
  const far = proxy.writeKubeconfig(near, join(stack.checkout.temporary, 'far'));
  const round = async (
    manifests: readonly Manifest[],
    kubeconfig: string,
    names: readonly [cold: string, again: string],
    others: readonly [cold: string, again: string],
  ): Promise<void> => {
    const words = ['up', '--yes', '--skip-preview'];
    const env = { ...environment, KUBECONFIG: kubeconfig };
    writeFileSync(graph, JSON.stringify(manifests.map((each) => moved(each, 'bench-pulumi'))));
    terraform.write(
      manifests.map((each) => moved(each, 'bench-terraform')),
      kubeconfig,
    );
    for (const at of [0, 1] as const) {
      times.add(names[at], await pulumi(checkout, env, words));
      times.add(others[at], await terraform.apply());
    }
    await pulumi(checkout, environment, ['destroy', '--yes']);
    await terraform.destroy();
  };
  try {
    for (let at = 0; at < coldRounds; at++) {
      await round(part, near, [partCold, partNoOp], [terraformCold, terraformNoOp]);
      await round([], near, [nothing, nothing], [terraformNothing, terraformNothing]);
      await round(part, far, [partFar, partFarNoOp], [terraformFar, terraformFarNoOp]);
    }
  } finally {
    await proxy.stop();
  }
}

/** Seconds of a cold run that are not the tool's own. */
function added(times: Times, cold: string, bare: string): number {
  return median(times.of(cold)) - median(times.of(bare));
}

function callsTable(calls: ReadonlyMap<string, readonly AwsRequest[]>): readonly string[] {
  return [
    '| what | calls | of them |',
    '| --- | --- | --- |',
    ...[...calls].map(([what, list]) => {
      const by = new Map<string, number>();
      for (const { action } of list) by.set(action, (by.get(action) ?? 0) + 1);
      const parts = [...by].sort(([, a], [, b]) => b - a).map(([name, n]) => `${n} ${name}`);
      return `| ${what} | ${list.length} | ${parts.join(', ')} |`;
    }),
  ];
}

function costTable(month: Month, periodic: number, callsARefresh: number): readonly string[] {
  return [
    `A month of one bot. Counted: secrets and keys that a cold \`up\` made, and ${callsARefresh.toFixed(1)} calls to Secrets Manager`,
    `for each of ${periodic} groups that are read again, times ${hoursAMonth} hours; not measured: one decryption by KMS for each.`,
    'List prices of us-east-1 (https://aws.amazon.com/secrets-manager/pricing/, https://aws.amazon.com/kms/pricing/), as',
    `written down in November 2026: $${prices.secretMonth} a secret, $${prices.calls10k} for 10,000 calls, $${prices.keyMonth} a key, $${prices.kms10k} for 10,000 of its uses.`,
    '',
    '| part | dollars a month |',
    '| --- | --- |',
    `| secrets | ${month.secrets.toFixed(2)} |`,
    `| reading: ${month.calls.toFixed(0)} calls | ${month.reading.toFixed(3)} |`,
    `| the stack's key, whatever the number of its bots | ${month.keys.toFixed(2)} |`,
  ];
}

function secretsManager(list: readonly AwsRequest[]): number {
  return list.filter(({ action }) => action.startsWith('secretsmanager.')).length;
}

/** Has the operator read each group again that it reads every hour. */
async function refreshed(
  stack: RehearsedStack,
  requests: () => readonly AwsRequest[],
): Promise<{ readonly periodic: number; readonly calls: readonly AwsRequest[] }> {
  const { code, stdout, stderr } = await stack.kubectl('get', 'externalsecrets', '-o', 'json');
  if (code !== 0) throw new Error(stderr);
  const { items } = JSON.parse(stdout) as {
    readonly items: readonly (Manifest & { readonly spec: { readonly refreshPolicy?: string } })[];
  };
  const names = items
    .filter(({ spec }) => spec.refreshPolicy !== 'OnChange')
    .map(({ metadata }) => metadata.name);
  const before = requests().length;
  for (const name of names) {
    const words = ['annotate', 'externalsecret', name, 'bench=refresh', '--overwrite'];
    const annotated = await stack.kubectl(...words);
    if (annotated.code !== 0) throw new Error(annotated.stderr);
  }
  await sleep(refreshSeconds * 1000);
  return { periodic: names.length, calls: requests().slice(before) };
}

interface State {
  readonly kept: readonly (Kept & { readonly key: SecretKey })[];
  /** Bytes of the whole state. */
  readonly total: number;
  /** What of the values stands in a text. */
  readonly leaked: (text: string) => readonly string[];
}

async function stateOf(stack: RehearsedStack): Promise<State> {
  const { stdout: exported } = await stack.pulumi(['stack', 'export']);
  const { stdout } = await stack.pulumi(['stack', 'export', '--show-secrets']);
  stack.checkout.forget(stdout);
  const values = await stack.values();
  const keys = [...keysOf('trading'), ...keysOf('infrastructure'), ...keysOf('monitoring')];
  const canaries = new Map([...values].filter(([, value]) => value.length >= shortestLeak));
  return {
    kept: keys
      .filter((key) => values.has(key))
      .map((key) => ({ key, ...copiesOf(stdout, exported, values.get(key) ?? '') })),
    total: Buffer.byteLength(JSON.stringify(JSON.parse(exported))),
    leaked: (text) => leaks(text, canaries),
  };
}

/** The stack's objects as the cluster has them, the namespace first; values are in none of them. */
async function rendered(stack: RehearsedStack): Promise<readonly Manifest[]> {
  const { stdout } = await stack.pulumi(['stack', 'export']);
  const { deployment } = JSON.parse(stdout) as Exported;
  const named = deployment.resources
    .filter(({ type }) => type.startsWith('kubernetes:'))
    .flatMap(({ outputs }) =>
      outputs?.kind ? [[outputs.kind, outputs.metadata?.name ?? ''] as const] : [],
    );
  const objects: Manifest[] = [];
  for (const [kind, name] of named) {
    // A Secret is what the operator makes of another object.
    if (kind === 'Secret') continue;
    const { code, stdout: text, stderr } = await stack.kubectl('get', kind, name, '-o', 'json');
    if (code !== 0) throw new Error(stderr);
    objects.push(moved(JSON.parse(text) as Manifest, 'bench'));
  }
  return objects.sort((a, b) => Number(b.kind === 'Namespace') - Number(a.kind === 'Namespace'));
}

/** As somebody would write it for another namespace: without what only a server may say. */
function moved(object: Manifest, namespace: string): Manifest {
  const { status: _, metadata, ...rest } = object;
  const written = (map: unknown): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(map ?? {}).filter(
        ([name]) =>
          !/^(?:kubernetes\.io\/metadata|pulumi\.com|(?:deployment|kubectl)\.kubernetes)/u.test(
            name,
          ),
      ),
    );
  const isNamespace = object.kind === 'Namespace';
  const place = isNamespace ? { name: namespace } : { name: metadata.name, namespace };
  const labels = written(metadata.labels);
  const annotations = written(metadata.annotations);
  const body: Record<string, unknown> = structuredClone(rest);
  if (isNamespace) delete body.spec;
  if (body.spec !== undefined) delete (body.spec as Record<string, unknown>).volumeName;
  return { ...body, kind: object.kind, metadata: { ...place, labels, annotations } };
}

function partOf(objects: readonly Manifest[]): readonly Manifest[] {
  return objects
    .filter(({ kind }) => terraformKinds.some((each) => each === kind))
    .map(({ immutable: _, ...object }) => object as Manifest);
}

function same(one: Manifest, other: Manifest): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** @returns seconds */
async function kubectl(
  stack: RehearsedStack,
  namespace: string,
  objects: readonly Manifest[],
): Promise<number> {
  const folder = join(stack.checkout.temporary, 'graph');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [at, object] of objects.entries()) {
    const file = `${String(at).padStart(2, '0')}.json`;
    writeFileSync(join(folder, file), JSON.stringify(moved(object, namespace)));
  }
  const env = stack.checkout.environment(stack.environment);
  return await timed('kubectl', ['apply', '--server-side', '-f', folder], { env });
}

async function forget(stack: RehearsedStack, namespace: string): Promise<void> {
  const { code, stderr } = await stack.kubectl('delete', 'namespace', namespace, '--wait=true');
  if (code !== 0) throw new Error(stderr);
}
