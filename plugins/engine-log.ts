/** Lines that a plugin says to the engine, which shows them beside the resource. */
import grpc from '@grpc/grpc-js';
import engineGrpc from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import engineProto from '@pulumi/pulumi/proto/engine_pb.js';

export class EngineLog {
  readonly #client: engineGrpc.EngineClient | undefined;

  /** @param address of the engine; undefined when the plugin was started by hand */
  constructor(address: string | undefined) {
    if (address === undefined) return;
    this.#client = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure());
  }

  /** @param ephemeral whether the next line takes its place */
  say(severity: 'info' | 'warning', urn: string, message: string, ephemeral: boolean): void {
    const request = new engineProto.LogRequest();
    request.setSeverity(engineProto.LogSeverity[severity === 'info' ? 'INFO' : 'WARNING']);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    // A line that does not arrive is no reason to fail what it tells about.
    this.#client?.log(request, () => {});
  }
}
