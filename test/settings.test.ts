import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import { targetNames } from '../components/delivery/targets.ts';
import { lineOf, type Mistake } from '../settings/mistake.ts';
import type { RawSettings } from '../settings/raw.ts';
import { parseStackFile } from '../settings/stack-file.ts';
import { type Settings, validate } from '../settings.ts';
import { leaks, makeCanary } from './canary.ts';
import { settled } from './recorder.ts';

const canary = makeCanary('settings');
const canaries = new Map([['settings', canary]]);

const pem = `-----BEGIN EC PRIVATE KEY-----\n${Buffer.from(canary).toString('base64')}\n-----END EC PRIVATE KEY-----`;
const trading = {
  binance_api_key: `${canary}-a`,
  binance_secret_key: `${canary}-b`,
};

/** A stack file in which every leaf of the maps is encrypted, but those named. */
function stackFile(config: Readonly<Record<string, unknown>>, plaintext: readonly string[] = []) {
  const lines = ['trading', 'infrastructure', 'monitoring'].flatMap((map) => {
    const leaves = Object.keys((config[map] as object | undefined) ?? {});
    const line = (leaf: string) =>
      plaintext.includes(`${map}.${leaf}`)
        ? `    ${JSON.stringify(leaf)}: in the clear`
        : `    ${JSON.stringify(leaf)}: { secure: "v1:x:y" }`;
    return leaves.length === 0 ? [] : [`  hummingbot-secrets:${map}:`, ...leaves.map(line)];
  });
  const text = lines.length === 0 ? 'config: {}\n' : ['config:', ...lines, ''].join('\n');
  return parseStackFile('Pulumi.dev.yaml', text, 'hummingbot-secrets');
}

function raw(config: Record<string, unknown>, plaintext: readonly string[] = []): RawSettings {
  const base = {
    environment: 'dev',
    targets: ['compose', 'env-file'],
    exchanges: ['binance'],
    services: [],
    protect: false,
    placeholders: false,
    trading,
  };
  const whole: Record<string, unknown> = { ...base, ...config };
  return {
    stack: 'dev',
    config: whole,
    stackFile: stackFile(whole, plaintext),
    projectDirectory: join(import.meta.dirname, '..'),
  };
}

function mistakes(settings: RawSettings): readonly Mistake[] {
  const checked = validate(settings);
  return 'mistakes' in checked ? checked.mistakes : [];
}

function accepted(settings: RawSettings): Settings {
  const checked = validate(settings);
  assert.ok(
    'settings' in checked,
    'mistakes' in checked ? checked.mistakes.map(lineOf).join('\n') : '',
  );
  return checked.settings;
}

const long = 'x'.repeat(4097);

/** One mistake each, or one a key of a pair: the config, the line it gives, how many they are. */
const cases: readonly (readonly [string, RawSettings, RegExp, 2?])[] = [
  [
    'an unknown setting',
    raw({ exchange: [] }),
    /^exchange: got a setting that does not exist; allowed: exchanges; fix: pulumi config rm --path 'exchange' --stack dev$/,
  ],
  [
    'an unknown key, with the nearest',
    raw({ trading: { ...trading, binance_api_kye: 'x' } }),
    /^trading\.binance_api_kye: got an unknown key; allowed: binance_api_key; fix: .*config rm --path 'trading\.binance_api_kye'/,
  ],
  [
    'a value set without --path, named and not shown',
    raw({ 'trading.binance_api_key': canary }),
    /^trading\.binance_api_key: got a value among the settings, in the clear.*; fix: .*config rm 'trading\.binance_api_key'.*--secret --path 'trading\.binance_api_key'.*revoke/,
  ],
  [
    'a value that became part of a key, cut off',
    raw({ trading: { ...trading, [`binance_api_key=${canary}`]: 'x' } }),
    /^trading\."binance_api_key"=\.\.\.: got an unknown key/,
  ],
  [
    'a PEM on one line, with the two characters of an escape',
    raw({ trading: { ...trading, coinbase_secret_key: `${canary}\\n${canary}` } }),
    /^trading\.coinbase_secret_key: got a backslash and an n in place of line feeds; allowed: a PEM/,
  ],
  [
    'one target, which does not exist: another is put in its place',
    raw({ targets: ['floppy-disk'] }),
    /^targets\[0\]: got "floppy-disk"; allowed: .*; fix: .*config set --path 'targets\[0\]' compose --stack dev$/,
  ],
  [
    'a key of another group',
    raw({ trading: { ...trading, redis_password: 'x' } }),
    /^trading\.redis_password: got a key of another group; allowed: infrastructure\.redis_password; fix: /,
  ],
  [
    'a missing value',
    raw({ trading: {}, exchanges: ['kraken'], services: [] }),
    /^trading\.kraken_api_key: got nothing; allowed: a value, because kraken is listed; fix: pulumi config set --secret --path 'trading\.kraken_api_key' --stack dev \(asks for the value, or reads it from standard input\)$/,
    2,
  ],
  [
    'plaintext',
    raw({}, ['trading.binance_api_key', 'trading.binance_secret_key']),
    /^trading\.binance_api_key: got plaintext in Pulumi\.dev\.yaml; allowed: a secret; fix: .*--secret.*revoke/,
    2,
  ],
  [
    'one plaintext leaf beside an encrypted one',
    raw({}, ['trading.binance_secret_key']),
    /^trading\.binance_secret_key: got plaintext/,
  ],
  [
    'an empty value',
    raw({ trading: { ...trading, binance_api_key: '' } }),
    /^trading\.binance_api_key: got an empty value; allowed: one line/,
  ],
  [
    'an over-long value',
    raw({ trading: { ...trading, binance_api_key: long } }),
    /^trading\.binance_api_key: got 4097 bytes; allowed: at most 4096 bytes/,
  ],
  [
    'a value that is no text',
    raw({ trading: { ...trading, binance_api_key: { a: 1 } } }),
    /^trading\.binance_api_key: got a object; allowed: text/,
  ],
  [
    'a broken PEM',
    raw({ trading: { ...trading, coinbase_secret_key: `${canary}` } }),
    /^trading\.coinbase_secret_key: got another shape \(\d+ characters\); allowed: a PEM/,
  ],
  [
    'a chat id that is none',
    raw({ monitoring: { telegram_chat_id: 'my chat' } }),
    /^monitoring\.telegram_chat_id: got another shape .*; allowed: a Telegram chat id/,
  ],
  [
    'a webhook that is none',
    raw({ monitoring: { slack_webhook_url: `https://${canary}` } }),
    /^monitoring\.slack_webhook_url: got another shape/,
  ],
  [
    'a value that a target cannot carry',
    raw({ trading: { ...trading, binance_api_key: `${canary}'$` } }),
    /^trading\.binance_api_key: got a ' together with one of .*; allowed: what target env-file can carry/,
  ],
  [
    'a group that is a list',
    raw({ monitoring: ['x'] }),
    /^monitoring: got something that is not a map of values/,
  ],
  [
    'a group that does not exist',
    raw({ trade: { a: 1 } }),
    /^trade: got a setting that does not exist; allowed: /,
  ],
  [
    'a target that does not exist',
    raw({ targets: ['compos'] }),
    new RegExp(
      `^targets\\[0\\]: got "compos"; allowed: ${targetNames.join(', ')}; fix: .*--path 'targets\\[0\\]' compose`,
      'u',
    ),
  ],
  ['no target', raw({ targets: [] }), /^targets: got an empty list; allowed: at least one/],
  [
    'targets that fight',
    raw({ targets: ['compose', 'compose'] }),
    /^targets\[1\]: got compose a second time; allowed: each once/,
  ],
  [
    'targets that are no list',
    raw({ targets: 'compose' }),
    /^targets: got something that is not a list/,
  ],
  [
    'an exchange that does not exist',
    raw({ exchanges: ['binance', 'binanse'] }),
    /^exchanges\[1\]: got "binanse"; allowed: binance, coinbase, kraken, kucoin; fix: .*binance/,
  ],
  [
    'a service that does not exist',
    raw({ services: ['mysql'] }),
    /^services\[0\]: got "mysql"; allowed: postgres,/,
  ],
  [
    'an exchange that is a number',
    raw({ exchanges: ['binance', 7] }),
    /^exchanges\[1\]: got a number; /,
  ],
  [
    'placeholders in a protected stack',
    raw({ protect: true, placeholders: true }),
    /^placeholders: got true in a protected stack/,
  ],
  [
    'a flag that is no flag',
    raw({ placeholders: 'maybe' }),
    /^placeholders: got a string; allowed: true, false/,
  ],
  [
    'an environment that does not exist',
    { ...raw({ environment: 'production' }), stack: 'mine' },
    /^environment: got "production"; allowed: dev, staging, prod/,
  ],
  [
    'an environment that is not the stack',
    raw({ environment: 'prod' }),
    /^environment: got "prod"; allowed: dev, as the stack is named/,
  ],
  ['no environment', raw({ environment: '' }), /^environment: got nothing; /],
  [
    'a stack name with capitals',
    { ...raw({}), stack: 'Dev' },
    /^stack: got "Dev"; allowed: small letters/,
  ],
  [
    'the image latest',
    raw({ image: 'hummingbot/hummingbot:latest' }),
    /^image: got "hummingbot\/hummingbot:latest"; allowed: NAME:TAG/,
  ],
  ['an image without tag', raw({ image: 'localhost:5000/hummingbot' }), /^image: got /],
  ['an image with a broken digest', raw({ image: 'hummingbot@sha256:12' }), /^image: got /],
  [
    'a namespace that is no DNS label',
    raw({ namespace: 'Humming_Bot' }),
    /^namespace: got "Humming_Bot"/,
  ],
  [
    'a prefix with a slash at the end',
    raw({ prefix: 'hummingbot/' }),
    /^prefix: got "hummingbot\/"/,
  ],
  [
    'a directory above the project',
    raw({ outputDirectory: '../out' }),
    /^outputDirectory: got "\.\.\/out"/,
  ],
  [
    'config from a file that cannot be checked',
    { ...raw({}), stackFile: undefined },
    /^trading\.binance_api_key: got a value that is not in Pulumi\.dev\.yaml.*PULUMI_OPTION_CONFIG_FILE/,
    2,
  ],
];

describe('settings', () => {
  for (const [name, settings, line, count = 1] of cases) {
    it(`say in one line: ${name}`, () => {
      const lines = mistakes(settings).map(lineOf);
      assert.equal(lines.length, count);
      assert.match(lines[0] ?? '', line);
      for (const each of lines) {
        assert.ok(!each.includes('\n'));
        assert.match(each, /^[^:]+: got .+; allowed: .+; fix: .+$/s);
      }
      assert.deepEqual(leaks(lines.join('\n'), canaries), []);
    });
  }

  it('report all mistakes of a run together', () => {
    const settings = raw({ exchange: 1, targets: ['swarms'], image: 'x', monitoring: { a: 'b' } });
    assert.equal(mistakes(settings).length, 4);
  });

  it('ask only for what is used, and deliver only that', async () => {
    const settings = accepted(raw({ trading: { ...trading, kraken_api_key: 'kept for later' } }));
    assert.deepEqual(
      settings.groups.map(({ name }) => name),
      ['trading'],
    );
    const [group] = settings.groups;
    assert.deepEqual([...(group?.values.keys() ?? [])], ['binance_api_key', 'binance_secret_key']);
    for (const value of group?.values.values() ?? []) {
      assert.equal(await pulumi.isSecret(value), true);
      assert.ok((await settled(value)).startsWith(canary));
    }
  });

  it('do not ask for what is generated or optional', () => {
    const coinbase = { ...trading, coinbase_api_key: 'k', coinbase_secret_key: pem };
    accepted(
      raw({
        exchanges: ['binance', 'coinbase'],
        services: ['redis', 'gateway'],
        trading: coinbase,
      }),
    );
  });

  it('take numbers as Pulumi gives them back, and a whole map that is encrypted', () => {
    accepted(raw({ monitoring: { telegram_chat_id: -100123 } }));
    const whole = 'config:\n  hummingbot-secrets:trading:\n    secure: v1:x:y\n';
    accepted({ ...raw({}), stackFile: parseStackFile('f', whole, 'hummingbot-secrets') });
  });

  it('take values of an ESC environment, which the file does not show', () => {
    const file = parseStackFile('f', 'environment: [team/prod]\n', 'hummingbot-secrets');
    accepted({ ...raw({}), stackFile: file });
  });

  it('take one spelling of a directory, and none that leads out of the project', () => {
    const directory = mkdtempSync(join(tmpdir(), 'settings-'));
    for (const [given, kept] of [
      ['out/', 'out'],
      ['out//', 'out'],
      ['./out', 'out'],
      [`${directory}/`, directory],
    ] as const) {
      assert.equal(accepted(raw({ outputDirectory: given })).outputDirectory, kept);
    }
    rmSync(directory, { recursive: true });
    for (const outputDirectory of [
      'out/../../x',
      '..',
      '/',
      '.git',
      'a/.git/b',
      '.local',
      '~/x',
      '-x',
      ' ',
      'a b',
      'a:b',
      '',
    ]) {
      assert.match(
        mistakes(raw({ outputDirectory })).map(lineOf)[0] ?? '',
        /^outputDirectory: got /,
        outputDirectory,
      );
    }
  });

  it('see a tracked file of a single key', () => {
    const directory = mkdtempSync(join(tmpdir(), 'settings-'));
    try {
      spawnSync('git', ['init', '-q', directory]);
      writeFileSync(join(directory, '.gitignore'), 'dev/\n');
      mkdirSync(join(directory, 'dev/secrets/trading'), { recursive: true });
      writeFileSync(join(directory, 'dev/secrets/trading/binance_api_key'), '');
      accepted(raw({ outputDirectory: directory }));
      spawnSync('git', ['-C', directory, 'add', '-f', 'dev/secrets/trading/binance_api_key']);
      assert.match(mistakes(raw({ outputDirectory: directory }))[0]?.got ?? '', /ignore 1 of/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('take images with a tag, a digest, a port', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    for (const image of [
      'hb:1',
      'localhost:5000/hb:1',
      `hb@${digest}`,
      `r.example/a/hb:1@${digest}`,
    ]) {
      assert.equal(accepted(raw({ image })).image, image);
    }
  });

  it('let a stack of another name choose its environment', () => {
    assert.equal(
      accepted({ ...raw({ environment: 'prod' }), stack: 'prod-eu' }).environment,
      'prod',
    );
  });

  it('write outside of any work tree, and below one only where git ignores it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'settings-'));
    try {
      accepted(raw({ outputDirectory: directory }));
      spawnSync('git', ['init', '-q', directory]);
      const [line] = mistakes(raw({ outputDirectory: directory })).map(lineOf);
      assert.match(
        line ?? '',
        /^outputDirectory: got .*, where git would not ignore 6 of the files that hold values; allowed: a directory that git ignores; fix: add it to \.gitignore, or /,
      );
      writeFileSync(join(directory, '.gitignore'), 'dev/\n');
      accepted(raw({ outputDirectory: directory }));
      // A tracked file is not ignored, whatever .gitignore says.
      mkdirSync(join(directory, 'dev'));
      writeFileSync(join(directory, 'dev/.env.secrets'), '');
      spawnSync('git', ['-C', directory, 'add', '-f', 'dev/.env.secrets']);
      assert.match(mistakes(raw({ outputDirectory: directory }))[0]?.got ?? '', /ignore 1 of/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
