/** A fake of the Docker Engine's API on a socket, for what the plugins ask of it. The real one is the rehearsal's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DockerAsked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: string;
}

export class DockerServer {
  readonly requests: DockerAsked[] = [];
  /** By `METHOD /path` without query: status and body. What is not here is 404. */
  readonly answers = new Map<string, readonly [status: number, body: unknown]>();
  readonly #folder = mkdtempSync(join(tmpdir(), 'docker-server-'));
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (message, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      const { method = '', url = '' } = message;
      this.requests.push({ method, path: url, body: Buffer.concat(chunks).toString() });
      const none = [404, { message: 'not found' }] as const;
      const [status, body] = this.answers.get(`${method} ${url.replace(/\?.*$/u, '')}`) ?? none;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((settle) => this.#server.listen(this.socket, settle));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((settle) => this.#server.close(settle));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get socket(): string {
    return join(this.#folder, 'socket');
  }

  get host(): string {
    return `unix://${this.socket}`;
  }
}
