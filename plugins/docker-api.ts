/**
 * The Engine API of Docker as plain JSON (https://docs.docker.com/reference/api/engine/): over a
 * socket of this machine, TLS, or SSH as the docker CLI does it (`docker system dial-stdio`).
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { PluginError, type Properties } from './resource-handler.ts';

/** Where an engine is, as the settings have it. */
export interface DockerHost {
  /** `unix:///PATH`, `ssh://[USER@]HOST[:PORT]` or `tcp://HOST:PORT`. */
  readonly host: string;
  /** Directory of ca.pem, cert.pem and key.pem; for tcp, which is never without TLS. */
  readonly certPath?: string | undefined;
}

export interface DockerRequest {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** The engine answered with an error. `text` may quote what it was told; `message` never does. */
export class DockerError extends PluginError {
  readonly code: number;
  /** The engine's own words, on one line: only for what holds no value. */
  readonly text: string;

  constructor(what: string, code: number, text: string) {
    super(`${what}: got ${code}`);
    this.code = code;
    this.text = text;
  }
}

/** No answer: no socket, no right to use it, no connection, or no trust in who is there. */
export class DockerUnreachable extends PluginError {
  /** As Node names it, `ENOENT` or `EACCES`; of ssh what it said last. */
  readonly reason: string;

  constructor(host: string, reason: string) {
    super(`Docker host ${host}: got no answer (${reason})`);
    this.reason = reason;
  }

  /** The engine may be well: whoever asks has no right to. */
  get isForbidden(): boolean {
    return this.reason === 'EACCES' || this.reason === 'EPERM';
  }
}

const answerMilliseconds = 60_000;
const longestText = 300;
const notFound = 404;

function oneLine(text: unknown): string {
  if (typeof text !== 'string') return '';
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > longestText ? `${line.slice(0, longestText)} ...` : line;
}

/** A stream to the engine, and what a program between said when it ended. */
interface Line {
  readonly stream: Duplex;
  readonly lastWords: () => string;
}

export class DockerApi {
  readonly #place: DockerHost;

  constructor(place: DockerHost) {
    this.#place = place;
  }

  /** @throws DockerError, DockerUnreachable */
  async get(path: string, details: DockerRequest = {}): Promise<Properties> {
    return (await this.#json('GET', path, details)) as Properties;
  }

  async list(path: string, details: DockerRequest = {}): Promise<readonly Properties[]> {
    return (await this.#json('GET', path, details)) as readonly Properties[];
  }

  async post(path: string, details: DockerRequest = {}): Promise<Properties> {
    return (await this.#json('POST', path, details)) as Properties;
  }

  /** What is gone already is fine. */
  async remove(path: string, details: DockerRequest = {}): Promise<void> {
    try {
      await this.#json('DELETE', path, details);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** The body as it is: logs. */
  async raw(path: string, details: DockerRequest = {}): Promise<Buffer> {
    return await this.#ask('GET', path, details);
  }

  async #json(method: string, path: string, details: DockerRequest): Promise<unknown> {
    const text = (await this.#ask(method, path, details)).toString();
    try {
      return text === '' ? {} : JSON.parse(text);
    } catch {
      // A web server, say, that listens there.
      throw new DockerUnreachable(this.#place.host, 'an answer that is not JSON');
    }
  }

  async #ask(method: string, path: string, details: DockerRequest): Promise<Buffer> {
    const { query = {}, body, signal } = details;
    const words = new URLSearchParams(query).toString();
    const line = this.#open();
    const timeout = AbortSignal.timeout(answerMilliseconds);
    const asked = request({
      method,
      path: words === '' ? path : `${path}?${words}`,
      headers: { host: 'docker', 'content-type': 'application/json' },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      createConnection: () => line.stream,
    });
    try {
      const answer = await new Promise<IncomingMessage>((settle, fail) => {
        asked.on('response', settle).on('error', fail);
        asked.end(body === undefined ? undefined : JSON.stringify(body));
      });
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const whole = Buffer.concat(chunks);
      const code = answer.statusCode ?? 0;
      if (code >= 200 && code < 300) return whole;
      throw new DockerError(`Docker ${method} ${path}`, code, messageOf(whole));
    } catch (error) {
      if (error instanceof PluginError) throw error;
      if (signal?.aborted) throw new PluginError('stopped at your request');
      const { code, name } = error as NodeJS.ErrnoException;
      const reason = timeout.aborted ? `none in ${answerMilliseconds / 1000} s` : (code ?? name);
      throw new DockerUnreachable(this.#place.host, line.lastWords() || reason);
    } finally {
      line.stream.destroy();
    }
  }

  #open(): Line {
    const { host, certPath } = this.#place;
    const nothing = (): string => '';
    if (host.startsWith('unix://')) {
      return { stream: connectSocket(host.slice('unix://'.length)), lastWords: nothing };
    }
    const { protocol, username, hostname, port } = new URL(host);
    if (protocol === 'ssh:') return overSsh({ username, hostname, port });
    if (protocol !== 'tcp:' || certPath === undefined || certPath === '') {
      throw new PluginError(
        `Docker host ${host}: got no certificates; allowed: unix, ssh, or tcp with TLS; fix: the setting dockerCertPath`,
      );
    }
    const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => read(certPath, name));
    const stream = connectTls({
      host: hostname,
      port: Number(port),
      servername: hostname,
      ca,
      cert,
      key,
    });
    return { stream, lastWords: nothing };
  }
}

function read(directory: string, name: string): Buffer {
  try {
    return readFileSync(join(directory, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new PluginError(
      `${join(directory, name)}: got ${code}; allowed: ca.pem, cert.pem and key.pem in dockerCertPath; fix: the setting dockerCertPath`,
    );
  }
}

/** As docker/cli does it (cli/connhelper): the far docker is asked to pass bytes on. */
function overSsh({
  username,
  hostname,
  port,
}: Readonly<Record<'username' | 'hostname' | 'port', string>>): Line {
  const words = ['-o', 'ConnectTimeout=30', '-o', 'BatchMode=yes', '-T'];
  if (username !== '') words.push('-l', username);
  if (port !== '') words.push('-p', port);
  words.push('--', hostname, 'docker', 'system', 'dial-stdio');
  const child = spawn('ssh', words, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-4096);
  });
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  child.on('error', (error) => stream.destroy(error));
  stream.on('close', () => child.kill());
  // A connection that is closed before it is used is no reason to end the process.
  stream.on('error', () => {});
  return { stream, lastWords: () => oneLine(said.trim().split('\n').at(-1)) };
}

function messageOf(body: Buffer): string {
  try {
    return oneLine((JSON.parse(body.toString()) as Properties).message);
  } catch {
    return '';
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof DockerError && error.code === notFound;
}

/** A filter of a list: `{name: ['x']}`. */
export function filters(
  by: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, string>> {
  return { filters: JSON.stringify(by) };
}
