/**
 * What a user does with dev in any order, through the real commands, beside a model that says which
 * values have to be where: set, imported, taken away, brought up, looked at, spoiled by somebody,
 * refreshed, destroyed, and killed in the middle of it. Linux.
 */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'dotenv';
import fc from 'fast-check';
import { entryOf, environmentName, type SecretKey } from '../../components/catalog.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Step } from '../step.ts';
import { Checkout, type Result } from './checkout.ts';
import { FileWatch, pathOf } from './file-watch.ts';
import { orphansOf } from './machine.ts';
import { snapshotFaults } from './snapshot-rules.ts';
import { killDuring, lifetimesOf, type Victim, victimNames } from './victims.ts';

export const keys = ['binance_api_key', 'kucoin_passphrase', 'postgres_user'] as const;
type Key = (typeof keys)[number];

/** What a key may be in its file; undefined: there is no file. One alone when nothing was killed since. */
type Allowed = readonly (string | undefined)[];

const envFile = 'out/dev/.env.secrets';
/** Seconds in which what a killed run left at work has to end. */
const endSeconds = 15;
/** How much of a victim's life a kill may come after; later ones come too late on a machine that idles. */
const latest = 0.95;

/** What has to be where. */
export class DevModel {
  /** In the stack file. */
  readonly set = new Map<Key, string>();
  readonly delivered = new Map<Key, Allowed>(keys.map((key) => [key, [undefined]]));
  /** Keys whose file somebody else has written. */
  readonly spoiled = new Set<Key>();
  /** Whether a run was killed since one ended well. */
  doubt = false;
  isUp = false;

  /** What an up delivers: what is not set has a placeholder. */
  wanted(key: Key): string {
    return this.set.get(key) ?? `placeholder-${key.replaceAll('_', '-')}`;
  }

  up(): void {
    for (const key of keys) this.delivered.set(key, [this.wanted(key)]);
    this.spoiled.clear();
    [this.doubt, this.isUp] = [false, true];
  }

  destroyed(): void {
    for (const key of keys) this.delivered.set(key, [undefined]);
    this.spoiled.clear();
    [this.doubt, this.isUp] = [false, false];
  }

  /** A run was killed that was to deliver this. */
  killed(next: (key: Key) => string | undefined): void {
    for (const key of keys) this.delivered.set(key, this.#orNext(key, next));
    this.doubt = true;
  }

  #orNext(key: Key, next: (key: Key) => string | undefined): Allowed {
    return [...new Set([...(this.delivered.get(key) ?? []), next(key)])];
  }

  /** For a look at the files all the while. */
  during(next: (key: Key) => string | undefined): ReadonlyMap<SecretKey, Allowed> {
    return new Map(keys.map((key) => [key, this.#orNext(key, next)]));
  }
}

/** A checkout with a dev of its own. */
export class RealDev {
  readonly checkout = new Checkout();
  readonly #given = new Map<string, string>();
  #lifetimes: ReadonlyMap<Victim, number> = new Map();
  #serial = 0;
  /** Names of what was done, in order. */
  readonly done: string[] = [];

  /** Brings it up, and measures how long each victim lives in a change. */
  async start(model: DevModel): Promise<void> {
    await this.import(model);
    this.#ended(await this.checkout.npmStart());
    await this.import(model);
    const child = this.checkout.start('npm', ['start']);
    const [lifetimes, result] = await Promise.all([
      lifetimesOf(child),
      this.checkout.finish(child),
    ]);
    this.#ended(result);
    this.#lifetimes = lifetimes;
    model.up();
    await this.compare(model);
  }

  /** A new value, that no output may show. */
  value(key: Key): string {
    const value = makeCanary(key);
    this.#serial += 1;
    this.#given.set(`value ${this.#serial} of ${key}`, value);
    return value;
  }

  #ended({ code, stdout, stderr }: Result): void {
    assert.deepEqual(leaks(`${stdout}\n${stderr}`, this.#given), [], 'printed');
    assert.equal(code, 0, `${stdout}\n${stderr}`);
  }

  async import(model: DevModel): Promise<void> {
    const values = new Map(keys.map((key) => [key, this.value(key)]));
    await this.checkout.import(values);
    for (const [key, value] of values) model.set.set(key, value);
  }

  async npm(...words: readonly string[]): Promise<void> {
    this.#ended(await this.checkout.npmStart(...words));
  }

  async pulumi(...words: readonly string[]): Promise<void> {
    this.#ended(await this.checkout.pulumi([...words, '--stack', 'dev']));
  }

  /** Does something while the files are looked at: each is whole, the old or the new one. */
  async watched<T>(allowed: ReadonlyMap<SecretKey, Allowed>, work: () => Promise<T>): Promise<T> {
    const watch = new FileWatch(this.checkout, allowed);
    try {
      return await work();
    } finally {
      await watch.stop();
      assert.deepEqual([...new Set(watch.wrong)], [], 'half-written, or neither old nor new');
    }
  }

  /** @returns whether the kill came in time; if not, the run has ended well */
  async killed(words: readonly string[], victim: Victim, share: number): Promise<boolean> {
    const child = this.checkout.start('npm', words);
    const result = this.checkout.finish(child);
    const lifetime = this.#lifetimes.get(victim) ?? 1000;
    const moment = { share: share * latest };
    const killed = await killDuring(child, { victim, moment, lifetime, choice: share });
    const { stdout, stderr } = await result;
    assert.deepEqual(leaks(`${stdout}\n${stderr}`, this.#given), [], 'printed');
    if (killed === undefined) this.#ended(await result);
    return killed !== undefined;
  }

  #content(key: Key): string | undefined {
    try {
      return this.checkout.read(pathOf(key));
    } catch {
      return undefined;
    }
  }

  spoil(key: Key): string {
    const path = this.checkout.path(pathOf(key));
    const value = this.value(key);
    chmodSync(path, 0o600);
    writeFileSync(path, value);
    return value;
  }

  /** @throws AssertionError, with no value in it */
  async compare(model: DevModel): Promise<void> {
    for (const key of keys) {
      const allowed = model.delivered.get(key) ?? [];
      assert.ok(allowed.includes(this.#content(key)), `${key} is not what it has to be`);
    }
    assert.equal(this.checkout.gitStatus(), '');
    if (model.doubt) return;
    const names = [...this.checkout.files('out/dev').keys()];
    assert.deepEqual(
      names.filter((name) => name.endsWith('.tmp')),
      [],
    );
    assert.equal(names.includes('.env.secrets'), model.isUp);
    if (!model.isUp) {
      assert.deepEqual(
        names.filter((name) => name.startsWith('secrets/')),
        [],
      );
      return;
    }
    if (model.spoiled.size > 0) return;
    const variables = parse(this.checkout.read(envFile));
    for (const key of keys) {
      const same = model.delivered.get(key)?.[0] === variables[environmentName(key)];
      assert.ok(same, `${environmentName(key)} is not what its file is`);
    }
  }

  /** That nothing is pending, twice or half replaced. */
  async assertSnapshot(): Promise<void> {
    const { code, stdout } = await this.checkout.pulumi(['stack', 'export', '--stack', 'dev']);
    assert.equal(code, 0);
    assert.deepEqual(snapshotFaults(JSON.parse(stdout)), []);
  }

  /** One up, whatever was before; then nothing is left at work, and nothing is left to do. */
  async finish(model: DevModel): Promise<void> {
    await this.watched(
      model.during((key) => model.wanted(key)),
      async () => await this.npm(),
    );
    model.up();
    await this.compare(model);
    await this.assertSnapshot();
    for (let tries = 0; tries < endSeconds * 4 && this.#orphans().length > 0; tries += 1) {
      await sleep(250);
    }
    assert.deepEqual(this.#orphans(), [], 'processes that are left');
  }

  #orphans(): readonly string[] {
    return orphansOf(this.checkout.directory);
  }
}

type DevStep = Step<DevModel, RealDev>;

function stepOf(
  name: string,
  may: (model: DevModel) => boolean,
  act: (model: DevModel, real: RealDev) => Promise<void>,
): DevStep {
  return new Step(name, may, async (model, real) => {
    real.done.push(name);
    await act(model, real);
    await real.compare(model);
  });
}

const always = (): boolean => true;
const keyAt = (at: number): Key => keys[Math.floor(at * keys.length)] ?? keys[0];
const pathInConfig = (key: Key): string => `${entryOf(key).group}.${key}`;
const destroy = ['destroy', '--yes', '--skip-preview'] as const;

/** Every kind of step, and how often it is drawn; `at` from 0 up to 1 says which, or when. */
const steps: readonly (readonly [weight: number, make: (at: number) => DevStep])[] = [
  [
    3,
    (at) =>
      stepOf(`${keyAt(at)} is set`, always, async (model, real) => {
        const key = keyAt(at);
        const value = real.value(key);
        await real.checkout.setSecret(pathInConfig(key), value);
        model.set.set(key, value);
      }),
  ],
  [1, () => stepOf('all are imported', always, async (model, real) => await real.import(model))],
  [
    1,
    (at) =>
      stepOf(
        `${keyAt(at)} is taken away`,
        ({ set }) => set.has(keyAt(at)),
        async (model, real) => {
          await real.pulumi('config', 'rm', '--path', pathInConfig(keyAt(at)));
          model.set.delete(keyAt(at));
        },
      ),
  ],
  [
    2,
    () =>
      stepOf('npm start', always, async (model, real) => {
        const next = model.during((key) => model.wanted(key));
        await real.watched(next, async () => await real.npm());
        model.up();
      }),
  ],
  [
    2,
    () =>
      stepOf(
        'pulumi up',
        // It believes the state.
        ({ spoiled }) => spoiled.size === 0,
        async (model, real) => {
          const next = model.during((key) => model.wanted(key));
          const up = ['up', '--yes', '--skip-preview'];
          await real.watched(next, async () => await real.pulumi(...up));
          model.up();
          await real.assertSnapshot();
        },
      ),
  ],
  ...victimNames.map(
    (victim) =>
      [
        2,
        (at: number) =>
          stepOf(
            `npm start, its ${victim} killed at ${at.toFixed(2)}`,
            always,
            async (model, real) => {
              const next = (key: Key): string => model.wanted(key);
              const killed = await real.watched(
                model.during(next),
                async () => await real.killed(['start'], victim, at),
              );
              if (killed) model.killed(next);
              else model.up();
            },
          ),
      ] as const,
  ),
  [
    1,
    () =>
      stepOf('preview', always, async (model, real) => {
        const before = JSON.stringify([...real.checkout.files('out/dev')]);
        await real.npm('preview');
        const after = JSON.stringify([...real.checkout.files('out/dev')]);
        assert.ok(model.doubt || before === after, 'a preview has touched a file');
      }),
  ],
  [
    1,
    () =>
      stepOf('refresh', always, async (_, real) => {
        await real.pulumi('refresh', '--yes', '--skip-preview');
      }),
  ],
  [
    1,
    (at) =>
      stepOf(
        `the file of ${keyAt(at)} is spoiled`,
        ({ doubt, isUp }) => isUp && !doubt,
        async (model, real) => {
          model.delivered.set(keyAt(at), [real.spoil(keyAt(at))]);
          model.spoiled.add(keyAt(at));
        },
      ),
  ],
  [
    1,
    () =>
      stepOf('destroy', always, async (model, real) => {
        await real.pulumi(...destroy);
        model.destroyed();
      }),
  ],
  [
    1,
    (at) =>
      stepOf(
        `destroy, its command killed at ${at.toFixed(2)}`,
        ({ isUp }) => isUp,
        async (model, real) => {
          const words = ['run', '--silent', 'pulumi', '--', ...destroy, '--stack', 'dev'];
          if (await real.killed(words, 'command', at)) model.killed(() => undefined);
          else model.destroyed();
        },
      ),
  ],
];

/** Steps in an order that a seed gives; what may not be done at its moment is left out. */
export function orderOf(seed: number, length: number): readonly DevStep[] {
  const kinds = steps.map(([weight, make]) => ({
    weight,
    arbitrary: fc.integer({ min: 0, max: 999 }).map((at) => make(at / 1000)),
  }));
  const order = fc.noBias(fc.array(fc.oneof(...kinds), { minLength: length, maxLength: length }));
  return fc.sample(order, { seed, numRuns: 1 })[0] ?? [];
}
