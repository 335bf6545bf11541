/**
 * Random values through the targets of a cluster on a rehearsal's servers: delivered by the product's
 * components (test/e2e/values-program), and hashed in a pod that mounts and refers to them as the bot's
 * init container does, as files and as variables.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { V1PodSpec } from '@kubernetes/client-node';
import { type GroupName, groupNames } from '../../components/catalog.ts';
import { awsRules } from '../../components/delivery/aws-rules.ts';
import { kubernetes } from '../../components/delivery/kubernetes-secret.ts';
import { findCli } from '../../operations/engine/cli.ts';
import { pythonOfBot } from '../../rehearsal/images/hummingbot.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { randomValues } from '../random-values.ts';
import { type Digests, type Outcome, Sorted } from '../values-fuzz.ts';
import type { Result } from './checkout.ts';
import type { RehearsedStack } from './rehearsed-stack.ts';

export const clusterTargets = ['kubernetes', 'aws-secrets-manager'] as const;
export type ClusterTargetName = (typeof clusterTargets)[number];
const rules = { kubernetes, 'aws-secrets-manager': awsRules } as const;

/** What is drawn. */
export interface Draw {
  readonly seed: number;
  readonly count: number;
}

/** What the program is told. */
export interface GivenToProgram extends Draw {
  readonly account: string;
  readonly issuer: string;
  readonly context: string;
  readonly image: string;
}

/** The values of a draw, as both targets see them: they are given the same groups. */
export function valuesOf({ seed, count }: Draw, target: ClusterTargetName = 'kubernetes'): Sorted {
  return new Sorted(randomValues(seed, count), rules[target].refuses);
}

/** Keys by group, with the place of their value. */
export function groupedKeys(
  count: number,
): ReadonlyMap<GroupName, readonly (readonly [key: string, at: number])[]> {
  const keys = Array.from({ length: count }, (_, at) => [`v${at}`, at] as const);
  return Map.groupBy(keys, ([, at]) => groupNames[at % groupNames.length] as GroupName);
}

const programFolder = 'test/e2e/values-program';

export class ValuesInCluster {
  readonly #stack: RehearsedStack;
  readonly #account: string;
  #serial = 0;

  private constructor(stack: RehearsedStack, account: string) {
    this.#stack = stack;
    this.#account = account;
  }

  /** On a stack with both systems that is up. */
  static async start(stack: RehearsedStack): Promise<ValuesInCluster> {
    const account = /:(\d{12}):/u.exec(JSON.stringify(stack.environment))?.[1] ?? '123456789012';
    const values = new ValuesInCluster(stack, account);
    mkdirSync(values.#state, { recursive: true });
    await values.#pulumi(['stack', 'init', 'values']);
    return values;
  }

  get #state(): string {
    return join(this.#stack.checkout.temporary, 'values-state');
  }

  /** The engine itself, with the plugins of the rehearsal and as the cluster's administrator. */
  async #pulumi(words: readonly string[], draw?: Draw): Promise<Result> {
    const stack = this.#stack;
    const { cluster, checkout } = stack;
    const { bin } = await findCli(false);
    const { issuer, context, image = '' } = cluster;
    const given = { account: this.#account, issuer, context, image, ...draw };
    const env = {
      ...stack.environment,
      PATH: `${bin}:${process.env.PATH}`,
      PULUMI_HOME: join(stack.folder, 'workspace', 'pulumi'),
      PULUMI_BACKEND_URL: `file://${this.#state}`,
      PULUMI_CONFIG_PASSPHRASE: 'values',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      KUBECONFIG: cluster.adminKubeconfig,
      VALUES_PROGRAM: JSON.stringify(given),
    };
    const all = [...words, '--cwd', checkout.path(programFolder), '--non-interactive'];
    const result = await checkout.run('pulumi', all, { env });
    assert.equal(result.code, 0, `${result.stdout.slice(-3000)}${result.stderr.slice(-3000)}`);
    return result;
  }

  /** Delivers a draw by both targets, and reads it in a pod of each. */
  async carry(draw: Draw): Promise<ReadonlyMap<ClusterTargetName, Outcome>> {
    for (const target of clusterTargets) this.#checkSizes(draw, target);
    const flags = ['--yes', '--skip-preview', '--suppress-outputs'];
    await this.#pulumi(['up', ...flags], draw);
    const { stdout } = await this.#pulumi(['stack', 'output', '--json'], draw);
    const { pods } = JSON.parse(stdout) as { pods: Record<ClusterTargetName, V1PodSpec> };
    this.#serial += 1;
    const outcomes = await Promise.all(
      clusterTargets.map(async (target) => {
        const sorted = valuesOf(draw, target);
        const reads = await this.#read(target, pods[target], sorted.all.length);
        return [target, sorted.outcome(reads)] as const;
      }),
    );
    return new Map(outcomes);
  }

  /** That a group is refused as a whole is another test's; here none is. */
  #checkSizes(draw: Draw, target: ClusterTargetName): void {
    const values = valuesOf(draw, target).all;
    const rule = rules[target];
    for (const [name, keys] of groupedKeys(values.length)) {
      const group = new Map(keys.map(([key, at]) => [key, values[at] ?? '']));
      const refusal = 'refusesGroup' in rule ? rule.refusesGroup?.(group) : undefined;
      assert.equal(refusal, undefined, `${name}: draw fewer values at once`);
    }
  }

  /** What a pod says that it sees. */
  async #read(
    target: ClusterTargetName,
    spec: V1PodSpec,
    count: number,
  ): Promise<ReadonlyMap<string, Digests>> {
    const { core } = this.#stack.access;
    const namespace = `values-${target}`;
    const name = `digests-${this.#serial}`;
    const [container] = spec.containers;
    assert.ok(container !== undefined);
    const command = [pythonOfBot, '/etc/hummingbot/digests.py'];
    const body = {
      metadata: { name },
      spec: { ...spec, containers: [{ ...container, command }] },
    };
    await core.createNamespacedPod({ namespace, body });
    let phase: string | undefined;
    const ended = await eventually(120, async () => {
      ({ phase } = (await core.readNamespacedPod({ namespace, name })).status ?? {});
      return phase === 'Succeeded' || phase === 'Failed';
    });
    assert.ok(ended && phase === 'Succeeded', `the pod of ${target}: ${phase}`);
    const log = await core.readNamespacedPodLog({ namespace, name });
    assert.match(log, /^end$/mu, 'its whole log');
    await core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 });
    const seen = new Map(
      log.split('\n').map((line) => {
        const [kind = '', key = '', digest] = line.split(' ');
        return [`${kind} ${key.toLowerCase()}`, digest] as const;
      }),
    );
    const digests = (kind: string): Digests =>
      Array.from({ length: count }, (_, at) => seen.get(`${kind} v${at}`));
    return new Map(['file', 'variable'].map((kind) => [kind, digests(kind)]));
  }

  /** Takes what git would see out of the checkout; the servers end with the rehearsal. */
  end(): void {
    rmSync(this.#stack.checkout.path(join(programFolder, 'Pulumi.values.yaml')), { force: true });
  }
}
