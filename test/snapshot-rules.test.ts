import assert from 'node:assert/strict';
import { snapshotFaults } from './e2e/snapshot-rules.ts';

describe('the rules of a snapshot', () => {
  const stack = { urn: 'urn:pulumi:s::p::pulumi:pulumi:Stack::p-s' };
  const provider = { urn: 'urn:pulumi:s::p::pulumi:providers:random::default', id: 'x' };
  const child = {
    urn: 'urn:pulumi:s::p::random:index:RandomId::a',
    parent: stack.urn,
    provider: `${provider.urn}::x`,
    dependencies: [stack.urn],
  };
  const faultsOf = (resources: readonly object[], pending: readonly object[] = []) =>
    snapshotFaults({
      deployment: { resources: resources as never, pending_operations: pending as never },
    });

  it('find nothing in a whole one', () => {
    assert.deepEqual(faultsOf([stack, provider, child]), []);
  });

  const broken: readonly (readonly [string, readonly object[], readonly object[], RegExp])[] = [
    ['a pending operation', [stack], [{ type: 'creating' }], /still pending: creating/u],
    ['a deletion that was not done', [{ ...stack, delete: true }], [], /waits for its deletion/u],
    ['a resource twice', [stack, stack], [], /is there twice/u],
    ['a missing provider', [stack, child], [], /stands before .*providers:random/u],
    ['a parent that comes later', [provider, child, stack], [], /stands before .*Stack/u],
    ['an empty state', [], [], /nothing is in it/u],
  ];
  for (const [what, resources, pending, line] of broken) {
    it(`find ${what}`, () => assert.match(faultsOf(resources, pending).join('\n'), line));
  }
});
