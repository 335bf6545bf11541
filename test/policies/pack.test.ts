/** The policies on our own program: nothing to find, whatever stack, example or target. */
import assert from 'node:assert/strict';
import { judgeResource, judgeStack, type Violation } from '../../policies/judge.ts';
import { policedStacks, type SeenStack, see } from './stacks.ts';

function judged({ resources, context }: SeenStack): readonly Violation[] {
  const of = context();
  return [
    ...resources.flatMap((resource) => judgeResource(resource, of)),
    ...judgeStack(resources, of),
  ];
}

describe('the policies', () => {
  for (const policed of policedStacks) {
    const isOurs = ['dev', 'staging', 'prod'].includes(policed.name);
    for (const preview of isOurs ? [true, false] : [false]) {
      it(`find nothing in ${policed.name}, ${preview ? 'previewed' : 'brought up'}`, async () => {
        const seen = await see(policed, preview);
        assert.ok(seen.resources.length > 20);
        const found = judged(seen).map(
          ({ rule, resource, message }) =>
            `${rule.name} ${resource?.type} ${resource?.name}: ${message}`,
        );
        assert.deepEqual(found, []);
      });
    }
  }
});
