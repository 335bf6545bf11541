/** A fake of Vault's HTTP API, for what the plugins ask of it. The real one is the rehearsal's. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface VaultRequest {
  readonly method: string;
  /** Behind `/v1/`, with its query. */
  readonly path: string;
  readonly token: string;
  readonly body: string;
}

export class VaultServer {
  readonly requests: VaultRequest[] = [];
  /** By path without query: status and body. What is not here is 404. */
  readonly answers = new Map<string, readonly [status: number, body: unknown]>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (message, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      const path = (message.url ?? '').replace('/v1/', '');
      this.requests.push({
        method: message.method ?? '',
        path,
        token: String(message.headers['x-vault-token'] ?? ''),
        body: Buffer.concat(chunks).toString(),
      });
      const none = [404, { errors: [] }] as const;
      const [status, body] = this.answers.get(path.replace(/\?.*$/u, '')) ?? none;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((settle) => this.#server.listen(0, '127.0.0.1', settle));
  }

  async stop(): Promise<void> {
    await new Promise((settle) => this.#server.close(settle));
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
