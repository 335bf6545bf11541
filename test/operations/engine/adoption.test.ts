import assert from 'node:assert/strict';
import {
  type Deployment,
  type Planned,
  plannedCreates,
  withPlaces,
} from '../../../operations/engine/adoption.ts';

const urn = (type: string, name: string): string => `urn:pulumi:prod::p::${type}::${name}`;
const stackUrn = urn('pulumi:pulumi:Stack', 'p-prod');
const providerUrn = urn('pulumi:providers:aws', 'aws');
const storeUrn = urn('p:delivery:Store', 'store');
const secretUrn = urn('p:delivery:Store$aws:secretsmanager/secret:Secret', 'trading');
const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

const plan: readonly Planned[] = [
  { urn: stackUrn, type: 'pulumi:pulumi:Stack', custom: false },
  {
    urn: providerUrn,
    type: 'pulumi:providers:aws',
    custom: true,
    parent: stackUrn,
    inputs: { region: 'eu-west-1' },
  },
  { urn: storeUrn, type: 'p:delivery:Store', custom: false, parent: stackUrn },
  {
    urn: secretUrn,
    type: 'aws:secretsmanager/secret:Secret',
    custom: true,
    parent: storeUrn,
    protect: true,
    provider: `${providerUrn}::${unknown}`,
    inputs: { name: 'hummingbot/trading', description: 'd' },
  },
  { urn: urn('other', 'other'), type: 'other', custom: true, parent: stackUrn },
];
const empty: Deployment = { version: 3, deployment: { manifest: { version: 'v3' } } };
const ids = new Map([[secretUrn, 'arn:1']]);

describe('a place in the state for what exists', () => {
  const made = withPlaces(empty, plan, ids).deployment.resources ?? [];
  const of = (name: string) => made.find((each) => each.urn === name);

  it('stands behind its parents and its provider, and nothing else is added', () => {
    assert.deepEqual(
      made.map((each) => each.urn),
      [stackUrn, storeUrn, providerUrn, secretUrn],
    );
    assert.equal(of(secretUrn)?.parent, storeUrn);
  });

  it('has id and protection, and no inputs: a refresh reads them', () => {
    const { id, protect, inputs, outputs, custom } = of(secretUrn) ?? { urn: '' };
    assert.deepEqual([id, protect, custom], ['arn:1', true, true]);
    assert.deepEqual([inputs, outputs], [undefined, undefined]);
  });

  it('has a provider that is complete, with an id that the resource names', () => {
    const provider = of(providerUrn);
    assert.match(String(provider?.id), /^[0-9a-f-]{36}$/);
    assert.deepEqual(provider?.inputs, { region: 'eu-west-1' });
    assert.equal(of(secretUrn)?.provider, `${providerUrn}::${provider?.id}`);
  });

  it('is not made twice, and takes the provider that is there', () => {
    const before = [
      { urn: stackUrn },
      { urn: providerUrn, id: 'there', inputs: { region: 'eu-west-1' } },
    ];
    const state = { ...empty, deployment: { ...empty.deployment, resources: before } };
    const later = withPlaces(state, plan, ids);
    const resources = later.deployment.resources ?? [];
    assert.deepEqual(resources.slice(0, 2), before);
    assert.equal(resources.at(-1)?.provider, `${providerUrn}::there`);
    assert.deepEqual(withPlaces(later, plan, ids), later);
    assert.deepEqual(later.deployment.manifest, { version: 'v3' });
  });
});

describe('the plan', () => {
  it('is what a preview would make, and nothing that is there already', () => {
    const steps = plan.map((newState, at) => ({ op: at === 0 ? 'same' : 'create', newState }));
    assert.deepEqual(plannedCreates(JSON.stringify({ steps })), plan.slice(1));
    assert.deepEqual(plannedCreates('{}'), []);
  });
});
