/** What travels to the bot; that the real one reads it is proven by test/e2e/materialise.e2e.ts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  catalog,
  environmentName,
  exchanges,
  type SecretKey,
  secretKeys,
} from '../../../components/catalog.ts';
import {
  botSettings,
  commandOf,
  programFiles,
  scriptPath,
} from '../../../components/consumers/container.ts';
import { refusalOf } from '../../../components/shape.ts';
import type { Strategy } from '../../../components/strategy.ts';
import { leaks } from '../../canary.ts';
import { canaryValues } from '../../canary-values.ts';
import { guideKeysOf } from '../../guide-keys.ts';

interface Reading {
  readonly key: SecretKey;
  readonly field: string;
  readonly variable: string;
  readonly pattern: string;
}
interface BotSettings {
  readonly connectors: readonly {
    readonly exchange: keyof typeof exchanges;
    readonly connector: string;
    readonly secrets: readonly Reading[];
    readonly plain: object;
  }[];
  readonly keystore: Reading | null;
  readonly strategy: object | null;
  readonly files: object;
}

const settingsOf = (keys: readonly string[], strategy?: Strategy): BotSettings =>
  botSettings(keys, strategy) as BotSettings;

const strategy: Strategy = {
  type: 'v2-script',
  config: { name: 'mine.yml', content: 'script_file_name: mine.py\n' },
  script: { name: 'mine.py', content: 'x = 1\n' },
  controllers: [{ name: 'pmm.yml', content: 'a: 1\n' }],
};

describe('what travels to the bot', () => {
  it('is every field of the catalog, with its variable, and no key without a field', () => {
    const { connectors, keystore } = settingsOf(guideKeysOf('trading'));
    assert.equal(keystore, null);
    for (const { exchange, connector, secrets, plain } of connectors) {
      assert.equal(connector, exchanges[exchange].connector);
      assert.deepEqual(plain, exchanges[exchange].plainFields);
      for (const { key, field, variable } of secrets) {
        assert.equal((catalog[key] as { field?: string }).field, field);
        assert.equal(variable, environmentName(key));
      }
    }
    const travelling = connectors.flatMap(({ secrets }) => secrets.map(({ key }) => key));
    const withField = secretKeys.filter((key) => 'field' in catalog[key]);
    assert.deepEqual(travelling, withField);
    assert.ok(!travelling.includes('coinbase_passphrase'));
  });

  it('is only what was delivered to the bot', () => {
    const { connectors } = settingsOf(['kraken_api_key', 'kraken_secret_key', 'redis_password']);
    assert.deepEqual(
      connectors.map(({ exchange }) => exchange),
      ['kraken'],
    );
    assert.deepEqual(settingsOf([]).connectors, []);
  });

  it('has the password of a keystore that is managed', () => {
    const { keystore } = settingsOf(['keystore_password']);
    assert.equal(keystore?.variable, 'KEYSTORE_PASSWORD');
  });

  it('has patterns that Python reads as the settings do', () => {
    const values = [
      ...canaryValues().values(),
      '',
      'a b',
      ' a',
      'a\nb',
      'YQ==',
      'YQ=',
      'é',
      '$`"\'',
    ];
    const { connectors } = settingsOf(guideKeysOf('trading'));
    const all = connectors.flatMap(({ secrets }) => secrets);
    const input = JSON.stringify({ patterns: all.map(({ pattern }) => pattern), values });
    const code =
      'import json,re,sys; d=json.load(sys.stdin); ' +
      'print(json.dumps([[bool(re.fullmatch(p,v)) for v in d["values"]] for p in d["patterns"]]))';
    const { stdout } = spawnSync('python3', ['-c', code], { input, encoding: 'utf8' });
    const rows = JSON.parse(stdout) as boolean[][];
    for (const [at, { key, pattern }] of all.entries()) {
      const own = values.map((value) => new RegExp(`^(?:${pattern})$`, 'u').test(value));
      assert.deepEqual(rows[at], own, key);
      for (const [index, value] of values.entries()) {
        if (refusalOf(catalog[key].shape, value) === undefined) assert.ok(own[index], key);
      }
    }
  });

  it('is the strategy with its files where the bot looks for them', () => {
    const { strategy: told, files } = settingsOf([], strategy);
    assert.deepEqual(told, { type: 'v2-script', config: 'mine.yml', option: '--script-config' });
    assert.deepEqual(files, {
      'mine.yml': 'conf/scripts/mine.yml',
      'pmm.yml': 'conf/controllers/pmm.yml',
    });
    assert.equal(scriptPath(strategy), '/home/hummingbot/scripts/mine.py');
    const names = Object.keys(programFiles([], strategy));
    assert.deepEqual(names, [
      'materialise.py',
      'launch.py',
      'bot.json',
      'mine.yml',
      'mine.py',
      'pmm.yml',
    ]);
  });

  it('holds no value', () => {
    const text = JSON.stringify(programFiles(guideKeysOf('trading'), strategy));
    assert.deepEqual(leaks(text, canaryValues()), []);
  });

  it('is run by the first Python that an official image has, else refused in one line', () => {
    for (const program of ['materialise', 'launch', 'both'] as const) {
      const [shell, flag, script = ''] = commandOf(program);
      assert.deepEqual([shell, flag], ['/bin/sh', '-c']);
      const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
      assert.equal(status, 65);
      assert.match(stderr, /^image: got none of Hummingbot 2\.16\.0 or newer; [^\n]*\n$/u);
    }
    assert.match(commandOf('both')[2] ?? '', /launch\.py hummingbot\.cli\.engine --materialise;/u);
  });
});
