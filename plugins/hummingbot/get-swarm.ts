/** The local plugin's function of swarm.ts, as the program sees it. */
import * as pulumi from '@pulumi/pulumi';

export interface GetSwarmArgs {
  /** `unix:///PATH`, `ssh://[USER@]HOST[:PORT]` or `tcp://HOST:PORT`. */
  readonly host: string;
  /** Directory of ca.pem, cert.pem and key.pem; empty without TLS. */
  readonly certPath: string;
  /** ID of a node that is to run something. */
  readonly node: string;
}

export interface FoundSwarm {
  /** Cluster id; may be empty with a mistake. */
  readonly id: string;
  /** Why it cannot be used as it is. */
  readonly mistake?: {
    readonly what: string;
    readonly got: string;
    readonly allowed: string;
    readonly fix: string;
  };
}

/** Which swarm a Docker host manages, and whether it can be used. It reads and makes nothing. */
export async function getSwarm(
  args: GetSwarmArgs,
  opts: pulumi.InvokeOptions = {},
): Promise<FoundSwarm> {
  return await pulumi.runtime.invoke('hummingbot:index:getSwarm', { ...args }, opts);
}
