import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tag } from '../../../components/values.ts';
import type { Engine } from '../../../operations/engine/engine.ts';
import type { Kept } from '../../../operations/rotation/journal.ts';
import { OwnRevokingHands } from '../../../operations/rotation/revoking-hands.ts';
import type { Scope } from '../../../operations/rotation/scope.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { HookedStack } from './hooked-stack.ts';

const path = 'trading.kraken_api_key';
const tagKey = 'k'.repeat(48);
const old = makeCanary('revoking-hands');

describe('a revocation that an overlap held back', () => {
  const stack = new HookedStack('revoking');
  const { hook, heard, said } = stack;

  before(() => {
    stack.start();
    stack.writeFile('config: {}\n');
  });
  beforeEach(() => stack.listen());
  afterEach(() => stack.unlisten());
  after(() => stack.end());

  const kept: Kept = {
    id: 'aaaaaa',
    begun: '',
    keys: [{ path, old: 'v1:o', new: 'v1:n' }],
    items: [{ id: 'aaaaaa-1', key: path, revoke: 'old' }],
  };

  /** @param set in the config now @param delivered last @param more resources of the state */
  async function revoked(
    set: string,
    delivered: string,
    more: readonly object[] = [],
    of = kept,
    opens = true,
  ): Promise<readonly unknown[]> {
    const ask = async (words: readonly string[]) => {
      const urn = 'urn::random:index/randomPassword:RandomPassword::tag-key';
      const state = {
        deployment: {
          resources: [{ urn, outputs: { result: { plaintext: JSON.stringify(tagKey) } } }, ...more],
        },
      };
      const config = {
        'hummingbot-secrets:trading': { objectValue: { kraken_api_key: old } },
        'hummingbot-secrets:aside': { objectValue: { t0: old } },
      };
      const isAside = words.includes('--config-file');
      return {
        code: isAside && !opens ? 255 : 0,
        stdout: JSON.stringify(words[0] === 'stack' ? state : config),
        stderr: '',
      };
    };
    const keys = { kraken_api_key: tag(tagKey, [['kraken_api_key', delivered]]) };
    const scope = {
      settings: {
        rotation: { revoke: { 'trading.kraken': hook } },
        trading: { kraken_api_key: set },
      },
      outputs: { tags: { trading: { keys } }, delivered: {} },
    };
    const hands = new OwnRevokingHands(
      { stack: stack.name, ask } as unknown as Engine,
      scope as unknown as Scope,
    );
    return [...(await hands.revokeOld(of))];
  }

  it('asks the hook, with the old value', async () => {
    assert.deepEqual(await revoked('another', 'another'), [['aaaaaa-1', hook]]);
    assert.equal(JSON.parse(readFileSync(heard, 'utf8')).old.kraken_api_key, old);
  });

  it('asks none when the old value is set again, or was delivered again', async () => {
    for (const [set, delivered] of [
      [old, 'another'],
      ['another', old],
    ] as const) {
      assert.deepEqual(await revoked(set, delivered), []);
      assert.throws(() => readFileSync(heard), /ENOENT/u);
      assert.match(
        said.at(-1) ?? '',
        /^trading\.kraken_api_key: got the old value, in use again, so /u,
      );
    }
    assert.deepEqual(leaks(said.join('\n'), new Map([['old', old]])), []);
  });

  it('asks none about a value that does not open any more, and holds nothing up', async () => {
    assert.deepEqual(await revoked('another', 'another', [], kept, false), []);
    assert.throws(() => readFileSync(heard), /ENOENT/u);
    assert.match(
      said.at(-1) ?? '',
      /^trading\.kraken_api_key: got old values that do not open any more, [^\n]+--confirm ID \(aaaaaa-1\)$/u,
    );
  });

  it('asks none while an up has left something to remove', async () => {
    const left = [{ urn: 'urn:x', delete: true }];
    assert.deepEqual(await revoked('another', 'another', left), []);
    assert.throws(() => readFileSync(heard), /ENOENT/u);
    assert.match(
      said.at(-1) ?? '',
      /^state of stack \S+: got resources that an up has left unfinished \(1\)/u,
    );
  });

  it('asks it all the same about what somebody else may have', async () => {
    const left = [{ urn: 'urn:x', delete: true }];
    const compromised = { ...kept, compromised: true as const };
    assert.deepEqual(await revoked('another', 'another', left, compromised), [['aaaaaa-1', hook]]);
    assert.deepEqual(await revoked(old, 'another', left, compromised), []);
  });
});
