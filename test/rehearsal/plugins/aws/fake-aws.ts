/** An endpoint that answers what a test says, and records what was asked. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Call, Properties } from '../../../../plugins/provider-server.ts';
import { Account } from '../../../../rehearsal/plugins/aws/account.ts';
import { actionOf } from '../../../../rehearsal/servers/aws-requests.ts';

type Reply = Properties | { readonly fail: string; readonly message?: string };

export class FakeAws {
  readonly asked: { readonly action: string; readonly input: Properties }[] = [];
  /** By action; a function sees the input. */
  replies: Record<string, Reply | ((input: Properties) => Reply)> = {};
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<FakeAws> {
    const server = createServer();
    await new Promise<void>((settle) => void server.listen(0, '127.0.0.1', settle));
    const fake = new FakeAws(server);
    server.on('request', (message, answer) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const headers = new Headers(message.headers as Record<string, string>);
        const action = actionOf(headers, 'http://aws/', body);
        const [status, text] = fake.#answer(action, body);
        answer.writeHead(status, {
          'content-type': text.startsWith('<') ? 'text/xml' : 'application/x-amz-json-1.1',
        });
        answer.end(text);
      });
    });
    return fake;
  }

  #answer(action: string, body: string): readonly [number, string] {
    if (action === 'sts.GetCallerIdentity') {
      const result =
        '<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>U</UserId>';
      const xml = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${result}</GetCallerIdentityResult></GetCallerIdentityResponse>`;
      return [200, xml];
    }
    const input = JSON.parse(body) as Properties;
    this.asked.push({ action, input });
    const reply = this.replies[action];
    const said = typeof reply === 'function' ? reply(input) : reply;
    if (said === undefined) return [500, JSON.stringify({ __type: 'NoReply' })];
    if (typeof said.fail === 'string') {
      return [400, JSON.stringify({ __type: said.fail, message: said.message })];
    }
    return [200, JSON.stringify(said)];
  }

  actions(): readonly string[] {
    return this.asked.map(({ action }) => action.split('.')[1] ?? '');
  }

  /** An account whose clients ask this endpoint. */
  async account(inputs: Properties = {}): Promise<Account> {
    const { port } = this.#server.address() as AddressInfo;
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${port}`;
    process.env.AWS_ACCESS_KEY_ID = 'test';
    process.env.AWS_SECRET_ACCESS_KEY = 'test';
    const account = new Account();
    await account.configure({ region: 'eu-west-1', ...inputs });
    return account;
  }

  stop(): void {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
      delete process.env[name];
    }
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

export function call(more: Partial<Call> = {}): Call {
  return {
    urn: 'urn:pulumi:prod::p::aws:secretsmanager/secret:Secret::trading',
    preview: false,
    timeoutSeconds: undefined,
    ignoreChanges: [],
    oldInputs: {},
    marked: {},
    signal: new AbortController().signal,
    log: () => {},
    status: () => {},
    ...more,
  };
}
