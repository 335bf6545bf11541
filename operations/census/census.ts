/**
 * Asks every place that a stack delivered to what it has of the stack's secrets: what is there, since
 * when and for whom, and what is not as the last `up` left it. It changes nothing and gives no value.
 */
import { isAbsolute, join } from 'node:path';
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { type TargetName, targetOf } from '../../components/delivery/targets.ts';
import { tag } from '../../components/values.ts';
import { DockerApi } from '../../plugins/docker-api.ts';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import { VaultApi } from '../../plugins/vault-api.ts';
import { report } from '../../settings/mistake.ts';
import type { Settings } from '../../settings.ts';
import type { Config } from '../doctor/config.ts';
import {
  dockerHostOf,
  kubeconfigOf,
  kubectlOf,
  openCluster,
  openSwarm,
  silentCluster,
  silentSwarm,
  unknownCluster,
} from '../doctor/connections.ts';
import { type Finding, isDeliverable, isExpected, type KeyFacts, pathOf } from '../doctor/facts.ts';
import { judge } from '../doctor/values.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { type Outputs, outputsOf } from '../engine/stack-outputs.ts';
import { projectDirectory } from '../engine/workspace.ts';
import { askAws, type StoreCase } from './aws.ts';
import { askNamespace } from './cluster.ts';
import { type Answers, type Census, type Drift, type Expected, none, together } from './facts.ts';
import { askFiles } from './files.ts';
import { askManifests } from './manifests.ts';
import { type State, stateOf } from './state.ts';
import { askSwarm } from './swarm.ts';
import { askVault } from './vault.ts';

/** What is known before any place is asked. */
interface Case {
  readonly engine: Engine;
  /** As they were typed. Secret. */
  readonly raw: Config['settings'];
  readonly settings: Settings;
  readonly outputs: Outputs;
  readonly state: State;
  readonly keys: readonly KeyFacts[];
  /** Values of the last `up`. Secret. */
  readonly values: ReadonlyMap<SecretKey, string>;
  readonly tags: ReadonlyMap<string, string>;
  readonly groups: readonly Expected[];
  /** Whether it is asked who may read, too. */
  readonly readers: boolean;
}

/**
 * @param readers whether who may read is a question too: one that needs rights of its own
 * @throws CommandError when its settings are wrong, it is not up, or its state cannot be opened
 */
export async function takeCensus(
  engine: Engine,
  { settings: raw, settled, mistakes }: Config,
  { readers }: { readonly readers: boolean },
): Promise<Census> {
  const { stack } = engine;
  if (settled === undefined) throw new CommandError(report(stack, mistakes));
  const outputs = await outputsOf(engine);
  if (outputs === undefined) {
    throw new CommandError(
      `stack ${stack}: got one that is not up; allowed: one whose values are delivered; fix: npm start -- --stack ${stack}`,
    );
  }
  const state = await stateOf(engine);
  const { keys, expected } = judge(stack, raw, []);
  const set = new Map(expected);
  for (const { key, entry } of keys) {
    const value = state.passwords.get(`${entry.group}-${key}`);
    if (value !== undefined && !set.has(key)) set.set(key, value);
  }
  const tags = new Map(
    Object.entries(outputs.tags).flatMap(([group, all]) =>
      Object.entries(all.keys).map(([key, each]): [string, string] => [`${group}.${key}`, each]),
    ),
  );
  const tagKey = state.passwords.get('tag-key') ?? '';
  const isDelivered = (key: SecretKey, value: string): boolean =>
    tags.get(`${entryOf(key).group}.${key}`) === tag(tagKey, [[key, value]]);
  const values = new Map([...set].filter(([key, value]) => isDelivered(key, value)));
  // A group that was never delivered has no place yet: its keys are not delivered, which is said once.
  const carried = settled.groups.filter(
    ({ name, source }) => source === 'external' || outputs.tags[name] !== undefined,
  );
  const groups = carried.map(({ name, source }): Expected => {
    const own = keys.filter(({ entry }) => entry.group === name);
    // Whoever else writes need not write what is optional.
    const there = own.filter((each) =>
      source === 'external' ? !each.entry.optional : isExpected(each),
    );
    return { group: name, keys: there.map(({ key }) => key), tag: outputs.tags[name]?.group };
  });
  const known: Case = {
    engine,
    raw,
    settings: settled,
    outputs,
    state,
    keys,
    values,
    tags,
    groups,
    readers,
  };
  const asked: Answers[] = [];
  for (const name of settled.targets) asked.push(await askTarget(known, name));
  const late = keys.filter(({ key }) => set.has(key) && !values.has(key));
  const drifts = late.length === 0 ? [] : [notDelivered(stack, late, tags)];
  const { sightings, unasked, ...found } = together(asked);
  return {
    stack,
    keys,
    tags,
    targets: settled.targets,
    sightings,
    drifts: [...drifts, ...found.drifts],
    unasked,
  };
}

function notDelivered(
  stack: string,
  late: readonly KeyFacts[],
  tags: ReadonlyMap<string, string>,
): Drift {
  const old = late.map((each) => `${pathOf(each)} of tag ${tags.get(pathOf(each)) ?? 'none'}`);
  return {
    kind: 'stale',
    target: 'all',
    place: `stack ${stack}`,
    expected: 'what is set is delivered',
    found: `still delivered: ${old.join(', ')}`,
    cause: 'other values were set after the last up',
    fix: `npm start -- --stack ${stack}`,
  };
}

async function askTarget(known: Case, name: TargetName): Promise<Answers> {
  const { engine, outputs } = known;
  const where = outputs.delivered[name];
  if (where === undefined) {
    const drift: Drift = {
      kind: 'missing',
      target: name,
      place: `target ${name}`,
      expected: 'what is set',
      found: 'nothing delivered yet',
      cause: 'the target was listed after the last up',
      fix: `npm start -- --stack ${engine.stack}`,
    };
    return { ...none, drifts: [drift] };
  }
  if (where.manifests !== undefined) return await askGit(known, name, where.manifests);
  if (where.service !== undefined) return await askManager(known, name);
  if (where.namespace !== undefined) {
    return together([await askStores(known, name), await askCluster(known, name, where.namespace)]);
  }
  return askFolder(known, name, where.directory ?? '');
}

function inProject(shown: string): string {
  return isAbsolute(shown) ? shown : join(projectDirectory, shown);
}

function askFolder({ engine, keys, values, tags }: Case, name: TargetName, shown: string): Answers {
  const target = targetOf(name);
  if (target.kind !== 'files') return none;
  const place = { target: name, stack: engine.stack, shown, directory: inProject(shown) };
  return askFiles({ place, target, keys, values, tags });
}

async function askGit(known: Case, name: TargetName, shown: string): Promise<Answers> {
  const { engine, settings, outputs, keys, groups, state, raw } = known;
  const target = targetOf(name);
  if (target.kind !== 'git') return none;
  const tags = Object.fromEntries(
    Object.entries(outputs.tags).map(([group, { group: each }]) => [group, each]),
  );
  const { recipients } = settings;
  const directory = inProject(shown);
  const place = { target: name, stack: engine.stack, shown, directory, tags, recipients };
  const { documents } = state;
  const written = askManifests({
    place,
    target,
    keys: keys.filter(isDeliverable),
    groups,
    documents,
  });
  // Where the settings name the cluster that its controller feeds.
  if (!raw.kubeContext || !raw.cluster) return written;
  return together([written, await askCluster(known, name, settings.namespace)]);
}

async function askCluster(known: Case, name: TargetName, namespace: string): Promise<Answers> {
  const { engine, raw, groups, readers } = known;
  const { stack } = engine;
  const target = targetOf(name);
  const kubectl = kubectlOf(raw, namespace);
  const byUp = `npm start -- --stack ${stack}`;
  const fix =
    target.kind === 'git' && known.outputs.delivered[name]?.manifests !== undefined
      ? `${byUp}, push, and see that Argo CD or Flux has synced it`
      : byUp;
  const synced = target.kind === 'cluster' && target.synced;
  // What somebody else writes comes into a namespace by an operator alone.
  const own = groups.filter(({ tag: each }) => synced || each !== undefined);
  try {
    const kubeconfig = await kubeconfigOf(raw);
    if (kubeconfig === undefined) return unasked(name, unknownCluster(stack, raw));
    const api = await openCluster(stack, raw, kubeconfig);
    if (!(api instanceof KubernetesApi)) return unasked(name, api);
    const about = { target: name, stack, namespace, kubectl, synced, fix, groups: own, readers };
    return await askNamespace(api, about);
  } catch (error) {
    return unasked(name, silentCluster(error, kubectl));
  }
}

/** The store behind a namespace. */
async function askStores(known: Case, name: TargetName): Promise<Answers> {
  const { engine, settings, state, groups } = known;
  const target = targetOf(name);
  if (target.kind !== 'cluster' || !target.synced) return none;
  const { stack } = engine;
  const { prefix, environment, aws, vault } = settings;
  const about: StoreCase['about'] = (group) => {
    const entries = known.keys.filter(({ entry }) => entry.group === group);
    // Those that the group was delivered with, as the program names them.
    const there = entries.filter((each) => isExpected(each)).map(({ entry }) => entry);
    const all = there.length > 0 ? there : entries.map(({ entry }) => entry);
    return {
      owner: [...new Set(all.map(({ owner }) => owner))].join(' '),
      'max-age-days': String(Math.min(...all.map(({ maxAgeDays }) => maxAgeDays))),
    };
  };
  const store = { target: name, stack, prefix, environment, groups, about };
  if (aws !== undefined) return await askAws({ ...store, aws, versions: state.versions });
  if (vault === undefined) return none;
  try {
    return await askVault(await VaultApi.connect(vault.address), { ...store, vault });
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const [got = ''] = error.message.split('; ');
    const fix = 'unset VAULT_CACERT, or name a file of certificates';
    return { ...none, unasked: [{ target: name, what: `Vault ${vault.address}`, got, fix }] };
  }
}

async function askManager({ engine, raw, groups }: Case, target: TargetName): Promise<Answers> {
  const { stack } = engine;
  const host = dockerHostOf(raw);
  try {
    const api = await openSwarm(stack, raw);
    if (!(api instanceof DockerApi)) return unasked(target, api);
    return await askSwarm(api, { target, stack, host, groups });
  } catch (error) {
    return unasked(target, silentSwarm(error, host));
  }
}

function unasked(target: string, { what, got, fix }: Finding): Answers {
  return { ...none, unasked: [{ target, what, got, fix }] };
}
