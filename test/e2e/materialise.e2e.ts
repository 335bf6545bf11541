/** Wrong, missing, stray and malformed input at the real bot: it does not start, and one line says why. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { programFiles } from '../../components/consumers/container.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { leaks, makeCanary } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { BotContainer, type Given, type Place, readKeys } from './bot-container.ts';
import { type Right, wrongInputs } from './wrong-inputs.ts';

const all = canaryValues();
const values = new Map(readKeys.map((key) => [key, all.get(key) ?? '']));
describe('the bot with input that is wrong', () => {
  let bot: BotContainer;

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    bot = await BotContainer.start(values);
  });
  after(async () => await bot?.stop());

  const right = (): Right => ({
    'bot.json': programFiles([...values.keys()])['bot.json'] ?? '',
    pem: values.get('coinbase_secret_key') ?? '',
  });

  /** Nothing that a bot could start with, and nothing half-written that it would read. */
  function nothingToStartWith({ conf, run }: Place): void {
    const left = [
      ...['ready', 'password', 'report.json'].map((name) => join(run, name)),
      join(conf, '.password_verification'),
    ].filter((path) => existsSync(path));
    assert.deepEqual(left, []);
    const connectors = join(conf, 'connectors');
    const seen = existsSync(connectors) ? readdirSync(connectors) : [];
    assert.deepEqual(
      seen.filter((name) => !/^[._]/u.test(name)),
      [],
    );
  }

  for (const [name, given, code, line] of wrongInputs) {
    it(`${name}: one line, and nothing to start with`, async () => {
      const outcome = await bot.run('both', given(right()));
      assert.equal(outcome.code, code, outcome.stderr);
      assert.match(outcome.stderr.trimEnd(), line);
      assert.equal(outcome.stderr.trimEnd().split('\n').length, 1, outcome.stderr);
      assert.equal(outcome.stdout, '');
      assert.deepEqual(leaks(outcome.stderr, values), []);
      nothingToStartWith(bot.place);
    });
  }

  it('has a right one to compare with: the names of its connectors and nothing else', async () => {
    const { code, stdout, stderr } = await bot.run('materialise');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'binance\ncoinbase_advanced_trade\nkraken\nkucoin\n');
    assert.equal(stderr, '');
    assert.deepEqual(readdirSync(join(bot.place.conf, 'connectors')).toSorted(), [
      'binance.yml',
      'coinbase_advanced_trade.yml',
      'kraken.yml',
      'kucoin.yml',
    ]);
  });

  const idle =
    /^logged in: 9 keys of binance, coinbase, kraken, kucoin\nnot trading: no strategy is set; /mu;

  async function starts(given: Given): Promise<string> {
    const { code, stdout, stderr } = await bot.run('launch', { kept: true, ...given }, idle);
    assert.equal(code, 0, stderr);
    assert.match(stdout, idle);
    assert.deepEqual(leaks(stdout + stderr, values), []);
    return stdout;
  }

  it('starts with what was materialised, and hears SIGTERM', async () => {
    const told = await starts({});
    assert.doesNotMatch(told, /made anew/u);
    assert.equal(existsSync(join(bot.place.run, 'ready')), false);
  });

  it('makes anew what is of another password, half written, or of other values', async () => {
    const spoils: readonly (readonly [string, Given])[] = [
      ['password', { spoil: ({ run }) => overwrite(join(run, 'password'), 'another password') }],
      ['word', { spoil: ({ conf }) => overwrite(join(conf, '.password_verification'), '7b22') }],
      [
        'half',
        { spoil: ({ conf }) => overwrite(join(conf, 'connectors/kraken.yml'), 'connector: kra') },
      ],
      [
        'stray',
        { spoil: ({ conf }) => overwrite(join(conf, 'connectors/okx.txt'), 'connector: okx') },
      ],
      ['values', { files: { binance_api_key: 'another value' } }],
    ];
    for (const [name, given] of spoils) {
      const told = await starts(given);
      assert.match(told, /^conf\/connectors are not what was delivered: made anew$/mu, name);
    }
  });

  it('stops by itself for keys that somebody else has changed, and for none that it could not take', async () => {
    const keys = [...values.keys()];
    const key = 'binance_api_key';
    const changed = makeCanary('changed');
    const program = programFiles(keys, undefined, keys);
    await bot.run('materialise');
    const running = bot.run('launch', { kept: true, program });
    const { run, secrets } = bot.place;
    assert.ok(await eventually(60, async () => existsSync(join(run, 'ready'))));
    overwrite(join(secrets, key), `${changed}\n\n`);
    const said = async (): Promise<unknown> =>
      JSON.parse(readFileSync(join(run, 'report.json'), 'utf8')).outside;
    assert.ok(await eventually(30, async () => (await said()) !== undefined));
    assert.ok(existsSync(join(run, 'ready')), 'the bot goes on');
    overwrite(join(secrets, key), changed);
    const { code, stdout, stderr } = await running;
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    assert.match(
      stdout,
      /^binance_api_key: got several lines.* the bot goes on with what it has\noutside: binance_api_key changed; the bot stops, [^\n]*\n$/mu,
    );
    assert.equal(existsSync(join(run, 'ready')), false);
    assert.deepEqual(leaks(stdout, new Map([...values, ['changed', changed]])), []);
    const told = await starts({ program, files: { [key]: changed } });
    assert.match(told, /^conf\/connectors are not what was delivered: made anew$/mu);
  });

  it('takes away what the bot would stumble over, and nothing else of conf', async () => {
    const { conf } = bot.place;
    const { code } = await bot.run('materialise', {
      kept: true,
      spoil: () => {
        const connectors = join(conf, 'connectors');
        writeFileSync(join(connectors, 'okx.yml'), 'connector: okx\n');
        writeFileSync(join(connectors, 'notes'), 'x');
        writeFileSync(join(connectors, '_kept.yml'), 'x');
        symlinkSync('/etc/passwd', join(connectors, 'link.yml'));
        mkdirSync(join(connectors, 'folder'));
        writeFileSync(join(conf, 'conf_client.yml'), 'mine\n');
        writeFileSync(join(conf, 'strategies', 'mine.yml'), 'mine\n');
      },
    });
    assert.equal(code, 0);
    assert.deepEqual(readdirSync(join(conf, 'connectors')).toSorted(), [
      '_kept.yml',
      'binance.yml',
      'coinbase_advanced_trade.yml',
      'folder',
      'kraken.yml',
      'kucoin.yml',
    ]);
    assert.equal(readFileSync(join(conf, 'conf_client.yml'), 'utf8'), 'mine\n');
    assert.equal(readFileSync(join(conf, 'strategies', 'mine.yml'), 'utf8'), 'mine\n');
  });

  it('lets one run at a time write', async () => {
    const [first, second] = await Promise.all([
      bot.run('materialise', { kept: true }),
      bot.run('materialise', { kept: true }),
    ]);
    const codes = [first.code, second.code].toSorted();
    assert.deepEqual(codes, [0, 75]);
    const refused = first.code === 75 ? first : second;
    assert.match(refused.stderr, /^\/home\/hummingbot\/conf: got another bot that uses it; .*\n$/u);
  });

  it('killed at eight moments of the writing, it starts right or not at all', async () => {
    for (let at = 0; at < 8; at += 1) {
      await bot.killed('materialise', 700 + at * 600);
      const { code, stdout, stderr } = await bot.run('launch', { kept: true }, idle);
      if (code === 0) assert.match(stdout, idle);
      else assert.match(stderr, /^\/run\/hummingbot\/password: got none; .*\n$/u);
      assert.deepEqual(leaks(stdout + stderr, values), []);
    }
    await bot.run('materialise', { kept: true });
    await starts({});
  });
});

function overwrite(path: string, content: string): void {
  writeFileSync(path, content);
}
