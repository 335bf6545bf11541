/**
 * What a run that was killed was making. Pulumi keeps that it was, and asks about it for ever; it
 * does not know whether the thing came to be. Made once more, it would be there twice, or be refused
 * because it is there. So what has an id that can be told beforehand is put into the state, a refresh
 * says whether it is there, and the rest is forgotten and made again
 * (docs/decisions/0014-what-a-killed-run-made.md).
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Deployment, Stored } from './adoption.ts';
import type { Engine } from './engine.ts';
import { idInAws, isLookedFor } from './made-in-aws.ts';
import { stateFile, workspace } from './workspace.ts';

interface Operation {
  readonly type: string;
  readonly resource: Stored;
}

function operationsOf({ deployment }: Deployment): readonly Operation[] {
  return (deployment.pending_operations ?? []) as readonly Operation[];
}

/** Number of unfinished operations in this machine's own state, which no Pulumi is asked for. */
export function pendingOperations(path: string): number {
  if (!existsSync(path)) return 0;
  const { checkpoint } = JSON.parse(readFileSync(path, 'utf8')) as {
    checkpoint?: { latest?: { pending_operations?: readonly unknown[] } };
  };
  return checkpoint?.latest?.pending_operations?.length ?? 0;
}

/**
 * Ids of what was being made, by URN, as far as they can be told.
 * @param lookInAws for what has an id there that is not its name
 */
export async function tellableIds(
  state: Deployment,
  lookInAws: typeof idInAws = idInAws,
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const { type, resource } of operationsOf(state)) {
    if (type !== 'creating') continue;
    const id = isLookedFor(resource.type)
      ? await lookInAws(resource, state)
      : nameInCluster(resource);
    if (id !== undefined) ids.set(resource.urn, id);
  }
  return ids;
}

function nameInCluster({ type, inputs }: Stored): string | undefined {
  if (!type?.startsWith('kubernetes:')) return undefined;
  const { name, namespace } = (inputs?.metadata ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string') return undefined;
  return typeof namespace === 'string' ? `${namespace}/${name}` : name;
}

/**
 * The state without pending operations, and with places for what has an id. What it takes the place
 * of is deleted by the next run, at its end, as after any replacement.
 */
export function withMade(state: Deployment, ids: ReadonlyMap<string, string>): Deployment {
  const { pending_operations: _, ...deployment } = state.deployment;
  const places = operationsOf(state).flatMap(({ type, resource }) => {
    const id = type === 'creating' ? ids.get(resource.urn) : undefined;
    return id === undefined ? [] : [{ ...resource, id, outputs: resource.inputs ?? {} }];
  });
  const isReplaced = (each: Stored): boolean => each.delete !== true && ids.has(each.urn);
  const resources = (deployment.resources ?? []).flatMap((each) => {
    if (!isReplaced(each)) return [each];
    // Pulumi wants the one that stays before the one that goes.
    return [...places.filter(({ urn }) => urn === each.urn), { ...each, delete: true }];
  });
  const before = new Set((deployment.resources ?? []).filter(isReplaced).map(({ urn }) => urn));
  const added = places.filter(({ urn }) => !before.has(urn));
  return { ...state, deployment: { ...deployment, resources: [...resources, ...added] } };
}

/** URNs of Kubernetes objects that were found, but lack a label of ours: somebody else's. */
export function foreign(state: Deployment, urns: readonly string[]): readonly string[] {
  return (state.deployment.resources ?? []).flatMap(({ urn, delete: goes, inputs, outputs }) => {
    const [wanted, found] = [inputs, outputs].map((each) => {
      const { labels } = ((each as Stored['inputs'])?.metadata ?? {}) as { labels?: object };
      return (labels ?? {}) as Readonly<Record<string, unknown>>;
    });
    const lacks = Object.keys(wanted ?? {}).some((name) => found?.[name] !== wanted?.[name]);
    return goes !== true && urns.includes(urn) && lacks ? [urn] : [];
  });
}

/** Puts right what a killed run has left in the state, before a run changes anything. */
export async function settlePending(engine: Engine): Promise<void> {
  const { stack } = engine;
  if (workspace.embedded && pendingOperations(stateFile(stack)) === 0) return;
  const state = await exported(engine);
  const count = state === undefined ? 0 : operationsOf(state).length;
  if (state === undefined || count === 0) return;
  console.error(
    `- a run was killed while it made ${count} resources: what is there is kept, the rest is made again`,
  );
  const ids = await tellableIds(state);
  const imported = ['stack', 'import', '--stack', stack];
  if ((await engine.ask(imported, JSON.stringify(withMade(state, ids)))).code !== 0) return;
  if (ids.size === 0) return;
  const targets = [...ids.keys()].flatMap((urn) => ['--target', urn]);
  await engine.ask(['refresh', '--yes', '--skip-preview', ...targets, '--stack', stack]);
  const found = await exported(engine);
  for (const urn of found === undefined ? [] : foreign(found, [...ids.keys()])) {
    await engine.ask(['state', 'delete', urn, '--yes', '--stack', stack]);
  }
}

async function exported(engine: Engine): Promise<Deployment | undefined> {
  const { code, stdout } = await engine.ask(['stack', 'export', '--stack', engine.stack]);
  return code === 0 ? (JSON.parse(stdout) as Deployment) : undefined;
}
