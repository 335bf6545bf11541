/** A real Docker Engine and Compose v2 run what was delivered, with the real bot. */
import assert from 'node:assert/strict';
import { readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  type ExchangeName,
  entryOf,
  exchangeNames,
  exchanges,
  type SecretKey,
} from '../../components/catalog.ts';
import { goTool } from '../../operations/engine/go.ts';
import { type Answer, DockerEngine } from '../../rehearsal/docker-engine.ts';
import { pythonOfBot } from '../../rehearsal/images/hummingbot.ts';
import { dockerCompose } from '../../rehearsal/tools/tools.ts';
import { leaks, makeCanary } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { again, fuzzSeed } from '../fuzz-seed.ts';
import { botFieldKeys, guideKeys } from '../guide-keys.ts';
import { randomValues } from '../random-values.ts';
import { carry } from '../values-fuzz.ts';
import { Checkout, type Result } from './checkout.ts';
import { ProcessWatch } from './process-watch.ts';
import { containerReader } from './values-in-container.ts';

const container = 'hummingbot-dev-hummingbot-1';
const botKeys = guideKeys.filter((key) => entryOf(key).consumers.includes('hummingbot'));
const keystore = readFileSync(join(import.meta.dirname, 'bot-keystore.py'), 'utf8');

const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at)).join('');
/** An env file carries a single quote, but not together with these: `refusesEnv` says so. */
const besideQuote = printable.replaceAll(/[$`"\\]/gu, '');

function configured(): Map<SecretKey, string> {
  const values = new Map(canaryValues());
  const longer = (key: SecretKey, more: string): unknown =>
    values.set(key, `${values.get(key)}${more}`);
  longer('kucoin_passphrase', printable.replace("'", ''));
  longer('kraken_api_key', besideQuote);
  longer('kucoin_secret_key', ' żółw 🐢');
  assert.match(values.get('coinbase_secret_key') ?? '', /\n.*\n.*\n/u);
  return values;
}

/** What test/e2e/bot-keystore.py says. */
interface Kept {
  readonly login: boolean;
  readonly fields: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly encrypted: Readonly<Record<string, readonly (string | null)[]>>;
}

describe('docker compose up, on a real engine', () => {
  const checkout = new Checkout();
  const values = configured();
  /** Passwords of all keystores that there were. */
  const passwords = new Map<string, string>();
  let engine: DockerEngine;
  let compose: string;

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    compose = await goTool(dockerCompose);
    engine = await DockerEngine.start();
    const { config } = parse(readFileSync('Pulumi.yaml', 'utf8'));
    await engine.loadBot(config.image.default);
    await checkout.import(values);
    assert.equal((await checkout.npmStart()).code, 0);
  });

  after(async () => {
    await engine?.stop();
    checkout.remove();
  });

  const bySecretFiles = ['-f', 'out/dev/compose.yaml'];
  const byEnvFile = ['--env-file', 'out/dev/.env.secrets', '-f', 'out/dev/compose.env.yaml'];

  async function run(files: readonly string[], ...words: readonly string[]): Promise<Result> {
    const all = ['--project-directory', 'out/dev', ...files, ...words];
    const result = await checkout.run(compose, all, { env: engine.environment });
    assert.equal(result.code, 0, result.stderr);
    return result;
  }

  /** Until the bot is healthy. */
  const up = async (files: readonly string[]): Promise<Result> =>
    await run(files, 'up', '-d', '--wait', '--wait-timeout', '180');

  const exec = (...words: readonly string[]): Answer => engine.docker('exec', container, ...words);
  const inside = (...words: readonly string[]): string => exec(...words).stdout;
  const id = (): string => engine.docker('ps', '-q', '--no-trunc').stdout.trim();
  const state = (what: string): string =>
    engine.docker('inspect', '--format', `{{.State.${what}}}`, container).stdout.trim();

  /** Sentences, not values, so that a failure shows none. */
  function differences(kept: Kept): readonly string[] {
    const found: string[] = [];
    const expect = (holds: boolean, what: string): void => void (holds || found.push(what));
    expect(kept.login, 'the bot refuses the password');
    const connectors = exchangeNames.map((name) => exchanges[name].connector).sort();
    expect(Object.keys(kept.fields).sort().join() === connectors.join(), 'other connectors');
    for (const key of botFieldKeys) {
      const { field = '', usedWith } = entryOf(key);
      const of = kept.fields[exchanges[usedWith as ExchangeName].connector];
      expect(of?.[field] === values.get(key), `${key} is another value`);
    }
    const count = Object.values(kept.fields).flatMap((of) => Object.keys(of)).length;
    expect(count === botFieldKeys.length, `${count} fields`);
    const known = new Set(['HummingBot', ...botFieldKeys.map((key) => values.get(key))]);
    for (const [file, texts] of Object.entries(kept.encrypted)) {
      expect(!texts.includes(null), `${file} holds what this password does not open`);
      const strange = texts.filter((text) => text !== null && !known.has(text));
      expect(strange.length === 0, `${file} holds what was not set`);
    }
    const all = Object.values(kept.encrypted).flat().length;
    expect(all === botFieldKeys.length + 1, `${all} encrypted texts`);
    return found;
  }

  function assertKept(): void {
    const { status, stdout } = exec(pythonOfBot, '-c', keystore);
    assert.equal(status, 0, 'the bot cannot be asked');
    const kept = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1)) as Kept;
    assert.deepEqual(differences(kept), []);
  }

  /** Keeps the password of this start of the bot. */
  function learnPassword(): void {
    const { status, stdout } = exec('cat', '/run/hummingbot/password');
    assert.ok(status === 0 && stdout.length > 20, 'no password');
    passwords.set(`password ${passwords.size + 1}`, stdout);
  }

  const everything = (): ReadonlyMap<string, string> => new Map([...values, ...passwords]);
  const text = (lines: Iterable<string>): string => [...lines].join('\n');

  /** Starts the bot and looks at all processes until it is healthy. */
  async function watchedUp(files: readonly string[]): Promise<ProcessWatch> {
    const watch = new ProcessWatch();
    await up(files);
    await watch.stop();
    learnPassword();
    const launcher = [...watch.arguments].filter((line) => line.includes('/launch.py'));
    assert.ok(launcher.length > 0, 'the control: the bot was seen');
    assert.deepEqual(leaks(text(watch.arguments), everything()), []);
    assert.deepEqual(leaks(text(watch.environments), passwords), []);
    return watch;
  }

  const said = (): string => {
    const { stdout, stderr } = engine.docker('logs', container);
    return `${stdout}\n${stderr}`;
  };

  /** What lies on the host of what the bot may write. */
  const written = (): ReadonlyMap<string, string> =>
    new Map(
      ['conf', 'data', 'logs'].flatMap((directory) =>
        [...checkout.files(`out/dev/${directory}`)].map(([path, { content }]) => [
          `${directory}/${path}`,
          content,
        ]),
      ),
    );

  function assertNothingWritten(): void {
    const files = written();
    assert.ok(files.has('conf/.password_verification'), 'the control: the bot has written');
    assert.deepEqual(leaks(text(files.values()), everything()), []);
    assert.ok(![...files.keys()].some((path) => /^conf\/connectors\/[^.]/u.test(path)));
  }

  async function stop(files: readonly string[]): Promise<void> {
    const begun = Date.now();
    await run(files, 'stop');
    assert.ok(Date.now() - begun < 10_000, `${Date.now() - begun} ms`);
    assert.equal(state('ExitCode'), '0');
  }

  /** Starts and ends of the strategy, in their order. */
  const book = (): readonly string[] =>
    checkout
      .read('out/dev/data/trades.log')
      .trim()
      .split('\n')
      .map((line) => /^\d+ (?:start|stop)(?= \w+$)/u.exec(line)?.[0].split(' ')[1] ?? line);

  it('runs on a file system that does not copy the image for each container', function () {
    const overlay = 0x794c7630;
    if (statfsSync(tmpdir()).type === overlay) this.skip();
    assert.match(engine.docker('info', '--format', '{{.Driver}}').stdout, /^overlay/u);
  });

  it('gives the bot its ten keys as files, named by *_FILE, and no other', async () => {
    const watch = await watchedUp(bySecretFiles);
    assertKept();
    assert.deepEqual(leaks(text(watch.environments), values), []);
    for (const key of botKeys) {
      const variable = `${key.toUpperCase()}_FILE`;
      assert.ok(inside('sh', '-c', `cat "$${variable}"`) === values.get(key), key);
    }
    assert.deepEqual(inside('ls', '/run/secrets').trim().split('\n').sort(), [...botKeys].sort());
  });

  it('runs as the owner of the files, who alone may read them, and may write its own', () => {
    const owner = `${process.getuid?.()}`;
    assert.equal(inside('id', '-u').trim(), owner);
    assert.equal(
      inside('stat', '-c', '%a %u', '/run/secrets/binance_api_key').trim(),
      `400 ${owner}`,
    );
    for (const directory of ['conf', 'data', 'logs']) {
      inside('touch', `${directory}/written`);
      assert.ok(checkout.files(`out/dev/${directory}`).has('written'), directory);
    }
  });

  it('shows no value and no password: not in its log, not in its settings, not on the host', () => {
    assert.match(said(), /^logged in: 9 keys of binance, coinbase, kraken, kucoin$/mu);
    assert.match(said(), /^not trading: /mu);
    assert.deepEqual(leaks(said(), everything()), []);
    assert.deepEqual(leaks(engine.docker('inspect', container).stdout, everything()), []);
    assertNothingWritten();
    const delivered = text([...checkout.files('out/dev/secrets').values()].map((f) => f.content));
    assert.ok(leaks(Buffer.from(delivered, 'latin1'), values).length >= values.size, 'the control');
  });

  it('is not touched by a new value that it does not use', async () => {
    const before = id();
    await checkout.setSecret('monitoring.grafana_api_key', makeCanary('grafana'));
    assert.equal((await checkout.npmStart()).code, 0);
    await up(bySecretFiles);
    assert.equal(id(), before);
  });

  it('is recreated once by a new key, reads it instead of the old, and still has its data', async () => {
    const before = id();
    const value = makeCanary('rotated');
    await checkout.setSecret('trading.binance_api_key', value);
    values.set('binance_api_key', value);
    assert.equal((await checkout.npmStart()).code, 0);
    await up(bySecretFiles);
    assert.notEqual(id(), before);
    assert.equal(id().split('\n').length, 1);
    assertKept();
    assert.ok(inside('ls', 'data').includes('written'));
    const after = id();
    await up(bySecretFiles);
    assert.equal(id(), after);
  });

  it('hears that it is to stop, also when it does not trade', async () => {
    await stop(bySecretFiles);
  });

  it('trades as soon as there is a strategy, and says so', async () => {
    for (const [field, name] of [
      ['config', 'book.yml'],
      ['script', 'book.py'],
    ]) {
      const path = `test/e2e/strategies/${name}`;
      const words = ['config', 'set', '--stack', 'dev', '--path', `strategy.${field}`, path];
      assert.equal((await checkout.pulumi(words)).code, 0);
    }
    assert.equal((await checkout.npmStart()).code, 0);
    await watchedUp(bySecretFiles);
    assert.deepEqual(book(), ['start']);
    assert.match(said(), /^trading: book\.yml$/mu);
    const report = JSON.parse(inside('cat', '/run/hummingbot/report.json'));
    assert.equal(report.trading, 'book.yml');
    assert.deepEqual(report.read, report.materialised);
    assert.deepEqual(Object.values(report.read).flat(), botFieldKeys);
  });

  it('is found by hbot status while it trades', () => {
    const words = [pythonOfBot, '-m', 'hummingbot.cli.main', 'status', '--json'];
    const { status, stdout } = exec(...words);
    assert.equal(status, 0, stdout);
    const { running, config, strategy } = JSON.parse(stdout);
    assert.deepEqual(
      { running, config, strategy },
      { running: true, config: 'book.yml', strategy: 'book' },
    );
  });

  it('stops and starts its strategy at docker compose restart, with files made anew', async () => {
    const before = [id(), state('StartedAt')];
    await run(bySecretFiles, 'restart');
    await up(bySecretFiles);
    assert.equal(id(), before[0]);
    assert.notEqual(state('StartedAt'), before[1]);
    learnPassword();
    assert.equal(new Set(passwords.values()).size, passwords.size, 'a password of its own');
    assert.deepEqual(book(), ['start', 'stop', 'start']);
  });

  it('is replaced, and never doubled, by the env file', async () => {
    const watch = await watchedUp(byEnvFile);
    assertKept();
    assert.equal(id().split('\n').length, 1);
    assert.deepEqual(book(), ['start', 'stop', 'start', 'stop', 'start']);
    assert.ok(
      inside('sh', '-c', 'printf %s "$COINBASE_SECRET_KEY"') === values.get('coinbase_secret_key'),
    );
    assert.equal(inside('sh', '-c', 'printf %s "$POSTGRES_PASSWORD"'), '');
    // As this target is meant, and the control of the same search above.
    const exposed = leaks(text(watch.environments), values);
    assert.ok(exposed.length > 0);
    assert.deepEqual(leaks(said(), everything()), []);
    assert.deepEqual(leaks(engine.docker('inspect', container).stdout, passwords), []);
    assertNothingWritten();
  });

  it('stops its strategy before it ends', async () => {
    await stop(byEnvFile);
    assert.match(said(), /Stop requested/u, "the bot's own log, to its end");
    assert.deepEqual(book(), ['start', 'stop', 'start', 'stop', 'start', 'stop']);
  });

  for (const target of ['compose', 'env-file'] as const) {
    it(`random values through ${target} are the same in a container, or refused`, async () => {
      const seed = fuzzSeed();
      const { config } = parse(readFileSync('Pulumi.yaml', 'utf8'));
      const given = { compose, image: config.image.default };
      const container = containerReader(target, engine, given);
      const tried = randomValues(seed, 200);
      const { equal, refused, unlike } = await carry(target, tried, { container });
      assert.deepEqual([...unlike], [], again(seed));
      assert.ok(equal > 50 && refused.size > 3, again(seed));
      const careless = containerReader(target, engine, { ...given, image: 'none:1' });
      const none = await carry(target, randomValues(seed, 5), { careless });
      assert.equal(none.equal, 0, 'the control: what is not read is not equal');
    });
  }

  it('by secret files alone, reads every printable character in one value', async () => {
    const words = ['config', 'rm', '--path', 'targets[1]', '--stack', 'dev'];
    assert.equal((await checkout.pulumi(words)).code, 0);
    values.set('kucoin_passphrase', `a${printable}z`);
    await checkout.setSecret('trading.kucoin_passphrase', `a${printable}z`);
    const { code, stderr } = await checkout.npmStart();
    assert.equal(code, 0, stderr);
    await watchedUp(bySecretFiles);
    assertKept();
    await stop(bySecretFiles);
  });

  it('what the bot wrote outlives destroy, and nothing else does', async () => {
    engine.docker('rm', '--force', container);
    const kept = [...written().keys()].filter((path) => !path.endsWith('.keep'));
    for (const name of ['conf/written', 'data/written', 'logs/written', 'data/trades.log']) {
      assert.ok(kept.includes(name), name);
    }
    assert.equal((await checkout.npmStart('destroy')).code, 0);
    const left = [...checkout.files('out').keys()].sort();
    assert.deepEqual(left, kept.map((path) => `dev/${path}`).sort());
  });
});
