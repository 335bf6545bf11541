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
import { leaks } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { BotContainer, type Given, type Place, readKeys } from './bot-container.ts';

const all = canaryValues();
const values = new Map(readKeys.map((key) => [key, all.get(key) ?? '']));
const pem = values.get('coinbase_secret_key') ?? '';
const settings = (change: (text: string) => string): Given => ({
  program: { 'bot.json': change(rightSettings) },
});
let rightSettings = '';

const file = (content: string | Buffer | undefined): Given => ({
  files: { binance_api_key: content },
});

/** Name, what is given, exit code, the line. */
type Case = readonly [string, () => Given, number, RegExp];

const cases: readonly Case[] = [
  [
    'no variable at all',
    () => ({ environment: { BINANCE_API_KEY_FILE: undefined } }),
    65,
    /^binance_api_key: got neither BINANCE_API_KEY_FILE nor BINANCE_API_KEY; /,
  ],
  [
    'a missing file',
    () => file(undefined),
    65,
    /^binance_api_key: got one that cannot be read \(No such file or directory\) in the file of BINANCE_API_KEY_FILE; /,
  ],
  [
    'a directory for a file',
    () => ({ environment: { BINANCE_API_KEY_FILE: '/etc' } }),
    65,
    /one that cannot be read \(Is a directory\)/,
  ],
  [
    'a file that only root may read',
    () => ({ environment: { BINANCE_API_KEY_FILE: '/etc/shadow' } }),
    65,
    /one that cannot be read \(Permission denied\)/,
  ],
  ['an empty file', () => file(''), 65, /^binance_api_key: got an empty value in /],
  ['a line feed alone', () => file('\n'), 65, /got an empty value/],
  [
    'two line feeds at the end',
    () => file('x\n\n'),
    65,
    /got several lines, or a second line feed at the end/,
  ],
  ['CRLF', () => file('x\r\n'), 65, /got a carriage return/],
  ['a NUL byte', () => file('a\0b'), 65, /got a control character/],
  [
    'bytes that are not UTF-8',
    () => file(Buffer.from([0x61, 0xff, 0xfe])),
    65,
    /got bytes that are not UTF-8/,
  ],
  ['a blank at the start', () => file(' x'), 65, /got blanks at the start or the end/],
  ['a tab at the end', () => file('x\t'), 65, /got blanks at the start or the end/],
  ['several lines', () => file('a\nb'), 65, /got several lines/],
  ['a value of 5,000 bytes', () => file('x'.repeat(5000)), 65, /got more than 4096 bytes/],
  [
    'a PEM without its end',
    () => ({ files: { coinbase_secret_key: pem.split('\n').slice(0, -1).join('\n') } }),
    65,
    /^coinbase_secret_key: got another shape \(\d+ characters\) in the file of COINBASE_SECRET_KEY_FILE; allowed: a PEM private key/,
  ],
  [
    'a PEM on one line',
    () => ({ files: { coinbase_secret_key: pem.replaceAll('\n', '\\n') } }),
    65,
    /got a backslash and an n in place of line feeds/,
  ],
  [
    'a PEM with blanks for line feeds',
    () => ({ files: { coinbase_secret_key: pem.replaceAll('\n', ' ') } }),
    65,
    /got another shape/,
  ],
  [
    'a secret of Kraken that is no base64',
    () => ({ files: { kraken_secret_key: 'not base64!' } }),
    65,
    /^kraken_secret_key: got another shape \(11 characters\)/,
  ],
  [
    'an empty variable',
    () => ({ environment: { BINANCE_API_KEY_FILE: undefined, BINANCE_API_KEY: '' } }),
    65,
    /got an empty value in BINANCE_API_KEY;/,
  ],
  [
    'a wrong file beside a right variable',
    () => ({ files: { binance_api_key: '' }, environment: { BINANCE_API_KEY: 'right' } }),
    65,
    /got an empty value in the file of/,
  ],
  [
    'three mistakes',
    () => ({ files: { binance_api_key: '', kraken_api_key: '', kucoin_passphrase: '' } }),
    65,
    /^binance_api_key: .* \(and 2 more\)$/,
  ],
  [
    'no bot.json',
    () => ({ program: { 'bot.json': undefined } }),
    65,
    /^\/etc\/hummingbot\/bot\.json: got FileNotFoundError; .*fix: npm start$/,
  ],
  [
    'half a bot.json',
    () => settings((text) => text.slice(0, 99)),
    65,
    /bot\.json: got JSONDecodeError/,
  ],
  [
    'a connector that the bot does not know',
    () => settings((text) => text.replace('"connector": "kraken"', '"connector": "krakem"')),
    65,
    /^krakem: got no such connector in Hummingbot dev-2\.18\.0; .*leave kraken out of exchanges/,
  ],
  [
    'a field that the bot does not know',
    () => settings((text) => text.replaceAll('"binance_api_secret"', '"binance_secret"')),
    65,
    /^binance: got other fields in Hummingbot dev-2\.18\.0 \(binance_api_secret, binance_secret\)/,
  ],
  [
    'a conf that is read-only',
    () => ({ flags: ['--tmpfs', '/home/hummingbot/conf:ro'] }),
    73,
    /^\/home\/hummingbot\/conf\S*: got (?:Read-only file system|Permission denied); /,
  ],
  [
    'a disk without room',
    () => ({ flags: ['--tmpfs', '/home/hummingbot/conf:size=8k,uid=1000,gid=1000,mode=0700'] }),
    73,
    /got No space left on device; allowed: a directory that can be written, with room/,
  ],
  [
    'a /run/hummingbot that is read-only',
    () => ({ flags: ['--tmpfs', '/run/hummingbot:ro'] }),
    73,
    /^\/run\/hummingbot\S*: got (?:Read-only file system|Permission denied)/,
  ],
  [
    'a Hummingbot before 2.16',
    () => ({ flags: ['--tmpfs', '/home/hummingbot/hummingbot/cli'] }),
    65,
    /^image: got Hummingbot dev-2\.18\.0; allowed: 2\.16\.0 or newer; /,
  ],
  [
    'an image without Hummingbot',
    () => ({ flags: ['--tmpfs', '/home/hummingbot/.venv'] }),
    65,
    /^image: got none of Hummingbot 2\.16\.0 or newer; allowed: hummingbot\/hummingbot; fix: the setting image$/,
  ],
];

describe('the bot with input that is wrong', function () {
  this.timeout(120_000);
  let bot: BotContainer;

  before(async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    bot = await BotContainer.start(values);
    const { programFiles } = await import('../../components/consumers/container.ts');
    rightSettings = programFiles([...values.keys()], undefined)['bot.json'] ?? '';
  });
  after(async () => await bot?.stop());

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

  for (const [name, given, code, line] of cases) {
    it(`${name}: one line, and nothing to start with`, async () => {
      const outcome = await bot.run('both', given());
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
