/**
 * No message holds a value, whatever a program makes of itself: every text and every name of a field
 * in our own stacks is replaced by canaries, in turn and all at once.
 */
import assert from 'node:assert/strict';
import { judgeResource, judgeStack } from '../../policies/judge.ts';
import { plain, type Resource } from '../../policies/resource.ts';
import { type Fields, isFields } from '../../policies/sight/fields.ts';
import { leaks, makeCanary } from '../canary.ts';
import { judgeMutant, mutants } from '../mutants/judge.ts';
import { exampleFiles, policedStacks, type SeenStack, see } from './stacks.ts';

const canary = makeCanary('policy');
const word = [...'correcthorsebatterystaple'].reverse().join('');
const digits = '0644';

/** In place of a text, behind it, and in more fields of other names. */
const ways = [
  [true, false],
  [false, false],
  [false, true],
] as const;

/** Each of them has a target of its own. */
const poisonedStacks = [
  ...['dev', 'prod', 'native Secrets', 'a swarm by its stack file'],
  ...exampleFiles.map((file) => `example ${file}`),
];

function poisoned(value: unknown, poison: string, whole: boolean, keys: boolean): unknown {
  if (typeof value === 'string') return whole ? poison : `${value}${poison}`;
  if (Array.isArray(value)) return value.map((each) => poisoned(each, poison, whole, keys));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => {
      const inside = poisoned(each, poison, whole, keys);
      return keys
        ? [[key, inside] as const, [`${key}${poison}`, poison] as const]
        : [[key, inside] as const];
    }),
  );
}

describe('no message of a policy', () => {
  const seen = new Map<string, SeenStack>();
  before(async function () {
    this.timeout(60_000);
    for (const policed of policedStacks) seen.set(policed.name, await see(policed));
  });

  for (const poison of [canary, word]) {
    it(`holds ${poison === canary ? 'a canary' : 'a word'} that stands in every text and every name`, () => {
      const hidden = new Map([['poison', poison]]);
      let messages = 0;
      for (const name of poisonedStacks) {
        const { resources, context } = seen.get(name) ?? assert.fail(name);
        for (const [whole, keys] of ways) {
          const program: Resource[] = resources.map((each) => ({
            ...each,
            props: plain(poisoned(each.props, poison, whole, keys)) as Fields,
            protect: false,
          }));
          const of = context();
          const found = [
            ...program.flatMap((each) => judgeResource(each, of)),
            ...judgeStack(program, of),
          ].map(({ message }) => message);
          messages += found.length;
          assert.deepEqual(leaks(found.join('\n'), hidden), []);
        }
      }
      assert.ok(messages > 1000, String(messages));
    });
  }

  it('holds a value of the stack when a control is gone', () => {
    for (const mutant of mutants) {
      const stack = seen.get(mutant.stack);
      assert.ok(stack !== undefined);
      const messages = judgeMutant(mutant, stack).map(({ message }) => message);
      assert.deepEqual(leaks(messages.join('\n'), stack.values), []);
    }
  });

  it('holds more of a mode than its digits', () => {
    const props = { path: 'prod/x', content: '', mode: digits };
    const [stack] = seen.values();
    assert.ok(stack !== undefined);
    const made = { type: 'hummingbot:index:File', name: 'x', props, protect: false };
    const [found] = judgeResource(made, stack.context());
    assert.match(found?.message ?? '', /^mode: got 0644;/u);
    const [other] = judgeResource({ ...made, props: { ...props, mode: canary } }, stack.context());
    assert.match(other?.message ?? '', /^mode: got another one;/u);
  });
});
