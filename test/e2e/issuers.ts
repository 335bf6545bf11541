/** Issuers that take every key, as `npm run rotate` asks them; while they have a status that refuses, none. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { issuersVariable } from '../../operations/rotation/issuers.ts';

export class Issuers {
  status = 200;
  asked = 0;
  readonly #server = createServer((_request, response) => {
    this.asked += 1;
    response.writeHead(this.status).end('{"error":[],"code":"200000"}');
  });

  /** @returns the variable that sends the commands' questions here */
  async start(): Promise<NodeJS.ProcessEnv> {
    await new Promise<void>((settle) => this.#server.listen(0, '127.0.0.1', settle));
    const { port } = this.#server.address() as AddressInfo;
    return { [issuersVariable]: `http://127.0.0.1:${port}` };
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
