/** A headless Chromium of this machine, by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/). */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/** @returns undefined where there is none on PATH */
export function findBrowser(path = process.env.PATH ?? ''): string | undefined {
  const places = path.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const patienceMilliseconds = 60_000;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** One page of a browser of its own. */
export class Page {
  readonly #browser: ChildProcess;
  readonly #socket: WebSocket;
  readonly #folder: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #loads: (() => void)[] = [];
  #last = 0;

  private constructor(browser: ChildProcess, socket: WebSocket, folder: string) {
    this.#browser = browser;
    this.#socket = socket;
    this.#folder = folder;
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
      if (message.method === 'Page.loadEventFired') this.#loads.shift()?.();
    });
  }

  static async open(program: string): Promise<Page> {
    const folder = mkdtempSync(join(tmpdir(), 'browser-'));
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--remote-debugging-port=0',
      `--user-data-dir=${folder}`,
      'about:blank',
    ];
    const browser = spawn(program, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    let port = '';
    for await (const line of createInterface({ input: browser.stderr })) {
      [, port = ''] = /^DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//u.exec(line) ?? [];
      if (port !== '') break;
    }
    browser.stderr.resume();
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await answer.json()) as readonly { webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
    await new Promise((settle, fail) => {
      socket.addEventListener('open', settle);
      socket.addEventListener('error', fail);
    });
    const page = new Page(browser, socket, folder);
    await page.send('Page.enable');
    return page;
  }

  async send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    this.#last += 1;
    const id = this.#last;
    const answer = new Promise<Message>((settle, fail) => {
      this.#waiting.set(id, settle);
      const late = (): void =>
        fail(new Error(`${method}: no answer in ${patienceMilliseconds} ms`));
      setTimeout(late, patienceMilliseconds).unref();
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result = {}, error } = await answer;
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** @returns milliseconds until all of it was loaded and painted once */
  async load(url: string): Promise<number> {
    const begin = performance.now();
    const loaded = new Promise<void>((settle) => this.#loads.push(settle));
    await this.send('Page.navigate', { url });
    await loaded;
    await this.run('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))');
    return performance.now() - begin;
  }

  /** @returns what an expression comes to, awaited */
  async run<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value: T }).value;
  }

  async screenshot(width: number, height: number): Promise<Buffer> {
    await this.send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  async close(): Promise<void> {
    const ended = new Promise((settle) => this.#browser.on('exit', settle));
    this.#socket.close();
    this.#browser.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
