/**
 * One resource type: an object of the API with the official provider's check, diff, replace,
 * secret and await semantics (provider/pkg/provider/provider.go).
 */
import type { KubernetesApi, KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import {
  type Call,
  type CheckResult,
  type CreateResult,
  containsSecret,
  containsUnknown,
  type DiffResult,
  failure,
  InitialisationError,
  PluginError,
  type Properties,
  type ReadResult,
  type ResourceHandler,
  type UpdateResult,
} from '../../../plugins/provider-server.ts';
import { fieldManagerOf, isAutonamed } from './annotations.ts';
import { checkpoint, normalised, parseCheckpoint, withMarks } from './checkpoint.ts';
import { compare, prune, withEmpty } from './comparison.ts';
import { alreadyExists, isForbidden, isMissing, lineOf } from './failure.ts';
import { collectionOf, type Kind } from './kinds.ts';
import { named, newFieldManager } from './naming.ts';
import type { KubernetesProvider } from './provider.ts';
import { lacks, NotReady, untilGone, untilReady } from './waiting.ts';
import { apply, make, remove } from './writing.ts';
import { removeYaml, writeYaml } from './yaml-files.ts';

export class KubernetesResource implements ResourceHandler {
  readonly previews = true;
  readonly #kind: Kind;
  readonly #provider: KubernetesProvider;

  constructor(kind: Kind, provider: KubernetesProvider) {
    this.#kind = kind;
    this.#provider = provider;
  }

  async check(olds: Properties, news: Properties, call: Call): Promise<CheckResult> {
    const given = normalised({ ...news, apiVersion: this.#kind.apiVersion, kind: this.#kind.kind });
    const old = Object.keys(olds).length > 0 ? (olds as KubernetesObject) : undefined;
    let inputs = named(given, old, call.urn);
    const { namespaced } = this.#kind;
    if (namespaced && this.#provider.hasNamespace && inputs.metadata?.namespace === undefined) {
      const { namespace } = this.#provider;
      inputs = { ...inputs, metadata: { ...inputs.metadata, namespace } };
    }
    const marked = withMarks(inputs, call.marked);
    if (this.#provider.renderTo !== undefined && containsSecret(marked)) {
      call.log('warning', 'rendered YAML will contain a secret value in plaintext');
    }
    const generated = (news.metadata as { generateName?: unknown } | undefined)?.generateName;
    const failures =
      generated === undefined ? [] : [failure('metadata.generateName', 'is not supported')];
    return { inputs: marked, failures };
  }

  async diff(_id: string, olds: Properties, news: Properties, call: Call): Promise<DiffResult> {
    const { inputs, live } = parseCheckpoint(olds);
    const asked = normalised(inputs);
    const after = this.#comparable(normalised(news));
    const pruned = prune(live, asked) as KubernetesObject;
    const before = this.#comparable(pruned, after.metadata?.name && live.metadata?.name);
    const detailedDiff = compare(before, after, this.#replacedBy(after), asked);
    for (const path of Object.keys(detailedDiff)) {
      if (call.ignoreChanges.some((ignored) => contains(ignored, path))) delete detailedDiff[path];
    }
    const paths = Object.keys(detailedDiff);
    const replaces = paths.filter((path) => detailedDiff[path]?.kind.endsWith('-replace'));
    const deleteBeforeReplace =
      replaces.length > 0 &&
      after.metadata?.name !== undefined &&
      !isAutonamed(after) &&
      after.metadata.name === live.metadata?.name &&
      (after.metadata.namespace ?? '') === (live.metadata?.namespace ?? '');
    return { changes: paths.length > 0, replaces, deleteBeforeReplace, detailedDiff };
  }

  async create(properties: Properties, call: Call): Promise<CreateResult> {
    const inputs = properties as KubernetesObject;
    const asIs = { id: '', outs: call.marked };
    const { renderTo } = this.#provider;
    if (call.preview && (containsUnknown(inputs) || renderTo !== undefined)) return asIs;
    const fieldManager = fieldManagerOf(inputs) ?? newFieldManager();
    if (renderTo !== undefined) return await this.#render(inputs, renderTo, fieldManager, call);

    const { api, collection } = await this.#place(inputs);
    let live: KubernetesObject;
    try {
      live = await make(api, collection, inputs, fieldManager, call.preview, call);
    } catch (error) {
      // What a dry run cannot say yet: a missing namespace, a name that is still taken.
      const unsaid = isForbidden(error) || alreadyExists(error) || isMissing(error);
      if (call.preview && unsaid) return asIs;
      throw this.#failed('creation', inputs, error, call);
    }
    if (call.preview) {
      const { status: _, ...known } = live;
      return { id: '', outs: checkpoint(inputs, known, call.marked, fieldManager) };
    }
    const written = { kind: this.#kind, inputs, live, last: undefined };
    try {
      live = await untilReady(api, written, call);
      call.status('');
    } catch (error) {
      live = await this.#newest(api, live);
      const outs = checkpoint(inputs, live, call.marked, fieldManager);
      throw this.#unready('creation', live, outs, error, call);
    }
    return { id: idOf(live), outs: checkpoint(inputs, live, call.marked, fieldManager) };
  }

  async update(_id: string, olds: Properties, news: Properties, call: Call): Promise<UpdateResult> {
    const inputs = normalised(news);
    const old = parseCheckpoint(olds);
    const { renderTo } = this.#provider;
    if (call.preview && (containsUnknown(inputs) || renderTo !== undefined)) {
      return { outs: call.marked };
    }
    const fieldManager = fieldManagerOf(inputs) ?? old.fieldManager ?? newFieldManager();
    if (renderTo !== undefined) {
      return { outs: (await this.#render(inputs, renderTo, fieldManager, call)).outs };
    }
    const { api, path } = await this.#place(old.live);
    const outs = (live: KubernetesObject) => checkpoint(inputs, live, call.marked, fieldManager);
    let last = old.live;
    try {
      last = await api.get(path, { signal: call.signal });
      const live = await apply(api, path, inputs, last, fieldManager, call);
      if (call.preview) return { outs: outs(live) };
      const written = { kind: this.#kind, inputs, live, last };
      const ready = await untilReady(api, written, call);
      call.status('');
      return { outs: outs(ready) };
    } catch (error) {
      if (call.preview && isForbidden(error)) return { outs: call.marked };
      if (call.preview || isMissing(error)) throw this.#failed('update', inputs, error, call);
      const live = await this.#newest(api, last);
      throw this.#unready('update', live, outs(live), error, call);
    }
  }

  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    const { live: known, fieldManager = newFieldManager() } = parseCheckpoint(state);
    if (Object.keys(call.oldInputs).length === 0 || known.metadata === undefined) {
      throw new PluginError(`${this.#kind.kind} ${id}: the rehearsal plugin cannot import`);
    }
    const oldInputs = normalised(call.oldInputs);
    if (this.#provider.renderTo !== undefined) {
      const props = checkpoint(oldInputs, known, call.marked, fieldManager);
      return { id, props, inputs: withMarks(oldInputs, call.marked) };
    }
    const { api, path } = await this.#place(known);
    let live: KubernetesObject;
    let reasons: readonly string[];
    try {
      live = await api.get(path, { signal: call.signal });
      reasons = await lacks(api, { kind: this.#kind, inputs: oldInputs, live });
    } catch (error) {
      if (isMissing(error)) return {};
      throw this.#failed('reading', known, error, call);
    }
    const found = withEmpty(prune(live, oldInputs), oldInputs) as KubernetesObject;
    const props = checkpoint(found, live, call.marked, fieldManager);
    const inputs = withMarks(found, call.marked);
    if (reasons.length > 0) {
      const line = `${this.#kind.kind} ${id}: ${reasons.join('; ')}`;
      throw new InitialisationError(line, id, props, reasons, inputs);
    }
    return { id, props, inputs };
  }

  async delete(_id: string, state: Properties, call: Call): Promise<void> {
    const { inputs, live } = parseCheckpoint(state);
    const { renderTo } = this.#provider;
    if (renderTo !== undefined) {
      call.status(`deleted ${await removeYaml(live, renderTo)}`);
      return;
    }
    const { api, path } = await this.#place(live);
    try {
      if (!(await remove(api, path, inputs, call))) return;
      await untilGone(api, { kind: this.#kind, inputs, live }, call);
    } catch (error) {
      throw this.#failed('deletion', live, error, call);
    }
  }

  /**
   * As far as it is compared: with the namespace that is meant when none is said.
   * @param name of the live object, which stands for the one in the old inputs
   */
  #comparable(object: KubernetesObject, name = object.metadata?.name): KubernetesObject {
    const { apiVersion, kind, namespaced } = this.#kind;
    const { namespace = 'default', ...metadata } = object.metadata ?? {};
    const place = { ...(name !== undefined && { name }), ...(namespaced && { namespace }) };
    return { ...object, apiVersion, kind, metadata: { ...metadata, ...place } };
  }

  #replacedBy(inputs: KubernetesObject): readonly string[] {
    const always = ['metadata.name', 'metadata.namespace', ...this.#kind.replacedBy];
    if (this.#kind.kind !== 'Secret') return always;
    const isFixed = !this.#provider.secretsAreMutable || inputs.immutable === true;
    return isFixed ? [...always, 'data', 'stringData'] : always;
  }

  async #place(
    object: KubernetesObject,
  ): Promise<{ api: KubernetesApi; collection: string; path: string }> {
    const { namespace = this.#provider.namespace, name = '' } = object.metadata ?? {};
    const collection = collectionOf(this.#kind, namespace);
    return { api: await this.#provider.api(), collection, path: `${collection}/${name}` };
  }

  async #render(
    inputs: KubernetesObject,
    directory: string,
    fieldManager: string,
    call: Call,
  ): Promise<CreateResult> {
    const file = await writeYaml(inputs, directory);
    if (containsSecret(withMarks(inputs, call.marked))) {
      call.log('warning', `rendered file ${file} contains a secret value in plaintext`);
    }
    call.status(`rendered ${file}`);
    return { id: idOf(inputs), outs: checkpoint(inputs, inputs, call.marked, fieldManager) };
  }

  /** The object as it is now; as it was last seen when that cannot be had. */
  async #newest(api: KubernetesApi, last: KubernetesObject): Promise<KubernetesObject> {
    const { path } = await this.#place(last);
    return await api.get(path).catch(() => last);
  }

  #failed(what: string, object: KubernetesObject, error: unknown, call: Call): PluginError {
    const about = `${this.#kind.kind} ${idOf(object)}`;
    return new PluginError(`${about}: ${what} failed: ${lineOf(error, this.#kind, call.marked)}`);
  }

  #unready(
    what: string,
    live: KubernetesObject,
    outs: Properties,
    error: unknown,
    call: Call,
  ): PluginError {
    const line = this.#failed(what, live, error, call).message;
    const reasons = error instanceof NotReady ? error.reasons : [];
    return new InitialisationError(line, idOf(live), outs, [line, ...reasons]);
  }
}

/** `namespace/name`, or the name alone. */
function idOf({ metadata }: KubernetesObject): string {
  return [metadata?.namespace, metadata?.name].filter((each) => each !== undefined).join('/');
}

/** Whether a path of `ignoreChanges` is another one or stands above it. */
function contains(ignored: string, path: string): boolean {
  return path === ignored || path.startsWith(`${ignored}.`) || path.startsWith(`${ignored}[`);
}
