/** What a log says that somebody did. Names, times and addresses: bodies are never looked at. */
import type { GroupName } from '../../components/catalog.ts';

/** `read` of a value; `workload`, what mounts one, and `token`, `exec`, `rights` and `store` are ways to one. */
export type Deed =
  | 'read'
  | 'change'
  | 'workload'
  | 'exec'
  | 'token'
  | 'rights'
  | 'store'
  | 'decrypt';

export interface AccessEvent {
  readonly system: 'Kubernetes' | 'Vault' | 'AWS';
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `User:ann`, `ServiceAccount:NAMESPACE/NAME`, an ARN, a token's display name. */
  readonly who: string;
  /** Groups, policies or other names by which somebody may be expected. */
  readonly also: readonly string[];
  readonly deed: Deed;
  /** As the system names it: `get`, `GetSecretValue`. */
  readonly verb: string;
  /** Name of the secret, or of what leads to it. */
  readonly what: string;
  /** Of a cluster: what kind it is, as `pods/exec`. */
  readonly resource?: string;
  /** Of a key, which may be another's. */
  readonly isKey?: boolean;
  /** Of a secret of ours. */
  readonly group?: GroupName | undefined;
  readonly from: string;
  readonly refused: boolean;
}

/** What one line is. */
export type Line =
  | { readonly kind: 'event'; readonly event: AccessEvent; readonly bodies?: boolean }
  /** Of this format, and about something else. */
  | { readonly kind: 'other'; readonly bodies?: boolean }
  | { readonly kind: 'unknown' };

export const other: Line = { kind: 'other' };
export const unknown: Line = { kind: 'unknown' };

/** Somebody else's name, if it is made of what names are made of; what is not may be anything. */
export function nameIn(text: unknown): string {
  return typeof text === 'string' && /^[\w:.@/+=,~*-]{1,256}$/u.test(text)
    ? text
    : '(a name that is not shown)';
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object of a line; undefined for what is none. */
export function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
