/**
 * What a plugin written here says about itself: its resource types, functions and configuration,
 * as plain objects. `provider-server.ts` carries them to and from the engine.
 *
 * A secret crosses the wire as `{ [signature]: mark, value }`
 * (pulumi/sdk/go/common/resource/sig). `unwrap` takes the values out, `secret` marks them again,
 * `markLike` marks outputs where the inputs were marked.
 */
import type {
  CheckFailure,
  CheckResult,
  CreateResult,
  ReadResult,
  DiffResult as SdkDiffResult,
  UpdateResult,
} from '@pulumi/pulumi/provider/provider.js';

export type { CheckFailure, CheckResult, CreateResult, ReadResult, UpdateResult };

const signature = '4dabf18193072939515e22adb298388d';
const secretMark = '1b47061264138c4ac30d75fd1eb44270';
const unknownMark = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

/** Properties as plain values, without secret marks. */
export type Properties = Record<string, unknown>;

/** How one property differs; `inputDiff` when inputs and not the state are compared. */
export interface PropertyDiff {
  readonly kind: 'add' | 'add-replace' | 'delete' | 'delete-replace' | 'update' | 'update-replace';
  readonly inputDiff?: boolean;
}

export interface DiffResult extends SdkDiffResult {
  /** Top-level properties that differ. */
  readonly diffs?: string[];
  /** By path, as in `spec.replicas` or `data["a.b"]`: what the engine shows. */
  readonly detailedDiff?: Record<string, PropertyDiff>;
}

/** What the engine says beside the properties, and what can be said to it. */
export interface Call {
  /** The resource; of an invoke or a configuration the token or the provider. */
  readonly urn: string;
  /** True in a preview: change nothing and leave out of the outputs what is not known yet. */
  readonly preview: boolean;
  /** From the option `customTimeouts`; undefined when it is not set. */
  readonly timeoutSeconds: number | undefined;
  /** From the option `ignoreChanges`; the engine has put the old inputs back already. */
  readonly ignoreChanges: readonly string[];
  /** Inputs of the last update, unwrapped: diff, update, read and delete. */
  readonly oldInputs: Properties;
  /** The inputs (news) with their secret marks, for `markLike`. Of a read: the old inputs. */
  readonly marked: Properties;
  /** Aborts when the engine is asked to stop. */
  readonly signal: AbortSignal;
  /** A line that stays in the output of `up`. Never a value. */
  log(severity: 'info' | 'warning', message: string): void;
  /** A line that the next one replaces, beside the resource. Never a value. */
  status(message: string): void;
}

/** One resource type. Inputs arrive unwrapped; outputs say themselves what is secret. */
export interface ResourceHandler {
  /**
   * Whether create and update are called in previews too (`call.preview`). If not, a preview
   * shows the inputs as outputs.
   * @default false
   */
  readonly previews?: boolean;
  /**
   * Settles defaults and finds mistakes. In a preview inputs may be unknown (`isUnknown`).
   * @returns the inputs, marked, and the failures
   */
  check(olds: Properties, news: Properties, call: Call): Promise<CheckResult>;
  /** @param olds the state's outputs; the old inputs are in `call.oldInputs` */
  diff(id: string, olds: Properties, news: Properties, call: Call): Promise<DiffResult>;
  /** @throws InitialisationError when it was made and did not become what it should */
  create(inputs: Properties, call: Call): Promise<CreateResult>;
  /** @returns an empty result when the resource is gone */
  read(id: string, state: Properties, call: Call): Promise<ReadResult>;
  update?(id: string, olds: Properties, news: Properties, call: Call): Promise<UpdateResult>;
  delete(id: string, state: Properties, call: Call): Promise<void>;
}

/**
 * A function (`invoke`). Arguments arrive unwrapped and may be unknown in a preview; results say
 * themselves what is secret.
 */
export type InvokeHandler = (args: Properties, call: Call) => Promise<Properties>;

/** The provider's own inputs. SDKs send what is not text as JSON text: see `fromJson`. */
export interface ProviderConfiguration {
  /**
   * Inputs arrive without secret marks, which the engine puts back itself, and may be unknown.
   * @default the inputs as they are
   */
  checkConfig?(news: Properties, call: Call): Promise<CheckResult>;
  /** @default a change never replaces the provider's resources */
  diffConfig?(olds: Properties, news: Properties, call: Call): Promise<DiffResult>;
  /** Called once, before any resource; never while an input is unknown. */
  configure(inputs: Properties, call: Call): Promise<void>;
}

export interface ProviderParts {
  readonly version: string;
  readonly resources: Readonly<Record<string, ResourceHandler>>;
  readonly invokes?: Readonly<Record<string, InvokeHandler>>;
  readonly configuration?: ProviderConfiguration;
}

/** An error that a user sees: one line, no stack, never a value. */
export class PluginError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PluginError';
    this.stack = message;
  }
}

/**
 * The resource exists and did not become what it should: the engine keeps it in the state with
 * the reasons, fails the update, and tries again at the next one.
 */
export class InitialisationError extends PluginError {
  readonly id: string;
  /** Outputs so far, marked. */
  readonly outs: Properties;
  readonly reasons: readonly string[];

  constructor(message: string, id: string, outs: Properties, reasons: readonly string[]) {
    super(message);
    this.id = id;
    this.outs = outs;
    this.reasons = reasons;
  }
}

/** Marks a property as secret on its way to the engine. */
export function secret(value: unknown): unknown {
  return { [signature]: secretMark, value };
}

export function isSecret(value: unknown): boolean {
  return isObject(value) && value[signature] === secretMark;
}

/** Takes secret marks off, at any depth. */
export function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (!isObject(value)) return value;
  if (value[signature] === secretMark) return unwrap(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrap(item)]));
}

/**
 * Marks what has the same place as something secret in the inputs. A list with a secret in it is
 * marked whole, because a server may reorder it (plugin.annotateSecrets of the engine).
 * @param value plain or partly marked outputs
 * @param inputs with marks
 */
export function markLike(value: unknown, inputs: unknown): unknown {
  if (isSecret(value)) return value;
  if (isSecret(inputs)) return secret(unwrap(value));
  if (isObject(value) && isObject(inputs)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, markLike(item, inputs[key])]),
    );
  }
  return containsSecret(inputs) ? secret(unwrap(value)) : value;
}

export function containsSecret(value: unknown): boolean {
  if (isSecret(value)) return true;
  if (Array.isArray(value)) return value.some(containsSecret);
  return isObject(value) && Object.values(value).some(containsSecret);
}

/** Whether a property is not known yet, as in a preview of what does not exist. */
export function isUnknown(value: unknown): boolean {
  return value === unknownMark;
}

/** Whether anything in it is not known yet. */
export function containsUnknown(value: unknown): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some(containsUnknown);
  return isObject(value) && Object.values(value).some(containsUnknown);
}

/** A provider's input that its SDK sent as JSON text: `'true'` is true. Other text stays. */
export function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export function failure(property: string, reason: string): CheckFailure {
  return { property, reason };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
