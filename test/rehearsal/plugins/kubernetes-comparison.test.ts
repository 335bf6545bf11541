import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compare, prune, withEmpty } from '../../../rehearsal/plugins/kubernetes/comparison.ts';
import { sameQuantity } from '../../../rehearsal/plugins/kubernetes/quantity.ts';
import { takenOver } from '../../../rehearsal/plugins/kubernetes/writing.ts';
import { leaks, makeCanary } from '../../canary.ts';

const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

describe('the comparison of an object with its inputs', () => {
  it('looks only at what the program describes', () => {
    const live = {
      spec: { replicas: 1, paused: false, list: [{ a: 1, b: 2 }, { a: 3 }] },
      status: {},
    };
    const shape = { spec: { replicas: 2, list: [{ a: 0 }] } };
    assert.deepEqual(prune(live, shape), { spec: { replicas: 1, list: [{ a: 1 }] } });
    assert.deepEqual(prune({ a: 'text' }, { a: { b: 1 } }), { a: 'text' });
  });

  it('names each difference by a path that the engine can read', () => {
    const old = { data: { 'a.b': '1', gone: 'x' }, list: [1, 2], same: { deep: true } };
    const next = { data: { 'a.b': '2', 'new"key': 'y' }, list: [1], same: { deep: true }, more: 1 };
    assert.deepEqual(compare(old, next, []), {
      'data["a.b"]': { kind: 'update' },
      'data.gone': { kind: 'delete', inputDiff: true },
      'data["new\\"key"]': { kind: 'add' },
      'list[1]': { kind: 'delete', inputDiff: true },
      more: { kind: 'add' },
    });
  });

  it('replaces at, above and below what replaces, and nowhere else', () => {
    const kinds = (old: object, next: object) =>
      Object.values(compare(old, next, ['spec.selector', 'roleRef'])).map(({ kind }) => kind);
    assert.deepEqual(kinds({ roleRef: { name: 'a' } }, { roleRef: { name: 'b' } }), [
      'update-replace',
    ]);
    assert.deepEqual(kinds({}, { spec: { selector: {} } }), ['add-replace']);
    assert.deepEqual(kinds({}, { spec: { other: {} } }), ['add']);
    assert.deepEqual(kinds({ spec: { selector: 1 } }, { spec: {} }), ['delete-replace']);
    assert.deepEqual(kinds({ spec: { selectors: 1 } }, { spec: { selectors: 2 } }), ['update']);
  });

  it('does not miss what the server leaves out because it is empty', () => {
    const asked = { spec: { ingress: [], labels: {}, name: '', count: 0, off: false } };
    assert.deepEqual(compare({ spec: {} }, asked, [], asked), {});
    // Asked for now and not before: it may mean something.
    assert.deepEqual(compare({ spec: {} }, { spec: { off: false } }, [], { spec: {} }), {
      'spec.off': { kind: 'add' },
    });
    const lists = { list: [{ a: 1, b: [] }] };
    assert.deepEqual(withEmpty({ list: [{ a: 2 }], more: 1 }, { ...lists, gone: 'x' }), {
      list: [{ a: 2, b: [] }],
      more: 1,
    });
    assert.deepEqual(compare({ list: [{ a: 1 }] }, lists, [], lists), {});
    assert.deepEqual(compare({}, { a: 'x' }, [], { a: 'x' }), { a: { kind: 'add' } });
  });

  it('takes what is not known yet for another value', () => {
    const old = { a: { b: 'x' }, c: 'y' };
    assert.deepEqual(compare(old, { a: unknown, c: unknown, d: unknown }, ['c']), {
      a: { kind: 'update' },
      c: { kind: 'update-replace' },
      d: { kind: 'add' },
    });
  });

  it('finds no difference between equal things, and never shows a value', () => {
    const canary = makeCanary('comparison');
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(compare({ value }, structuredClone({ value }), ['value']), {});
      }),
    );
    const found = compare({ data: { key: 'a' } }, { data: { key: canary } }, ['data']);
    assert.deepEqual(leaks(JSON.stringify(found), new Map([['comparison', canary]])), []);
    assert.equal(Object.keys(found).length, 1);
  });

  for (const [one, other, same] of [
    ['1000m', '1', true],
    ['1', 1, true],
    ['0.5', '500m', true],
    ['1Gi', '1024Mi', true],
    ['1e3', '1k', true],
    ['1.5Gi', '1536Mi', true],
    ['1G', '1Gi', false],
    ['64Mi', '65Mi', false],
    ['one', '1', false],
    ['', '0', false],
  ] as const) {
    it(`takes ${JSON.stringify(one)} and ${JSON.stringify(other)} for ${same ? 'one' : 'two'}`, () => {
      assert.equal(sameQuantity(['resources', 'limits', 'cpu'], one, other), same);
      assert.equal(sameQuantity(['metadata', 'labels', 'cpu'], one, other), false);
    });
  }
});

describe('the fields of an object that was made by a POST', () => {
  const made = {
    manager: 'pulumi-kubernetes-1234abcd',
    operation: 'Update' as const,
    fieldsV1: { 'f:data': { 'f:a': {} } },
  };
  const controller = {
    manager: 'kube-controller-manager',
    operation: 'Update' as const,
    subresource: 'status',
    fieldsV1: { 'f:status': {} },
  };

  it('are given to the manager that applies', () => {
    assert.deepEqual(takenOver([made, controller], 'pulumi-kubernetes-1234abcd'), [
      controller,
      { ...made, operation: 'Apply' },
    ]);
  });

  it('are joined with what it applied already', () => {
    const applied = { ...made, operation: 'Apply' as const, fieldsV1: { 'f:data': { 'f:b': {} } } };
    const kubectl = { ...made, manager: 'kubectl-edit', fieldsV1: { 'f:type': {} } };
    assert.deepEqual(takenOver([applied, kubectl], made.manager), [
      { ...applied, fieldsV1: { 'f:data': { 'f:b': {} }, 'f:type': {} } },
    ]);
    assert.equal(takenOver([applied, controller], made.manager), undefined);
  });
});
