/**
 * The Kubernetes API as plain JSON, with the connection and the credentials of a kubeconfig.
 *
 * `KubeConfig` of the official client reads the file, its certificates, tokens and exec plugins.
 * The client's typed models are not used: they drop fields that they do not know and respell
 * times, so that what is sent and compared would not be what the server holds. The client is
 * loaded at the first connection, so that a stack without Kubernetes pays nothing for it.
 */
import { statSync } from 'node:fs';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { isObject, PluginError, type Properties } from './resource-handler.ts';

/** An object as the server holds it. */
export interface KubernetesObject extends Properties {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly {
      readonly uid: string;
      readonly kind: string;
      readonly controller?: boolean;
    }[];
    readonly managedFields?: readonly ManagedFields[];
  };
}

export interface ManagedFields {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource?: string;
  readonly fieldsV1?: Properties;
}

export interface KubernetesList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubernetesObject[];
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubernetesObject;
}

export interface RequestDetails {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** @default 'application/json' */
  readonly contentType?: string;
  /** @default 'application/json' */
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** The server answered with an error. `text` may quote a value; `message` never does. */
export class KubernetesError extends PluginError {
  readonly code: number;
  /** Of a Status, such as `AlreadyExists`; otherwise empty. */
  readonly reason: string;
  /** The server's own words, on one line: only for kinds that hold no value. */
  readonly text: string;
  /** What Status.details says is missing or wrong: kind and name. */
  readonly about: string;
  /** Set when the server asks for patience. */
  readonly retryAfterSeconds: number | undefined;

  constructor(what: string, code: number, status: Properties, retryAfterSeconds?: number) {
    // A reason is a word; what an answer has in its place may be anything.
    const reason = /^[A-Z][A-Za-z]{1,63}$/u.exec(String(status.reason))?.[0] ?? '';
    super(`${what}: ${[code, reason].filter((each) => each !== '').join(' ')}`);
    this.code = code;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
    this.text = oneLine(status.message);
    const { kind, name } = isObject(status.details) ? status.details : {};
    this.about = [kind, name].filter((each) => typeof each === 'string').join('/');
  }
}

/** No answer: the connection failed, or the credentials could not be had. */
export class UnreachableError extends PluginError {
  /** As Node names it: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, ... */
  readonly code: string;

  constructor(server: string, code: string) {
    super(
      `API server ${server}: ${code}; fix: see that it runs and that the kubeconfig is its own`,
    );
    this.code = code;
  }
}

/**
 * Accept: the metadata of an object alone. Without a fallback: a server that knows no such answer
 * gives none, rather than the values.
 */
export const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

const longestText = 300;
const defaultMilliseconds = 30_000;
const tooManyRequests = 429;
const mostRetries = 10;
/** A server may ask for more; nobody waits for that. */
const longestPatienceSeconds = 30;

/** Any text of a server on one line, cut to a length that one reads. */
export function oneLine(text: unknown): string {
  return shortLine(text, longestText);
}

/** Also without what would move a terminal's cursor. */
export function shortLine(text: unknown, longest: number): string {
  if (typeof text !== 'string') return '';
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest)} ...` : line;
}

export class KubernetesApi {
  readonly server: string;
  readonly #config: KubeConfig;

  private constructor(config: KubeConfig, server: string) {
    this.#config = config;
    this.server = server.replace(/\/+$/u, '');
  }

  /**
   * @param kubeconfig its contents, or a path
   * @param context name of a context in it; by default its current one
   * @throws PluginError when it is no kubeconfig, or names no cluster
   */
  static async connect(kubeconfig: string, context?: string): Promise<KubernetesApi> {
    const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
    const config = new KubeConfig();
    try {
      if (isFile(kubeconfig)) config.loadFromFile(kubeconfig);
      else config.loadFromString(kubeconfig);
    } catch {
      // The parser's own message quotes the text.
      throw new PluginError(
        'kubeconfig: got what cannot be read; allowed: the contents of a kubeconfig, or its path; ' +
          'fix: kubectl config view --minify --flatten says what it should be',
      );
    }
    if (context !== undefined) config.setCurrentContext(context);
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) {
      throw new PluginError(
        `kubeconfig: context ${config.currentContext} has no cluster; ` +
          `allowed: ${config.contexts.map(({ name }) => name).join(', ')}`,
      );
    }
    return new KubernetesApi(config, server);
  }

  async get(path: string, details: RequestDetails = {}): Promise<KubernetesObject> {
    return (await this.#request('GET', path, details)) as KubernetesObject;
  }

  /** Of what is no JSON, such as a proxied service's own answer. */
  async text(path: string, details: RequestDetails = {}): Promise<string> {
    const accept = details.accept ?? '*/*';
    const response = await this.#open('GET', path, { ...details, accept }, defaultMilliseconds);
    return await textOf(response, this.server);
  }

  async list(path: string, details: RequestDetails = {}): Promise<KubernetesList> {
    return (await this.#request('GET', path, details)) as KubernetesList;
  }

  async send(
    method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    details: RequestDetails,
  ): Promise<KubernetesObject> {
    return (await this.#request(method, path, details)) as KubernetesObject;
  }

  /** Events from a resource version on, until the server ends the stream or `signal` aborts. */
  async *watch(path: string, details: RequestDetails): AsyncGenerator<WatchEvent> {
    const query = { ...details.query, watch: 'true', allowWatchBookmarks: 'true' };
    const response = await this.#open('GET', path, { ...details, query }, 0);
    const lines = createInterface({ input: response });
    try {
      for await (const line of lines) {
        if (line !== '') yield JSON.parse(line) as WatchEvent;
      }
    } finally {
      lines.close();
      response.destroy();
    }
  }

  async #request(method: string, path: string, details: RequestDetails): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await this.#open(method, path, details, defaultMilliseconds);
        return parsed(await textOf(response, this.server), this.server);
      } catch (error) {
        // As client-go does: after Retry-After, ten times at most.
        const seconds = error instanceof KubernetesError ? error.retryAfterSeconds : undefined;
        if (seconds === undefined || attempt >= mostRetries) throw error;
        await sleep(seconds * 1000, undefined, { signal: details.signal });
      }
    }
  }

  async #open(method: string, path: string, details: RequestDetails, milliseconds: number) {
    const url = new URL(this.server + path);
    for (const [name, value] of Object.entries(details.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const body = details.body === undefined ? undefined : JSON.stringify(details.body);
    const options: RequestOptions = { method };
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch {
      // A credential plugin's message may hold what it printed.
      throw new UnreachableError(this.server, 'its credentials cannot be had');
    }
    options.headers = {
      ...options.headers,
      Accept: details.accept ?? 'application/json',
      'User-Agent': 'hummingbot-secrets',
      ...(body !== undefined && {
        'Content-Type': details.contentType ?? 'application/json',
        'Content-Length': Buffer.byteLength(body),
      }),
    };
    if (details.signal !== undefined) options.signal = details.signal;
    const start = url.protocol === 'http:' ? requestHttp : requestHttps;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = start(url, options, resolve);
      request.on('error', (error) => reject(unreachable(error, this.server, details.signal)));
      if (milliseconds > 0) {
        request.setTimeout(milliseconds, () => {
          request.destroy(new UnreachableError(this.server, 'no answer in 30 s'));
        });
      }
      request.end(body);
    });
    const code = response.statusCode ?? 0;
    if (code >= 200 && code < 300) return response;
    const what = `${method} ${path}`;
    const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
    const busy = code === tooManyRequests || code >= 500;
    const patience = busy && seconds >= 0 ? Math.min(seconds, longestPatienceSeconds) : undefined;
    const status = jsonOf(await textOf(response, this.server));
    throw new KubernetesError(what, code, status, patience);
  }
}

function unreachable(error: Error, server: string, signal?: AbortSignal): Error {
  if (error instanceof PluginError) return error;
  if (signal?.aborted === true) return new PluginError('stopped');
  const { code, name } = error as NodeJS.ErrnoException;
  return new UnreachableError(server, code ?? name);
}

async function textOf(response: IncomingMessage, server: string) {
  try {
    const chunks = await response.toArray();
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    throw unreachable(error as Error, server);
  }
}

/** What is cut off on its way is no answer. */
function parsed(text: string, server: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreachableError(server, 'its answer cannot be read');
  }
}

function jsonOf(text: string): Properties {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
