/** What AWS refuses, in the one line of the official provider, and never a value. */
import { PluginError } from '../../../plugins/provider-server.ts';

/**
 * A refusal by AWS: `code` such as ResourceExistsException. `reason` is in AWS's words, to be
 * compared and never shown.
 */
export class AwsError extends PluginError {
  readonly code: string;
  readonly reason: string;

  constructor(message: string, code: string, reason: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }

  is(code: string, words = ''): boolean {
    return this.code === code && this.reason.includes(words);
  }
}

interface SdkError {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  /** Whose fault it is: set where AWS itself has answered. */
  readonly $fault?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

/** Operations whose request or answer holds a value, which whoever answers may quote. */
const withValues = ['GetSecretValue', 'BatchGetSecretValue', 'PutSecretValue', 'UpdateSecret'];
/** Such an answer quotes what was signed, the session's token among it. */
const quotesCredentials = /Signature|Token/u;
const code = /^[A-Z]\w{1,63}$/iu;
const requestId = /^[0-9a-f]{8}[0-9a-f-]{0,56}$/iu;

/**
 * An error of the SDK as aws-sdk-go-v2, which the official provider is made with, words it. Of an
 * operation with values it has the code alone: the words may quote a value in any form, as a part,
 * escaped or encoded, so that nothing could be taken out of them.
 * @param service as in "Secrets Manager"
 * @param operation as in "CreateSecret"
 */
export function awsError(error: unknown, service: string, operation: string): AwsError {
  if (error instanceof AwsError) return error;
  const { name = 'Error', message = '', $fault, $metadata, ...more } = error as SdkError;
  const kind = codeOf(name === 'Error' ? more.code : name);
  const reason = oneLine(message);
  // An answer that cannot be read is quoted by its parser.
  const said = $fault !== undefined || !('$response' in (error as object));
  const tells = said && !withValues.includes(operation) && !quotesCredentials.test(kind);
  const status = $metadata?.httpStatusCode;
  const id = requestId.test($metadata?.requestId ?? '') ? $metadata?.requestId : '';
  const answer =
    status === undefined ? '' : `https response error StatusCode: ${status}, RequestID: ${id}, `;
  const line = `operation error ${service}: ${operation}, ${answer}${kind}`;
  return new AwsError(tells && reason !== '' ? `${line}: ${reason}` : line, kind, reason);
}

/** A code is a word; what an answer has in its place may be anything. */
function codeOf(text: string | undefined): string {
  return text !== undefined && code.test(text) ? text : 'error';
}

/** The error with what was being done before it; others stay as they are. */
export function during(doing: string, error: unknown): unknown {
  if (!(error instanceof AwsError)) return error;
  return new AwsError(`${doing}: ${error.message}`, error.code, error.reason);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim();
}
