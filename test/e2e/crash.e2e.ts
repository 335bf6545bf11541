/** kill -9 of the engine, the plugin and the start command, while a watcher reads the files. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'dotenv';
import { entryOf, environmentName, type SecretKey } from '../../components/catalog.ts';
import { makeCanary } from '../canary.ts';
import { Checkout } from './checkout.ts';
import { appearing, processes } from './process-tree.ts';

const keys: readonly SecretKey[] = [
  'binance_api_key',
  'kucoin_passphrase',
  'postgres_user',
  'grafana_api_key',
];
const points = [0.1, 0.3, 0.5, 0.7, 0.9];
const victims = {
  engine: /\/pulumi up /,
  plugin: /^(?:\S*\/)?node .*plugins\/hummingbot\/main\.ts/,
  'start command': /^(?:\S*\/)?node .*operations\/start\.ts/,
} as const;

const pathOf = (key: SecretKey): string => `out/dev/secrets/${entryOf(key).directory}/${key}`;
const newValues = (): Map<SecretKey, string> => new Map(keys.map((key) => [key, makeCanary(key)]));

/** Reads the files over and over; every content must be whole, an old or a new one. */
class Watcher {
  readonly wrong: string[] = [];
  reads = 0;
  #done = false;
  readonly #running: Promise<void>;

  constructor(
    checkout: Checkout,
    allowed: ReadonlyMap<SecretKey, readonly (string | undefined)[]>,
  ) {
    this.#running = this.#watch(checkout, allowed);
  }

  async #watch(
    checkout: Checkout,
    allowed: ReadonlyMap<SecretKey, readonly (string | undefined)[]>,
  ): Promise<void> {
    const read = (path: string): string | undefined => {
      try {
        return readFileSync(checkout.path(path), 'utf8');
      } catch {
        return undefined;
      }
    };
    while (!this.#done) {
      for (const [key, values] of allowed) {
        if (!values.includes(read(pathOf(key)))) this.wrong.push(key);
      }
      const env = read('out/dev/.env.secrets');
      if (env !== undefined) {
        const parsed = parse(env);
        const whole = env.endsWith("'\n") && Object.keys(parsed).length === 23;
        if (!whole) this.wrong.push('.env.secrets');
        for (const [key, values] of allowed) {
          if (!values.includes(parsed[environmentName(key)]))
            this.wrong.push(`.env.secrets: ${key}`);
        }
      }
      this.reads += 1;
      await sleep(1);
    }
  }

  async stop(): Promise<void> {
    this.#done = true;
    await this.#running;
  }
}

/** Each try that came too late is followed by one at this share of its time. */
const sooner = 0.7;

describe('kill -9', function () {
  this.timeout(180_000);
  const warm = new Checkout();
  let current = newValues();
  /** How long a victim lives in an undisturbed run, in milliseconds. */
  const lifetimes = new Map<string, number>();

  after(() => warm.remove());

  /** Runs `npm start` and kills a victim at a share of its life. @returns whether it was hit */
  async function runAndKill(
    checkout: Checkout,
    victim: keyof typeof victims,
    point: number,
  ): Promise<boolean> {
    const child = checkout.start('npm', ['start']);
    let ended = false;
    const result = checkout.finish(child).finally(() => {
      ended = true;
    });
    const found = await appearing(child.pid ?? 0, victims[victim], () => ended);
    if (found === undefined) return false;
    await sleep((lifetimes.get(victim) ?? 1000) * point);
    let hit = !ended;
    try {
      process.kill(found.pid, 'SIGKILL');
    } catch {
      hit = false;
    }
    await result;
    return hit;
  }

  /** Programs and plugins of a killed engine end by themselves; others would wait, and grow. */
  async function assertNoOrphans(checkout: Checkout): Promise<void> {
    const orphans = (): readonly string[] =>
      processes()
        .filter(({ command }) => command.includes(checkout.directory))
        .filter(({ command }) => /main\.ts|cmd\/run\/index\.js/.test(command))
        .map(({ command }) => command);
    for (let tries = 0; orphans().length > 0 && tries < 50; tries++) await sleep(100);
    assert.deepEqual(orphans(), []);
  }

  async function assertConverges(
    checkout: Checkout,
    values: ReadonlyMap<SecretKey, string>,
  ): Promise<void> {
    await assertNoOrphans(checkout);
    const next = await checkout.npmStart();
    assert.equal(next.code, 0, `${next.stdout}\n${next.stderr}`);
    for (const [key, value] of values) assert.equal(checkout.read(pathOf(key)), value);
    const files = checkout.files('out/dev');
    assert.deepEqual(
      [...files.keys()].filter((path) => path.endsWith('.tmp')),
      [],
    );
    assert.equal(files.size, 33);
    const { stdout, code } = await checkout.pulumi(['stack', 'export', '--stack', 'dev']);
    assert.equal(code, 0);
    const { deployment } = JSON.parse(stdout);
    assert.equal(deployment.pending_operations?.length ?? 0, 0);
    const again = await checkout.npmStart();
    assert.match(again.stdout, /5[01] unchanged/);
    assert.doesNotMatch(again.stdout, /[1-9]\d* (?:created|updated|replaced|deleted)/);
  }

  before(async () => {
    await warm.import(current);
    assert.equal((await warm.npmStart()).code, 0);
    for (const victim of Object.keys(victims) as (keyof typeof victims)[]) {
      const child = warm.start('npm', ['start']);
      let ended = false;
      const result = warm.finish(child).finally(() => {
        ended = true;
      });
      await appearing(child.pid ?? 0, victims[victim], () => ended);
      const begun = Date.now();
      await result;
      lifetimes.set(victim, Date.now() - begun);
    }
  });

  for (const victim of Object.keys(victims) as (keyof typeof victims)[]) {
    for (const point of points) {
      it(`of the ${victim} at ${point * 100} % of a change`, async () => {
        for (let tries = 0; ; tries++) {
          const next = newValues();
          await warm.import(next);
          const allowed = new Map(keys.map((key) => [key, [current.get(key), next.get(key)]]));
          const watcher = new Watcher(warm, allowed);
          // Idler than when lifetimes were measured, the machine lets it end earlier.
          const hit = await runAndKill(warm, victim, point * sooner ** tries);
          await assertConverges(warm, next);
          await watcher.stop();
          assert.deepEqual(watcher.wrong, []);
          assert.ok(watcher.reads > 20);
          current = next;
          if (hit) return;
          assert.ok(tries < 3, 'the victim was gone each time');
        }
      });
    }

    /** @returns whether the victim still lived when it was to be killed */
    async function killsFirstRun(tries: number): Promise<boolean> {
      const fresh = new Checkout();
      try {
        const values = newValues();
        const watcher = new Watcher(
          fresh,
          new Map(
            keys.map((key) => [
              key,
              [undefined, 'placeholder-'.concat(key.replaceAll('_', '-')), values.get(key)],
            ]),
          ),
        );
        const hit = await runAndKill(fresh, victim, 0.5 * sooner ** tries);
        await fresh.import(values);
        await assertConverges(fresh, values);
        await watcher.stop();
        assert.deepEqual(watcher.wrong, []);
        return hit;
      } finally {
        fresh.remove();
      }
    }

    it(`of the ${victim} in the middle of the very first run`, async () => {
      // A machine that is busier or idler than when lifetimes were measured lets it end earlier.
      for (let tries = 0; !(await killsFirstRun(tries)); tries++) {
        assert.ok(tries < 3, 'the victim was gone each time');
      }
    });
  }
});
