/**
 * Target `swarm` on the engine of a rehearsal; its consumer is the bot's own service. A secret that no
 * service uses is read by a task that is made for it: nobody else can.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../../components/catalog.ts';
import { differences } from '../../../rehearsal/keystore.ts';
import type { Result } from '../checkout.ts';
import { SwarmStack } from '../swarm-stack.ts';
import { noSocket } from './breakage.ts';
import { conforms } from './suite.ts';
import type { ConformingTarget } from './target.ts';
import { everyByteClass } from './values.ts';

class Swarm implements ConformingTarget {
  readonly name = 'swarm';
  readonly awkward = everyByteClass;
  readonly refused = new Map<string, RegExp>();
  /** A task that reads a secret keeps it from being removed. */
  readonly looksAreCheap = false;
  readonly #stack = new SwarmStack();
  readonly stack = this.#stack.stack;
  readonly checkout = this.#stack.checkout;
  readonly breakages = [noSocket(() => this.#stack.socket)];
  /** Each has a name of its own: the container of the one before may take its time to end. */
  #readers = 0;

  async start(): Promise<void> {
    await this.#stack.start();
  }

  async end(): Promise<void> {
    await this.#stack.end();
  }

  get environment(): NodeJS.ProcessEnv {
    return this.#stack.environment;
  }

  async run(command: string, args: readonly string[], input?: string): Promise<Result> {
    return await this.#stack.run(command, args, input);
  }

  /** The files that the task sees; the bot's own keystore has to hold the same. */
  async read(): Promise<ReadonlyMap<SecretKey, string>> {
    const container = this.#stack.bot();
    const seen = this.#stack.readIn(container);
    assert.deepEqual(differences(await this.#stack.keystore(container), seen), []);
    return seen;
  }

  async value(key: SecretKey): Promise<string | undefined> {
    const secret = (await this.#stack.secrets()).find((each) => each.key === key);
    if (secret === undefined) return undefined;
    const image = this.#stack.replacements.image ?? '';
    this.#readers += 1;
    const reader = `reader-${this.#readers}`;
    const words = ['service', 'create', '--detach', '--name', reader, '--no-resolve-image'];
    const mount = ['--secret', `source=${secret.name},target=${key}`];
    const made = this.#stack.docker(...words, ...mount, image, 'sleep', '600');
    assert.equal(made.code, 0, made.stderr);
    try {
      for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
        const [container] = this.#stack.containers(reader);
        if (container !== undefined) return this.#stack.readIn(container).get(key);
        assert.ok(Date.now() < deadline, 'no task that reads');
      }
    } finally {
      this.#stack.docker('service', 'rm', reader);
    }
  }

  async places(): Promise<readonly string[]> {
    const secrets = (await this.#stack.secrets()).map(({ key }) => `secret ${key}-*`);
    const configs = await this.#stack.labelled('/configs');
    const names = configs.map(
      ({ Spec }) => `config ${Spec?.Name?.replace(/-[0-9a-f]{8}$/u, '-*')}`,
    );
    const services = (await this.#stack.services()).map(({ Spec }) => `service ${Spec?.Name}`);
    return [...secrets, ...names, ...services].toSorted();
  }

  /** Ids, and versions: the swarm counts each write. */
  async mark(): Promise<ReadonlyMap<string, number>> {
    const all = [
      ...(await this.#stack.labelled('/secrets')),
      ...(await this.#stack.labelled('/configs')),
      ...(await this.#stack.services()),
    ];
    return new Map(all.map(({ ID, Version }) => [ID, Version?.Index ?? 0]));
  }

  async writes(mark: unknown): Promise<readonly string[]> {
    const before = mark as ReadonlyMap<string, number>;
    const now = await this.mark();
    return [...new Set([...before.keys(), ...now.keys()])].filter(
      (id) => before.get(id) !== now.get(id),
    );
  }

  async remove(key: SecretKey): Promise<void> {
    for (const { id } of (await this.#stack.secrets()).filter((each) => each.key === key)) {
      await this.#stack.api.remove(`/secrets/${id}`);
    }
  }

  /** Docker secrets cannot be changed: somebody follows the guide's own words by hand. */
  async edit(key: SecretKey, value: string): Promise<void> {
    await this.remove(key);
    const body = { Name: key, Data: Buffer.from(value).toString('base64') };
    const by = { body: { ...body, Labels: {} } };
    this.#stack.docker('secret', 'rm', key);
    await this.#stack.api.post('/secrets/create', by);
  }

  logs(): ReadonlyMap<string, string> {
    return this.#stack.logs();
  }
}

conforms(new Swarm());
