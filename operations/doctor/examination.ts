/** Asks everything that knows something of a stack, and brings the facts together. It changes nothing. */
import { isAbsolute, join } from 'node:path';
import type { SecretKey } from '../../components/catalog.ts';
import { targetNames, targetOf } from '../../components/delivery/targets.ts';
import { DockerApi } from '../../plugins/docker-api.ts';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { pulumiCommand } from '../../settings/mistake.ts';
import type { Engine } from '../engine/engine.ts';
import { type Outputs, outputsOf, type Where } from '../engine/stack-outputs.ts';
import { projectDirectory } from '../engine/workspace.ts';
import { lookAtSynced, lookAtWritten } from './cluster.ts';
import type { Config } from './config.ts';
import {
  dockerHostOf,
  kubeconfigOf,
  kubectlOf,
  openCluster,
  openSwarm,
  silentCluster,
  silentSwarm,
  unknownCluster,
} from './connections.ts';
import { askContainer, isCompose, runIn } from './container.ts';
import { tagKeyOf, withDrift } from './drift.ts';
import {
  type BotFacts,
  type Delivered,
  type Facts,
  type Finding,
  isOfBot,
  type KeyFacts,
  problem,
} from './facts.ts';
import { lookAtFiles } from './files.ts';
import { lookAtManifests } from './manifests.ts';
import { askPod, executeIn } from './pod.ts';
import { askTask, lookAtSwarm } from './swarm.ts';
import { judge, listed } from './values.ts';

const shortestSearched = 16;

/** What is known before anything is asked. */
interface Case {
  readonly engine: Engine;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly keys: readonly KeyFacts[];
  /** Secret. */
  readonly expected: ReadonlyMap<SecretKey, string>;
  readonly outputs: Outputs;
}

export async function examine(engine: Engine, { settings, mistakes }: Config): Promise<Facts> {
  const { stack } = engine;
  const judged = judge(stack, settings, mistakes);
  const { keys, expected } = judged;
  const outputs = await outputsOf(engine);
  const { strategy } = settings;
  const facts = {
    stack,
    keys,
    strategy: typeof strategy === 'string' && strategy !== '' ? strategy : undefined,
  };
  if (outputs === undefined) {
    const fix = `npm start -- --stack ${stack}`;
    const down = problem(`stack ${stack}`, 'not up', 'a stack that is up', fix);
    const deliveries = chosen(settings).map((target) => nothing(target, keys));
    return { ...facts, findings: [...judged.findings, down], deliveries, bot: undefined };
  }
  const known: Case = { engine, settings, keys, expected, outputs };
  const deliveries: Delivered[] = [];
  let bot: BotFacts | undefined;
  for (const target of chosen(settings)) {
    const where = outputs.delivered[target];
    if (where === undefined) {
      const fix = `npm start -- --stack ${stack}`;
      const late = problem(`target ${target}`, 'nothing delivered yet', 'what is set', fix);
      deliveries.push(nothing(target, keys, late));
      continue;
    }
    const found =
      where.manifests !== undefined
        ? await manifestsOf(known, target, where.manifests)
        : where.service !== undefined
          ? await swarmOf(known, target, where.service)
          : where.namespace === undefined
            ? filesOf(known, target, where, bot === undefined)
            : await clusterOf(known, target, where.namespace);
    deliveries.push(found.delivered);
    bot ??= found.bot;
  }
  return { ...facts, findings: judged.findings, deliveries, bot, tags: outputs.tags };
}

/** Targets of the settings that exist. */
function chosen(settings: Case['settings']): readonly (typeof targetNames)[number][] {
  return targetNames.filter((name) => listed(settings.targets).includes(name));
}

function nothing(target: string, keys: readonly KeyFacts[], ...findings: Finding[]): Delivered {
  return { target, arrivals: new Map(keys.map(({ key }) => [key, 'no'])), findings };
}

interface Found {
  readonly delivered: Delivered;
  readonly bot: BotFacts | undefined;
}

/** @param ask whether the bot is asked: all file targets that start one start one and the same */
function filesOf(
  known: Case,
  name: (typeof targetNames)[number],
  where: Where,
  ask: boolean,
): Found {
  const { engine, keys, expected } = known;
  const target = targetOf(name);
  const shown = where.directory ?? '';
  const directory = isAbsolute(shown) ? shown : join(projectDirectory, shown);
  const { stack } = engine;
  const place = { target: name, stack, shown, directory };
  const delivered =
    target.kind === 'files' ? lookAtFiles(place, target, keys, expected) : nothing(name, keys);
  const { next } = where;
  if (!ask || !isCompose(next)) return { delivered, bot: undefined };
  const bot = askContainer(runIn(directory), { stack, shown, next, ...ofBot(known) });
  return { delivered, bot };
}

/** What a GitOps controller will apply and, where the settings name its cluster, what it did apply. */
async function manifestsOf(
  known: Case,
  name: (typeof targetNames)[number],
  shown: string,
): Promise<Found> {
  const { engine, settings, keys } = known;
  const { stack } = engine;
  const target = targetOf(name);
  if (target.kind !== 'git') return { delivered: nothing(name, keys), bot: undefined };
  const directory = isAbsolute(shown) ? shown : join(projectDirectory, shown);
  const { tags } = ofBot(known);
  const recipients = listed(settings.recipients);
  const place = { target: name, stack, shown, directory, tags, recipients };
  const written = lookAtManifests(place, target, keys);
  const fix = `see that ${shown} is pushed, and that Argo CD or Flux has synced it`;
  const inCluster =
    settings.kubeContext && settings.cluster
      ? await clusterOf(known, name, String(settings.namespace), fix)
      : await unasked(known, written);
  const arrivals = new Map(inCluster.delivered.arrivals);
  for (const [key, arrival] of written.arrivals) if (arrival !== 'yes') arrivals.set(key, arrival);
  const findings = [...written.findings, ...inCluster.delivered.findings];
  return { delivered: { target: name, arrivals, findings }, bot: inCluster.bot };
}

/** What is written for a cluster that the settings do not name. */
async function unasked(
  { engine, keys, expected, outputs }: Case,
  written: Delivered,
): Promise<Found> {
  const { stack } = engine;
  const tagKey = await tagKeyOf(engine);
  const arrivals = { ...written, findings: [] };
  const delivered =
    tagKey === undefined
      ? arrivals
      : withDrift(arrivals, tagKey, outputs.tags, keys, expected, stack);
  const fix = `${pulumiCommand(stack, 'config', 'set', 'kubeContext', 'NAME')}, and cluster, the UID of its kube-system`;
  const silent = problem('bot', 'no cluster to ask', 'the one that the controller feeds', fix);
  return { delivered, bot: { report: undefined, restart: '', findings: [silent] } };
}

/** Tags by group, and the values that nobody's word may hold. */
function ofBot({ outputs, keys, expected }: Case): {
  readonly tags: Readonly<Record<string, string>>;
  readonly values: readonly string[];
} {
  const tags = Object.entries(outputs.tags).map(([group, { group: tag }]) => [group, tag]);
  // A short one, a passphrase, may be a word that stands anywhere.
  const values = keys
    .filter(isOfBot)
    .flatMap(({ key }) => expected.get(key) ?? [])
    .filter(({ length }) => length >= shortestSearched);
  return { tags: Object.fromEntries(tags), values };
}

function isSynced(name: (typeof targetNames)[number]): boolean {
  const target = targetOf(name);
  return target.kind === 'cluster' && target.synced;
}

async function clusterOf(
  known: Case,
  target: (typeof targetNames)[number],
  namespace: string,
  fix?: string,
): Promise<Found> {
  const { engine, settings, keys, expected, outputs } = known;
  const { stack } = engine;
  const kubectl = kubectlOf(settings, namespace);
  const kubeconfig = await kubeconfigOf(settings);
  const unknown: Delivered = { target, arrivals: new Map(), findings: [] };
  const bot: BotFacts = { report: undefined, restart: '', findings: [] };
  if (kubeconfig === undefined) {
    // Of a target that is applied from here, the settings' own mistake says so already.
    const isApplied = targetOf(target).kind === 'cluster';
    const findings = isApplied ? [] : [unknownCluster(stack, settings)];
    return { delivered: unknown, bot: { ...bot, findings } };
  }
  // One right may be there and another not: each question has an answer of its own.
  const heard = async <T>(ask: () => Promise<T>, silent: (finding: Finding) => T): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      return silent(silentCluster(error, kubectl));
    }
  };
  const none = (finding: Finding): Found => ({
    delivered: { ...unknown, findings: [finding] },
    bot,
  });
  return await heard(async () => {
    const api = await openCluster(stack, settings, kubeconfig);
    if (!(api instanceof KubernetesApi)) return none(api);
    const place = { target, stack, namespace, kubectl, ...(fix && { fix }), ...ofBot(known) };
    const seen = await heard(
      async () => await (isSynced(target) ? lookAtSynced : lookAtWritten)(api, place, keys),
      (finding) => ({ ...unknown, findings: [finding] }),
    );
    const tagKey = await tagKeyOf(engine);
    return {
      delivered:
        tagKey === undefined ? seen : withDrift(seen, tagKey, outputs.tags, keys, expected, stack),
      bot: await heard(
        async () => await askPod(api, executeIn(kubeconfig, namespace), place),
        (finding) => ({ ...bot, findings: [finding] }),
      ),
    };
  }, none);
}

async function swarmOf(
  known: Case,
  target: (typeof targetNames)[number],
  service: string,
): Promise<Found> {
  const { engine, settings, keys, expected, outputs } = known;
  const { stack } = engine;
  const host = dockerHostOf(settings);
  const place = { target, stack, host, service, ...ofBot(known) };
  const bot: BotFacts = { report: undefined, restart: '', findings: [] };
  const silent = (finding: Finding): Found => ({
    delivered: { target, arrivals: new Map(), findings: [finding] },
    bot,
  });
  try {
    const api = await openSwarm(stack, settings);
    if (!(api instanceof DockerApi)) return silent(api);
    const seen = await lookAtSwarm(api, place, keys);
    const tagKey = await tagKeyOf(engine);
    return {
      delivered:
        tagKey === undefined ? seen : withDrift(seen, tagKey, outputs.tags, keys, expected, stack),
      bot: askTask(runIn(projectDirectory), place),
    };
  } catch (error) {
    return silent(silentSwarm(error, host));
  }
}
