import assert from 'node:assert/strict';
import type { Planned } from '../../operations/engine/adoption.ts';
import { existing, placeOf, type Restored } from '../../operations/restore.ts';
import { refusalOfDeleted } from '../../plugins/hummingbot/get-deleted-secrets.ts';

const config = (settings: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      `hummingbot-secrets:${name}`,
      typeof value === 'string' ? { value } : { value: '', objectValue: value },
    ]),
  );
const whole = {
  targets: ['aws-secrets-manager'],
  prefix: 'hummingbot',
  region: 'eu-west-1',
  account: '123456789012',
  environment: 'prod',
};

describe('restore', () => {
  it("works at the place that the stack's settings name", () => {
    const { targets, ...place } = whole;
    assert.equal(targets.length, 1);
    assert.deepEqual(placeOf('prod', config(whole)), { stack: 'prod', ...place });
  });

  it('refuses a stack without AWS, or without a place, in one line with the command', () => {
    assert.throws(() => placeOf('dev', config({ ...whole, targets: ['compose'] })), {
      message:
        'stack dev: got targets compose; allowed: a stack with the target aws-secrets-manager; fix: npm run restore -- --stack NAME of such a stack',
    });
    for (const name of ['prefix', 'region', 'account']) {
      assert.throws(() => placeOf('prod', config({ ...whole, [name]: '' })), {
        message: `${name}: got nothing; allowed: where the secrets of stack prod are; fix: npm run pulumi -- config set ${name} ${name.toUpperCase()} --stack prod`,
      });
    }
  });

  describe('knows of the plan what exists', () => {
    const key = (name: string): Planned => ({ urn: name, type: 'aws:kms/key:Key', custom: true });
    const secret = (name: string, ...dependencies: readonly string[]): Planned => ({
      urn: name,
      type: 'aws:secretsmanager/secret:Secret',
      custom: true,
      inputs: { name: `hummingbot/${name}` },
      dependencies,
    });
    const restored = (keys: readonly string[]): Restored => ({
      secrets: new Map([['hummingbot/trading', 'arn:trading']]),
      keys,
      savedSecrets: [],
      savedKeys: [],
    });

    it('a secret by its name, and its key by the dependency', () => {
      const plan = [
        key('key'),
        key('other'),
        secret('trading', 'key'),
        secret('monitoring', 'key'),
      ];
      const expected = new Map([
        ['key', 'id'],
        ['trading', 'arn:trading'],
      ]);
      assert.deepEqual(existing(plan, restored(['id'])), expected);
    });

    it('no key when two could be mixed up, or when none was found', () => {
      const expected = new Map([['trading', 'arn:trading']]);
      const plan = [key('key'), secret('trading', 'key')];
      assert.deepEqual(existing(plan, restored(['a', 'b'])), expected);
      assert.deepEqual(existing(plan, restored([])), expected);
      const two = [key('one'), key('two'), secret('trading', 'one', 'two')];
      assert.deepEqual(existing(two, restored(['a'])), expected);
    });

    it('nothing of another type, whatever its name', () => {
      const plan = [
        { ...secret('trading'), type: 'aws:secretsmanager/secretVersion:SecretVersion' },
      ];
      assert.deepEqual(existing(plan, restored(['id'])), new Map());
    });
  });

  it('is named by the program for names that wait for their deletion, and only then', () => {
    assert.equal(refusalOfDeleted('prod', []), undefined);
    assert.equal(
      refusalOfDeleted('prod', ['hummingbot/trading']),
      'hummingbot/trading: got scheduled for deletion in AWS Secrets Manager; allowed: names that can be made; fix: npm run restore -- --stack prod; nothing was changed',
    );
  });
});
