/** Each rule: a program that keeps it, and programs that break it, each in another way. */
import assert from 'node:assert/strict';
import type { Context } from '../../policies/context.ts';
import { judgeResource, judgeStack, type Violation } from '../../policies/judge.ts';
import { plain, type Resource } from '../../policies/resource.ts';
import type { Rule } from '../../policies/rule.ts';
import { rules } from '../../policies/rules.ts';
import { isFields, unknown } from '../../policies/sight/fields.ts';
import { KnownValues } from '../../policies/values.ts';
import { planted, programs } from './programs.ts';

const context = (more: Partial<Context> = {}): Context => ({
  stack: 'prod',
  environment: 'prod',
  protected: true,
  values: new KnownValues(),
  ...more,
});

function judge(rule: Rule, program: readonly Resource[], of = context()): readonly Violation[] {
  return [
    ...program.flatMap((resource) => judgeResource(resource, of, [rule])),
    ...judgeStack(program, of, [rule]),
  ];
}

/** Copies of a tree, in each of which another part is not known yet. */
function* unseen(value: unknown): Generator<unknown> {
  yield unknown;
  if (Array.isArray(value)) {
    for (const [at, each] of value.entries()) {
      for (const copy of unseen(each)) yield value.with(at, copy);
    }
  } else if (isFields(value)) {
    for (const [key, each] of Object.entries(value)) {
      for (const copy of unseen(each)) yield { ...value, [key]: copy };
    }
  }
}

describe('the rules', () => {
  it('have a name, a reason and programs each', () => {
    assert.ok(rules.length >= 22);
    assert.deepEqual(rules.map(({ name }) => name).sort(), Object.keys(programs).sort());
    for (const { name, what, why, allowed, fix } of rules) {
      assert.match(name, /^[a-z]+(?:-[a-z]+)*$/u);
      for (const text of [what, why, allowed, fix]) assert.ok(text.length > 5, name);
    }
  });

  for (const rule of rules) {
    const { passing = [], failing = [] } = programs[rule.name] ?? {};
    describe(rule.name, () => {
      it('is kept', () => {
        assert.ok(passing.length > 0);
        assert.deepEqual(
          judge(rule, passing).map(({ message }) => message),
          [],
        );
      });

      for (const [at, program] of failing.entries()) {
        it(`is broken, ${at + 1} of ${failing.length}, in one line without the value`, () => {
          const found = judge(rule, program);
          assert.ok(found.length > 0);
          for (const { message } of found) {
            assert.match(message, /^[^\n]+: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/u);
            assert.ok(!message.includes(planted));
          }
        });
      }

      it('finds no fault with what is not known yet, whatever part it is', () => {
        let count = 0;
        for (const [at, resource] of passing.entries()) {
          for (const props of unseen(resource.props)) {
            if (!isFields(props)) continue;
            const found = judge(rule, passing.with(at, { ...resource, props }));
            assert.deepEqual(
              found.map(({ message }) => message),
              [],
            );
            count++;
          }
        }
        assert.ok(count > 0);
      });
    });
  }

  it('ask for digests and protection in protected stacks alone', () => {
    const open = context({ protected: false });
    const of = (name: string): Rule =>
      rules.find((each) => each.name === name) ?? assert.fail(name);
    const [pinned] = programs['pinned-image']?.failing ?? [];
    const [unprotected] = programs['kept-from-deletion']?.failing ?? [];
    assert.deepEqual(judge(of('pinned-image'), pinned ?? [], open), []);
    assert.deepEqual(judge(of('kept-from-deletion'), unprotected ?? [], open), []);
    assert.equal(judge(of('pinned-image'), pinned ?? []).length, 1);
  });

  it('read what a preview does not know without an error', () => {
    const throwing = new Proxy({ a: 1, b: { c: 2 } } as Record<string, unknown>, {
      get: (target, key) => {
        if (key === 'a') throw new Error('unknown');
        return Reflect.get(target, key);
      },
    });
    assert.deepEqual(plain({ x: [throwing] }), { x: [{ a: unknown, b: { c: 2 } }] });
  });
});

describe('known values', () => {
  it('are found in every form, and short ones and words are not searched for', () => {
    const known = new KnownValues();
    assert.ok(known.add([planted, 'hummingbot', 'short']));
    assert.equal(known.size, 1);
    assert.ok(!known.add([planted]));
    const bytes = Buffer.from(planted);
    const forms = [
      ...[planted, JSON.stringify({ a: planted }), `a=${encodeURIComponent(planted)}`],
      ...[bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')],
      ...['x', 'xy', 'xyz'].map((before) => Buffer.from(`${before}${planted}z`).toString('base64')),
    ];
    for (const form of forms)
      assert.ok(known.heldBy(`before ${form} after`), form.length.toString());
    assert.ok(!known.heldBy(planted.slice(0, -1)));
    assert.ok(!known.heldBy('hummingbot short'));
  });

  it('of several lines are found by a line', () => {
    const known = new KnownValues();
    known.add([`-----BEGIN X-----\n${'ab1'.repeat(10)}\n-----END X-----`]);
    assert.ok(known.heldBy(`"${'ab1'.repeat(10)}"`));
    assert.ok(!known.heldBy('-----BEGIN X-----'));
  });

  it('are found among 10,000 in a second', () => {
    const known = new KnownValues();
    known.add(Array.from({ length: 10_000 }, (_, at) => `value-${at}-${'x'.repeat(20)}`));
    const text = `${'nothing of it '.repeat(50_000)}value-9999-${'x'.repeat(20)}`;
    const begun = Date.now();
    assert.ok(known.heldBy(text));
    assert.ok(Date.now() - begun < 1000);
  });
});
