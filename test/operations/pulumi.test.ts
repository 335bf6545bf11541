import assert from 'node:assert/strict';
import { readArguments } from '../../operations/engine/arguments.ts';
import { refuseSwallowedFlags } from '../../operations/engine/command-error.ts';
import {
  refuseBlindDeletion,
  refuseDebugLog,
  refuseOpenValue,
  refuseParting,
  refuseSelection,
  refuseValueInArguments,
} from '../../operations/pulumi.ts';
import { ownCommandsVariable } from '../../settings/mistake.ts';
import { leaks, makeCanary } from '../canary.ts';

const canary = makeCanary('argument');
const canaries = new Map([['argument', canary]]);
const given = (line: string) => readArguments(line.split(' '));

describe('npm run pulumi', () => {
  // As runCommand sets it: hints are those of npm.
  before(() => {
    process.env[ownCommandsVariable] = '1';
  });
  after(() => {
    delete process.env[ownCommandsVariable];
  });

  for (const line of [
    'config set --secret --path trading.binance_api_key VALUE',
    'config set --path trading.binance_api_key VALUE --stack prod',
    'config set trading.binance_api_key VALUE --secret',
    'config set --stack prod --secret anything VALUE',
    'config set --secret VALUE anything',
    'config set --secret --path trading.VALUE VALUE',
    'config set --path hummingbot-secrets:trading.binance_api_key VALUE',
    'config set hummingbot-secrets:trading.x VALUE',
    'config set hummingbot-secrets:config:trading.x VALUE',
    'config set --path trading["binance_api_key"] VALUE',
    'config set --path ["trading"]["binance_api_key"] VALUE',
    'config set --path ["trading"].binance_api_key VALUE',
    'config set trading VALUE',
    'config set --plaintext monitoring.telegram_chat_id VALUE',
    'config set --path trading.x -- VALUE',
    'config set --path trading.x -- -100VALUE',
    'config set --path trading.x -100VALUE',
    'config set --path trading.x -xVALUE',
    'config set --path trading.x -sVALUE',
    'config set --path trading.x --VALUE',
    'config set --path trading.x --type string VALUE',
    '--stack dev config set --secret K VALUE',
    'config --stack dev set --secret K VALUE',
    'config --stack dev set trading.x VALUE',
    '-C . --color never config --config-file x set --secret K VALUE',
    '--unknown x config set --secret K VALUE',
    'config set --secret --path trading.binance_api_key=VALUE',
    'config set --secret binance_api_key=VALUE',
    'config set binance_api_key=VALUE',
    'config set-all --secret trading.x=VALUE',
    'config set-all --secret K=VALUE',
    'config set-all --path --plaintext trading.x=VALUE',
    'config set-all --path --plaintext=trading.x=VALUE',
    'config --stack dev set-all --plaintext image=x --secret K=VALUE',
    'config set-all --plaintext ["trading"].x=VALUE',
    'config set-all trading.x=VALUE',
    'config set-all --json {"hummingbot-secrets:trading":{"value":"VALUE"}}',
    'config set-all --json {"a":{"value":"VALUE","secret":true}}',
    'config set-all --json VALUE',
    'up -c trading.x=VALUE --config-path',
    'up --config=hummingbot-secrets:trading.x=VALUE',
    'preview --config trading["binance_api_key"]=VALUE',
  ]) {
    it(`refuses: ${line}`, () => {
      assert.throws(
        () => refuseValueInArguments(given(line.replaceAll('VALUE', canary)), 'dev'),
        ({ message }: Error) => {
          assert.match(
            message,
            /: got (?:a value|values) among the arguments.*, where others can read (?:it|them); allowed: .*; fix: npm run /,
          );
          assert.doesNotMatch(message, /\n/);
          const rest = canary.slice(1);
          assert.deepEqual(leaks(message, canaries), []);
          assert.ok(!message.includes(rest), 'all but the first character is shown');
          return true;
        },
      );
    });
  }

  for (const line of [
    'config set --secret --path trading.binance_api_key',
    'config set --secret --path trading.binance_api_key --stack dev',
    '--stack dev config -s dev set --secret --raw --path trading.binance_api_key --color=never',
    'config set image hummingbot/hummingbot:version-2.17.0',
    'config set --path exchanges[0] binance',
    'config set placeholders false --type bool',
    'config set tradingPairs x',
    'config set trading-pairs x',
    'config set aws:region eu-west-1',
    'config set-all --path --plaintext exchanges[0]=binance',
    'config set-all --json {"image":{"value":"x","secret":false}}',
    'config rm --path trading.binance_api_key',
    'config get --path trading.binance_api_key',
    'config env add x --yes',
    'config cp --path trading.x --dest staging',
    'stack tag set trading x',
    'up --yes',
    'up -c image=x',
    'stack select --create b',
  ]) {
    it(`takes: ${line}`, () => refuseValueInArguments(given(line), 'dev'));
  }

  const hintOf = (line: string): string => {
    try {
      refuseValueInArguments(given(line), 'prod');
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error(`not refused: ${line}`);
  };

  it('names the very command, for a key, for a group, and for a value in the place of a key', () => {
    const fix = (path: string): RegExp =>
      new RegExp(
        `fix: npm run pulumi -- config set --secret --path '${path}' --stack prod \\(asks`,
      );
    const key = fix('trading\\.binance_api_key');
    assert.match(hintOf('config set --path trading.binance_api_key V'), key);
    assert.match(hintOf('config set --path trading["binance_api_key"] V'), key);
    assert.match(hintOf('config set hummingbot-secrets:trading.binance_api_key V'), key);
    assert.match(hintOf('up --config trading.binance_api_key=V'), key);
    assert.match(hintOf('config set trading x'), fix('trading\\.KEY'));
    assert.match(hintOf('config set trading x'), /; allowed: .* inside of the group trading; /);
    assert.match(hintOf('config set --secret other V'), fix('KEY'));
    assert.match(
      hintOf('config set trading.x -sprod'),
      /got a value among the arguments, or a flag that may be one, .*, flags as in --stack NAME; fix: .* --stack NAME /,
    );
    assert.match(hintOf('config set-all --secret a=V'), /fix: npm run import -- --stack prod FILE/);
  });

  it('refuses the debug log of a self-built engine, and no other', () => {
    for (const line of [
      'up -v=9',
      'up -v 9',
      'up -v9',
      'up --verbose=4',
      'preview --verbose 11',
      'up -rv9',
      'up -v=1 -v=9',
      'up -v=0x9',
      'up -v=1_1',
      'up --tracing file:x',
      'up --otel-traces=file://x',
    ]) {
      assert.throws(
        () => refuseDebugLog(given(line), false),
        /writes values into its debug log; allowed: up to -v=3/,
      );
      refuseDebugLog(given(line), true);
    }
    assert.throws(() => refuseDebugLog(given('up -rv9'), false), /: got -v=9, and/);
    assert.throws(() => refuseDebugLog(given('up --tracing x'), false), /: got --tracing, and/);
    for (const line of ['up', 'up -v=3', 'up --yes', 'whoami -v', 'whoami -v --json'])
      refuseDebugLog(given(line), false);
  });

  it('refuses to select a stack that the next command would not keep to', () => {
    for (const line of ['stack select staging', '--color never stack select -s staging']) {
      assert.throws(
        () => refuseSelection(given(line)),
        /^CommandError: stack select: got a selection.*; allowed: --stack at each command.*; fix: npm run pulumi -- COMMAND --stack staging$/,
      );
    }
    for (const line of ['stack ls', 'stack output select', 'stack unselect', 'stack'])
      refuseSelection(given(line));
  });
});

describe('npm run pulumi -- destroy', () => {
  const refuse = (words: string) => () => refuseBlindDeletion(readArguments(words.split(' ')));

  it('is refused without its preview while the stack is protected', () => {
    for (const words of [
      'destroy --yes --skip-preview',
      'destroy -f',
      'down -yf',
      'dn --skip-preview=true',
    ]) {
      assert.throws(refuse(words), /--skip-preview: got a protected stack/u, words);
    }
  });

  it('takes its preview, and other commands', () => {
    for (const words of [
      'destroy --yes',
      'up --yes --skip-preview',
      'destroy --skip-preview=false',
    ]) {
      assert.doesNotThrow(refuse(words), words);
    }
  });
});

describe('npm run pulumi -- stack', () => {
  const given = (line: string) => readArguments(line.split(' '));

  it('refuses to part a stack from its file, with the embedded backend alone', () => {
    for (const line of [
      'stack rename b --stack a',
      'stack change-secrets-provider passphrase',
      'stack init b',
      '--color never stack new b',
    ]) {
      assert.throws(
        () => refuseParting(given(line), true),
        /got the state in \.local.*; allowed: .*; fix: /,
      );
      refuseParting(given(line), false);
    }
    for (const line of ['stack ls', 'stack output init', 'new']) refuseParting(given(line), true);
  });

  for (const [line, got] of [
    ['config set trading.binance_api_key', 'no --secret and no --path'],
    ['config set --path trading.binance_api_key', 'no --secret'],
    ['config set --secret trading.binance_api_key', 'no --path'],
    ['config set --plaintext --path trading.binance_api_key', '--plaintext and no --secret'],
    ['config set --secret=false --path trading["binance_api_key"]', 'no --secret'],
  ] as const) {
    it(`refuses a value in the clear or beside its group: ${line}`, () => {
      assert.throws(() => refuseOpenValue(given(line), 'staging'), {
        message: `config set trading.binance_api_key: got ${got}; allowed: a value inside its group, as a secret; fix: pulumi config set --secret --path 'trading.binance_api_key' --stack staging (asks for the value, or reads it from standard input)`,
      });
    });
  }
  it('takes a secret inside its group, and settings that are no values', () => {
    for (const line of [
      'config set --secret --path trading.binance_api_key',
      'config set --path targets[0] compose',
      'config set image x',
      'config get trading.binance_api_key',
    ]) {
      refuseOpenValue(given(line));
    }
  });

  describe('flags that npm kept', () => {
    const kept = (env: Readonly<Record<string, string>>): string => {
      const before = { ...process.env };
      Object.assign(process.env, env);
      try {
        refuseSwallowedFlags('npm run pulumi -- config', ['secret', 'path', 'config-file']);
        return '';
      } catch (error) {
        return (error as Error).message;
      } finally {
        for (const name of Object.keys(env)) {
          if (before[name] === undefined) delete process.env[name];
          else process.env[name] = before[name];
        }
      }
    };
    it('are refused by name, and what npm took for their values is not shown', () => {
      assert.equal(
        kept({ npm_config_secret: 'true', npm_config_path: canary }),
        '--secret, --path: got kept by npm, because no -- stands before them; allowed: flags behind --; fix: npm run pulumi -- config --secret --path and the rest of the command',
      );
      assert.match(kept({ npm_config_config_file: 'x' }), /^--config-file: got kept by npm/);
      assert.match(kept({ npm_config_stack: 'true' }), /fix: .* --stack NAME$/);
      assert.deepEqual(leaks(kept({ npm_config_stack: canary.toUpperCase() }), canaries), []);
    });
    it('are none when npm has kept none', () => assert.equal(kept({ npm_config_yes: 'true' }), ''));
  });
});
