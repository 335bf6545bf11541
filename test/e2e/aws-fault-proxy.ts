/**
 * A fault proxy before the AWS API of a rehearsal. It keeps a limit that moto does not: 64 KiB a
 * value. Policies of identities, resources and keys are judged elsewhere.
 */
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { aboutOf, actionOf } from '../../rehearsal/servers/aws-requests.ts';
import { type Answer, type Asked, type Fault, FaultProxy, type Kept } from './fault-proxy.ts';

/** Bytes of a SecretString (quotas of AWS Secrets Manager). */
const longestValue = 65_536;
const internal = 500;

export class AwsFaultProxy extends FaultProxy {
  readonly #upstream: URL;

  private constructor(upstream: URL) {
    super();
    this.#upstream = upstream;
  }

  /** @param upstream URL of the API */
  static async start(upstream: string): Promise<AwsFaultProxy> {
    const proxy = new AwsFaultProxy(new URL(upstream));
    await proxy.listen();
    proxy.mend();
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The limit stays: it is none of the faults. */
  override mend(): void {
    super.mend();
    // As AWS words it, and quoting what it was given, as AWS does of what is no secret.
    const words = ({ body }: Asked): string =>
      `1 validation error detected: Value '${body}' at 'secretString' failed to satisfy constraint: Member must have length less than or equal to ${longestValue}`;
    this.break(failing('ValidationException', 400, words), isTooLong);
  }

  protected override askedOf(message: IncomingMessage, body: string): Asked {
    const headers = new Headers(message.headers as Record<string, string>);
    const url = new URL(message.url ?? '/', this.endpoint).href;
    return { action: actionOf(headers, url, body), about: aboutOf(body) ?? '', body };
  }

  protected override async pass(
    { method, url: path, headers }: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    kept: Kept | undefined,
  ): Promise<void> {
    const { hostname: host, port } = this.#upstream;
    await new Promise<void>((settle, fail) => {
      // The host stays as it was: signatures and issuers of tokens name it.
      const onward = request({ host, port, method, path, headers }, (reply) => {
        reply.on('end', settle).on('error', fail);
        if (kept !== undefined) {
          reply.resume().on('end', () => kept === 'lose' && answer.destroy());
          return;
        }
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      });
      onward.on('error', fail);
      onward.end(body);
    });
  }

  protected override tooMany(asked: Asked): Answer {
    return errorOf(
      asked,
      isQuery(asked) ? 'Throttling' : 'ThrottlingException',
      400,
      () => 'Rate exceeded',
    );
  }
}

/** Says what it was sent, whole: as no AWS does, and as a gateway before it may. */
export const echo = ({ body }: Asked): string => `cannot take ${body}`;

/** @param words by default the request itself */
export function failing(code: string, status = internal, words = echo): Fault {
  return { does: 'answer', with: (asked) => errorOf(asked, code, status, words) };
}

function isTooLong({ action, body }: Asked): boolean {
  if (!action.startsWith('secretsmanager.') || !body.startsWith('{')) return false;
  const { SecretString: value } = JSON.parse(body) as { readonly SecretString?: unknown };
  return typeof value === 'string' && Buffer.byteLength(value) > longestValue;
}

/** IAM and STS speak XML; the others JSON. */
function isQuery({ action }: Asked): boolean {
  return /^(?:iam|sts)\./u.test(action);
}

function errorOf(
  asked: Asked,
  code: string,
  status: number,
  words: (asked: Asked) => string,
): Answer {
  const message = words(asked);
  const id = '0a1b2c3d-1111-4222-8333-444455556666';
  if (!isQuery(asked)) {
    return {
      status,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': id },
      body: JSON.stringify({ __type: code, message }),
    };
  }
  const text = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const type = status < internal ? 'Sender' : 'Receiver';
  const error = `<Error><Type>${type}</Type><Code>${code}</Code><Message>${text}</Message></Error>`;
  return {
    status,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': id },
    body: `<ErrorResponse>${error}<RequestId>${id}</RequestId></ErrorResponse>`,
  };
}
