/**
 * What was asked of the AWS API, read from the recorder's log: one JSON object a line, the
 * action and whom it was about, never a body.
 */
import { existsSync, readFileSync } from 'node:fs';

export interface AwsRequest {
  /** Milliseconds since 1970, when the request came. */
  readonly at: number;
  /** Such as `secretsmanager.PutSecretValue`. */
  readonly action: string;
  /** The secret, key, role or alias that it names; undefined where it names none. */
  readonly about?: string;
  /** Who asked: the access key's id. */
  readonly by?: string;
  /** HTTP status of the answer. */
  readonly status: number;
}

/** Actions that change nothing, by how AWS names them. */
const reads = /\.(?:Get|List|Describe|BatchGet|AssumeRole|Decode|Simulate|Validate)/u;

export function isWrite({ action }: AwsRequest): boolean {
  return !reads.test(action);
}

/** All requests so far, oldest first. */
export function readRequests(file: string): readonly AwsRequest[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as AwsRequest);
}

/** The action of a request, by either of AWS's protocols. */
export function actionOf(headers: Headers, url: string, body: string): string {
  const target = headers.get('x-amz-target');
  if (target !== null) return target.replace(/^TrentService\./u, 'kms.');
  const action = new URLSearchParams(body).get('Action') ?? new URL(url).searchParams.get('Action');
  const service = serviceOf(headers) ?? 'sts';
  return action === null ? `${service}.unknown` : `${service}.${action}`;
}

/** The part of a signature's scope that names the service; unsigned requests have none. */
function serviceOf(headers: Headers): string | undefined {
  return /Credential=[^/]+\/\d+\/[^/]*\/([^/]+)\//u.exec(headers.get('authorization') ?? '')?.[1];
}

export function accessKeyOf(headers: Headers): string | undefined {
  return /Credential=([^/,\s]+)\//u.exec(headers.get('authorization') ?? '')?.[1];
}

const names = ['SecretId', 'Name', 'AliasName', 'KeyId', 'RoleArn', 'RoleName'] as const;

/** The name of what a request is about. The members that it looks at never hold a value. */
export function aboutOf(body: string): string | undefined {
  const found = body.startsWith('{') ? fromJson(body) : new URLSearchParams(body);
  for (const name of names) {
    const value = found?.get(name);
    if (typeof value === 'string') return value;
  }
  return undefined;
}

function fromJson(body: string): ReadonlyMap<string, unknown> | undefined {
  try {
    return new Map(Object.entries(JSON.parse(body) as Record<string, unknown>));
  } catch {
    return undefined;
  }
}
