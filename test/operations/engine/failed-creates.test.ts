import assert from 'node:assert/strict';
import type { EngineEvent } from '../../../operations/engine/events.ts';
import { FailedCreates } from '../../../operations/engine/failed-creates.ts';
import { leaks, makeCanary } from '../../canary.ts';

const provider = 'urn:provider::1';
const secretType = 'kubernetes:core/v1:Secret';
const metadata = { name: 'keys-new', namespace: 'hummingbot', labels: { a: 'b' } };
const failed = (urn: string, type: string, inputs: object, op = 'create'): EngineEvent => ({
  resOpFailedEvent: {
    metadata: {
      op,
      urn,
      type,
      provider,
      new: { custom: true, parent: 'p', inputs: { ...inputs } },
    },
  },
});
const said = (urn: string, message: string): EngineEvent => ({
  diagnosticEvent: { urn, severity: 'error', message },
});

describe('what a run failed to make', () => {
  const heard = (...events: readonly EngineEvent[]) => {
    const creates = new FailedCreates();
    for (const event of events) creates.hear(event);
    return creates.doubtful;
  };

  it('is remembered by what it is called, where it belongs, and whose it is', () => {
    const inputs = { metadata: { ...metadata, annotations: { x: 'y' } }, type: 'Opaque' };
    assert.deepEqual(heard(failed('a', secretType, inputs, 'create-replacement')), [
      { urn: 'a', type: secretType, custom: true, provider, parent: 'p', inputs: { metadata } },
    ]);
  });

  it('is never remembered by a value, wherever the engine shows one', () => {
    const value = makeCanary('failed');
    const inputs = {
      metadata: { ...metadata, annotations: { value } },
      stringData: { key: value },
      secretString: value,
      name: 'x',
    };
    const text = JSON.stringify(heard(failed('a', secretType, inputs), said('a', value)));
    assert.deepEqual(leaks(text, new Map([['failed', value]])), []);
  });

  it('is not what failed to be updated or deleted', () => {
    assert.deepEqual(heard(failed('a', secretType, { metadata }, 'update')), []);
    assert.deepEqual(heard(failed('a', secretType, { metadata }, 'delete')), []);
  });

  it('is no object of a cluster that was there before', () => {
    const create = failed('a', secretType, { metadata });
    const others = said('a', 'creation failed: 409 AlreadyExists: "keys-new" already exists');
    assert.deepEqual(heard(create, others), []);
    assert.deepEqual(heard(others, create), []);
    assert.equal(heard(create, said('a', 'socket hang up')).length, 1);
    assert.equal(heard(create, said('b', 'already exists')).length, 1);
  });

  it('is what AWS says to exist: whose it is can be told there', () => {
    const inputs = { name: 'hummingbot/trading', tags: { environment: 'prod' }, kmsKeyId: 'k' };
    const create = failed('a', 'aws:secretsmanager/secret:Secret', inputs);
    const [found] = heard(create, said('a', 'ResourceExistsException: already exists'));
    assert.deepEqual(found?.inputs, inputs);
  });

  it('is added to what earlier runs left in doubt', () => {
    const [before] = heard(failed('a', secretType, { metadata }));
    const later = new FailedCreates(before === undefined ? [] : [before]);
    later.hear(failed('b', secretType, { metadata }));
    later.hear(failed('a', secretType, { metadata }));
    assert.deepEqual(
      later.doubtful.map(({ urn }) => urn),
      ['b', 'a'],
    );
  });
});
