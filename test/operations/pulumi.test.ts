import assert from 'node:assert/strict';
import {
  refuseDebugLog,
  refuseParting,
  refuseValueInArguments,
  stackOf,
} from '../../operations/pulumi.ts';

describe('npm run pulumi', () => {
  const words = (text: string): readonly string[] => text.split(' ');

  it('finds the stack among the arguments', () => {
    assert.equal(stackOf(words('up --stack prod')), 'prod');
    assert.equal(stackOf(words('-s prod up')), 'prod');
    assert.equal(stackOf(words('up --stack=prod')), 'prod');
    assert.equal(stackOf(words('destroy -sprod')), 'prod');
    assert.equal(stackOf(words('destroy -s=prod')), 'prod');
    assert.equal(stackOf(words('up --stack dev --stack prod')), 'prod');
    assert.equal(stackOf(words('up')), undefined);
  });

  for (const line of [
    'config set --secret --path trading.binance_api_key VALUE',
    'config set --path trading.binance_api_key VALUE --stack prod',
    'config set trading.binance_api_key VALUE --secret',
    'config set --stack prod --secret anything VALUE',
    'config set --path hummingbot-secrets:trading.binance_api_key VALUE',
    'config set --path trading["binance_api_key"] VALUE',
    'config set-all --secret trading.x=VALUE',
  ]) {
    it(`refuses: ${line}`, () => {
      assert.throws(
        () => refuseValueInArguments(words(line)),
        (error: Error) => {
          assert.match(
            error.message,
            /got (?:a value|values) among the arguments.*; allowed: .*; fix: /,
          );
          return !error.message.includes('VALUE');
        },
      );
    });
  }

  for (const line of [
    'config set --secret --path trading.binance_api_key',
    'config set --secret --path trading.binance_api_key --stack dev',
    'config set image hummingbot/hummingbot:version-2.17.0',
    'config set --path exchanges[0] binance',
    'config set placeholders false --type bool',
    'config rm --path trading.binance_api_key',
    'up --yes',
  ]) {
    it(`takes: ${line}`, () => refuseValueInArguments(words(line)));
  }

  it('refuses the debug log of a self-built engine, and no other', () => {
    for (const line of [
      'up -v=9',
      'up -v 9',
      'up -v9',
      'up --verbose=4',
      'preview --verbose 11',
      'up -rv9',
      'up -v=1 -v=9',
      'up --tracing file:x',
    ]) {
      assert.throws(
        () => refuseDebugLog(words(line), false),
        /writes values into its debug log; allowed: up to -v=3/,
      );
      refuseDebugLog(words(line), true);
    }
    for (const line of ['up', 'up -v=3', 'up --yes', 'whoami -v'])
      refuseDebugLog(words(line), false);
  });
});

describe('npm run pulumi -- stack', () => {
  it('refuses to part a stack from its file, with the embedded backend alone', () => {
    for (const line of ['stack rename b --stack a', 'stack change-secrets-provider passphrase']) {
      assert.throws(
        () => refuseParting(line.split(' '), true),
        /got the state in \.local.*; allowed: .*; fix: /,
      );
      refuseParting(line.split(' '), false);
    }
    refuseParting(['stack', 'ls'], true);
  });
});
