import assert from 'node:assert/strict';
import { tag } from '../../../components/values.ts';
import { tagKeyOf, withDrift } from '../../../operations/doctor/drift.ts';
import type { Engine } from '../../../operations/engine/engine.ts';
import { arrivals, keyFacts } from './case.ts';

const keys = (['binance_api_key', 'binance_secret_key', 'kraken_api_key'] as const).map((key) =>
  keyFacts(key),
);
const tagOf = (key: string, value: string): string => tag('key', [[key, value]]);

describe('values of which nobody reads the delivered one', () => {
  it('are older by the tag that the stack put out, or not there at all', () => {
    const tags = {
      trading: {
        group: 'x',
        keys: {
          binance_api_key: tagOf('binance_api_key', 'one'),
          binance_secret_key: tagOf('binance_secret_key', 'old'),
        },
      },
    };
    const expected = new Map(
      keys.map(({ key }, at) => [key, ['one', 'two', 'three'][at] ?? ''] as const),
    );
    const before = { target: 'store', arrivals: arrivals('yes', keys), findings: [] };
    const { arrivals: after, findings } = withDrift(before, 'key', tags, keys, expected, 'prod');
    assert.deepEqual([...after.values()], ['yes', 'older value', 'no']);
    assert.equal(findings.length, 1);
    assert.equal(
      findings[0]?.got,
      'an older value, or none, of binance_secret_key, kraken_api_key',
    );
    assert.equal(findings[0]?.fix, 'npm start -- --stack prod');
  });

  it('are not judged where the value is not known', () => {
    const before = { target: 'store', arrivals: arrivals('yes', keys), findings: [] };
    assert.deepEqual(withDrift(before, 'key', {}, keys, new Map(), 'prod').findings, []);
  });

  it("are judged with the stack's own key, or not at all", async () => {
    const urn =
      'urn:pulumi:dev::p::hummingbot-secrets:values:TagKey$random:index/randomPassword:RandomPassword::tag-key';
    const result = { plaintext: JSON.stringify('the key') };
    const answer = { code: 0, stdout: '', stderr: '' };
    const engineOf = (resources: readonly object[]): Engine =>
      ({
        stack: 'dev',
        ask: async () => ({ ...answer, stdout: JSON.stringify({ deployment: { resources } }) }),
      }) as unknown as Engine;
    assert.equal(
      await tagKeyOf(engineOf([{ urn: 'other' }, { urn, outputs: { result } }])),
      'the key',
    );
    assert.equal(await tagKeyOf(engineOf([])), undefined);
  });
});
