/** `docker:index/service:Service`, after internal/provider/resource_docker_service_funcs.go. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type DockerApi, filters, isMissing } from '../../../plugins/docker-api.ts';
import {
  type Call,
  type CheckResult,
  type CreateResult,
  type DiffResult,
  failure,
  isObject,
  isUnknown,
  markLike,
  type Properties,
  type PropertyDiff,
  type ReadResult,
  type ResourceHandler,
  type UpdateResult,
} from '../../../plugins/provider-server.ts';
import { type Engine, told } from './engine.ts';
import {
  inputsOf,
  isSame,
  nanoseconds,
  type ServiceInputs,
  serviceSpec,
  withDefaults,
} from './service-spec.ts';

/** Inputs that the program sets; what is in them is checked field by field. */
const known: Readonly<Record<string, readonly string[]>> = {
  '': ['name', 'mode', 'taskSpec', 'updateConfig'],
  mode: ['replicated'],
  taskSpec: ['containerSpec', 'placement', 'restartPolicy'],
  'taskSpec.containerSpec': [
    'image',
    'isolation',
    'commands',
    'dir',
    'user',
    'init',
    'env',
    'capDrops',
    'stopGracePeriod',
    'healthcheck',
    'labels',
    'secrets',
    'configs',
    'mounts',
  ],
  updateConfig: ['parallelism', 'delay', 'failureAction', 'monitor', 'maxFailureRatio', 'order'],
};
/** All are required here: the program says them. */
const compared = ['name', 'labels', 'mode', 'taskSpec', 'updateConfig'] as const;
/**
 * ForceNew of the schema. `mode` is it too, but not the number of replicas in it, which is all that can differ
 * here: a list of blocks hands nothing down to what is in them (terraform-plugin-sdk, helper/schema, diffList).
 */
const forceNew: readonly string[] = ['name'];
const pollMilliseconds = 200;

export class ServiceResource implements ResourceHandler {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async check(_olds: Properties, news: Properties, call: Call): Promise<CheckResult> {
    const failures = Object.entries(known).flatMap(([path, names]) => {
      const value = path === '' ? news : path.split('.').reduce<unknown>(childOf, news);
      if (isUnknown(value)) return [];
      if (!isObject(value)) return [failure(path, 'got nothing, and it is required')];
      const isOther = (name: string): boolean => !names.includes(name) && !name.startsWith('__');
      return Object.keys(value)
        .filter(isOther)
        .map((name) =>
          failure(
            [path, name].filter(Boolean).join('.'),
            `not in the rehearsal plugin; allowed: ${names.join(', ')}`,
          ),
        );
    });
    if (failures.length > 0) return { inputs: news, failures };
    const inputs = withDefaults(news as unknown as ServiceInputs) as unknown as Properties;
    return { inputs: markLike(inputs, call.marked) as Properties, failures };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const diffs = compared.filter((name) => {
      // Computed: what nobody says stays what it is.
      if (news[name] === undefined && name === 'labels') return false;
      return !isSame(olds[name], news[name]);
    });
    const replaces = diffs.filter((name) => forceNew.includes(name));
    const detailedDiff = Object.fromEntries(
      diffs.map((name): [string, PropertyDiff] => [
        name,
        { kind: forceNew.includes(name) ? 'update-replace' : 'update' },
      ]),
    );
    return {
      changes: diffs.length > 0,
      replaces,
      diffs,
      detailedDiff,
      deleteBeforeReplace: replaces.length > 0 && olds.name === news.name,
    };
  }

  async create(inputs: Properties, call: Call): Promise<CreateResult> {
    const doing = `creating Docker service ${String(inputs.name)}`;
    try {
      const api = this.#engine.api();
      const body = serviceSpec(inputs as unknown as ServiceInputs);
      const { ID } = await api.post('/services/create', { body, signal: call.signal });
      const id = String(ID);
      return { id, outs: this.#outs(await found(api, id, call), inputs, call) };
    } catch (error) {
      throw told(doing, error, true);
    }
  }

  async update(id: string, _olds: Properties, news: Properties, call: Call): Promise<UpdateResult> {
    const doing = `updating Docker service ${String(news.name)}`;
    try {
      const api = this.#engine.api();
      const { Version } = await api.get(`/services/${id}`, call);
      const query = { version: String((Version as { Index?: number })?.Index) };
      const body = serviceSpec(news as unknown as ServiceInputs);
      await api.post(`/services/${id}/update`, { body, query, signal: call.signal });
      return { outs: this.#outs(await found(api, id, call), news, call) };
    } catch (error) {
      throw told(doing, error, true);
    }
  }

  /** By its id, or by its name, as the official one looks for it. */
  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    try {
      const api = this.#engine.api();
      const all = await api.list('/services', call);
      const nameOf = ({ Spec }: Properties): unknown => (Spec as Properties | undefined)?.Name;
      const one = all.find((each) => each.ID === id || nameOf(each) === state.name);
      if (one === undefined) return {};
      const outs = this.#outs(one, state, call);
      const inputs = Object.fromEntries(
        Object.entries(call.oldInputs).map(([name, value]) => [
          name,
          // What is no difference stays as it was said.
          isSame(outs[name], value) ? value : outs[name],
        ]),
      );
      return {
        id: String(one.ID),
        props: outs,
        inputs: markLike(inputs, call.marked) as Properties,
      };
    } catch (error) {
      throw told(`reading Docker service ${String(state.name)}`, error, true);
    }
  }

  /** Waits for the containers that this engine has, for as long as they may take to stop. */
  async delete(id: string, state: Properties, call: Call): Promise<void> {
    try {
      const api = this.#engine.api();
      const query = filters({ service: [id] });
      const tasks = await api.list('/tasks', { query, signal: call.signal }).catch(() => []);
      await api.remove(`/services/${id}`);
      const { stopGracePeriod } = (state as unknown as ServiceInputs).taskSpec.containerSpec;
      const deadline = performance.now() + nanoseconds(stopGracePeriod) / 1e6;
      for (const task of tasks) {
        const container = containerOf(task);
        if (container !== '') await gone(api, container, deadline);
      }
    } catch (error) {
      throw told(`deleting Docker service ${String(state.name)}`, error, true);
    }
  }

  #outs(service: Properties, state: Properties, call: Call): Properties {
    const { updateConfig, taskSpec, mode, name, labels } = inputsOf(
      (service.Spec ?? {}) as Properties,
    );
    const outs = { ...state, updateConfig, taskSpec, mode, name, labels };
    return markLike(outs, call.marked) as Properties;
  }
}

function childOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : value;
}

async function found(api: DockerApi, id: string, call: Call): Promise<Properties> {
  return await api.get(`/services/${id}`, call);
}

function containerOf({ Status }: Properties): string {
  const { ContainerStatus } = (Status ?? {}) as { ContainerStatus?: { ContainerID?: string } };
  return ContainerStatus?.ContainerID ?? '';
}

async function gone(api: DockerApi, container: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      const { State } = await api.get(`/containers/${container}/json`);
      if ((State as { Running?: boolean }).Running !== true || performance.now() > deadline) break;
    } catch (error) {
      // Of another node, or gone.
      if (isMissing(error)) return;
      throw error;
    }
    await sleep(pollMilliseconds);
  }
  await api.remove(`/containers/${container}`, { query: { force: '1', v: '1' } });
}
