/** Asks everything that knows something of a stack, and brings the facts together. It changes nothing. */
import { isAbsolute, join } from 'node:path';
import type { SecretKey } from '../../components/catalog.ts';
import { targetNames, targetOf } from '../../components/delivery/targets.ts';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import { readKubeconfig } from '../../settings/kubeconfig.ts';
import { pulumiCommand } from '../../settings/mistake.ts';
import type { Engine } from '../engine/engine.ts';
import { projectDirectory } from '../engine/workspace.ts';
import { lookAtSynced, lookAtWritten } from './cluster.ts';
import type { Config } from './config.ts';
import { askContainer, runIn } from './container.ts';
import { type Tags, tagKeyOf, withDrift } from './drift.ts';
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
import { askPod, executeIn } from './pod.ts';
import { judge, listed } from './values.ts';

const shortestSearched = 16;

interface Where {
  readonly directory?: string;
  readonly namespace?: string;
  readonly next: string;
}

/** What the last finished run put out: nothing on a stack that is not up. */
interface Outputs {
  readonly tags: Tags;
  readonly delivered: Readonly<Record<string, Where>>;
}

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
      where.namespace === undefined
        ? filesOf(known, target, where, bot === undefined)
        : await clusterOf(known, target, where.namespace);
    deliveries.push(found.delivered);
    bot ??= found.bot;
  }
  return { ...facts, findings: judged.findings, deliveries, bot };
}

/** Targets of the settings that exist. */
function chosen(settings: Case['settings']): readonly (typeof targetNames)[number][] {
  return targetNames.filter((name) => listed(settings.targets).includes(name));
}

async function outputsOf({ ask, stack }: Engine): Promise<Outputs | undefined> {
  const { code, stdout } = await ask(['stack', 'output', '--json', '--stack', stack]);
  const { tags, delivered } = (code === 0 ? JSON.parse(stdout) : {}) as Partial<Outputs>;
  return tags === undefined || delivered === undefined ? undefined : { tags, delivered };
}

function nothing(target: string, keys: readonly KeyFacts[], ...findings: Finding[]): Delivered {
  return { target, arrivals: new Map(keys.map(({ key }) => [key, 'no'])), findings };
}

interface Found {
  readonly delivered: Delivered;
  readonly bot: BotFacts | undefined;
}

/** @param ask whether the bot is asked: all file targets of a stack start one and the same */
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
  if (!ask) return { delivered, bot: undefined };
  const { next } = where;
  const bot = askContainer(runIn(directory), { stack, shown, next, ...ofBot(known) });
  return { delivered, bot };
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
): Promise<Found> {
  const { engine, settings, keys, expected, outputs } = known;
  const { stack } = engine;
  const context = String(settings.kubeContext ?? '');
  const kubectl = `kubectl --context ${context} --namespace ${namespace}`;
  const kubeconfig = (await readKubeconfig()).reduced(context);
  const unknown: Delivered = { target, arrivals: new Map(), findings: [] };
  const bot: BotFacts = { report: undefined, restart: '', findings: [] };
  // The settings' own mistake says so already.
  if (kubeconfig === undefined) return { delivered: unknown, bot };
  // One right may be there and another not: each question has an answer of its own.
  const heard = async <T>(ask: () => Promise<T>, silent: (finding: Finding) => T): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      const [got = ''] = error.message.split('; fix: ');
      const fix = `${kubectl} get pods,externalsecrets says whether you may and it answers`;
      return silent(problem('cluster', got, 'one that can be asked', fix));
    }
  };
  const none = (finding: Finding): Found => ({
    delivered: { ...unknown, findings: [finding] },
    bot,
  });
  return await heard(async () => {
    const api = await KubernetesApi.connect(kubeconfig);
    const { metadata } = await api.get('/api/v1/namespaces/kube-system');
    if (metadata?.uid !== settings.cluster) {
      const fix = pulumiCommand(stack, 'config', 'set', 'kubeContext', 'NAME');
      return none(problem('kubeContext', 'another cluster', "the stack's own", fix));
    }
    const place = { target, stack, namespace, kubectl, ...ofBot(known) };
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
