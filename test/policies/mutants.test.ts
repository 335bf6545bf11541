/** Each control of our own program, taken away, is noticed by the rule that is there for it. */
import assert from 'node:assert/strict';
import { rules } from '../../policies/rules.ts';
import { judgeMutant, mutants } from '../mutants/judge.ts';
import { policedStacks, type SeenStack, see } from './stacks.ts';

describe('a control that is taken away', () => {
  const seen = new Map<string, SeenStack>();
  before(async function () {
    this.timeout(60_000);
    for (const policed of policedStacks) {
      if (mutants.some(({ stack }) => stack === policed.name)) {
        seen.set(policed.name, await see(policed));
      }
    }
  });

  it('is one of many, each with a name of its own', () => {
    assert.ok(mutants.length >= 60);
    assert.equal(new Set(mutants.map(({ control }) => control)).size, mutants.length);
  });

  for (const mutant of mutants) {
    it(`${mutant.control}: ${mutant.rule}`, () => {
      const stack = seen.get(mutant.stack);
      assert.ok(stack !== undefined, mutant.stack);
      const found = judgeMutant(mutant, stack).map(({ rule }) => rule.name);
      assert.ok(found.includes(mutant.rule), `caught by ${found.join(', ') || 'nothing'}`);
    });
  }

  it('is noticed by every rule once, but those about values', () => {
    const caught = new Set(mutants.map(({ rule }) => rule));
    const missing = rules.filter(({ name }) => !caught.has(name) && !name.startsWith('value-in-'));
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });
});
