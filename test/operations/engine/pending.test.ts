import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deployment } from '../../../operations/engine/adoption.ts';
import {
  foreign,
  pendingOperations,
  tellableIds,
  withMade,
} from '../../../operations/engine/pending.ts';

const secretId = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:hummingbot/trading-a1b2c3';
const versionType = 'aws:secretsmanager/secretVersion:SecretVersion';
const labels = { 'app.kubernetes.io/instance': 'prod' };

const stack = { urn: 'stack', type: 'pulumi:pulumi:Stack' };
const version = { urn: 'version', type: versionType, inputs: { secretId } };
const external = {
  urn: 'external',
  type: 'kubernetes:external-secrets.io/v1:ExternalSecret',
  inputs: { metadata: { name: 'keys-new', namespace: 'hummingbot', labels } },
};
const stateOf = (
  resources: readonly object[],
  made: readonly object[],
  type = 'creating',
): Deployment => ({
  version: 3,
  deployment: {
    resources: resources as never,
    pending_operations: made.map((resource) => ({ type, resource })),
  },
});

describe('what a killed run was making', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pending-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is counted in the state of this machine, and is nothing where there is none', () => {
    const count = (latest: object | undefined): number => {
      const path = join(folder, 'state.json');
      writeFileSync(path, JSON.stringify({ version: 3, checkpoint: { latest } }));
      return pendingOperations(path);
    };
    assert.equal(count({ pending_operations: [{ type: 'creating' }, { type: 'creating' }] }), 2);
    assert.equal(count({ resources: [] }), 0);
    assert.equal(count(undefined), 0);
    assert.equal(pendingOperations(join(folder, 'elsewhere.json')), 0);
  });

  describe('has an id that can be told', () => {
    const inAws = async (): Promise<string> => `${secretId}|new`;
    const ids = async (made: object, resources: readonly object[] = [], type = 'creating') => [
      ...(await tellableIds(stateOf(resources, [made], type), inAws)).values(),
    ];
    const cases: readonly (readonly [
      string,
      () => Promise<readonly string[]>,
      readonly string[],
    ])[] = [
      ['in a namespace', () => ids(external), ['hummingbot/keys-new']],
      [
        'beside namespaces',
        () => ids({ ...external, inputs: { metadata: { name: 'hummingbot' } } }),
        ['hummingbot'],
      ],
      ['without a name: none', () => ids({ ...external, inputs: {} }), []],
      [
        'what the state knows by now: none',
        () => ids(version, [{ ...version, id: `${secretId}|new` }]),
        [],
      ],
      ['in AWS, where it is looked for', () => ids(version), [`${secretId}|new`]],
      [
        'as a file, by its place',
        async () =>
          (
            await Promise.all(
              ['File', 'GitFile', 'SopsDocument'].map(
                async (name) =>
                  await ids({
                    urn: 'file',
                    type: `hummingbot:index:${name}`,
                    inputs: { root: 'out', path: 'dev/x' },
                  }),
              ),
            )
          ).flat(),
        ['out/dev/x', 'out/dev/x', 'out/dev/x'],
      ],
      [
        'as a file without a place: none',
        () => ids({ urn: 'file', type: 'hummingbot:index:File', inputs: {} }),
        [],
      ],
      ['what was being updated: none', () => ids(external, [], 'updating'), []],
      ['of another kind: none', () => ids({ urn: 'x', type: 'random:index:RandomId' }), []],
    ];
    for (const [what, seen, wanted] of cases) {
      it(what, async () => assert.deepEqual(await seen(), wanted));
    }
  });

  it('gets a place before what it takes the place of, which then goes', () => {
    const old = { ...external, id: 'hummingbot/keys-old' };
    const gone = { ...external, id: 'hummingbot/keys-older', delete: true };
    const state = stateOf([stack, old, gone], [external, version]);
    const { deployment } = withMade(state, new Map([['external', 'hummingbot/keys-new']]));
    assert.deepEqual(deployment, {
      resources: [
        stack,
        { ...external, id: 'hummingbot/keys-new', outputs: external.inputs },
        { ...old, delete: true },
        gone,
      ],
    });
  });

  it('gets a place at the end when it is the first of its kind', () => {
    const ids = new Map([['external', 'hummingbot/keys-new']]);
    const { deployment } = withMade(stateOf([stack], [external]), ids);
    assert.deepEqual(
      deployment.resources?.map(({ urn, id }) => [urn, id]),
      [
        ['stack', undefined],
        ['external', 'hummingbot/keys-new'],
      ],
    );
  });

  it("is left alone when it is somebody else's", () => {
    const found = (live: object): Deployment =>
      // As after a refresh, which takes inputs from what is there.
      stateOf([{ ...external, id: 'x', inputs: {}, outputs: { metadata: { labels: live } } }], []);
    const another = { ...external, urn: 'another' };
    assert.deepEqual(foreign(found(labels), [external]), []);
    assert.deepEqual(foreign(found({ ...labels, more: 'x' }), [external]), []);
    assert.deepEqual(foreign(found({}), [external]), ['external']);
    assert.deepEqual(foreign(found({ 'app.kubernetes.io/instance': 'x' }), [external]), [
      'external',
    ]);
    assert.deepEqual(foreign(found({}), [another]), []);
  });
});
