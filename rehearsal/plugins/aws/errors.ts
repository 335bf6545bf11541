/** What AWS refuses, in the one line of the official provider, without anything of a value. */
import { PluginError } from '../../../plugins/provider-server.ts';

/** A refusal by AWS: `code` such as ResourceExistsException, `reason` in AWS's words. */
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
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

/**
 * An error of the SDK as aws-sdk-go-v2, which the official provider is made with, words it.
 * @param service as in "Secrets Manager"
 * @param operation as in "CreateSecret"
 * @param input of the operation; values in it are taken out of the message
 */
export function awsError(
  error: unknown,
  service: string,
  operation: string,
  input: object,
): AwsError {
  if (error instanceof AwsError) return error;
  const { name, code, message, $metadata } = error as SdkError;
  const kind = name === undefined || name === 'Error' ? (code ?? 'error') : name;
  const reason = scrub(oneLine(message ?? ''), valuesOf(input));
  const status = $metadata?.httpStatusCode;
  const answer =
    status === undefined
      ? ''
      : `https response error StatusCode: ${status}, RequestID: ${$metadata?.requestId ?? ''}, `;
  const line = `operation error ${service}: ${operation}, ${answer}${kind}: ${reason}`;
  return new AwsError(line, kind, reason);
}

/** The error with what was being done before it; others stay as they are. */
export function during(doing: string, error: unknown): unknown {
  if (!(error instanceof AwsError)) return error;
  return new AwsError(`${doing}: ${error.message}`, error.code, error.reason);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim();
}

/** Shorter ones are words of every message. */
const shortest = 4;

/** Values of a PutSecretValue: the text, and in JSON each text in it. */
function valuesOf(input: object): readonly string[] {
  const { SecretString: text } = input as { readonly SecretString?: unknown };
  if (typeof text !== 'string') return [];
  const found: string[] = [text];
  try {
    JSON.parse(text, (_key, value: unknown) => {
      if (typeof value === 'string') found.push(value, JSON.stringify(value).slice(1, -1));
      return value;
    });
  } catch {
    // Not JSON: the text alone.
  }
  return found.map(oneLine).filter(({ length }) => length >= shortest);
}

/** Longest first, so that no part of one is left. */
function scrub(text: string, values: readonly string[]): string {
  return [...values]
    .sort((a, b) => b.length - a.length)
    .reduce((scrubbed, value) => scrubbed.replaceAll(value, '[secret]'), text);
}
