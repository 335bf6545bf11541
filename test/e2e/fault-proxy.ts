/**
 * A proxy before a server that misbehaves on demand, as a bad network, an overloaded service or a
 * nasty gateway would: it answers errors that quote what was sent, asks for patience, is late, hangs
 * up before the server has heard anything or after it has done everything; and it counts. Tests
 * switch faults on and off while others talk to it. Loopback only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../random.ts';

/** A request, as faults are chosen by. */
export interface Asked {
  /** As the system calls it: `secretsmanager.PutSecretValue`, `POST`. */
  readonly action: string;
  /** Name of what it is about, or its path; empty where there is none. */
  readonly about: string;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Fault =
  /** Answered here; the server hears nothing. */
  | { readonly does: 'answer'; readonly with: (asked: Asked) => Answer }
  /** The connection ends, and the server hears nothing. */
  | { readonly does: 'reset' }
  /** The server does it, and the connection ends before the answer. */
  | { readonly does: 'lose' }
  /** The server does it, and the client hears nothing for as long as it waits. */
  | { readonly does: 'hold' }
  | { readonly does: 'delay'; readonly milliseconds: number };

/** What becomes of an answer that does not go back. */
export type Kept = 'lose' | 'hold';

/** A request that was answered, in any way. */
export interface Counted {
  readonly action: string;
  readonly about: string;
  /** Whether the server's own answer went back. */
  readonly passed: boolean;
}

interface Switched {
  readonly fault: Fault;
  readonly when: (asked: Asked) => boolean;
  /** How many requests it still meets. */
  left: number;
}

export abstract class FaultProxy {
  readonly counted: Counted[] = [];
  readonly #server: Server;
  #faults: Switched[] = [];

  /** @param tls of the server that clients see; none: plain HTTP */
  protected constructor(tls?: { readonly cert: Buffer; readonly key: Buffer }) {
    const heard = (message: IncomingMessage, answer: ServerResponse): void => {
      this.#hear(message, answer).catch(() => answer.destroy());
    };
    this.#server = tls === undefined ? createServer(heard) : createSecureServer(tls, heard);
  }

  protected abstract askedOf(message: IncomingMessage, body: string): Asked;
  /** Sends it on, and its answer back. @param kept what becomes of the answer instead */
  protected abstract pass(
    message: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    kept: Kept | undefined,
  ): Promise<void>;
  /** How this system says that it is asked too often. */
  protected abstract tooMany(asked: Asked): Answer;

  protected async listen(): Promise<void> {
    await new Promise<void>((settle) => void this.#server.listen(0, '127.0.0.1', settle));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.hangUp();
    await new Promise((settle) => void this.#server.close(settle));
  }

  /** From now on; those that were switched on later come first. @param times requests that it meets */
  break(
    fault: Fault,
    when: (asked: Asked) => boolean = () => true,
    times = Number.POSITIVE_INFINITY,
  ): void {
    this.#faults.unshift({ fault, when, left: times });
  }

  /** Refuses a share of all requests, chosen by a seed. */
  throttle(share: number, seed: number): void {
    const next = random(seed);
    const fault: Fault = { does: 'answer', with: (asked) => this.tooMany(asked) };
    this.break(fault, () => next() < share);
  }

  /** Ends all connections, those too whose answers are kept back. */
  hangUp(): void {
    this.#server.closeAllConnections();
  }

  /** Switches all faults off. */
  mend(): void {
    this.#faults = [];
  }

  async #hear(message: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(message);
    const asked = this.askedOf(message, body.toString('utf8'));
    const found = this.#faults.find(({ when, left }) => left > 0 && when(asked));
    if (found !== undefined) found.left -= 1;
    const fault = found?.fault;
    const { action, about } = asked;
    const passed = fault === undefined || fault.does === 'delay';
    this.counted.push({ action, about, passed });
    if (fault?.does === 'answer') {
      const { status, headers, body: text } = fault.with(asked);
      answer.writeHead(status, headers).end(text);
      return;
    }
    if (fault?.does === 'reset') {
      message.socket.destroy();
      return;
    }
    if (fault?.does === 'delay') await sleep(fault.milliseconds);
    const kept = fault?.does === 'lose' || fault?.does === 'hold' ? fault.does : undefined;
    await this.pass(message, body, answer, kept);
  }
}
