/**
 * A fault proxy before the API server of a rehearsal, with TLS on both sides. It shows the server's
 * own certificate, which is good for the loopback too, and asks as the one who deploys.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { type Answer, type Asked, type Fault, FaultProxy, type Kept } from './fault-proxy.ts';

interface Upstream {
  readonly server: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

const tooManyRequests = 429;

export class ApiFaultProxy extends FaultProxy {
  readonly #upstream: Upstream;

  private constructor(upstream: Upstream, tls: { readonly cert: Buffer; readonly key: Buffer }) {
    super(tls);
    this.#upstream = upstream;
  }

  /**
   * @param folder of the rehearsal
   * @param server URL of its API server
   */
  static async start(folder: string, server: string): Promise<ApiFaultProxy> {
    const pki = (name: string): Buffer => readFileSync(join(folder, 'pki', name));
    const proxy = new ApiFaultProxy(
      { server, ca: pki('ca.crt'), cert: pki('deployer.crt'), key: pki('deployer.key') },
      { cert: pki('kube-apiserver.crt'), key: pki('kube-apiserver.key') },
    );
    await proxy.listen();
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /**
   * Writes a kubeconfig that leads here.
   * @param from kubeconfig of the one who deploys
   * @returns `path`
   */
  writeKubeconfig(from: string, path: string): string {
    const config = JSON.parse(readFileSync(from, 'utf8'));
    config.clusters[0].cluster.server = this.url;
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  protected override askedOf({ method = '', url = '' }: IncomingMessage, body: string): Asked {
    return { action: method, about: url, body };
  }

  protected override async pass(
    { method, url: path, headers }: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    kept: Kept | undefined,
  ): Promise<void> {
    const { server, ca, cert, key } = this.#upstream;
    const url = new URL(path ?? '/', server);
    const { host: _, ...others } = headers;
    await new Promise<void>((settle, fail) => {
      const onward = request(url, { method, headers: others, ca, cert, key }, (reply) => {
        reply.on('close', settle).on('error', fail);
        if (kept !== undefined) {
          reply.resume().on('end', () => kept === 'lose' && answer.destroy());
          return;
        }
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        // A watch says nothing at first, and its client waits for that.
        answer.flushHeaders();
        reply.pipe(answer);
      });
      onward.on('error', fail);
      answer.on('close', () => onward.destroy());
      onward.end(body);
    });
  }

  protected override tooMany(): Answer {
    return statusOf(tooManyRequests, 'TooManyRequests', 'too many requests', 1);
  }
}

/** @param retryAfter seconds; none: nothing is said of it */
export function refusing(
  code: number,
  reason: string,
  retryAfter?: number,
  words = ({ body }: Asked): string => `cannot take ${body}`,
): Fault {
  return { does: 'answer', with: (asked) => statusOf(code, reason, words(asked), retryAfter) };
}

function statusOf(code: number, reason: string, message: string, retryAfter?: number): Answer {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
  return {
    status: code,
    headers: {
      'content-type': 'application/json',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify(status),
  };
}
