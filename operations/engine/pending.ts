/**
 * What a run that was killed was making. Pulumi keeps that it was, and asks about it for ever; it
 * does not know whether the thing came to be. Made once more, it would be there twice, or be refused
 * because it is there. So what has an id that can be told beforehand is put into the state, a refresh
 * says whether it is there, and the rest is forgotten and made again. What was being changed is asked
 * for too: the state says what it was before, and a value that is set back would be no change
 * (docs/decisions/0014-what-a-killed-run-made.md).
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Deployment, Stored } from './adoption.ts';
import type { Engine } from './engine.ts';
import { rememberCreates, rememberedCreates, withNamesAlone } from './failed-creates.ts';
import { idInAws, isLookedFor } from './made-in-aws.ts';
import { idInDocker, isInDocker } from './made-in-docker.ts';
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

/** The state as if this and nothing else were pending in it. */
function withOperations(state: Deployment, made: readonly Stored[]): Deployment {
  const pending = made.map((resource) => ({ type: 'creating', resource }));
  return { ...state, deployment: { ...state.deployment, pending_operations: pending } };
}

/** The oldest of each URN, and the others. */
function oldest(made: readonly Stored[]): readonly [readonly Stored[], readonly Stored[]] {
  const first = made.filter(({ urn }, at) => made.findIndex((each) => each.urn === urn) === at);
  return [first, made.filter((each) => !first.includes(each))];
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
      : isInDocker(resource.type)
        ? await idInDocker(resource, state)
        : (nameInCluster(resource) ?? placeOfFile(resource));
    const known = state.deployment.resources?.some(
      (each) => each.urn === resource.urn && each.id === id && each.delete !== true,
    );
    if (id !== undefined && !known) ids.set(resource.urn, id);
  }
  return ids;
}

function nameInCluster({ type, inputs }: Stored): string | undefined {
  if (!type?.startsWith('kubernetes:')) return undefined;
  const { name, namespace } = (inputs?.metadata ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string') return undefined;
  return typeof namespace === 'string' ? `${namespace}/${name}` : name;
}

/** Resources of the local plugin that are a file, each named by its place. */
const files = ['File', 'GitFile', 'SopsDocument'].map((name) => `hummingbot:index:${name}`);

function placeOfFile({ type, inputs }: Stored): string | undefined {
  const { root, path } = inputs ?? {};
  const isFile = type !== undefined && files.includes(type);
  return isFile && typeof root === 'string' && typeof path === 'string'
    ? `${root}/${path}`
    : undefined;
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

/**
 * URNs of Kubernetes objects that were found, but lack a label of ours: somebody else's.
 * @param made what was to be made
 */
export function foreign(state: Deployment, made: readonly Stored[]): readonly string[] {
  const labelsOf = (each: unknown): Readonly<Record<string, unknown>> => {
    const { labels } = ((each as Stored['inputs'])?.metadata ?? {}) as { labels?: object };
    return (labels ?? {}) as Readonly<Record<string, unknown>>;
  };
  const wanted = new Map(made.map(({ urn, inputs }) => [urn, labelsOf(inputs)]));
  return (state.deployment.resources ?? []).flatMap(({ urn, delete: goes, outputs }) => {
    const found = labelsOf(outputs);
    const own = Object.entries(wanted.get(urn) ?? {});
    const lacks = own.some(([name, value]) => found[name] !== value);
    return goes !== true && lacks ? [urn] : [];
  });
}

/**
 * Puts right what a killed run has left in the state, before a run changes anything.
 * @returns what is still in doubt, because it could not be asked for
 */
export async function settlePending(engine: Engine): Promise<readonly Stored[]> {
  const { stack } = engine;
  const failed = rememberedCreates(stack);
  const cut = rememberedCreates(unsettledOf(stack));
  const mayHave = !workspace.embedded || pendingOperations(stateFile(stack)) > 0;
  if (failed.length === 0 && cut.length === 0 && !mayHave) return [];
  const before = await exported(engine);
  if (before === undefined) return failed;
  const operations = operationsOf(before);
  const pending = operations.flatMap(({ type, resource }) =>
    type === 'creating' ? [resource] : [],
  );
  const changed = operations.flatMap(({ type, resource }) =>
    type === 'creating' ? [] : [resource],
  );
  const count = failed.length + cut.length + operations.length;
  if (count === 0) return [];
  console.error(
    `- a run ended while it made ${count} resources: what is there is kept, the rest is made again`,
  );
  // Older ones first: of two of one URN the younger takes the older's place.
  let left: readonly Stored[] = [...failed, ...pending];
  let state: Deployment | undefined = before;
  let asked: readonly Stored[] = [...cut, ...changed];
  do {
    const [made, later] = oldest(left);
    // Should this be cut short too, the next run knows what nobody has asked for.
    rememberCreates(unsettledOf(stack), [...asked, ...made].map(withNamesAlone));
    if (!(await settle(engine, state, made, asked))) {
      // Nobody has said what is there: as if nothing had been looked for.
      await engine.ask(['stack', 'import', '--stack', stack], JSON.stringify(state));
      if (cut.length === 0) rememberCreates(unsettledOf(stack), []);
      return state === before ? failed : left.map(withNamesAlone);
    }
    [left, asked] = [later, []];
    state = await exported(engine);
  } while (left.length > 0 && state !== undefined);
  rememberCreates(unsettledOf(stack), []);
  return left.map(withNamesAlone);
}

/** What a run was asking for when it was killed: places of it may stand in the state. */
const unsettledOf = (stack: string): string => `${stack}.unsettled`;

/**
 * Keeps what is there, of each URN at most one.
 * @param asked what the state has, and may have wrong
 * @returns whether the systems have answered
 */
async function settle(
  engine: Engine,
  before: Deployment,
  made: readonly Stored[],
  asked: readonly Stored[],
): Promise<boolean> {
  const { stack } = engine;
  const state = withOperations(before, made);
  const ids = await tellableIds(state);
  const settled = withMade(state, ids);
  const imported = JSON.stringify(settled);
  if ((await engine.ask(['stack', 'import', '--stack', stack], imported)).code !== 0) return false;
  const known = new Set(settled.deployment.resources?.map(({ urn }) => urn));
  const looked = [...made.filter(({ urn }) => ids.has(urn)), ...asked].filter(({ urn }) =>
    known.has(urn),
  );
  if (looked.length === 0) return true;
  const urns = new Set(looked.map(({ urn }) => urn));
  const targets = [...urns].flatMap((urn) => ['--target', urn]);
  const refresh = ['refresh', '--yes', '--skip-preview', ...targets, '--stack', stack];
  if ((await engine.ask(refresh)).code !== 0) return false;
  const found = await exported(engine);
  for (const urn of found === undefined ? [] : foreign(found, looked)) {
    await engine.ask(['state', 'delete', urn, '--yes', '--stack', stack]);
  }
  return true;
}

async function exported(engine: Engine): Promise<Deployment | undefined> {
  const { code, stdout } = await engine.ask(['stack', 'export', '--stack', engine.stack]);
  return code === 0 ? (JSON.parse(stdout) as Deployment) : undefined;
}
