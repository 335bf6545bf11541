/** Mistakes through the real CLI: one line each, exit code not 0, no value, nothing written. */
import assert from 'node:assert/strict';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { targetNames } from '../../components/delivery/targets.ts';
import { findCli } from '../../operations/engine/cli.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, type Result } from './checkout.ts';
import { SettingsByCommand } from './settings-cli.ts';

describe('a mistake', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());
  const canary = makeCanary('mistake');
  const canaries = new Map([['mistake', canary]]);
  const config = async (...words: string[]): Promise<void> => {
    const { code } = await checkout.pulumi(['config', ...words, '--stack', 'dev']);
    assert.equal(code, 0, words.join(' '));
  };
  const settings = (): string => checkout.read('.local/stacks/Pulumi.dev.yaml');
  let clean: string;

  before(async () => {
    await config('set', 'image', 'hummingbot/hummingbot:version-2.16.0');
    clean = settings();
  });
  beforeEach(() => writeFileSync(checkout.path('.local/stacks/Pulumi.dev.yaml'), clean));

  function assertRefused({ code, stdout, stderr }: Result, line: RegExp): void {
    const printed = `${stdout}\n${stderr}`;
    assert.notEqual(code, 0);
    const lines = printed.split('\n').map((each) => each.trim());
    const found = lines.filter((each) => line.test(each));
    assert.ok(found.length > 0, printed);
    assert.doesNotMatch(printed, /^\s+at \S+ \(|node:internal|\.ts:\d+:\d+/m);
    assert.deepEqual(leaks(printed, canaries), []);
    assert.ok(!existsSync(checkout.path('out')), 'something was written');
  }

  const secret = async (path: string, value: string): Promise<void> =>
    await checkout.setSecret(path, value);
  const settingsMistakes: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
    [
      'an unknown setting',
      () => config('set', 'exchange', 'binance'),
      /^exchange: got a setting that does not exist; allowed: exchanges; fix: npm run pulumi -- config rm/,
    ],
    [
      'an unknown key',
      () => secret('trading.binance_api_kye', canary),
      /^trading\.binance_api_kye: got an unknown key; allowed: binance_api_key; fix: npm run pulumi -- config rm/,
    ],
    [
      'a key of another group',
      () => secret('trading.redis_password', canary),
      /^trading\.redis_password: got a key of another group; allowed: infrastructure\.redis_password; fix: /,
    ],
    [
      'a missing value',
      () => config('set', 'placeholders', 'false'),
      /^trading\.binance_api_key: got nothing; allowed: a value, because binance is listed; fix: npm run pulumi -- config set --secret/,
    ],
    [
      'one plaintext leaf beside an encrypted one',
      async () => {
        await secret('trading.binance_api_key', canary);
        writeFileSync(
          checkout.path('.local/stacks/Pulumi.dev.yaml'),
          settings().replace(
            /( +)binance_api_key:/u,
            `$1kraken_api_key: ${canary}\n$1binance_api_key:`,
          ),
        );
      },
      /^trading\.kraken_api_key: got plaintext in .*; allowed: a secret; fix: .*; if it was ever committed, revoke it$/,
    ],
    [
      'plaintext',
      async () =>
        writeFileSync(
          checkout.path('.local/stacks/Pulumi.dev.yaml'),
          `${clean}\n  hummingbot-secrets:monitoring:\n    email_password: ${canary}\n`.replace(
            /\n(encryptionsalt.*)\n([\s\S]*)$/u,
            '\n$2$1\n',
          ),
        ),
      /^monitoring\.email_password: got plaintext/,
    ],
    [
      'a value with a line feed',
      () => secret('trading.kraken_api_key', `${canary}\nsecond`),
      /^trading\.kraken_api_key: got several lines; allowed: one line/,
    ],
    [
      'an over-long value',
      () => secret('trading.kraken_api_key', canary.repeat(200)),
      /^trading\.kraken_api_key: got \d+ bytes; allowed: at most 4096 bytes; fix: /,
    ],
    [
      'a broken PEM',
      () => secret('trading.coinbase_secret_key', canary),
      /^trading\.coinbase_secret_key: got another shape .*; allowed: a PEM private key/,
    ],
    [
      'a chat id that is none',
      () => secret('monitoring.telegram_chat_id', canary),
      /^monitoring\.telegram_chat_id: got another shape/,
    ],
    [
      'a webhook that is none',
      () => secret('monitoring.slack_webhook_url', `https://${canary}/`),
      /^monitoring\.slack_webhook_url: got another shape/,
    ],
    [
      'a value that a target cannot carry',
      () => secret('monitoring.email_password', `${canary}'$`),
      /^monitoring\.email_password: got a ' together with one of .*; allowed: what target env-file can carry/,
    ],
    [
      'a target that does not exist',
      () => config('set', '--path', 'targets[2]', 'swarms'),
      new RegExp(`^targets\\[2\\]: got "swarms"; allowed: ${targetNames.join(', ')}; fix: `, 'u'),
    ],
    [
      'targets that fight',
      () => config('set', '--path', 'targets[2]', 'compose'),
      /^targets\[2\]: got compose a second time/,
    ],
    [
      'an exchange that does not exist',
      () => config('set', '--path', 'exchanges[4]', 'binanse'),
      /^exchanges\[4\]: got "binanse"; allowed: binance, coinbase, kraken, kucoin; fix: .*binance/,
    ],
    [
      'another environment',
      () => config('set', 'environment', 'prod'),
      /^environment: got "prod"; allowed: dev, as the stack is named/,
    ],
    [
      'the image latest',
      () => config('set', 'image', 'hummingbot/hummingbot:latest'),
      /^image: got "hummingbot\/hummingbot:latest"/,
    ],
    [
      'a directory that git does not ignore',
      async () => {
        await config('set', 'outputDirectory', 'rendered');
        writeFileSync(checkout.path('.gitignore'), 'node_modules/\n.local/\n');
      },
      /^outputDirectory: got "rendered", where git would not ignore \d+ of the files/,
    ],
  ];

  /** Replaces a line of the stack file by hand, as no command would write it. */
  const byHand = (from: RegExp, to: string): void => {
    assert.match(clean, from);
    writeFileSync(checkout.path('.local/stacks/Pulumi.dev.yaml'), clean.replace(from, to));
  };
  const typeMistakes: readonly (readonly [RegExp, string, RegExp])[] = [
    [
      /targets:(?:\n +- .*)+|targets: \[.*\]/u,
      'targets: compose',
      /^targets: got text; allowed: a list, of each text; fix: npm run pulumi -- config rm targets --stack dev, then npm run pulumi -- config set --path 'targets\[0\]' compose --stack dev and so on$/,
    ],
    [
      /protect: .*/u,
      'protect: "no"',
      /^protect: got text; allowed: true, false; fix: npm run pulumi -- config set protect true --type bool --stack dev$/,
    ],
    [
      /placeholders: .*/u,
      'placeholders: yes-as-text',
      /^placeholders: got text; allowed: true, false; fix: .*config set placeholders false --type bool/,
    ],
    [
      /exchanges:(?:\n +- .*)+|exchanges: \[.*\]/u,
      'exchanges: {}',
      /^exchanges: got a map; allowed: a list, of each text; fix: .*config rm exchanges/,
    ],
    [
      /config:\n/u,
      `config:\n  hummingbot-secrets:trading: ${canary}\n`,
      /^trading: got text; allowed: a map of names and values; fix: npm run pulumi -- config rm trading --stack dev$/,
    ],
  ];
  for (const [from, to, line] of typeMistakes) {
    it(`a wrong type (${to.split(':').at(-2)?.trim()}): one line, before Pulumi starts`, async () => {
      byHand(from, to);
      const result = await checkout.npmStart();
      assertRefused(result, line);
      assert.match(result.stderr, /^1 mistake in the settings of stack dev; nothing was changed$/m);
      assert.ok(!`${result.stdout}${result.stderr}`.includes('validating stack config'));
      assertRefused(await checkout.pulumi(['preview', '--stack', 'dev']), line);
      // The commands of the line mend it.
      const commands = (/; fix: (.*)$/mu.exec(result.stderr)?.[1] ?? '').split(', then ');
      for (const command of commands) {
        const words = command
          .replace(/ and so on$/u, '')
          .replaceAll("'", '')
          .split(' ');
        assert.equal((await checkout.pulumi(words.slice(4))).code, 0, command);
      }
      const after = await checkout.npmStart('preview');
      assert.doesNotMatch(
        `${after.stdout}${after.stderr}`,
        /: got (?:text|a map);|must be of type/,
      );
    });
  }

  it('wrong types are reported together', async () => {
    const wrong = typeMistakes.reduce((text, [from, to]) => text.replace(from, to), clean);
    writeFileSync(checkout.path('.local/stacks/Pulumi.dev.yaml'), wrong);
    const result = await checkout.npmStart();
    for (const [, , line] of typeMistakes) assertRefused(result, line);
  });

  for (const [name, make, line] of settingsMistakes) {
    it(`${name}: one line`, async () => {
      const ignored = checkout.read('.gitignore');
      try {
        await make();
        assertRefused(await checkout.npmStart(), line);
      } finally {
        writeFileSync(checkout.path('.gitignore'), ignored);
      }
    });
  }

  it('and others of the same run are reported together', async () => {
    await config('set', 'exchange', 'binance');
    await config('set', '--path', 'exchanges[4]', 'binanse');
    await secret('trading.binance_api_kye', canary);
    const result = await checkout.npmStart();
    for (const line of [/^exchange: /, /^exchanges\[4\]: /, /^trading\.binance_api_kye: /]) {
      assertRefused(result, line);
    }
    assert.match(result.stdout, /3 mistakes in the settings of stack dev; nothing was changed/);
  });

  it('is mended by the command that its line names', async () => {
    await secret('trading.binance_api_kye', canary);
    const { stdout } = await checkout.npmStart();
    const fix = /fix: npm run pulumi -- (config rm [^\n]*)/u.exec(stdout)?.[1] ?? '';
    const words = fix.split(' ').map((word) => word.replaceAll("'", ''));
    assert.equal((await checkout.pulumi(words)).code, 0);
    assert.ok(!settings().includes('binance_api_kye'));
  });

  const commandMistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'an unknown verb',
      ['start', '--', 'upp'],
      /^npm start: got "upp"; allowed: npm start -- \[up\|preview\|destroy\]/,
    ],
    [
      'an unknown flag',
      ['start', '--', '--stak', 'dev'],
      /^npm start: got unknown option.*; allowed: /,
    ],
    [
      'a stack without a file',
      ['start', '--', '--stack', 'nope'],
      /^stack nope: got no Pulumi\.nope\.yaml; allowed: .*; fix: cp Pulumi\.dev\.yaml/,
    ],
    [
      'a stack name that is a path',
      ['start', '--', '--stack', '../dev'],
      /^stack: got "\.\.\/dev"; allowed: small letters/,
    ],
    ['nothing to import', ['run', 'import'], /^import: got 0 paths; allowed: npm run import --/],
    [
      'an import that does not exist',
      ['run', 'import', '--', '/nowhere'],
      /^\/nowhere: got ENOENT; allowed: /,
    ],
  ];
  for (const [name, words, line] of commandMistakes) {
    it(`${name}: one line`, async () => assertRefused(await checkout.run('npm', words), line));
  }

  it('a stack that npm keeps to itself: refused, and no other stack is touched', async () => {
    const line =
      /^--stack: got kept by npm, because no -- stands before it; allowed: .*; fix: npm start -- destroy --stack staging$/;
    assertRefused(await checkout.run('npm', ['start', 'destroy', '--stack=staging']), line);
  });

  it('a value among the arguments: refused, and not said again', async () => {
    const words = ['config', 'set', '--secret', '--path', 'trading.binance_api_key', canary];
    assertRefused(
      await checkout.pulumi(words),
      /^config set trading\.binance_api_key: got a value among the arguments.*; fix: npm run pulumi/,
    );
    assertRefused(
      await checkout.pulumi(words.filter((word) => word !== '--secret')),
      /got a value among the arguments/,
    );
  });

  it('an import with a mistake sets nothing', async () => {
    const file = checkout.path('.env.secrets');
    writeFileSync(file, `BINANCE_API_KEY="${canary}"\nCOINBASE_SECRET_KEY="${canary}"\n`);
    const result = await checkout.run('npm', ['run', '-s', 'import', '--', file]);
    assertRefused(result, /^trading\.coinbase_secret_key: got another shape/);
    assert.ok(!settings().includes('binance_api_key'));
  });

  it('hints name plain pulumi under a Pulumi that the user runs', async () => {
    assert.equal((await checkout.npmStart()).code, 0);
    const { bin } = await findCli(false);
    const env = {
      PATH: `${bin}:${checkout.path('node_modules/.bin')}:${process.env.PATH}`,
      PULUMI_HOME: checkout.path('.local/pulumi'),
      PULUMI_BACKEND_URL: `file://${checkout.path('.local/state')}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: checkout.path('.local/passphrase'),
      PULUMI_OPTION_CONFIG_FILE: checkout.path('.local/stacks/Pulumi.dev.yaml'),
    };
    await config('set', 'exchange', 'binance');
    const { code, stdout } = await checkout.run('pulumi', ['preview', '--stack', 'dev'], { env });
    assert.notEqual(code, 0);
    assert.match(
      stdout,
      /exchange: got a setting .*; fix: pulumi config rm --path 'exchange' --stack dev$/m,
    );
    writeFileSync(checkout.path('.local/stacks/Pulumi.dev.yaml'), clean);
    assert.equal((await checkout.npmStart('destroy')).code, 0);
    rmSync(checkout.path('out'), { recursive: true });
  });

  it('a passphrase that is gone or another: one line that says how to go on', async () => {
    await secret('trading.binance_api_key', canary);
    assert.equal((await checkout.npmStart()).code, 0);
    const out = checkout.path('out');
    renameSync(out, `${out}-of-old`);
    const passphrase = checkout.path('.local/passphrase');
    renameSync(passphrase, `${passphrase}-of-old`);
    const gone =
      /^\.local\/passphrase: got no file, though \.local\/state is encrypted with it; allowed: .*; fix: restore it from your backup, or start anew, without the old values: rm -r \.local\/state \.local\/stacks$/;
    assertRefused(await checkout.npmStart(), gone);
    const another =
      /^\.local\/passphrase: got another passphrase than the one that encrypted stack dev; allowed: that one; fix: restore the file from your backup, or start anew, without the old values: rm -r \.local\/state \.local\/stacks$/;
    writeFileSync(passphrase, 'another', { mode: 0o600 });
    for (const result of [
      await checkout.npmStart(),
      await checkout.pulumi(['config', 'get', 'image', '--stack', 'dev']),
    ]) {
      assertRefused(result, another);
      assert.ok(!`${result.stdout}${result.stderr}`.includes('incorrect passphrase'));
    }
    // The state alone tells it too.
    const copy = checkout.path('.local/stacks/Pulumi.dev.yaml');
    const whole = checkout.read('.local/stacks/Pulumi.dev.yaml');
    writeFileSync(copy, whole.replace(/^encryptionsalt.*\n/mu, ''));
    assertRefused(await checkout.npmStart(), another);
    writeFileSync(copy, whole);
    // Both ways of the line lead on: the backup, and the start anew over what was delivered.
    renameSync(`${out}-of-old`, out);
    renameSync(`${passphrase}-of-old`, passphrase);
    const restored = await checkout.npmStart();
    assert.equal(restored.code, 0);
    assert.match(restored.stdout, /51 unchanged/);
    writeFileSync(passphrase, 'another', { mode: 0o600 });
    const words = ['-r', '.local/state', '.local/stacks'];
    assert.equal((await checkout.run('rm', words)).code, 0);
    const anew = await checkout.npmStart();
    assert.equal(anew.code, 0, anew.stderr);
    assert.ok(!checkout.read('out/dev/secrets/trading/binance_api_key').includes(canary));
    // Left without its state, a copy alone tells that the passphrase is gone.
    assert.equal((await checkout.run('rm', ['-r', '.local/state', '.local/passphrase'])).code, 0);
    const { code, stderr } = await checkout.npmStart();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /got no file, though \.local\/stacks\/Pulumi\.dev\.yaml is encrypted with it/,
    );
  });

  it('of random stack files: no value, no stack trace, and a line that says why', async () => {
    // Others, and a hundred of them: npm run soak -- settings-cli.
    const seed = 20_261_126;
    const settings = await SettingsByCommand.open(seed);
    try {
      const codes: number[] = [];
      for (const config of settings.sample(seed, 8)) {
        const { code, faults } = await settings.try(config);
        assert.deepEqual(faults, []);
        codes.push(code);
      }
      assert.ok(codes.includes(1), codes.join());
    } finally {
      settings.close();
    }
  });
});
