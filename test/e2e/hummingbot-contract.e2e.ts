/**
 * What this project relies on, asked of the real Hummingbot, both releases: that the catalog has the
 * fields of its connectors, that materialise.py and launch.py find what they call, and what that costs.
 */
import assert from 'node:assert/strict';
import {
  type Exchange,
  entryOf,
  environmentName,
  exchangeNames,
  exchanges,
  secretKeys,
} from '../../components/catalog.ts';
import { home, programFiles } from '../../components/consumers/container.ts';
import { newestRelease, olderRelease } from '../../rehearsal/images/hummingbot.ts';
import { canaryValues } from '../canary-values.ts';
import { again, fuzzSeed } from '../fuzz-seed.ts';
import { botFieldKeys } from '../guide-keys.ts';
import { randomValues } from '../random-values.ts';
import { digestOf } from '../values-fuzz.ts';
import { BotPython } from './bot-python.ts';
import { type BotConnectors, type CatalogConnector, disagreements } from './connector-fields.ts';
import { carryByBot, judged } from './values-of-bot.ts';

const engine = 'hummingbot.cli.engine';

/** By module, or module:class. */
const names = {
  [engine]: ['main'],
  'hummingbot.cli.bot': ['write_meta', 'write_pid', 'read_status', 'bot_dir'],
  'hummingbot.client.config.config_crypt': [
    'ETHKeyFileSecretManger',
    'PASSWORD_VERIFICATION_PATH',
    'PASSWORD_VERIFICATION_WORD',
    'validate_password',
  ],
  'hummingbot.client.config.config_helpers': [
    'ClientConfigAdapter',
    'load_connector_config_map_from_file',
  ],
  'hummingbot.client.config.config_helpers:ClientConfigAdapter': [
    'generate_yml_output_str_with_comments',
  ],
  'hummingbot.client.config.security:Security': [
    'login',
    'all_decrypted_values',
    'secrets_manager',
  ],
  'hummingbot.client.settings:AllConnectorSettings': ['get_connector_settings'],
};

const catalog: readonly CatalogConnector[] = exchangeNames.map((name) => {
  const { connector, plainFields }: Exchange = exchanges[name];
  const entries = secretKeys.map(entryOf).filter(({ usedWith }) => usedWith === name);
  return { connector, plainFields, fields: entries.flatMap(({ field }) => field ?? []) };
});

interface Handed {
  readonly name: string;
  readonly config: string | null;
  readonly scriptConfig: string | null;
  readonly password: string;
  /** Whether the password is still among the variables. */
  readonly left: boolean;
  readonly code: number;
}

interface Contract {
  readonly version: string;
  readonly connectors: BotConnectors;
  readonly refused: Readonly<Record<string, string | null>>;
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly places: Readonly<Record<string, string>>;
  readonly status: { readonly read: unknown; readonly said: boolean };
  readonly takenForEngine: boolean;
  readonly help: { readonly said: string; readonly code: number };
  readonly locked: { readonly said: string; readonly code: number };
  readonly byConfig: Handed;
  readonly byScriptConfig: Handed;
}

/** Seconds. */
interface Seconds {
  readonly clock: number;
  /** Of all processors together. */
  readonly processors: number;
}

interface Cost {
  readonly fields: number;
  /** By round. */
  readonly materialise: Seconds[];
  readonly own: Seconds[];
}

/** The least of both, and how many times the bot's own work materialising is. */
interface Comparison {
  readonly text: string;
  readonly ratio: number;
}

function compare({ materialise, own }: Cost, by: keyof Seconds): Comparison {
  const least = (rounds: readonly Seconds[]): number => Math.min(...rounds.map((each) => each[by]));
  const [all, bot] = [least(materialise), least(own)];
  const ratios = materialise.map((each, at) => each[by] / (own[at]?.[by] as number));
  const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] as number;
  const ratio = all / bot;
  const text = `${all.toFixed(2)} s by ${by}, the bot's own work ${bot.toFixed(2)} s: ${ratio.toFixed(3)} of it, median ${median.toFixed(3)}`;
  return { text, ratio };
}

const versions = { [newestRelease]: 'dev-2.18.0', [olderRelease]: '2.16.0' } as const;

for (const release of [newestRelease, olderRelease] as const) {
  describe(`Hummingbot ${versions[release]}, the real one`, () => {
    let bot: BotPython;
    let said: Contract;

    before(async function () {
      if (process.platform !== 'linux' || process.getuid?.() !== 0) return this.skip();
      bot = await BotPython.of(release);
      const plain = Object.fromEntries(catalog.map((each) => [each.connector, each.plainFields]));
      const asked = { names, plain };
      said = bot.ask('hummingbot-contract.py', asked, { words: [engine] }) as Contract;
    });

    after(() => bot?.remove());

    it('is the release that it is taken for', () => {
      assert.equal(said.version, versions[release]);
    });

    it('has the connectors of the catalog, with the very fields of the catalog', () => {
      const count = Object.keys(said.connectors).length;
      console.log(`${versions[release]}: ${count} connectors with fields`);
      assert.ok(count > 40);
      const found = disagreements(catalog, said.connectors);
      assert.equal(found.length, 0, `\n${found.join('\n')}`);
    });

    it('would not agree with a catalog that has the key of the guide for the field', () => {
      const planted = catalog.map((each) => ({
        ...each,
        fields: each.fields.map((field) =>
          field.replace('binance_api_secret', 'binance_secret_key'),
        ),
      }));
      assert.deepEqual(disagreements(planted, said.connectors), [
        'binance.binance_secret_key: another name, the bot calls it binance_api_secret',
        'binance.binance_api_secret: missing field, the bot has it (required secret) and the catalog does not',
      ]);
    });

    it('takes the plain values of the catalog', () => {
      const none = Object.fromEntries(catalog.map(({ connector }) => [connector, null]));
      assert.deepEqual(said.refused, none);
    });

    it('has every name that materialise.py and launch.py use', () => {
      assert.deepEqual(said.names, names);
    });

    it('keeps its files where they are put', () => {
      for (const [place, path] of Object.entries(said.places)) {
        assert.equal(path, place === 'status.json' ? place : `${home}/${place}`);
      }
    });

    it('has an engine with the very options that the launcher knows', () => {
      assert.equal(said.help.code, 0);
      const options = new Set(said.help.said.match(/(?<![\w-])--[a-z-]+/gu));
      assert.deepEqual([...options].sort(), [
        '--auto-set-permissions',
        '--config',
        '--help',
        '--name',
        '--script-config',
      ]);
    });

    it('takes its password from HBOT_PASSWORD, and takes it away', () => {
      assert.equal(said.locked.code, 4);
      assert.match(said.locked.said, /HBOT_PASSWORD/);
      for (const { password, left, code } of [said.byConfig, said.byScriptConfig]) {
        assert.deepEqual(
          { password, left, code },
          { password: 'of the contract', left: false, code: 0 },
        );
      }
    });

    it('takes a strategy by --config and a script by --script-config', () => {
      const taken = [said.byConfig, said.byScriptConfig].map((each) => [
        each.name,
        each.config,
        each.scriptConfig,
      ]);
      assert.deepEqual(taken, [
        ['a', 'a.yml', null],
        ['b', null, 'b.yml'],
      ]);
    });

    it('says in its status whether the strategy runs, and knows the launcher for its engine', () => {
      assert.deepEqual(said.status, { read: { engine: { strategy_running: true } }, said: true });
      assert.equal(said.takenForEngine, true);
    });

    it('reads random values as they were delivered, or materialise.py refuses them', () => {
      const seed = fuzzSeed();
      const { equal, refused, unlike } = carryByBot(bot, randomValues(seed, 200), 1000);
      assert.deepEqual([...unlike], [], again(seed));
      assert.ok(equal > 80 && refused.size > 3, again(seed));
    });

    it('would be found to read another', () => {
      const tried = [{ shape: 'line', value: 'a value' }] as const;
      const { equal, unlike } = judged(tried, [{ refused: null, read: digestOf('another') }]);
      assert.deepEqual([equal, ...unlike], [0, ['the bot', 1]]);
    });

    it("materialising costs at most 1.2 of the bot's own encrypting and decrypting", () => {
      const values = canaryValues();
      const env = Object.fromEntries(
        botFieldKeys.map((key) => [environmentName(key), values.get(key)]),
      );
      for (const [name, content] of Object.entries(programFiles(botFieldKeys))) {
        bot.put(name, content);
      }
      // A neighbour's work shows in the least of few rounds too: more are asked for before it is believed.
      const cost: Cost = { fields: botFieldKeys.length, materialise: [], own: [] };
      let found: readonly Comparison[];
      do {
        const more = bot.ask('hummingbot-cost.py', { rounds: 5 }, { env }) as Cost;
        assert.equal(more.fields, cost.fields);
        cost.materialise.push(...more.materialise);
        cost.own.push(...more.own);
        found = [compare(cost, 'clock'), compare(cost, 'processors')];
      } while (found.some(({ ratio }) => ratio > 1.2) && cost.own.length < 20);
      for (const { text } of found) console.log(`${cost.fields} fields materialised: ${text}`);
      // One word more than the fields, which the bot knows its password by, is 10/9.
      for (const { text, ratio } of found) assert.ok(ratio <= 1.2, text);
    });
  });
}
