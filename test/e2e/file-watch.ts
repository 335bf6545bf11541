/** Reads the files of a dev stack over and over: each content has to be whole, an old or a new one. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'dotenv';
import { parseDocument } from 'yaml';
import { entryOf, environmentName, type SecretKey } from '../../components/catalog.ts';
import type { Checkout } from './checkout.ts';

/** Where the target `compose` puts a key. */
export const pathOf = (key: SecretKey): string =>
  `out/dev/secrets/${entryOf(key).directory}/${key}`;

/** Of the guide: what the env file of a stack has with all exchanges and services. */
const variables = 23;
/** Embedded backend and stack file; a half-written one would be no JSON, or no settings. */
const stateFile = '.local/state/.pulumi/stacks/hummingbot-secrets/dev.json';
const stackFile = '.local/stacks/Pulumi.dev.yaml';

export class FileWatch {
  /** What was wrong: a path or a key, never a value. */
  readonly wrong: string[] = [];
  reads = 0;
  #done = false;
  readonly #checkout: Checkout;
  readonly #running: Promise<void>;

  /** @param allowed values of each key; undefined for a file that need not be there yet */
  constructor(
    checkout: Checkout,
    allowed: ReadonlyMap<SecretKey, readonly (string | undefined)[]>,
  ) {
    this.#checkout = checkout;
    this.#running = this.#watch(allowed);
  }

  #read(path: string): string | undefined {
    try {
      return readFileSync(this.#checkout.path(path), 'utf8');
    } catch {
      return undefined;
    }
  }

  async #watch(allowed: ReadonlyMap<SecretKey, readonly (string | undefined)[]>): Promise<void> {
    while (!this.#done) {
      for (const [key, values] of allowed) {
        if (!values.includes(this.#read(pathOf(key)))) this.wrong.push(key);
      }
      const env = this.#read('out/dev/.env.secrets');
      if (env !== undefined) {
        const parsed = parse(env);
        const whole = env.endsWith("'\n") && Object.keys(parsed).length === variables;
        if (!whole) this.wrong.push('.env.secrets');
        for (const [key, values] of allowed) {
          if (!values.includes(parsed[environmentName(key)]))
            this.wrong.push(`.env.secrets: ${key}`);
        }
      }
      // Larger, and read more seldom.
      if (this.reads % 8 === 0) this.#lookAtState();
      this.reads += 1;
      await sleep(1);
    }
  }

  #lookAtState(): void {
    const state = this.#read(stateFile);
    if (state !== undefined && !isJson(state)) this.wrong.push('the state');
    const settings = this.#read(stackFile);
    if (settings === undefined) return;
    const document = parseDocument(settings);
    const whole = document.errors.length === 0 && document.has('config');
    if (!whole) this.wrong.push('the stack file');
  }

  async stop(): Promise<void> {
    this.#done = true;
    await this.#running;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
