/**
 * `npm run doctor` on a dev checkout: the real engine, the real files, and a docker that says what a
 * test wants, because a real one may be there or not; then a real one, of which a shell plays the bot.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';
import { entryOf } from '../../components/catalog.ts';
import type { Diagnosis } from '../../operations/doctor/diagnosis.ts';
import { goTool } from '../../operations/engine/go.ts';
import { DockerEngine } from '../../rehearsal/docker-engine.ts';
import { lookAlike } from '../../rehearsal/look-alikes.ts';
import { dockerCompose } from '../../rehearsal/tools/tools.ts';
import { leaks } from '../canary.ts';
import { guideKeys } from '../guide-keys.ts';
import { Checkout, type Result } from './checkout.ts';

const trading = guideKeys.filter((key) => entryOf(key).group === 'trading');
const ofBot = trading.filter((key) => entryOf(key).field !== undefined);

describe('npm run doctor', () => {
  const checkout = new Checkout();
  const values = new Map(trading.map((key) => [key, lookAlike(entryOf(key).shape, key)]));
  const bin = join(checkout.temporary, 'bin');
  const said = join(checkout.temporary, 'report.json');
  after(() => checkout.remove());

  before(() => {
    mkdirSync(bin);
    const running = `{"State":"running","ExitCode":0,"Labels":""}`;
    const script = [
      '#!/bin/sh',
      `[ -e ${said} ] || exit 0`,
      'case "$*" in',
      `  *" ps "*) echo '${running}' ;;`,
      `  *" exec "*) cat ${said} ;;`,
      'esac',
    ];
    writeFileSync(join(bin, 'docker'), `${script.join('\n')}\n`, { mode: 0o755 });
  });

  async function doctor(...flags: readonly string[]): Promise<Result> {
    const env = { PATH: [bin, process.env.PATH].join(delimiter) };
    return await checkout.run('npm', ['run', '-s', 'doctor', '--', ...flags], { env });
  }

  async function diagnosis(): Promise<Diagnosis & { readonly code: number }> {
    const { code, stdout } = await doctor('--json');
    return { ...(JSON.parse(stdout) as Diagnosis), code };
  }

  async function problems(): Promise<readonly string[]> {
    const found = (await diagnosis()).problems;
    return found
      .map(({ what, got, fix }) => `${what}: got ${got}; fix: ${fix}`)
      .filter((line) => !/got a placeholder|^bot:/u.test(line));
  }

  function say(read: readonly string[]): void {
    const byExchange = { binance: read };
    const report = { hummingbot: 'dev-2.18.0', materialised: byExchange, read: byExchange };
    writeFileSync(said, JSON.stringify({ ...report, trading: null, at: '2026-11-26T12:00:00Z' }));
  }

  it('says of a stack that is not up how it comes up', async () => {
    const { code, stdout } = await doctor();
    assert.equal(code, 1);
    assert.match(stdout, /stack dev: got not up; .*; fix: npm start -- --stack dev$/m);
    assert.match(stdout, /^trading\.binance_api_key +placeholder +no +no +\? +\?$/m);
  });

  it('names each placeholder of a fresh stack, with the command that sets a value', async () => {
    assert.equal((await checkout.npmStart()).code, 0);
    const { code, stdout } = await doctor();
    assert.equal(code, 1);
    for (const key of trading) {
      assert.match(stdout, new RegExp(`^trading\\.${key} +placeholder +yes +yes`, 'm'));
    }
    for (const key of ofBot) {
      const set = `config set --secret --path 'trading\\.${key}' --stack dev`;
      assert.match(
        stdout,
        new RegExp(`^  trading\\.${key}: got a placeholder; .*; fix: .*${set}`, 'm'),
      );
    }
    assert.match(stdout, /^ {2}trading: got a placeholder of coinbase_passphrase,/m);
    assert.match(
      stdout,
      /^ {2}bot: got no container; .*; fix: cd out\/dev && docker compose up -d$/m,
    );
    assert.match(stdout.trimEnd(), /\n10 problems, 3 warnings$/);
  });

  it('prints one JSON document, and changes nothing', async () => {
    const before = checkout.files('out/dev');
    const { stack, healthy, keys, bot, summary, code } = await diagnosis();
    assert.deepEqual([stack, healthy, code], ['dev', false, 1]);
    assert.equal(keys.length, guideKeys.length);
    assert.deepEqual(keys[0], {
      key: 'trading.binance_api_key',
      set: 'placeholder',
      delivered: { compose: 'yes', 'env-file': 'yes' },
      materialised: null,
      read: null,
    });
    assert.deepEqual(bot, { asked: false, hummingbot: null, trading: null, at: null });
    assert.equal(summary, '10 problems, 3 warnings');
    assert.deepEqual(checkout.files('out/dev'), before);
    assert.equal(checkout.gitStatus(), '');
  });

  it('finds a wrong mode and a deleted file, which npm start mends', async () => {
    chmodSync(checkout.path('out/dev/secrets/trading/kraken_api_key'), 0o644);
    rmSync(checkout.path('out/dev/secrets/trading/binance_api_key'));
    assert.deepEqual(await problems(), [
      'out/dev/secrets/trading/binance_api_key: got no such file; fix: npm start -- --stack dev',
      'out/dev/secrets/trading/kraken_api_key: got mode 0644; fix: npm start -- --stack dev',
    ]);
    assert.equal((await checkout.npmStart()).code, 0);
    assert.deepEqual(await problems(), []);
  });

  it('finds values that were set and not delivered', async () => {
    await checkout.import(values);
    const found = await problems();
    assert.equal(found.length, trading.length + 1);
    assert.equal(
      found.at(-1),
      `out/dev/.env.secrets: got an older value of ${trading.join(', ')}; fix: npm start -- --stack dev`,
    );
    assert.equal((await checkout.npmStart()).code, 0);
    assert.deepEqual(await problems(), []);
  });

  it('is content with a bot that reads all of them', async () => {
    say(ofBot);
    const { code, stdout } = await doctor();
    assert.equal(
      stdout.trimEnd().split('\n').at(-1),
      'The bot reads all 9 keys. It is not trading: no strategy is set (setting strategy). 2 warnings.',
    );
    assert.equal(code, 0);
    assert.match(stdout, /^trading\.kraken_secret_key +own value +yes +yes +yes +yes$/m);
    assert.match(stdout, /^trading\.coinbase_passphrase +own value +yes +yes +- +-$/m);
  });

  it('is not with one that reads fewer', async () => {
    say(ofBot.filter((key) => key !== 'kraken_api_key'));
    const { code, problems: found } = await diagnosis();
    assert.equal(code, 1);
    assert.deepEqual(
      found.map(({ got, fix }) => [got, fix]),
      [['kraken_api_key not materialised', 'cd out/dev && docker compose up -d --force-recreate']],
    );
    say(ofBot);
  });

  it('finds a misnamed key and a malformed one, and what is usually another', async () => {
    await checkout.setSecret('trading.binance_api_kye', values.get('binance_api_key') ?? '');
    await checkout.setSecret('trading.kraken_secret_key', ` ${values.get('kraken_secret_key')}`);
    await checkout.setSecret('trading.kucoin_api_key', values.get('kraken_api_key') ?? '');
    const { code, stdout } = await doctor();
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^ {2}trading\.binance_api_kye: got an unknown key; allowed: binance_api_key; fix: npm run pulumi -- config rm --path 'trading\.binance_api_kye' --stack dev$/m,
    );
    assert.match(
      stdout,
      /^ {2}trading\.kraken_secret_key: got blanks at the start or the end; allowed: base64/m,
    );
    assert.match(stdout, /^trading\.kraken_secret_key +malformed +older value +older value/m);
    assert.match(
      stdout,
      /^ {2}trading\.kucoin_api_key: got another form than the usual one \(56 characters\); allowed: usually 24 digits/m,
    );
    assert.match(
      stdout,
      /^ {2}trading\.kucoin_api_key: got the same value as trading\.kraken_api_key/m,
    );
  });

  it('refuses other words in one line, and has a --help', async () => {
    const { code, stderr } = await doctor('--nope');
    assert.equal(code, 1);
    assert.equal(
      stderr,
      'doctor: got an unknown option or word; allowed: npm run doctor -- [--stack NAME] [--json]\n',
    );
    assert.match(
      (await doctor('--help')).stdout,
      /^npm run doctor -- \[--stack NAME\] \[--json\]\n/,
    );
  });

  it('has printed no value in all of this', () => {
    const delivered = checkout.read('out/dev/.env.secrets');
    assert.ok(leaks(delivered, values).length >= values.size, 'the control');
    const generated = guideKeys
      .filter((key) => entryOf(key).source === 'generated')
      .map((key): [string, string] => [
        key,
        checkout.read(`out/dev/secrets/${entryOf(key).directory}/${key}`),
      ]);
    const all = new Map([...values, ...generated]);
    assert.deepEqual(leaks(checkout.printed.join('\n'), all), []);
  });
});

describe('npm run doctor, at a real Docker Engine', () => {
  const checkout = new Checkout();
  const config = join(checkout.temporary, 'docker');
  let engine: DockerEngine;

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    mkdirSync(join(config, 'cli-plugins'), { recursive: true });
    symlinkSync(await goTool(dockerCompose), join(config, 'cli-plugins', 'docker-compose'));
    engine = await DockerEngine.start();
    engine.importImage(parse(readFileSync('Pulumi.yaml', 'utf8')).config.image.default);
    await checkout.import(new Map(trading.map((key) => [key, lookAlike(entryOf(key).shape, key)])));
    assert.equal((await checkout.npmStart()).code, 0);
  });
  after(async () => {
    await engine?.stop();
    checkout.remove();
  });

  /** The bot is what a script in the user's own Compose file says. */
  async function start(...script: readonly string[]): Promise<void> {
    const service = { entrypoint: ['/bin/sh', '-c', script.join('\n')], restart: 'no' };
    const override = JSON.stringify({ services: { hummingbot: service } });
    writeFileSync(checkout.path('out/dev/compose.override.yaml'), override);
    await up();
  }

  async function up(): Promise<void> {
    const words = ['-c', 'cd out/dev && docker compose up -d --timeout 1'];
    const { code, stderr } = await checkout.run('sh', words, { env: environment() });
    assert.equal(code, 0, stderr);
  }

  const environment = (): NodeJS.ProcessEnv => ({ ...engine.environment, DOCKER_CONFIG: config });

  async function doctor(): Promise<Result> {
    return await checkout.run('npm', ['run', '-s', 'doctor'], { env: environment() });
  }

  const report = JSON.stringify({
    hummingbot: 'dev-2.18.0',
    materialised: { all: ofBot },
    read: { all: ofBot },
    trading: 'pmm.yml',
    at: '2026-11-26T12:00:00Z',
  });
  const write = [
    '/bin/busybox mkdir -p /run/hummingbot',
    `echo '${report}' > /run/hummingbot/report.json`,
    'exec sleep 3600',
  ];

  it('says that there is no container, and the command that starts one', async () => {
    const { code, stdout } = await doctor();
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^ {2}bot: got no container; .*; fix: cd out\/dev && docker compose up -d$/m,
    );
  });

  it('repeats the word with which a container has ended', async () => {
    const word = 'kraken_secret_key: got a short one; allowed: base64; fix: set it';
    await start(`echo '${word}' >&2`, 'exit 65');
    const { code, stdout } = await doctor();
    assert.equal(code, 1);
    assert.ok(stdout.includes(`  ${word}\n`), stdout);
    assert.match(stdout, /^ {2}bot: got a container that is exited, exit code 65;/m);
  });

  it('says of one that runs that it has read nothing yet', async () => {
    await start('exec sleep 3600');
    assert.match((await doctor()).stdout, /got a container that runs and has no \/run\/hummingbot/);
  });

  it('reads what the bot has read', async () => {
    await start(...write);
    const { code, stdout } = await doctor();
    const last = stdout.trimEnd().split('\n').at(-1);
    assert.equal(last, 'The bot reads all 9 keys. It is trading pmm.yml. 2 warnings.', stdout);
    assert.equal(code, 0);
  });

  it('knows a container from before the last change, until it is started anew', async () => {
    await checkout.setSecret('trading.binance_api_key', lookAlike('line', 'binance_api_key'));
    assert.equal((await checkout.npmStart()).code, 0);
    assert.match((await doctor()).stdout, /got a container from before the last change of trading/);
    await up();
    assert.equal((await doctor()).code, 0);
  });
});
