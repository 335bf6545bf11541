/** Random orders of runs that are killed anywhere, against what has to be there when one ends well. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { again, fuzzSeed } from '../../fuzz-seed.ts';
import { type Crash, crashes, RunsModel } from './runs-model.ts';

type Step = 'set' | 'stranger' | 'the stranger leaves' | Crash;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('set' as const) },
  { weight: 1, arbitrary: fc.constantFrom('stranger' as const, 'the stranger leaves' as const) },
  { weight: 8, arbitrary: fc.constantFrom(...crashes) },
);

describe('runs in any order, killed anywhere', function () {
  this.timeout(60_000);
  const backend = process.env.PULUMI_BACKEND_URL;
  const { error } = console;
  before(() => {
    // As with a backend elsewhere: the state is asked for.
    process.env.PULUMI_BACKEND_URL = 'file:///model';
    console.error = () => {};
  });
  after(() => {
    console.error = error;
    if (backend === undefined) delete process.env.PULUMI_BACKEND_URL;
    else process.env.PULUMI_BACKEND_URL = backend;
  });

  function assertConverged(model: RunsModel): void {
    const ours = [...model.cluster].filter(([, own]) => own).map(([name]) => name);
    assert.deepEqual(ours, [model.wanted], 'in the cluster');
    assert.deepEqual(model.known, [model.wanted], 'in the state');
    assert.equal(model.pending, 0);
  }

  async function play(steps: readonly Step[]): Promise<Set<Step>> {
    const model = new RunsModel('runs-model');
    const seen = new Set<Step>();
    for (const each of steps) {
      const strangers = [...model.cluster].filter(([, own]) => !own).map(([name]) => name);
      seen.add(each);
      if (each === 'set') model.set();
      else if (each === 'stranger') model.stranger();
      else if (each === 'the stranger leaves') model.strangerLeaves();
      else {
        if (await model.run(each)) assertConverged(model);
        // Nobody else's is taken away or taken over.
        for (const name of strangers) {
          assert.equal(model.cluster.get(name), false, name);
          assert.ok(!model.known.includes(name), name);
        }
      }
    }
    model.strangerLeaves();
    // One run, whatever was before; nothing is made twice by one more.
    assert.equal(await model.run('nothing'), true, 'one run converges');
    assertConverged(model);
    assert.equal(await model.run('nothing'), true);
    assertConverged(model);
    return seen;
  }

  it('converge in one run, with nothing twice, left over or taken over', async () => {
    const seed = fuzzSeed();
    const seen = new Set<Step>();
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 14 }),
      async (steps) => {
        for (const each of await play(steps)) seen.add(each);
      },
    );
    const { failed, counterexample, errorInstance } = await fc.check(property, {
      seed,
      numRuns: 3000,
    });
    const [steps = []] = counterexample ?? [];
    assert.ok(!failed, `${again(seed)}: ${steps.join(', ')}: ${String(errorInstance)}`);
    assert.equal(seen.size, crashes.length + 3, 'a step that was never tried');
  });

  it('would be found out if what a dead plugin made were forgotten', async () => {
    const model = new RunsModel('runs-model');
    await model.run('the plugin before the answer');
    assert.equal(model.cluster.get(model.wanted), true);
    assert.deepEqual(model.known, []);
    const { rememberCreates } = await import('../../../operations/engine/failed-creates.ts');
    rememberCreates(model.stack, []);
    assert.equal(await model.run('nothing'), false);
  });
});
