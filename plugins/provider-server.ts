/**
 * What every plugin written here shares: the dispatch by resource type, the wrapping of secrets,
 * and errors of one line. Nothing in it knows a resource.
 *
 * A secret crosses the wire as `{ [signature]: mark, value }`
 * (pulumi/sdk/go/common/resource/sig). `unwrap` takes the values out, `secret` marks them again.
 */
import '../engine-watch.cjs';
import { main } from '@pulumi/pulumi/provider/index.js';
import type {
  CheckFailure,
  CheckResult,
  CreateResult,
  DiffResult,
  Provider,
  ReadResult,
  UpdateResult,
} from '@pulumi/pulumi/provider/provider.js';

const signature = '4dabf18193072939515e22adb298388d';
const secretMark = '1b47061264138c4ac30d75fd1eb44270';

/** Properties as plain values, without secret marks. */
export type Properties = Record<string, unknown>;

/** One resource type. Inputs arrive unwrapped; outputs say themselves what is secret. */
export interface ResourceHandler {
  /** Settles defaults and finds mistakes. @returns the inputs, marked, and the failures */
  check(olds: Properties, news: Properties): Promise<CheckResult>;
  diff(id: string, olds: Properties, news: Properties): Promise<DiffResult>;
  create(inputs: Properties): Promise<CreateResult>;
  /** @returns an empty result when the resource is gone */
  read(id: string, state: Properties): Promise<ReadResult>;
  update?(id: string, olds: Properties, news: Properties): Promise<UpdateResult>;
  delete(id: string, state: Properties): Promise<void>;
}

/** An error that a user sees: one line, no stack, never a value. */
export class PluginError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PluginError';
    // The SDK's server prints `error.stack` of check, diff, read and delete.
    this.stack = message;
  }
}

/** Marks a property as secret on its way to the engine. */
export function secret(value: unknown): unknown {
  return { [signature]: secretMark, value };
}

/** Takes secret marks off, at any depth. */
export function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (value === null || typeof value !== 'object') return value;
  const object = value as Record<string, unknown>;
  if (object[signature] === secretMark) return unwrap(object.value);
  return Object.fromEntries(Object.entries(object).map(([key, item]) => [key, unwrap(item)]));
}

/** Whether a property is not known yet, as in a preview of what does not exist. */
export function isUnknown(value: unknown): boolean {
  return value === '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
}

export function failure(property: string, reason: string): CheckFailure {
  return { property, reason };
}

function typeOf(urn: string): string {
  return urn.split('::')[2]?.split('$').at(-1) ?? '';
}

/** Runs the provider until the engine ends it. */
export async function serve(
  version: string,
  handlers: Record<string, ResourceHandler>,
): Promise<void> {
  const handler = (urn: string): ResourceHandler => {
    const found = handlers[typeOf(urn)];
    if (found === undefined) {
      throw new PluginError(
        `resource type ${typeOf(urn)}: not in this plugin; allowed: ${Object.keys(handlers).join(', ')}`,
      );
    }
    return found;
  };
  const plain = (properties: unknown): Properties => unwrap(properties ?? {}) as Properties;
  const provider: Provider = {
    version,
    check: async (urn, olds, news) => await handler(urn).check(plain(olds), plain(news)),
    diff: async (id, urn, olds, news) => await handler(urn).diff(id, plain(olds), plain(news)),
    create: async (urn, inputs) => await handler(urn).create(plain(inputs)),
    read: async (id, urn, state) => await handler(urn).read(id, plain(state)),
    update: async (id, urn, olds, news) => {
      const found = handler(urn);
      if (found.update === undefined) throw new PluginError(`${typeOf(urn)}: cannot be updated`);
      return await found.update(id, plain(olds), plain(news));
    },
    delete: async (id, urn, state) => await handler(urn).delete(id, plain(state)),
  };
  await main(provider, process.argv.slice(2));
}
