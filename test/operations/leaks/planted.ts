/** Secrets of many kinds, made anew at each run; none stands in this repository. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';

const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';

/** Letters and digits, at least one of each among the first. */
export function mixed(length: number): string {
  const text = [...randomBytes(length)].map((byte) => letters[byte % letters.length]);
  return `q7X${text.join('')}`.slice(0, length);
}

const hex = (length: number): string => `a1${randomBytes(length).toString('hex')}`.slice(0, length);
const uuid = (): string => crypto.randomUUID();
const upper = (length: number): string =>
  [...randomBytes(length)].map((byte) => 'ABCDEFGHJKLMNPQRSTUVWXYZ234567'[byte % 30]).join('');
const encoded = (text: string): string => Buffer.from(text).toString('base64');

const ec = (): string => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString();
};
const ed25519 = (cipher: object = {}): string => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString();
};
const encryptedKey = (): string => ed25519({ cipher: 'aes-256-cbc', passphrase: mixed(9) });
const armoured = (label: string): string => {
  const lines = encoded(randomBytes(300).toString('latin1')).replaceAll(/.{64}/gu, '$&\n');
  return `-----BEGIN ${label}-----\n\n${lines}\n-----END ${label}-----\n`;
};
const privateKey = ['PRIVATE', 'KEY'].join(' ');
const age = (): string =>
  `${['AGE', 'SECRET', 'KEY'].join('-')}-1${[...randomBytes(58)].map((byte) => 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'[byte % 32]).join('')}`;
const header = (name: string): string => encoded(JSON.stringify({ alg: 'RS256', kid: name }));
const jwt = (): string =>
  [header('k'), encoded(JSON.stringify({ sub: mixed(12) })), mixed(86)]
    .map((part) => part.replaceAll('=', ''))
    .join('.');

export interface Planted {
  readonly path: string;
  readonly text: string | Buffer;
  readonly rule: string;
  /** A line of the finding. */
  readonly line: number;
}

/** A file a secret. */
export function plantedLeaks(): readonly Planted[] {
  const at = (path: string, rule: string, text: string | Buffer, line = 1): Planted => ({
    path,
    text,
    rule,
    line,
  });
  const stack = (lines: string): string =>
    `config:\n  hummingbot-secrets:environment: dev\n${lines}\n`;
  return [
    at(
      'Pulumi.one.yaml',
      'stack-file-plaintext',
      stack('  hummingbot-secrets:trading:\n    binance_api_key: hunter2'),
      4,
    ),
    at(
      'Pulumi.two.yaml',
      'stack-file-plaintext',
      stack('  hummingbot-secrets:trading.kraken_api_key: hunter2'),
      3,
    ),
    at(
      'Pulumi.three.yaml',
      'stack-file-plaintext',
      stack(
        '  hummingbot-secrets:monitoring: {telegram_chat_id: 12345678, slack_webhook_url: {secure: v1:x}}',
      ),
      3,
    ),
    at(
      'Pulumi.four.yaml',
      'stack-file-plaintext',
      stack('  hummingbot-secrets:postgres_password: short1'),
      3,
    ),
    at(
      'sub/Pulumi.five.yaml',
      'stack-file-plaintext',
      stack('  hummingbot-secrets:infrastructure:\n    redis_password:\n      deep: hunter2'),
      5,
    ),
    at(
      'gitops/dev/secret.yaml',
      'secret-manifest',
      'kind: ConfigMap\n---\napiVersion: v1\nkind: Secret\ndata:\n  x: aHVudGVyMg==\n',
      6,
    ),
    at(
      'gitops/dev/list.yaml',
      'secret-manifest',
      'kind: List\nitems:\n  - kind: Secret\n    stringData:\n      a: hunter2\n',
      5,
    ),
    at(
      'gitops/dev/one.json',
      'secret-manifest',
      '{"kind": "Secret",\n "data": {"a": "aHVudGVyMg=="}}',
      2,
    ),
    at('.env', 'private-file', 'X=1\n'),
    at('deploy/.env.secrets', 'private-file', ''),
    at('.local/passphrase', 'private-file', 'x'),
    at('out/dev/secrets/trading/binance_api_key', 'private-file', 'x'),
    at('admin.kubeconfig', 'private-file', 'x'),
    at('binance.env', 'binance-api-key', `# keys\nBINANCE_API_KEY=${mixed(64)}\n`, 2),
    at('binance.json', 'binance-secret-key', `{\n"binance_api_secret": "${mixed(64)}"}`, 2),
    at(
      'binance.py',
      'binance-credential',
      `client = Client()\nbinance.secret = '${mixed(64)}'\n`,
      2,
    ),
    at(
      'coinbase.txt',
      'coinbase-api-key-by-form',
      `name organizations/${uuid()}/apiKeys/${uuid()}`,
    ),
    at('coinbase.pem.txt', 'private-key', ec()),
    at('coinbase.json', 'private-key', JSON.stringify({ name: 'x', privateKey: ec() })),
    at('coinbase-twice.json', 'private-key', JSON.stringify(JSON.stringify({ privateKey: ec() }))),
    at('coinbase.yaml', 'private-key', `a: |\n  ${ec().replaceAll('\n', '\n  ')}`, 2),
    at('crlf.txt', 'private-key', `one\r\n${ec().replaceAll('\n', '\r\n')}`, 2),
    at(
      'kraken.sh',
      'kraken-secret-key',
      `export KRAKEN_SECRET_KEY="${randomBytes(64).toString('base64')}"`,
    ),
    at('kraken.yml', 'kraken-api-key', `kraken_api_key: ${mixed(56)}`),
    at('kucoin.toml', 'kucoin-secret-key', `kucoin_secret_key = "${uuid()}"`),
    at('kucoin.ini', 'kucoin-api-key', `[x]\nkucoin-api-key=${hex(24)}\n`, 2),
    at('kucoin.md', 'kucoin-passphrase', `| kucoin_passphrase: \`${mixed(12)}\` |`),
    at('telegram.go', 'telegram-token-by-form', `token := "${1234567890}:${mixed(35)}"`),
    at(
      'slack.js',
      'slack-webhook-by-form',
      `post('https://hooks.slack.com/services/T0${upper(7)}/B0${upper(7)}/${mixed(24)}')`,
    ),
    at('postgres.yaml', 'postgres-password', `postgres_password: ${mixed(16)}`),
    at('postgres.url', 'password-in-url', `DATABASE_URL=postgresql://bot:${mixed(18)}@db:5432/x`),
    at('redis.conf', 'redis-password', `REDIS_PASSWORD: '${mixed(20)}'`),
    at('gateway.env', 'gateway-passphrase', `GATEWAY_PASSPHRASE=${mixed(20)}`),
    at('mail.env', 'smtp-credentials', `SMTP_CREDENTIALS=${mixed(9)}@x.org`),
    at('grafana.env', 'grafana-token', `key glsa_${mixed(32)}_${hex(8)}`),
    at('datadog.env', 'datadog-api-key', `DATADOG_API_KEY=${hex(32)}`),
    at('prometheus.yml', 'prometheus-auth-token', `prometheus_auth_token: ${mixed(32)}`),
    at('pulumi.sh', 'passphrase', `export PULUMI_CONFIG_PASSPHRASE='${mixed(14)}'`),
    at('bot.yaml', 'passphrase', `- name: x\n  CONFIG_PASSWORD: ${mixed(10)}`, 2),
    at('age.txt', 'age-private-key', `# created\n${age()}\n`, 2),
    at('age-secret.txt', 'age-private-key-in-base64', `keys: ${encoded(age())}`),
    at('tls.txt', 'private-key-in-base64', `tls.key: ${encoded(ed25519())}`),
    at('encrypted.txt', 'private-key', encryptedKey()),
    at('openssh.txt', 'private-key', armoured(`OPENSSH ${privateKey}`)),
    at('pgp.asc', 'private-key', armoured(`PGP ${privateKey} BLOCK`)),
    at(
      'cluster.yaml',
      'kubeconfig',
      `users:\n- user:\n    client-key-data: ${encoded(randomBytes(90).toString('latin1'))}`,
      3,
    ),
    at('account.txt', 'json-web-token', `Authorization: Bearer ${jwt()}`),
    at('wallet.json', 'wallet-key', `{"private_key": "0x${hex(64)}"}`),
    at('aws.csv', 'aws-access-key', `id,${['AK', 'IA'].join('')}${upper(16)}`),
    at('aws.ini', 'aws-secret-access-key', `aws_secret_access_key = ${mixed(40)}`),
    at('vault.sh', 'vault-token', `VAULT_TOKEN=hvs.${mixed(90)}`),
    at('join.sh', 'swarm-token', `docker swarm join --token SWMTKN-1-${hex(50)}-${hex(25)}`),
    at('unlock.txt', 'swarm-unlock-key', `SWMKEY-1-${mixed(43)}`),
    at('slack-bot.env', 'slack-token', `T=xoxb-${hex(12)}-${mixed(24)}`),
    at('cloud.env', 'pulumi-token', `PULUMI_ACCESS_TOKEN=pul-${hex(40)}`),
    at('npmrc', 'npm-token', `_authToken=npm_${mixed(36)}`),
    at('hub.txt', 'github-token', `ghp_${mixed(36)}`),
    at(
      'utf16.txt',
      'binance-api-key',
      Buffer.from(`\ufeffBINANCE_API_KEY=${mixed(64)}\r\n`, 'utf16le'),
    ),
    at(
      'program.bin',
      'private-key',
      Buffer.concat([Buffer.alloc(3000), Buffer.from(ed25519()), randomBytes(3000)]),
    ),
    at("it's a name with blanks, ünïcode.txt", 'github-token', `ghp_${mixed(36)}`),
  ];
}
