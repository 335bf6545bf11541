/**
 * The part of Vault's HTTP API that the plugins use (https://developer.hashicorp.com/vault/api-docs),
 * with address, token and certificate as the `vault` command finds them: VAULT_TOKEN, else the file
 * that `vault login` writes; VAULT_CACERT; VAULT_NAMESPACE. There is no official client for Node.
 *
 * Of what the server says in an error only known phrases are passed on: a server may repeat what
 * it was sent.
 */
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, PluginError, type Properties } from './resource-handler.ts';

const timeoutMilliseconds = 10_000;
const attempts = 3;
const pauseMilliseconds = 1000;

/** Phrases of Vault's that hold nothing of a request. */
const phrases = [
  'permission denied',
  'Vault is sealed',
  'check-and-set parameter did not match the current version',
  'check-and-set parameter required for this call',
  'no handler for route',
  'request body too large',
  'invalid token',
];

/** An answer that is no success. */
export class VaultError extends PluginError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What a request is told beside its path. */
interface Asking {
  readonly signal?: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class VaultApi {
  readonly address: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #ca: string | undefined;

  private constructor(
    address: string,
    headers: Readonly<Record<string, string>>,
    ca: string | undefined,
  ) {
    this.address = address;
    this.#headers = headers;
    this.#ca = ca;
  }

  /** @throws PluginError when the certificate that is named cannot be read */
  static async connect(address: string, environment = process.env): Promise<VaultApi> {
    const home = environment.HOME ?? homedir();
    const kept = readFile(join(home, '.vault-token'), 'utf8').catch(() => '');
    const token = environment.VAULT_TOKEN || (await kept).trim();
    const { VAULT_CACERT: file, VAULT_NAMESPACE: namespace } = environment;
    const ca = file
      ? await readFile(file, 'utf8').catch(() => {
          throw new PluginError(
            `VAULT_CACERT: got ${JSON.stringify(file)}, which cannot be read; allowed: a file of certificates; fix: unset VAULT_CACERT`,
          );
        })
      : undefined;
    const headers = {
      // Agents and proxies of Vault ask for it, against requests that somebody was tricked into.
      'X-Vault-Request': 'true',
      ...(token && { 'X-Vault-Token': token }),
      ...(namespace && { 'X-Vault-Namespace': namespace }),
    };
    return new VaultApi(address, headers, ca);
  }

  get hasToken(): boolean {
    return this.#headers['X-Vault-Token'] !== undefined;
  }

  /** `initialized`, `sealed`, `cluster_id` and more, of a server in whatever state. */
  async health(asking: Asking = {}): Promise<Properties> {
    const codes =
      'standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200&drsecondarycode=200';
    const { status, body } = await this.#patiently('GET', `sys/health?${codes}`, asking);
    if (status === 200 && isObject(body)) return body;
    throw this.#error('sys/health', status, body);
  }

  /**
   * @returns what stands in `data`; undefined where there is nothing. Of a deleted version of a
   * secret there is its metadata.
   * @throws VaultError
   */
  async read(path: string, asking: Asking = {}): Promise<Properties | undefined> {
    const { status, body } = await this.#patiently('GET', path, asking);
    const data = isObject(body) && isObject(body.data) ? body.data : undefined;
    if (status === 200 || (status === 404 && data !== undefined)) return data;
    if (status === 404) return undefined;
    throw this.#error(path, status, body);
  }

  /** @returns the whole answer, where there is one. @throws VaultError */
  async write(
    path: string,
    content: Properties,
    asking: Asking = {},
  ): Promise<Properties | undefined> {
    const { status, body } = await this.#patiently('PUT', path, asking, JSON.stringify(content));
    if (status >= 300) throw this.#error(path, status, body);
    return isObject(body) ? body : undefined;
  }

  /** What is not there is removed. @throws VaultError */
  async remove(path: string, asking: Asking = {}): Promise<void> {
    const { status, body } = await this.#patiently('DELETE', path, asking);
    if (status >= 300 && status !== 404) throw this.#error(path, status, body);
  }

  /**
   * Tries again what got an answer that says "later", and a question without one. A write without
   * one may have been done, and the next run will know.
   */
  async #patiently(
    method: string,
    path: string,
    { signal }: Asking,
    content?: string,
  ): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#ask(method, path, content);
        const later = answer.status === 429 || (answer.status >= 500 && !isSealed(answer.body));
        if (!later || attempt >= attempts) return answer;
      } catch (error) {
        if (method !== 'GET' || attempt >= attempts) throw error;
      }
      await sleep(pauseMilliseconds, undefined, signal && { signal });
    }
  }

  async #ask(method: string, path: string, content?: string): Promise<Answer> {
    const url = new URL(`${this.address}/v1/${path}`);
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const headers = {
      ...this.#headers,
      ...(content !== undefined && { 'Content-Type': 'application/json' }),
    };
    const options = { method, headers, timeout: timeoutMilliseconds, ca: this.#ca };
    return await new Promise<Answer>((settle, fail) => {
      const lost = (error: NodeJS.ErrnoException): void =>
        fail(new PluginError(`Vault ${this.address}: got ${error.code ?? error.message}`));
      const asked = request(url, options, (message) => {
        textOf(message).then(
          (text) => settle({ status: message.statusCode ?? 0, body: parsed(text) }),
          lost,
        );
      });
      asked.on('error', lost);
      asked.on('timeout', () => asked.destroy(new Error('no answer in 10 s')));
      asked.end(content);
    });
  }

  #error(path: string, status: number, body: unknown): VaultError {
    const known = phrasesIn(body).join(', ');
    return new VaultError(
      status,
      `Vault ${this.address}: ${path.replace(/\?.*$/u, '')}: got ${status}${known && ` ${known}`}`,
    );
  }
}

function phrasesIn(body: unknown): readonly string[] {
  const errors = isObject(body) && Array.isArray(body.errors) ? body.errors.map(String) : [];
  return phrases.filter((phrase) => errors.some((error) => error.includes(phrase)));
}

function isSealed(body: unknown): boolean {
  return phrasesIn(body).includes('Vault is sealed');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
