/**
 * What exists: every secret of the guide as data. Everything else (settings, files, environment
 * names, documentation) is derived from this file, so a new secret is one new entry here.
 *
 * Facts about Hummingbot (connectors, fields, ports) come from its v2.16 to v2.18 sources:
 * `hummingbot/connector/exchange/<connector>/<connector>_utils.py` (fields) and `_constants.py` (hosts).
 */
import type { Shape } from './shape.ts';

/** The unit that is stored, versioned, granted and rotated together. */
export type GroupName = 'trading' | 'infrastructure' | 'monitoring';

/** Who looks after a secret: gets asked when it is due, and confirms that the old one is revoked. */
export type OwnerRole = 'trading-desk' | 'platform' | 'observability';

/** Programs that use a secret. `hummingbot` is the bot; `monitoring` is what the operator runs. */
export type ConsumerName = 'hummingbot' | 'hummingbot-api' | 'gateway' | 'condor' | 'monitoring';

/** Where a value comes from when nothing else is said: the stack's config, or @pulumi/random. */
export type Source = 'config' | 'generated';

export interface Group {
  /** What the group holds, for people. */
  readonly description: string;
  /** Directory a Kubernetes pod sees the group in. */
  readonly mountPath: string;
  /** Name of its Kubernetes Secret, the guide's; versioned groups get a suffix. */
  readonly secretName: string;
}

export interface CatalogEntry {
  readonly group: GroupName;
  /** The exchange or service that needs it. A stack is asked for it only when it lists that one. */
  readonly usedWith: ExchangeName | ServiceName;
  readonly description: string;
  readonly owner: OwnerRole;
  /** Days after which the value is due for rotation. */
  readonly maxAgeDays: number;
  readonly source: Source;
  /** Whether a stack that lists its exchange or service can do without. */
  readonly optional: boolean;
  readonly consumers: readonly ConsumerName[];
  /** Directory below `secrets/` that the compose target writes it to (the guide's tree). */
  readonly directory: 'trading' | 'database' | 'gateway' | 'monitoring';
  /** What a value must look like; checked before any resource. */
  readonly shape: Shape;
  /** What the exchange gives out today; another form is suspicious and no mistake. */
  readonly usual?: UsualForm;
  /** The field of the exchange's connector file; absent where the bot has no use for it. */
  readonly field?: string;
}

/** A form that is usual: no promise of an exchange, so nothing is refused by it. */
export interface UsualForm {
  /** For a person who compares: `64 letters and digits`. */
  readonly is: string;
  readonly pattern: RegExp;
}

export interface Exchange {
  /** Hummingbot's connector: `conf/connectors/<connector>.yml`. */
  readonly connector: string;
  /** TCP ports the connector talks to; they become egress rules. */
  readonly egressPorts: readonly number[];
  /** Connector fields that are not secret, with the value that a new connector file gets. */
  readonly plainFields: Readonly<Record<string, string | boolean>>;
}

export const groups = {
  trading: {
    description: 'API keys that can move money',
    mountPath: '/etc/secrets/trading',
    secretName: 'hummingbot-trading-keys',
  },
  infrastructure: {
    description: 'databases and Gateway',
    mountPath: '/etc/secrets/infrastructure',
    secretName: 'hummingbot-infrastructure',
  },
  monitoring: {
    description: 'alerts, chat and dashboards',
    mountPath: '/etc/secrets/monitoring',
    secretName: 'hummingbot-monitoring',
  },
} as const satisfies Record<GroupName, Group>;

export const groupNames = Object.keys(groups) as readonly GroupName[];

export const exchanges = {
  // The user data stream is on port 9443.
  binance: { connector: 'binance', egressPorts: [443, 9443], plainFields: {} },
  coinbase: {
    connector: 'coinbase_advanced_trade',
    egressPorts: [443],
    plainFields: { use_auth_for_public_endpoints: false },
  },
  kraken: { connector: 'kraken', egressPorts: [443], plainFields: { kraken_api_tier: 'Starter' } },
  kucoin: { connector: 'kucoin', egressPorts: [443], plainFields: {} },
} as const satisfies Record<string, Exchange>;

export type ExchangeName = keyof typeof exchanges;
export const exchangeNames = Object.keys(exchanges) as readonly ExchangeName[];

export const serviceNames = [
  'postgres',
  'redis',
  'gateway',
  'telegram',
  'slack',
  'email',
  'prometheus',
  'grafana',
  'datadog',
  'keystore',
] as const;

export type ServiceName = (typeof serviceNames)[number];

/** What all keys of exchanges share. */
const exchangeKey = {
  group: 'trading',
  owner: 'trading-desk',
  maxAgeDays: 90,
  source: 'config',
  optional: false,
  consumers: ['hummingbot'],
  directory: 'trading',
  shape: 'line',
} as const;

/** Both halves of an HMAC key; Hummingbot signs with no other kind. */
const binanceHalf: UsualForm = { is: '64 letters and digits', pattern: /^[A-Za-z0-9]{64}$/u };
const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** What all credentials of the database share. */
const databaseKey = {
  group: 'infrastructure',
  owner: 'platform',
  optional: false,
  directory: 'database',
  shape: 'line',
} as const;

/** What all credentials of alerts and dashboards share. */
const monitoringKey = {
  group: 'monitoring',
  owner: 'observability',
  maxAgeDays: 180,
  source: 'config',
  optional: false,
  consumers: ['monitoring'],
  directory: 'monitoring',
  shape: 'line',
} as const;

export const catalog = {
  binance_api_key: {
    ...exchangeKey,
    usedWith: 'binance',
    description: 'Binance API key',
    field: 'binance_api_key',
    usual: binanceHalf,
  },
  binance_secret_key: {
    ...exchangeKey,
    usedWith: 'binance',
    description: 'Binance secret key, signs every request',
    field: 'binance_api_secret',
    usual: binanceHalf,
  },
  coinbase_api_key: {
    ...exchangeKey,
    usedWith: 'coinbase',
    description: 'Coinbase Advanced Trade API key name',
    field: 'coinbase_advanced_trade_api_key',
    usual: {
      is: 'organizations/UUID/apiKeys/UUID',
      pattern: new RegExp(`^organizations/${uuid}/apiKeys/${uuid}$`, 'u'),
    },
  },
  coinbase_secret_key: {
    ...exchangeKey,
    usedWith: 'coinbase',
    description: 'Coinbase Advanced Trade private key, a PEM of several lines',
    field: 'coinbase_advanced_trade_api_secret',
    shape: 'pem',
  },
  coinbase_passphrase: {
    ...exchangeKey,
    usedWith: 'coinbase',
    description: 'Coinbase Pro passphrase, from before Advanced Trade; no connector reads it',
    optional: true,
  },
  kraken_api_key: {
    ...exchangeKey,
    usedWith: 'kraken',
    description: 'Kraken API key',
    field: 'kraken_api_key',
    // As in https://support.kraken.com/hc/en-us/articles/360029054811, both halves.
    usual: { is: '56 characters of base64', pattern: /^[A-Za-z0-9+/]{56}$/u },
  },
  kraken_secret_key: {
    ...exchangeKey,
    usedWith: 'kraken',
    description: 'Kraken private key, base64',
    field: 'kraken_secret_key',
    shape: 'base64',
    usual: { is: '88 characters of base64 (64 bytes)', pattern: /^[A-Za-z0-9+/]{86}==$/u },
  },
  kucoin_api_key: {
    ...exchangeKey,
    usedWith: 'kucoin',
    description: 'KuCoin API key',
    field: 'kucoin_api_key',
    usual: { is: '24 digits and letters a to f', pattern: /^[0-9a-f]{24}$/u },
  },
  kucoin_secret_key: {
    ...exchangeKey,
    usedWith: 'kucoin',
    description: 'KuCoin secret key',
    field: 'kucoin_secret_key',
    usual: { is: 'a UUID, 36 characters', pattern: new RegExp(`^${uuid}$`, 'u') },
  },
  kucoin_passphrase: {
    ...exchangeKey,
    usedWith: 'kucoin',
    description: 'KuCoin API passphrase, chosen when the key was made',
    field: 'kucoin_passphrase',
    usual: { is: '7 to 32 characters', pattern: /^.{7,32}$/u },
  },
  keystore_password: {
    ...exchangeKey,
    usedWith: 'keystore',
    description:
      "Password of the bot's keystore, for those whose Gateway certificates depend on it; without it, each pod makes its own",
    source: 'generated',
    shape: 'password',
  },
  postgres_user: {
    ...databaseKey,
    usedWith: 'postgres',
    description: 'PostgreSQL role of hummingbot-api',
    maxAgeDays: 365,
    source: 'config',
    consumers: ['hummingbot-api'],
  },
  postgres_password: {
    ...databaseKey,
    usedWith: 'postgres',
    description: 'PostgreSQL password of hummingbot-api',
    maxAgeDays: 90,
    source: 'generated',
    consumers: ['hummingbot-api'],
  },
  postgres_db: {
    ...databaseKey,
    usedWith: 'postgres',
    description: 'PostgreSQL database of hummingbot-api',
    maxAgeDays: 365,
    source: 'config',
    consumers: ['hummingbot-api'],
  },
  redis_password: {
    ...databaseKey,
    usedWith: 'redis',
    description: 'Redis password',
    maxAgeDays: 90,
    source: 'generated',
    consumers: ['monitoring'],
  },
  gateway_passphrase: {
    ...databaseKey,
    usedWith: 'gateway',
    description: 'Passphrase of the certificates and wallets of Hummingbot Gateway',
    maxAgeDays: 180,
    source: 'generated',
    consumers: ['gateway'],
    directory: 'gateway',
  },
  telegram_token: {
    ...monitoringKey,
    usedWith: 'telegram',
    description: 'Telegram bot token of Condor',
    consumers: ['condor'],
    shape: 'telegram-token',
  },
  telegram_chat_id: {
    ...monitoringKey,
    usedWith: 'telegram',
    description: 'Telegram chat that Condor answers',
    maxAgeDays: 365,
    consumers: ['condor'],
    shape: 'chat-id',
  },
  slack_webhook_url: {
    ...monitoringKey,
    usedWith: 'slack',
    description: 'Slack incoming webhook; whoever has the URL can post',
    shape: 'slack-webhook',
  },
  email_password: {
    ...monitoringKey,
    usedWith: 'email',
    description: 'Password of the mailbox that sends alerts',
  },
  smtp_credentials: {
    ...monitoringKey,
    usedWith: 'email',
    description: 'User and password of the SMTP relay, as user:password',
  },
  prometheus_auth_token: {
    ...monitoringKey,
    usedWith: 'prometheus',
    description: 'Bearer token that Prometheus scrapes with',
    source: 'generated',
  },
  grafana_api_key: {
    ...monitoringKey,
    usedWith: 'grafana',
    description: 'Grafana service account token',
  },
  datadog_api_key: {
    ...monitoringKey,
    usedWith: 'datadog',
    description: 'Datadog API key',
  },
} as const satisfies Record<string, CatalogEntry>;

/** A key of the guide. A misspelt one does not compile. */
export type SecretKey = keyof typeof catalog;

export const secretKeys = Object.keys(catalog) as readonly SecretKey[];

/** The entry of a key, as the interface rather than as its literal. */
export function entryOf(key: SecretKey): CatalogEntry {
  return catalog[key];
}

/** Keys of one group, in the catalog's order. */
export function keysOf(group: GroupName): readonly SecretKey[] {
  return secretKeys.filter((key) => entryOf(key).group === group);
}

export function isSecretKey(name: string): name is SecretKey {
  return Object.hasOwn(catalog, name);
}

/** What the bot encrypts its connector files with, where it is managed. */
export const keystoreKey: SecretKey = 'keystore_password';

/** Environment variable that carries a secret itself: `BINANCE_API_KEY`. */
export function environmentName(key: string): string {
  return key.toUpperCase();
}

/** Environment variable that carries the path of a secret's file: `BINANCE_API_KEY_FILE`. */
export function fileEnvironmentName(key: string): string {
  return `${environmentName(key)}_FILE`;
}

/** Where a container of Compose and Swarm sees a secret. */
export function runPath(key: string): string {
  return `/run/secrets/${key}`;
}
