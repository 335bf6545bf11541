/** What was asked of the API server, read from its audit log: one JSON object a line, no bodies. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** One request that the API server answered. */
export interface ApiRequest {
  /** Milliseconds since 1970, when it was answered. */
  readonly at: number;
  readonly verb: string;
  /** `deployer`, `system:serviceaccount:external-secrets:external-secrets`, ... */
  readonly user: string;
  /** With its subresource: `pods/status`. */
  readonly resource: string;
  readonly namespace: string;
  /** Empty where the server chooses it. */
  readonly name: string;
  readonly uri: string;
  readonly code: number;
}

interface Line {
  readonly stageTimestamp: string;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user?: { readonly username?: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

const writes = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
/** Questions that are asked by POST; nothing is kept of them. */
const questions = /^(?:self)?subject(?:access|rules)?reviews|^tokenreviews$|^selfsubject/u;

/**
 * Whether a request may have changed what the cluster keeps. A dry run changes nothing, nor does a
 * question about rights or a refused request.
 */
export function isApiWrite({ verb, uri, resource, code }: ApiRequest): boolean {
  return (
    writes.has(verb) && code < 300 && !/[?&]dryRun=All/u.test(uri) && !questions.test(resource)
  );
}

/** Of a part of Kubernetes: what it writes follows from what others wrote, also late, or from time to time. */
export function isOfKubernetes({ user }: ApiRequest): boolean {
  return /^system:(?:node:|kube-|serviceaccount:kube-system:|apiserver$)/u.test(user);
}

/** A look of External Secrets at its stores, which it takes from time to time: it changes no Secret. */
export function isLookAtStore({ user, resource }: ApiRequest): boolean {
  return (
    user === 'system:serviceaccount:external-secrets:external-secrets' &&
    ['serviceaccounts/token', 'secretstores/status', 'events'].includes(resource)
  );
}

/** `patch deployments hummingbot/hummingbot by deployer` */
export function shownRequest({ verb, resource, namespace, name, user }: ApiRequest): string {
  return `${verb} ${resource} ${namespace}/${name} by ${user}`;
}

export class AuditLog {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** A place in the log, for `since`. The log is written before a request is answered. */
  mark(): number {
    return statSync(this.#path).size;
  }

  /** All requests that were answered after a mark, oldest first. */
  since(mark: number): readonly ApiRequest[] {
    const file = openSync(this.#path, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - mark));
      readSync(file, bytes, 0, bytes.length, mark);
      return bytes
        .toString('utf8')
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as Line)
        .filter(({ stage }) => stage === 'ResponseComplete')
        .map(requestOf);
    } finally {
      closeSync(file);
    }
  }
}

function requestOf({ objectRef = {}, ...line }: Line): ApiRequest {
  const { resource = '', subresource, namespace = '', name = '' } = objectRef;
  return {
    at: Date.parse(line.stageTimestamp),
    verb: line.verb,
    user: line.user?.username ?? '',
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
    name,
    uri: line.requestURI,
    code: line.responseStatus?.code ?? 0,
  };
}
