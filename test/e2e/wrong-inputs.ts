/**
 * Wrong, missing, stray and malformed input for the bot, as a table: what is changed of a container
 * that would be right, and the line that says so. Docker and Kubernetes both run all of it.
 */

/** What a case changes of a container that would be right. */
export interface WrongInput {
  /** Content of each key's file; undefined: there is no file. */
  readonly files?: Readonly<Record<string, string | Buffer | undefined>>;
  /** More variables; undefined takes one away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Files of the program directory instead of the right ones; undefined takes one away. */
  readonly program?: Readonly<Record<string, string | undefined>>;
  /** A file system in memory over a path of the container. */
  readonly memory?: {
    readonly path: string;
    readonly readOnly?: boolean;
    /** KiB; as much as is there when absent. */
    readonly size?: number;
  };
}

/** What the right container has. */
export interface Right {
  readonly 'bot.json': string;
  readonly pem: string;
}

/** Name, what is given, exit code of the program (sysexits.h), its one line. */
export type WrongInputCase = readonly [string, (right: Right) => WrongInput, 65 | 73, RegExp];

const settings =
  (change: (text: string) => string) =>
  (right: Right): WrongInput => ({
    program: { 'bot.json': change(right['bot.json']) },
  });

const file = (content: string | Buffer | undefined): WrongInput => ({
  files: { binance_api_key: content },
});

export const wrongInputs: readonly WrongInputCase[] = [
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
  [
    'a byte order mark at the start',
    () => file('\ufeffx'),
    65,
    /got blanks at the start or the end/,
  ],
  ['several lines', () => file('a\nb'), 65, /got several lines/],
  ['a value of 5,000 bytes', () => file('x'.repeat(5000)), 65, /got more than 4096 bytes/],
  [
    'a PEM without its end',
    ({ pem }) => ({ files: { coinbase_secret_key: pem.split('\n').slice(0, -1).join('\n') } }),
    65,
    /^coinbase_secret_key: got another shape \(\d+ characters\) in the file of COINBASE_SECRET_KEY_FILE; allowed: a PEM private key/,
  ],
  [
    'a PEM on one line',
    ({ pem }) => ({ files: { coinbase_secret_key: pem.replaceAll('\n', '\\n') } }),
    65,
    /got a backslash and an n in place of line feeds/,
  ],
  [
    'a PEM with blanks for line feeds',
    ({ pem }) => ({ files: { coinbase_secret_key: pem.replaceAll('\n', ' ') } }),
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
  ['half a bot.json', settings((text) => text.slice(0, 99)), 65, /bot\.json: got JSONDecodeError/],
  [
    'a connector that the bot does not know',
    settings((text) => text.replace('"connector": "kraken"', '"connector": "krakem"')),
    65,
    /^krakem: got no such connector in Hummingbot dev-2\.18\.0; .*leave kraken out of exchanges/,
  ],
  [
    'a field that the bot does not know',
    settings((text) => text.replaceAll('"binance_api_secret"', '"binance_secret"')),
    65,
    /^binance: got other fields in Hummingbot dev-2\.18\.0 \(binance_api_secret, binance_secret\)/,
  ],
  [
    'a conf that is read-only',
    () => ({ memory: { path: '/home/hummingbot/conf', readOnly: true } }),
    73,
    /^\/home\/hummingbot\/conf\S*: got (?:Read-only file system|Permission denied); /,
  ],
  [
    'a disk without room',
    () => ({ memory: { path: '/home/hummingbot/conf', size: 8 } }),
    73,
    /got No space left on device; allowed: a directory that can be written, with room/,
  ],
  [
    'a /run/hummingbot that is read-only',
    () => ({ memory: { path: '/run/hummingbot', readOnly: true } }),
    73,
    /^\/run\/hummingbot\S*: got (?:Read-only file system|Permission denied)/,
  ],
  [
    'a Hummingbot before 2.16',
    () => ({ memory: { path: '/home/hummingbot/hummingbot/cli' } }),
    65,
    /^image: got Hummingbot dev-2\.18\.0; allowed: 2\.16\.0 or newer; /,
  ],
  [
    'an image without Hummingbot',
    () => ({ memory: { path: '/home/hummingbot/.venv' } }),
    65,
    /^image: got none of Hummingbot 2\.16\.0 or newer; allowed: hummingbot\/hummingbot; fix: the setting image$/,
  ],
];
