import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import {
  keepsConfig,
  refusePlaintext,
  refuseWrongSettings,
  runsProgram,
  type Schema,
  wrongTypes,
} from '../../../operations/engine/stack-types.ts';
import { projectDirectory } from '../../../operations/engine/workspace.ts';
import { lineOf } from '../../../settings/mistake.ts';
import { leaks, makeCanary } from '../../canary.ts';

const schemas: Readonly<Record<string, Schema>> = {
  text: { type: 'string', default: 'it' },
  none: { type: 'string', default: '' },
  flag: { type: 'boolean', default: true },
  count: { type: 'integer', default: 3 },
  list: { type: 'array', items: { type: 'string' }, default: ['first'] },
  counts: { type: 'array', items: { type: 'integer' }, default: [] },
  flags: { type: 'array', items: { type: 'boolean' } },
  nested: { type: 'array', items: { type: 'array', items: { type: 'string' } } },
  maps: { type: 'array', items: { type: 'object' } },
  map: { type: 'object', default: {} },
  odd: { type: 'tomorrow' },
};
const secure = '{ secure: "v1:x:y" }';
const lines = (...settings: readonly string[]): readonly string[] =>
  wrongTypes(
    'dev',
    ['config:', ...settings.map((each) => `  hummingbot-secrets:${each}`), ''].join('\n'),
    schemas,
  ).map(lineOf);

describe('the types in a stack file', () => {
  // What Pulumi 3.259 takes and refuses, tried one by one.
  for (const right of [
    ...['text: a', 'text: 5', 'text: true', 'text: 1.5', 'text: 2020-01-01', 'text:'],
    ...['flag: true', 'flag: "true"', 'flag: True', 'count: 5', 'count: "-5"', 'count: "+5"'],
    ...['list: []', 'list: [a, "1"]', 'counts: [1, "2"]', 'flags: [true, "false"]'],
    ...['nested: [[a], []]', 'maps: [{a: b}]', 'map: {}', 'map: { a: [1] }', 'odd: [1]'],
    ...[`text: ${secure}`, `flag: ${secure}`, `list: [${secure}]`, `map: { a: ${secure} }`],
    'unknown: [x]',
  ]) {
    it(`takes ${right}`, () => assert.deepEqual(lines(right), []));
  }

  for (const [wrong, line] of [
    ['text: [a]', /^text: got a list; allowed: text; fix: .*config set text it --stack dev$/],
    ['none: {a: b}', /^none: got a map; allowed: text; fix: .*config rm none --stack dev$/],
    [
      'flag: "no"',
      /^flag: got text; allowed: true, false; fix: .*set flag true --type bool --stack/,
    ],
    ['flag: [true]', /^flag: got a list; allowed: true, false/],
    ['flag: 1', /^flag: got a number; allowed: true, false/],
    ['flag:', /^flag: got nothing; allowed: true, false/],
    [
      'count: a',
      /^count: got text; allowed: a whole number; fix: .*set count 3 --type int --stack/,
    ],
    ['count: 5.5', /^count: got a number; allowed: a whole number/],
    ['count: " 5"', /^count: got text; allowed: a whole number/],
    ['count: true', /^count: got true or false; allowed: a whole number/],
    [
      'list: compose',
      /^list: got text; allowed: a list, of each text; fix: .*config rm list --stack dev, then .*--path 'list\[0\]' first --stack dev and so on$/,
    ],
    ['list: {}', /^list: got a map; allowed: a list/],
    ['list:', /^list: got nothing; allowed: a list/],
    [
      'list: [a, 1]',
      /^list\[1\]: got a number; allowed: text; fix: .*config rm --path 'list\[1\]'/,
    ],
    ['nested: [[a, [b]], c]', /^nested\[0\]\[1\]: got a list; allowed: text/],
    ['maps: [a]', /^maps\[0\]: got text; allowed: a map of names and values/],
    ['map: text', /^map: got text; allowed: a map of names and values; fix: .*config rm map/],
    ['map: []', /^map: got a list; allowed: a map/],
    [`map: ${secure}`, /^map: got one encrypted text; allowed: a map of names and values/],
    [`list: ${secure}`, /^list: got one encrypted text; allowed: a list/],
  ] as const) {
    it(`refuses ${wrong}`, () => assert.match(lines(wrong)[0] ?? '', line));
  }

  it('are all said together, and no value of any', () => {
    const canary = makeCanary('types');
    const found = lines(
      `map: ${canary}`,
      `list: ${canary}`,
      `flag: ${canary}`,
      `text: [${canary}]`,
    );
    assert.equal(found.length, 4);
    assert.deepEqual(leaks(found.join('\n'), new Map([['types', canary]])), []);
  });

  it('are those of Pulumi.yaml: every setting there has a type that is checked here', () => {
    const { config } = parse(readFileSync('Pulumi.yaml', 'utf8')) as {
      config: Readonly<Record<string, Schema>>;
    };
    const impossible: Readonly<Record<string, unknown>> = {
      string: [],
      boolean: [],
      integer: [],
      array: 'text',
      object: 'text',
    };
    const wrong = Object.entries(config).map(([name, { type = '' }]) => {
      assert.ok(type in impossible, `${name}: ${type}`);
      return [`hummingbot-secrets:${name}`, impossible[type]];
    });
    assert.throws(
      () => refuseWrongSettings('dev', 'x.yaml', stringify({ config: Object.fromEntries(wrong) })),
      ({ message }: Error) => {
        assert.equal(message.split('\n').length, wrong.length + 1);
        return /^\d+ mistakes in the settings of stack dev; nothing was changed$/m.test(message);
      },
    );
    for (const stack of ['dev', 'staging', 'prod']) {
      refuseWrongSettings(stack, 'x.yaml', readFileSync(`Pulumi.${stack}.yaml`, 'utf8'));
    }
  });

  it('are checked before a command that runs the program, and no other', () => {
    for (const line of [
      'up',
      '--stack dev up',
      '-s up preview',
      'destroy --run-program',
      'import',
    ]) {
      assert.equal(runsProgram(line.split(' ')), true, line);
    }
    for (const line of [
      'config rm targets',
      '-s up config',
      'stack ls',
      '--help',
      'destroy',
      'refresh',
    ]) {
      assert.equal(runsProgram(line.split(' ')), false, line);
    }
  });
});

describe('values in the clear', () => {
  const canary = makeCanary('clear');
  const canaries = new Map([['clear', canary]]);
  const file = (...settings: readonly string[]): string =>
    ['config:', ...settings.map((each) => `  hummingbot-secrets:${each}`), ''].join('\n');
  const refused = (text: string): readonly string[] => {
    const messages = [refusePlaintext, refuseWrongSettings].map((check) => {
      try {
        check('dev', join(projectDirectory, '.local/stacks/Pulumi.dev.yaml'), text);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    });
    assert.equal(messages[0], messages[1]);
    assert.deepEqual(leaks(messages.join(), canaries), []);
    return (messages[0] ?? '').split('\n').slice(1);
  };

  it('are refused before the engine, in the line of the program', () => {
    const [line = '', ...others] = refused(
      file(`trading: { binance_api_key: ${canary}, kraken_api_key: ${secure} }`),
    );
    assert.match(
      line,
      /^ {2}trading\.binance_api_key: got plaintext in \.local\/stacks\/Pulumi\.dev\.yaml; allowed: a secret; fix: pulumi config set --secret --path 'trading\.binance_api_key' --stack dev .*; if it was ever committed, revoke it$/,
    );
    assert.deepEqual(others, []);
  });

  it('are refused under a name of their own and under one that is unknown, which is not shown', () => {
    const lines = refused(
      file(
        `trading.binance_api_key: ${canary}`,
        `trading: { ${canary}: x }`,
        `trading.x=${canary}: x`,
      ),
    );
    assert.equal(lines.length, 3);
    assert.match(lines.join('\n'), /trading\.binance_api_key: got a value among the settings/);
    assert.match(lines.join('\n'), /trading\.KEY: got plaintext of an unknown key/);
    assert.match(lines.join('\n'), /trading\.KEY: got an unknown name of a value/);
  });

  it('are none among secrets and other settings', () =>
    assert.deepEqual(refused(file(`trading: { kraken_api_key: ${secure} }`, 'image: x:1')), []));

  it('are looked for before each command that writes the history', () => {
    for (const line of ['destroy', '--stack dev refresh', 'down', 'dn']) {
      assert.ok(keepsConfig(line.split(' ')), line);
    }
    for (const line of ['config set image x', 'stack output', 'up']) {
      assert.ok(!keepsConfig(line.split(' ')), line);
    }
  });
});
