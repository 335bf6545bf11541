/**
 * What every plugin written here shares: the gRPC service of a Pulumi provider over the SDK's
 * generated messages. Nothing in it knows a resource.
 *
 * The SDK's own server (`@pulumi/pulumi/provider`) has no provider inputs, no previews, no
 * timeouts and no old inputs, so it is not used. The engine's side of the protocol is
 * pulumi/sdk/go/common/resource/plugin/provider_plugin.go.
 */
import '../engine-watch.cjs';
import grpc from '@grpc/grpc-js';
import pluginProto from '@pulumi/pulumi/proto/plugin_pb.js';
import providerGrpc from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import proto from '@pulumi/pulumi/proto/provider_pb.js';
import statusProto from '@pulumi/pulumi/proto/status_pb.js';
import anyProto from 'google-protobuf/google/protobuf/any_pb.js';
import emptyProto from 'google-protobuf/google/protobuf/empty_pb.js';
import structProto from 'google-protobuf/google/protobuf/struct_pb.js';
import { EngineLog } from './engine-log.ts';
import {
  type Call,
  type CheckResult,
  type DiffResult,
  InitialisationError,
  PluginError,
  type Properties,
  type ProviderParts,
  type ResourceHandler,
  unwrap,
} from './resource-handler.ts';

export * from './resource-handler.ts';

/** As the engine's own limit (sdk/go/common/util/rpcutil): 400 MiB. */
const messageBytes = 400 * 1024 * 1024;

type Struct = InstanceType<typeof structProto.Struct>;
/** Requests that carry a URN and properties; each has some of these. */
interface Request {
  getUrn?(): string | undefined;
  getPreview?(): boolean;
  getTimeout?(): number;
  getIgnorechangesList?(): string[];
  getOldInputs?(): Struct | undefined;
}
type Method<Req, Res> = (request: Req) => Promise<Res>;

/** Runs the provider until the engine ends it, and says its port on the standard output. */
export async function serve(
  version: string,
  resources: ProviderParts['resources'],
  others: Omit<ProviderParts, 'version' | 'resources'> = {},
): Promise<void> {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': messageBytes,
    'grpc.max_send_message_length': messageBytes,
  });
  const address = process.argv.slice(2).find((argument) => /:\d+$/u.test(argument));
  const methods = new Service({ version, resources, ...others }, new EngineLog(address)).methods();
  // A method without a handler answers "unimplemented", which the engine expects of old plugins.
  server.addService(
    providerGrpc.ResourceProviderService as unknown as grpc.ServiceDefinition,
    methods as unknown as grpc.UntypedServiceImplementation,
  );
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => {
      process.stderr.write(`${lineOf(error, 'plugin')}\n`);
      process.exit(1);
    });
  }
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  process.stdout.write(`${port}\n`);
}

/** The methods of the service, each from a request's message to an answer's. */
export class Service {
  readonly #parts: ProviderParts;
  readonly #log: EngineLog;
  readonly #stop = new AbortController();

  constructor(parts: ProviderParts, log: EngineLog) {
    this.#parts = parts;
    this.#log = log;
  }

  methods(): Record<string, grpc.handleUnaryCall<never, unknown>> {
    return {
      getPluginInfo: answer(async () =>
        new pluginProto.PluginInfo().setVersion(this.#parts.version),
      ),
      getSchema: answer(async () => new proto.GetSchemaResponse().setSchema('{}')),
      attach: answer(async () => new emptyProto.Empty()),
      cancel: answer(async () => {
        this.#stop.abort(new PluginError('stopped at your request'));
        return new emptyProto.Empty();
      }),
      ...this.#configuration(),
      invoke: answer(async (request: proto.InvokeRequest) => {
        const invoke = this.#parts.invokes?.[request.getTok()];
        if (invoke === undefined) throw refusal('function', request.getTok(), this.#parts.invokes);
        const args = toProperties(request.getArgs());
        const call = { ...this.#call(request, args), urn: '' };
        return new proto.InvokeResponse().setReturn(toStruct(await invoke(plain(args), call)));
      }),
      check: answer(async (request: proto.CheckRequest) => {
        const news = toProperties(request.getNews());
        const olds = plain(toProperties(request.getOlds()));
        const call = this.#call(request, news);
        return checkResponse(await this.#of(request).check(olds, plain(news), call));
      }),
      diff: answer(async (request: proto.DiffRequest) => {
        const news = toProperties(request.getNews());
        const olds = plain(toProperties(request.getOlds()));
        const call = this.#call(request, news);
        return diffResponse(await this.#of(request).diff(request.getId(), olds, plain(news), call));
      }),
      create: answer(async (request: proto.CreateRequest) => await this.#create(request)),
      update: answer(async (request: proto.UpdateRequest) => await this.#update(request)),
      read: answer(async (request: proto.ReadRequest) => await this.#read(request)),
      delete: answer(async (request: proto.DeleteRequest) => {
        const state = plain(toProperties(request.getProperties()));
        const call = this.#call(request, {});
        await this.#of(request).delete(request.getId(), state, call);
        return new emptyProto.Empty();
      }),
    };
  }

  #configuration(): Record<string, grpc.handleUnaryCall<never, unknown>> {
    const { configuration } = this.#parts;
    const checkConfig = configuration?.checkConfig?.bind(configuration);
    const diffConfig = configuration?.diffConfig?.bind(configuration);
    return {
      configure: answer(async (request: proto.ConfigureRequest) => {
        const args = toProperties(request.getArgs());
        await configuration?.configure(plain(args), this.#call(request, args));
        const response = new proto.ConfigureResponse();
        response.setAcceptsecrets(true);
        response.setSupportspreview(true);
        return response;
      }),
      ...(checkConfig && {
        checkConfig: answer(async (request: proto.CheckRequest) => {
          const news = toProperties(request.getNews());
          return checkResponse(await checkConfig(plain(news), this.#call(request, news)));
        }),
      }),
      ...(diffConfig && {
        diffConfig: answer(async (request: proto.DiffRequest) => {
          const [olds, news] = [toProperties(request.getOlds()), toProperties(request.getNews())];
          const call = this.#call(request, news);
          return diffResponse(await diffConfig(plain(olds), plain(news), call));
        }),
      }),
    };
  }

  async #create(request: proto.CreateRequest): Promise<unknown> {
    const response = new proto.CreateResponse();
    const handler = this.#of(request);
    const inputs = toProperties(request.getProperties());
    if (request.getPreview() && handler.previews !== true) {
      return response.setProperties(toStruct(inputs));
    }
    const { id, outs } = await handler.create(plain(inputs), this.#call(request, inputs));
    return response.setId(id).setProperties(toStruct(outs ?? {}));
  }

  async #update(request: proto.UpdateRequest): Promise<unknown> {
    const response = new proto.UpdateResponse();
    const handler = this.#of(request);
    const news = toProperties(request.getNews());
    if (handler.update === undefined) {
      throw new PluginError(`${typeOf(request)}: cannot be updated`);
    }
    if (request.getPreview() && handler.previews !== true) {
      return response.setProperties(toStruct(news));
    }
    const olds = plain(toProperties(request.getOlds()));
    const call = this.#call(request, news);
    const { outs } = await handler.update(request.getId(), olds, plain(news), call);
    return response.setProperties(toStruct(outs ?? {}));
  }

  async #read(request: proto.ReadRequest): Promise<unknown> {
    const inputs = toProperties(request.getInputs());
    const call = { ...this.#call(request, inputs), oldInputs: plain(inputs) };
    const state = plain(toProperties(request.getProperties()));
    const found = await this.#of(request).read(request.getId(), state, call);
    const response = new proto.ReadResponse();
    if (found.id === undefined) return response;
    response.setId(found.id).setProperties(toStruct(found.props ?? {}));
    return found.inputs === undefined ? response : response.setInputs(toStruct(found.inputs));
  }

  #of(request: Request): ResourceHandler {
    const type = typeOf(request);
    const found = this.#parts.resources[type];
    if (found === undefined) throw refusal('resource type', type, this.#parts.resources);
    return found;
  }

  #call(request: Request, marked: Properties): Call {
    const urn = request.getUrn?.() ?? '';
    const seconds = request.getTimeout?.() ?? 0;
    return {
      urn,
      preview: request.getPreview?.() ?? false,
      timeoutSeconds: seconds > 0 ? seconds : undefined,
      ignoreChanges: request.getIgnorechangesList?.() ?? [],
      oldInputs: plain(toProperties(request.getOldInputs?.())),
      marked,
      signal: this.#stop.signal,
      log: (severity, message) => this.#log.say(severity, urn, message, false),
      status: (message) => this.#log.say('info', urn, message, true),
    };
  }
}

function answer<Req, Res>(method: Method<Req, Res>): grpc.handleUnaryCall<never, unknown> {
  return ({ request }, callback) => {
    method(request as Req).then(
      (response) => callback(null, response),
      (error: unknown) => callback(statusOf(error, request as Request)),
    );
  };
}

/** Errors of ours say all; of others only where they come from: their text may hold a value. */
function lineOf(error: unknown, what: string): string {
  if (error instanceof PluginError) return error.message.replaceAll(/\s*\n\s*/gu, ' ');
  const { name, code, stack } = error as NodeJS.ErrnoException;
  const place = /^\s+at .*?([\w.-]+:\d+):\d+\)?$/mu.exec(stack ?? '')?.[1] ?? 'unknown place';
  const kind = [name ?? 'error', code].filter((each) => each !== undefined).join(' ');
  return `${what}: ${kind} in the plugin at ${place}; fix: run again, and report it if it comes back`;
}

function statusOf(error: unknown, request: Request): Partial<grpc.StatusObject> {
  const message = lineOf(error, typeOf(request) || 'plugin');
  const metadata = new grpc.Metadata();
  if (error instanceof InitialisationError) {
    const detail = new proto.ErrorResourceInitFailed();
    detail.setId(error.id);
    detail.setProperties(toStruct(error.outs));
    detail.setReasonsList(error.reasons.map((reason) => reason.replaceAll(/\s*\n\s*/gu, ' ')));
    const any = new anyProto.Any();
    any.pack(detail.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed');
    const status = new statusProto.Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(any);
    // Where Go's gRPC looks for structured details.
    metadata.set('grpc-status-details-bin', Buffer.from(status.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

function refusal(what: string, got: string, allowed: object = {}): PluginError {
  return new PluginError(
    `${what} ${got}: not in this plugin; allowed: ${Object.keys(allowed).join(', ')}`,
  );
}

function typeOf(request: Request): string {
  return request.getUrn?.()?.split('::')[2]?.split('$').at(-1) ?? '';
}

function plain(properties: Properties): Properties {
  return unwrap(properties) as Properties;
}

function toProperties(struct: Struct | undefined): Properties {
  return (struct?.toJavaScript() ?? {}) as Properties;
}

/** Through JSON, which drops what is undefined: the messages know no such thing. */
function toStruct(properties: Properties): Struct {
  return structProto.Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)));
}

function checkResponse({ inputs, failures = [] }: CheckResult): proto.CheckResponse {
  const response = new proto.CheckResponse().setInputs(toStruct(inputs ?? {}));
  return response.setFailuresList(
    failures.map(({ property, reason }) =>
      new proto.CheckFailure().setProperty(property).setReason(reason),
    ),
  );
}

function diffResponse(result: DiffResult): proto.DiffResponse {
  const { DIFF_NONE, DIFF_SOME, DIFF_UNKNOWN } = proto.DiffResponse.DiffChanges;
  const changes = { true: DIFF_SOME, false: DIFF_NONE, undefined: DIFF_UNKNOWN };
  const response = new proto.DiffResponse();
  response.setChanges(changes[`${result.changes}`]);
  response.setReplacesList(result.replaces ?? []);
  response.setStablesList(result.stables ?? []);
  response.setDiffsList(result.diffs ?? []);
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  if (result.detailedDiff === undefined) return response;
  response.setHasdetaileddiff(true);
  const kinds = proto.PropertyDiff.Kind;
  for (const [path, { kind, inputDiff = false }] of Object.entries(result.detailedDiff)) {
    const detail = new proto.PropertyDiff().setInputdiff(inputDiff);
    detail.setKind(kinds[kind.toUpperCase().replace('-', '_') as keyof typeof kinds]);
    response.getDetaileddiffMap().set(path, detail);
  }
  return response;
}
