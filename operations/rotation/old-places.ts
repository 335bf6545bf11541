/**
 * What an `up` has to have taken away by itself, and may not have: Swarm secrets and Kubernetes Secrets of
 * an old suffix, files with an old value. Looked for before copies in a store go.
 */
import { isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { groups as catalog, entryOf, groupNames, isSecretKey } from '../../components/catalog.ts';
import { targetNames, targetOf } from '../../components/delivery/targets.ts';
import { tagAnnotation } from '../../components/labels.ts';
import { DockerApi, filters } from '../../plugins/docker-api.ts';
import { KubernetesApi, type KubernetesObject } from '../../plugins/kubernetes-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import { readKubeconfig } from '../../settings/kubeconfig.ts';
import { lookAtFiles } from '../doctor/files.ts';
import { judge } from '../doctor/values.ts';
import { projectDirectory } from '../engine/workspace.ts';
import type { StackState } from './stack-state.ts';

/** Of a group, something old that is still there, or that nobody could be asked about. */
export interface Left {
  readonly group: string;
  /** What, got, allowed, fix. */
  readonly line: string;
}

export interface OldPlacesArgs {
  readonly stack: string;
  readonly groups: readonly string[];
  readonly state: StackState;
  /** Opened, with the values that are set now; they are compared and go nowhere. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Milliseconds for which a controller may still be at it. @default - half a minute */
  readonly patience?: number;
}

/** A controller takes what nobody owns away behind its owner. */
const patienceMilliseconds = 30_000;
const pollMilliseconds = 1000;
const metadataOfAll = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

export async function oldPlaces(args: OldPlacesArgs): Promise<readonly Left[]> {
  const found: Left[] = [];
  for (const [name, place] of Object.entries(args.state.delivered)) {
    if (place.directory !== undefined) found.push(...inFiles(name, place.directory, args));
    if (place.service !== undefined) found.push(...(await inSwarm(args)));
    if (place.namespace !== undefined) found.push(...(await inCluster(place.namespace, args)));
  }
  return found;
}

function inFiles(name: string, shown: string, { stack, groups, settings }: OldPlacesArgs) {
  const known = targetNames.find((each) => each === name);
  const target = known && targetOf(known);
  if (target?.kind !== 'files') return [];
  const directory = isAbsolute(shown) ? shown : join(projectDirectory, shown);
  const { keys, expected } = judge(stack, settings, []);
  const own = keys.filter(({ entry }) => groups.includes(entry.group));
  const place = { target: name, stack, shown, directory };
  const { arrivals } = lookAtFiles(place, target, own, expected);
  return own
    .filter(({ key }) => arrivals.get(key) === 'older value')
    .map(({ key, entry }) => ({
      group: entry.group,
      line: `${shown}/${target.trace({ key, entry }).path}: got an older value of ${key}; allowed: the one that is set; fix: npm start -- --stack ${stack}`,
    }));
}

interface DockerSecret {
  readonly Spec?: { readonly Name?: string; readonly Labels?: Readonly<Record<string, string>> };
}

async function inSwarm({
  stack,
  groups,
  settings,
  state,
}: OldPlacesArgs): Promise<readonly Left[]> {
  const host = String(settings.dockerHost ?? 'unix:///var/run/docker.sock');
  const api = new DockerApi({ host, certPath: String(settings.dockerCertPath ?? '') });
  try {
    const query = filters({ label: [`hummingbot-secrets.stack=${stack}`] });
    const secrets = (await api.list('/secrets', { query })) as readonly DockerSecret[];
    return secrets.flatMap(({ Spec }) => {
      const key = /^(\w+)-[0-9a-f]{8}$/u.exec(Spec?.Name ?? '')?.[1] ?? '';
      const group = isSecretKey(key) ? entryOf(key).group : undefined;
      if (group === undefined || !groups.includes(group)) return [];
      if (Spec?.Labels?.['hummingbot-secrets.tag'] === state.tagOf(group)) return [];
      const line = `swarm secret ${Spec?.Name}: got one of an older value; allowed: none; fix: move the service that uses it, then docker --host ${host} secret rm ${Spec?.Name}`;
      return [{ group, line }];
    });
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const line = `${error.message}; allowed: a swarm that says whether old secrets are there; fix: docker --host ${host} info`;
    return groups.map((group) => ({ group, line }));
  }
}

async function inCluster(namespace: string, args: OldPlacesArgs): Promise<readonly Left[]> {
  const { settings, groups, patience = patienceMilliseconds } = args;
  const context = String(settings.kubeContext ?? '');
  const kubectl = `kubectl --context ${context} --namespace ${namespace}`;
  const kubeconfig = (await readKubeconfig()).reduced(context);
  if (kubeconfig === undefined) return [];
  try {
    const api = await KubernetesApi.connect(kubeconfig);
    for (const start = Date.now(); ; await sleep(pollMilliseconds)) {
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      const { items } = await api.list(path, { accept: metadataOfAll });
      const old = items.flatMap((each) => oldSecret(each, args));
      if (old.length === 0 || Date.now() - start > patience) {
        return old.map(({ group, name }) => ({
          group,
          line: `Secret ${namespace}/${name}: got one of an older value; allowed: none; fix: ${kubectl} describe secret ${name} says what holds it`,
        }));
      }
    }
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const [got = ''] = error.message.split('; fix: ');
    const line = `${got}; allowed: a cluster that says whether old Secrets are there; fix: ${kubectl} get secrets`;
    return groups.map((group) => ({ group, line }));
  }
}

/** A Secret with a suffix that carries another tag than the one that was delivered last. */
function oldSecret({ metadata }: KubernetesObject, { groups, state }: OldPlacesArgs) {
  const name = metadata?.name ?? '';
  return groups.flatMap((group) => {
    const own = groupNames.find((each) => each === group);
    const named = own && new RegExp(`^${catalog[own].secretName}-[0-9a-f]{8}$`, 'u').test(name);
    const tag = metadata?.annotations?.[tagAnnotation];
    return named && tag !== state.tagOf(group) ? [{ group, name }] : [];
  });
}
