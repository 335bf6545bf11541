import assert from 'node:assert/strict';
import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import type { WatchEvent } from './e2e/cluster-watch.ts';
import {
  absences,
  bookFaults,
  makePair,
  mixtures,
  overlaps,
  type Pair,
  runningSpans,
  serialOf,
} from './e2e/rotation-rules.ts';

type Type = WatchEvent<unknown>['type'];

function pod(revision: number, name: string, type: Type, running: boolean, secret = 'keys') {
  const object = {
    spec: { volumes: [{ name: 'trading-secrets', secret: { secretName: secret } }] },
    status: { containerStatuses: [{ state: running ? { running: {} } : {} }] },
  } as unknown as V1Pod;
  return { at: 0, revision, type, name, uid: name, object };
}

function secret(revision: number, name: string, type: Type, pair: Partial<Pair> = {}) {
  const data = Object.fromEntries(
    Object.entries(pair).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return { at: 0, revision, type, name, uid: name, object: { data } as V1Secret };
}

const keys = { api: 'api', secret: 'secret' };

describe('the rules of a rotation', () => {
  it('see when a bot ran', () => {
    const events = [
      pod(1, 'a', 'ADDED', false),
      pod(3, 'a', 'MODIFIED', true),
      pod(5, 'a', 'MODIFIED', false),
      pod(6, 'a', 'DELETED', false),
      pod(7, 'b', 'ADDED', true),
    ];
    const spans = runningSpans(events).map(({ name, from, to }) => [name, from, to]);
    assert.deepEqual(spans, [
      ['a', 3, 5],
      ['b', 7, Number.POSITIVE_INFINITY],
    ]);
    assert.deepEqual(overlaps(events), []);
  });

  it('see two bots', () => {
    const events = [pod(1, 'a', 'ADDED', true), pod(2, 'b', 'ADDED', true)];
    assert.deepEqual(overlaps(events), ['a and b ran at once']);
    const late = [...events, pod(3, 'a', 'DELETED', true)];
    assert.equal(overlaps(late).length, 1);
  });

  it("see two bots in the bots' own book", () => {
    const line = (what: string, name: string) => ({ at: 1, what, pod: name });
    const right = [line('start', 'a'), line('stop', 'a'), line('start', 'b')];
    assert.deepEqual(bookFaults(right), []);
    assert.equal(bookFaults([line('start', 'a'), line('start', 'b')]).length, 1);
    assert.equal(bookFaults([line('start', 'a'), line('stop', 'b')]).length, 1);
    assert.equal(bookFaults([line('stop', 'a')]).length, 1);
  });

  it('see a Secret that goes while its bot runs, or comes after it', () => {
    const pods = [pod(2, 'a', 'ADDED', true), pod(5, 'a', 'DELETED', true)];
    const made = secret(1, 'keys', 'ADDED');
    assert.deepEqual(absences(pods, [made, secret(6, 'keys', 'DELETED')]), []);
    assert.deepEqual(absences(pods, [made, secret(4, 'keys', 'DELETED')]), [
      'keys went while a ran',
    ]);
    const late = [secret(3, 'keys', 'ADDED')];
    assert.deepEqual(absences(pods, late), ['keys was not there when a began']);
    const gone = [made, secret(2, 'keys', 'DELETED')];
    assert.deepEqual(absences(pods, gone), ['keys was not there when a began']);
  });

  it('see a mixed pair, and tell no value', () => {
    const [one, two] = [makePair(1), makePair(2)];
    assert.equal(serialOf(two.secret), 2);
    assert.equal(serialOf('look-alike'), undefined);
    assert.deepEqual(mixtures([secret(1, 'keys', 'ADDED', one)], keys), []);
    const mixed = { api: one.api, secret: two.secret };
    assert.deepEqual(mixtures([secret(2, 'keys', 'MODIFIED', mixed)], keys), [
      'keys at 2: pair 1 with pair 2',
    ]);
    assert.equal(mixtures([secret(3, 'keys', 'ADDED', { api: one.api })], keys).length, 1);
  });
});
