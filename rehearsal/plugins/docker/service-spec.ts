/**
 * The inputs of a `docker:index/service:Service` as the Engine's API takes them (ServiceSpec of
 * https://docs.docker.com/reference/api/engine/), and back: of the fields, those that the program
 * sets, and those that somebody changes by hand.
 * After internal/provider/resource_docker_service_structures.go.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject, isUnknown } from '../../../plugins/provider-server.ts';

/** A file that a secret or a config becomes. Modes are numbers, 0o400 as 256. */
interface Mounted {
  readonly fileName: string;
  readonly fileUid: string;
  readonly fileGid: string;
  readonly fileMode: number;
}

interface Label {
  readonly label: string;
  readonly value: string;
}

export interface ServiceInputs {
  readonly name: string;
  readonly mode: { readonly replicated: { readonly replicas: number } };
  readonly taskSpec: {
    readonly containerSpec: {
      readonly image: string;
      readonly isolation?: string;
      readonly commands: readonly string[];
      readonly dir: string;
      readonly user: string;
      readonly init: boolean;
      readonly env: Readonly<Record<string, string>>;
      readonly capDrops: readonly string[];
      readonly stopGracePeriod: string;
      readonly healthcheck: {
        readonly tests: readonly string[];
        readonly interval: string;
        readonly timeout: string;
        readonly retries: number;
        readonly startPeriod: string;
      };
      readonly labels: readonly Label[];
      readonly secrets: readonly (Mounted & {
        readonly secretId: string;
        readonly secretName: string;
      })[];
      readonly configs: readonly (Mounted & {
        readonly configId: string;
        readonly configName: string;
      })[];
      readonly mounts: readonly {
        readonly type: string;
        readonly source?: string;
        readonly target: string;
        readonly tmpfsOptions?: { readonly mode: number };
      }[];
    };
    readonly placement: { readonly constraints: readonly string[]; readonly maxReplicas: number };
    readonly restartPolicy: { readonly condition: string; readonly delay: string };
  };
  readonly updateConfig: {
    readonly parallelism: number;
    readonly order: string;
    readonly failureAction: string;
    readonly delay?: string;
    readonly monitor?: string;
    readonly maxFailureRatio?: string;
  };
}

/** Defaults of the provider's schema, which the bridge puts into the inputs. */
const updateDefaults = {
  parallelism: 1,
  delay: '0s',
  failureAction: 'pause',
  monitor: '5s',
  maxFailureRatio: '0.0',
  order: 'stop-first',
};

export function withDefaults(inputs: ServiceInputs): ServiceInputs {
  const { taskSpec, updateConfig } = inputs;
  const containerSpec = { isolation: 'default', ...taskSpec.containerSpec };
  return {
    ...inputs,
    taskSpec: { ...taskSpec, containerSpec },
    updateConfig: { ...updateDefaults, ...updateConfig },
  };
}

const units: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of a duration as Go writes it: `2m0s`, `10s`, `500ms`. */
export function nanoseconds(duration: string): number {
  if (!/^(?:\d+(?:ms|s|m|h))+$/u.test(duration)) {
    throw new Error(`duration: got ${JSON.stringify(duration)}; allowed: one such as 2m0s`);
  }
  const parts = [...duration.matchAll(/(\d+)(ms|s|m|h)/gu)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
}

/** The same back, as the provider's shortDur has it: `2m`, `1h`, `1m30s`. */
export function duration(nanos: number): string {
  if (nanos % 1e9 !== 0) return `${nanos / 1e6}ms`;
  const seconds = nanos / 1e9;
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const parts = [h > 0 && `${h}h`, m > 0 && `${m}m`, s > 0 && `${s}s`].filter(Boolean);
  return parts.length === 0 ? '0s' : parts.join('');
}

function labelsOf(labels: readonly Label[]): Readonly<Record<string, string>> {
  return Object.fromEntries(labels.map(({ label, value }) => [label, value]));
}

function fileOf({ fileName, fileUid, fileGid, fileMode }: Mounted): object {
  return { Name: fileName, UID: fileUid, GID: fileGid, Mode: fileMode };
}

export function serviceSpec(inputs: ServiceInputs): object {
  const { taskSpec, mode, updateConfig } = withDefaults(inputs);
  const { containerSpec: container, placement, restartPolicy } = taskSpec;
  const { healthcheck: health } = container;
  return {
    Name: inputs.name,
    TaskTemplate: {
      ContainerSpec: {
        Image: container.image,
        Command: container.commands,
        Dir: container.dir,
        User: container.user,
        Init: container.init,
        Isolation: container.isolation,
        Env: Object.entries(container.env).map(([name, value]) => `${name}=${value}`),
        CapabilityDrop: container.capDrops,
        StopGracePeriod: nanoseconds(container.stopGracePeriod),
        Healthcheck: {
          Test: health.tests,
          Interval: nanoseconds(health.interval),
          Timeout: nanoseconds(health.timeout),
          Retries: health.retries,
          StartPeriod: nanoseconds(health.startPeriod),
        },
        Labels: labelsOf(container.labels),
        Secrets: container.secrets.map((each) => ({
          SecretID: each.secretId,
          SecretName: each.secretName,
          File: fileOf(each),
        })),
        Configs: container.configs.map((each) => ({
          ConfigID: each.configId,
          ConfigName: each.configName,
          File: fileOf(each),
        })),
        Mounts: container.mounts.map(({ type, source, target, tmpfsOptions }) => ({
          Type: type,
          Target: target,
          ...(source !== undefined && { Source: source }),
          ...(tmpfsOptions && { TmpfsOptions: { Mode: tmpfsOptions.mode } }),
        })),
      },
      Placement: { Constraints: placement.constraints, MaxReplicas: placement.maxReplicas },
      RestartPolicy: {
        Condition: restartPolicy.condition,
        Delay: nanoseconds(restartPolicy.delay),
      },
    },
    Mode: { Replicated: { Replicas: mode.replicated.replicas } },
    UpdateConfig: {
      Parallelism: updateConfig.parallelism,
      Delay: nanoseconds(updateConfig.delay ?? '0s'),
      Monitor: nanoseconds(updateConfig.monitor ?? '5s'),
      MaxFailureRatio: Number(updateConfig.maxFailureRatio),
      Order: updateConfig.order,
      FailureAction: updateConfig.failureAction,
    },
    EndpointSpec: {},
  };
}

type Json = Readonly<Record<string, unknown>>;

const at = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);
const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value : []);
const time = (value: unknown): string => duration(Number(value ?? 0));
const labelList = (labels: unknown): readonly Label[] =>
  Object.entries((labels ?? {}) as Record<string, string>).map(([label, value]) => ({
    label,
    value,
  }));

function mounted(file: unknown): Mounted {
  return {
    fileName: String(at(file, 'Name')),
    fileUid: String(at(file, 'UID')),
    fileGid: String(at(file, 'GID')),
    fileMode: Number(at(file, 'Mode')),
  };
}

/** What the engine holds, in the words of the inputs. @param spec the API's ServiceSpec */
export function inputsOf(spec: Json): Json {
  const template = at(spec, 'TaskTemplate');
  const container = (at(template, 'ContainerSpec') ?? {}) as Json;
  const health = container.Healthcheck;
  const placement = at(template, 'Placement');
  const restart = at(template, 'RestartPolicy');
  const update = at(spec, 'UpdateConfig');
  const env = listOf(container.Env).map((line) => {
    const [name = '', ...value] = String(line).split('=');
    return [name, value.join('=')] as const;
  });
  return {
    name: spec.Name,
    labels: labelList(spec.Labels),
    mode: { replicated: { replicas: at(at(at(spec, 'Mode'), 'Replicated'), 'Replicas') } },
    taskSpec: {
      containerSpec: {
        image: container.Image,
        commands: container.Command,
        args: container.Args,
        hostname: container.Hostname,
        groups: container.Groups,
        readOnly: container.ReadOnly,
        stopSignal: container.StopSignal,
        hosts: container.Hosts,
        capAdds: container.CapabilityAdd,
        dir: container.Dir,
        user: container.User,
        init: container.Init,
        isolation: container.Isolation,
        env: Object.fromEntries(env),
        capDrops: container.CapabilityDrop,
        stopGracePeriod: time(container.StopGracePeriod),
        healthcheck: isObject(health)
          ? {
              tests: health.Test,
              interval: time(health.Interval),
              timeout: time(health.Timeout),
              retries: health.Retries,
              startPeriod: time(health.StartPeriod),
            }
          : undefined,
        labels: labelList(container.Labels),
        secrets: listOf(container.Secrets).map((each) => ({
          secretId: each.SecretID,
          secretName: each.SecretName,
          ...mounted(each.File),
        })),
        configs: listOf(container.Configs).map((each) => ({
          configId: each.ConfigID,
          configName: each.ConfigName,
          ...mounted(each.File),
        })),
        mounts: listOf(container.Mounts).map((each) => ({
          type: each.Type,
          source: each.Source,
          target: each.Target,
          readOnly: each.ReadOnly,
          // Perm() of the mode: the provider loses a sticky bit.
          ...(isObject(each.TmpfsOptions) && {
            tmpfsOptions: { mode: Number(each.TmpfsOptions.Mode) & 0o777 },
          }),
        })),
      },
      networksAdvanceds: listOf(at(template, 'Networks')).map(({ Target }) => ({ id: Target })),
      placement: {
        constraints: at(placement, 'Constraints'),
        maxReplicas: at(placement, 'MaxReplicas'),
      },
      restartPolicy: { condition: at(restart, 'Condition'), delay: time(at(restart, 'Delay')) },
    },
    updateConfig: {
      parallelism: at(update, 'Parallelism'),
      delay: time(at(update, 'Delay')),
      failureAction: at(update, 'FailureAction'),
      monitor: time(at(update, 'Monitor')),
      maxFailureRatio: Number(at(update, 'MaxFailureRatio') ?? 0).toFixed(1),
      order: at(update, 'Order'),
    },
  };
}

/**
 * Whether two values are the same to the provider: what is zero is as if it were not said, and lists
 * of blocks are sets.
 */
export function isSame(old: unknown, now: unknown): boolean {
  return isDeepStrictEqual(settled(old), settled(now));
}

function settled(value: unknown): unknown {
  if (isUnknown(value)) return value;
  if (Array.isArray(value)) {
    const items = value.map(settled).filter((item) => item !== undefined);
    const isSet = items.some(isObject);
    const key = (item: unknown): string => JSON.stringify(item);
    if (items.length === 0) return undefined;
    return isSet ? items.toSorted((a, b) => key(a).localeCompare(key(b))) : items;
  }
  if (isObject(value)) {
    const entries = Object.keys(value)
      .toSorted()
      .map((name) => [name, settled(value[name])] as const)
      .filter(([, item]) => item !== undefined);
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return value === '' || value === 0 || value === false || value === null ? undefined : value;
}
