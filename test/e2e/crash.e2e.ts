/**
 * kill -9 of the engine, the plugins and the start command, while a watcher reads the files. At 30
 * moments each: `npm run soak -- kills-dev`, and on real servers `kills-prod`.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../components/catalog.ts';
import { makeCanary } from '../canary.ts';
import { Checkout } from './checkout.ts';
import { FileWatch, pathOf } from './file-watch.ts';
import { processes } from './process-tree.ts';
import { snapshotFaults } from './snapshot-rules.ts';
import { killDuring, lifetimesOf, type Victim, victimNames } from './victims.ts';

const keys: readonly SecretKey[] = [
  'binance_api_key',
  'kucoin_passphrase',
  'postgres_user',
  'grafana_api_key',
];
const points = [0.1, 0.5, 0.9];
const newValues = (): Map<SecretKey, string> => new Map(keys.map((key) => [key, makeCanary(key)]));

/** Each try that came too late is followed by one at this share of its time. */
const sooner = 0.7;

describe('kill -9', function () {
  this.timeout(600_000);
  const warm = new Checkout();
  let current = newValues();
  let lifetimes: ReadonlyMap<Victim, number>;

  after(() => warm.remove());

  /** Runs `npm start` and kills a victim at a share of its life. @returns whether it was hit */
  async function runAndKill(checkout: Checkout, victim: Victim, share: number): Promise<boolean> {
    const child = checkout.start('npm', ['start']);
    const result = checkout.finish(child);
    const lifetime = lifetimes.get(victim) ?? 1000;
    const killed = await killDuring(child, { victim, moment: { share }, lifetime, choice: share });
    await result;
    return killed !== undefined;
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
    assert.deepEqual(snapshotFaults(JSON.parse(stdout)), []);
    const again = await checkout.npmStart();
    assert.match(again.stdout, /5[01] unchanged/);
    assert.doesNotMatch(again.stdout, /[1-9]\d* (?:created|updated|replaced|deleted)/);
  }

  before(async () => {
    await warm.import(current);
    assert.equal((await warm.npmStart()).code, 0);
    const child = warm.start('npm', ['start']);
    const [lives] = await Promise.all([lifetimesOf(child), warm.finish(child)]);
    lifetimes = lives;
  });

  for (const victim of victimNames) {
    for (const point of points) {
      it(`of the ${victim} at ${point * 100} % of a change`, async () => {
        for (let tries = 0; ; tries++) {
          const next = newValues();
          await warm.import(next);
          const allowed = new Map(keys.map((key) => [key, [current.get(key), next.get(key)]]));
          const watcher = new FileWatch(warm, allowed);
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
        const allowed = new Map(
          keys.map((key) => [
            key,
            [undefined, 'placeholder-'.concat(key.replaceAll('_', '-')), values.get(key)],
          ]),
        );
        const wrong: string[] = [];
        const watched = async <T>(work: () => Promise<T>): Promise<T> => {
          const watcher = new FileWatch(fresh, allowed);
          const result = await work();
          await watcher.stop();
          wrong.push(...watcher.wrong);
          return result;
        };
        const hit = await watched(
          async () => await runAndKill(fresh, victim, 0.5 * sooner ** tries),
        );
        // Pulumi itself writes the stack file in place, and is not watched doing so.
        await fresh.import(values);
        await watched(async () => await assertConverges(fresh, values));
        assert.deepEqual(wrong, []);
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
