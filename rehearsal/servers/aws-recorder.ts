/**
 * A reverse proxy before the AWS API of a rehearsal, that writes down which actions were asked for
 * and by whom. Bodies, which hold values, pass through it and are never written.
 *
 *     node aws-recorder.ts <port to listen on> <port of the API> <file of requests>
 */
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AwsRequest, aboutOf, accessKeyOf, actionOf } from './aws-requests.ts';

/** Paths of moto's own, which are no part of AWS. */
const ownPaths = /^\/moto-api/u;

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function record(file: string, message: IncomingMessage, body: Buffer, status: number): void {
  if (ownPaths.test(message.url ?? '')) return;
  const headers = new Headers(message.headers as Record<string, string>);
  const text = body.toString('utf8');
  const about = aboutOf(text);
  const by = accessKeyOf(headers);
  const line: AwsRequest = {
    at: Date.now(),
    action: actionOf(headers, new URL(message.url ?? '/', 'http://aws').href, text),
    ...(about !== undefined && { about }),
    ...(by !== undefined && { by }),
    status,
  };
  appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
}

/** Passes a request on. The host stays as it was: signatures and issuers of tokens name it. */
async function pass(
  message: IncomingMessage,
  answer: ServerResponse,
  { port, file }: { readonly port: number; readonly file: string },
): Promise<void> {
  const body = await bodyOf(message);
  const { method, url: path, headers } = message;
  const onward = request({ host: '127.0.0.1', port, method, path, headers }, (reply) => {
    record(file, message, body, reply.statusCode ?? 0);
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(answer);
  });
  onward.on('error', () => {
    record(file, message, body, 502);
    if (!answer.headersSent) answer.writeHead(502);
    answer.end();
  });
  onward.end(body);
}

if (import.meta.main) {
  const [listen, port, file = ''] = process.argv.slice(2);
  const server = createServer((message, answer) => {
    pass(message, answer, { port: Number(port), file }).catch(() => answer.destroy());
  });
  process.once('SIGTERM', () => process.exit(0));
  server.listen(Number(listen), '127.0.0.1');
}
