/** Random orders of runs that come, wait, are killed, held still or outlived, against whose turn it is. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { again, fuzzSeed } from '../../fuzz-seed.ts';
import { drain, RealTurns, steps, TurnsModel } from './turns-model.ts';

const orders = 5;
const length = 20;

describe('turns in any order, of runs killed anywhere', function () {
  this.timeout(300_000);

  it('are never had by two, never lost by a living one, and had by all at last', async () => {
    const seed = fuzzSeed();
    const done: string[] = [];
    const kinds = Object.values(steps).map((make) =>
      fc.integer({ min: 0, max: 999 }).map((at) => make(at / 1000)),
    );
    const order = fc.array(fc.oneof(...kinds), { minLength: length, maxLength: length });
    const property = fc.asyncProperty(fc.noBias(order), async (commands) => {
      const [model, real] = [new TurnsModel(), new RealTurns()];
      try {
        await fc.asyncModelRun(() => ({ model, real }), commands);
        await drain(model, real);
      } catch (error) {
        throw new Error(`${again(seed)}: ${real.done.join(', ')}`, { cause: error });
      } finally {
        done.push(...real.done);
        await real.remove();
      }
    });
    // Not made smaller: each order takes seconds.
    await fc.assert(property, { seed, numRuns: orders, endOnFailure: true });
    const seen = new Set(done.map((name) => name.replaceAll(/[\d.]+/gu, '')));
    assert.ok(done.length >= 5 * orders && seen.size >= 8, `${done.length} steps: ${[...seen]}`);
  });

  it("would be found out if a living one's ticket were taken away", async () => {
    const [model, real] = [new TurnsModel(), new RealTurns()];
    try {
      await steps.begins?.(0).run(model, real);
      await steps.begins?.(0).run(model, real);
      const { pid } = real.run(model.holder ?? '').child;
      const ticket = readdirSync(real.directory).find((name) => name.split('-')[1] === `${pid}`);
      rmSync(join(real.directory, ticket ?? ''));
      await assert.rejects(async () => {
        for (let tries = 0; tries < 20; tries += 1) {
          await steps.reused?.(0).run(model, real);
          await sleep(100);
        }
      }, /whose turn it is|beside/u);
    } finally {
      await real.remove();
    }
  });
});
