/**
 * An API server for unit tests: objects in memory, real HTTP and watches. It knows no admission,
 * no defaults and no field ownership beyond what a test gives it; a real server's part is the
 * rehearsal's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Json = Record<string, unknown>;
export interface Stored extends Json {
  apiVersion?: string;
  kind?: string;
  metadata: Json & { name: string; uid?: string; generation?: number };
}
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly accept: string;
  readonly body: Json;
}
/** Answers instead of the server: a status and a body, or `hang up`. */
export type Answer = { readonly code: number; readonly body: Json } | 'hang up';

const statusOf = (code: number, reason: string, message: string): Json => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
});

export class KubernetesServer {
  readonly requests: Seen[] = [];
  /** Called before every answer; what it returns is the answer. */
  onRequest: (seen: Seen) => Answer | undefined = () => undefined;
  /** Called after a write, to play the controllers. */
  onWrite: (path: string, object: Stored) => void = () => undefined;
  readonly #objects = new Map<string, Stored>();
  readonly #watches = new Set<{ path: string; name: string | null; response: ServerResponse }>();
  readonly #server: Server;
  #version = 100;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  kubeconfig(token = 'token'): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      clusters: [{ name: 'test', cluster: { server: this.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'test', user: { token } }],
    });
  }

  get(path: string): Stored | undefined {
    return this.#objects.get(path);
  }

  /** @param path of a collection, such as `/api/v1/namespaces/n/pods` */
  all(path: string): Stored[] {
    return this.#list(path, new URLSearchParams()) ?? [];
  }

  /** @param path of the object, such as `/api/v1/namespaces/n/pods/p` */
  put(path: string, object: Json): Stored {
    const known = this.#objects.get(path);
    const metadata = object.metadata as Stored['metadata'];
    const stored = {
      ...object,
      metadata: {
        ...metadata,
        name: path.split('/').at(-1) ?? '',
        uid: known?.metadata.uid ?? `uid-${this.#version}`,
        resourceVersion: String(++this.#version),
      },
    } as Stored;
    this.#objects.set(path, stored);
    this.#tell(known === undefined ? 'ADDED' : 'MODIFIED', path, stored);
    return stored;
  }

  remove(path: string): void {
    const known = this.#objects.get(path);
    if (known === undefined) return;
    this.#objects.delete(path);
    this.#version++;
    this.#tell('DELETED', path, known);
  }

  #tell(type: string, path: string, object: Stored): void {
    const collection = path.slice(0, path.lastIndexOf('/'));
    for (const watch of this.#watches) {
      if (watch.path !== collection) continue;
      if (watch.name !== null && watch.name !== object.metadata.name) continue;
      watch.response.write(`${JSON.stringify({ type, object })}\n`);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', this.url);
    const received = await text(request);
    const body = (received === '' ? {} : JSON.parse(received)) as Json;
    const contentType = request.headers['content-type'] ?? '';
    const { accept = '' } = request.headers;
    const seen = { method: request.method ?? '', path, query, contentType, accept, body };
    this.requests.push(seen);
    const instead = this.onRequest(seen);
    if (instead === 'hang up') {
      request.socket.destroy();
      return;
    }
    const send = (code: number, answer: unknown) => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    };
    if (instead !== undefined) return send(instead.code, instead.body);
    if (query.get('watch') === 'true') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const name = /metadata\.name=(.+)/u.exec(query.get('fieldSelector') ?? '')?.[1] ?? null;
      const watch = { path, name, response };
      this.#watches.add(watch);
      response.on('close', () => this.#watches.delete(watch));
      return;
    }
    const dry = query.get('dryRun') === 'All';
    switch (seen.method) {
      case 'POST': {
        const metadata = body.metadata as Stored['metadata'];
        // As the server's five characters of its own.
        const made = String(++this.#version).padStart(5, 'x');
        const name = metadata.name ?? `${metadata.generateName}${made}`;
        const at = `${path}/${name}`;
        if (this.#objects.has(at)) {
          return send(409, statusOf(409, 'AlreadyExists', `"${name}" already exists`));
        }
        return send(201, dry ? body : this.#write(at, body));
      }
      case 'PATCH': {
        const known = this.#objects.get(path);
        if (known === undefined) return send(404, statusOf(404, 'NotFound', 'not found'));
        if (contentType.startsWith('application/json-patch')) return send(200, known);
        const metadata = { ...known.metadata, ...(body.metadata as Json) };
        const merged = { ...known, ...body, metadata };
        return send(200, dry ? merged : this.#write(path, merged));
      }
      case 'DELETE': {
        const known = this.#objects.get(path);
        if (known === undefined) return send(404, statusOf(404, 'NotFound', 'not found'));
        const finalizers = (known.metadata.finalizers ?? []) as string[];
        if (finalizers.length === 0) this.remove(path);
        return send(200, known);
      }
      default: {
        const found = this.#objects.get(path);
        if (found !== undefined) return send(200, found);
        if (/^[a-z]+$/u.test(path.split('/').at(-1) ?? '') && !path.endsWith('/deployment')) {
          const items = this.#list(path, query);
          if (items !== undefined) {
            const metadata = { resourceVersion: String(this.#version) };
            return send(200, { kind: 'List', metadata, items });
          }
        }
        return send(404, statusOf(404, 'NotFound', `${path} not found`));
      }
    }
  }

  #write(path: string, body: Json): Stored {
    const known = this.#objects.get(path);
    const metadata = body.metadata as Json;
    const generation = (known?.metadata.generation ?? 0) + 1;
    const stored = this.put(path, { ...body, metadata: { ...metadata, generation } });
    this.onWrite(path, stored);
    return this.#objects.get(path) ?? stored;
  }

  #list(path: string, query: URLSearchParams): Stored[] | undefined {
    if (!/\/[a-z]+s$/u.test(path)) return undefined;
    const name = /metadata\.name=(.+)/u.exec(query.get('fieldSelector') ?? '')?.[1];
    return [...this.#objects]
      .filter(([at]) => at.slice(0, at.lastIndexOf('/')) === path)
      .map(([, object]) => object)
      .filter((object) => name === undefined || object.metadata.name === name)
      .filter(({ metadata }) => matches((metadata.labels ?? {}) as Json, query));
  }
}

/** Equality alone: `a=b,c=d`. */
function matches(labels: Json, query: URLSearchParams): boolean {
  const pairs = (query.get('labelSelector') ?? '').split(',').filter((pair) => pair !== '');
  return pairs.every((pair) => {
    const at = pair.indexOf('=');
    return labels[pair.slice(0, at)] === pair.slice(at + 1);
  });
}
