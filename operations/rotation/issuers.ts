/**
 * Whether a new credential works, asked of its issuer by a call that changes nothing. The signatures are
 * as the issuers document them (2026-11): Binance "Account information", Kraken "Get Account Balance",
 * KuCoin "Get Account List", Coinbase Advanced Trade "Get API Key Permissions", Telegram "getMe", Slack
 * "Sending messages using incoming webhooks".
 */
import { createHash, createHmac, randomBytes, sign } from 'node:crypto';
import type { ExchangeName, SecretKey, ServiceName } from '../../components/catalog.ts';

type Values = ReadonlyMap<SecretKey, string>;

interface Call {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Issuer {
  call(of: (key: SecretKey) => string, now: number): Call;
  /** @param body parsed, where it is JSON */
  accepts(status: number, body: unknown): boolean;
}

/** Sends every call below another URL, as `URL/api.binance.com/...`: for tests, and for a proxy. */
export const issuersVariable = 'HUMMINGBOT_SECRETS_ISSUERS';

/** More than an issuer takes that answers. */
const patienceMilliseconds = 15_000;

export function binanceSignature(query: string, secret: string): string {
  return createHmac('sha256', secret).update(query).digest('hex');
}

export function krakenSignature(
  { path, nonce, body }: { readonly path: string; readonly nonce: string; readonly body: string },
  secret: string,
): string {
  const digest = createHash('sha256')
    .update(nonce + body)
    .digest();
  const key = Buffer.from(secret, 'base64');
  return createHmac('sha512', key).update(path).update(digest).digest('base64');
}

const isOk = (status: number): boolean => status === 200;

const binance: Issuer = {
  call(of, now) {
    const query = `omitZeroBalances=true&recvWindow=10000&timestamp=${now}`;
    const signature = binanceSignature(query, of('binance_secret_key'));
    return {
      method: 'GET',
      url: `https://api.binance.com/api/v3/account?${query}&signature=${signature}`,
      headers: { 'X-MBX-APIKEY': of('binance_api_key') },
    };
  },
  accepts: isOk,
};

const kraken: Issuer = {
  call(of, now) {
    // In microseconds, as the bot's own: a key that a bot has used takes no smaller one, and its next is larger.
    const nonce = String(now * 1000);
    const path = '/0/private/Balance';
    const body = new URLSearchParams({ nonce }).toString();
    const digest = createHash('sha256')
      .update(nonce + body)
      .digest();
    const key = Buffer.from(of('kraken_secret_key'), 'base64');
    const signature = createHmac('sha512', key).update(path).update(digest).digest('base64');
    return {
      method: 'POST',
      url: `https://api.kraken.com${path}`,
      headers: {
        'API-Key': of('kraken_api_key'),
        'API-Sign': signature,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body,
    };
  },
  // It answers 200 to everybody, and says in the body what was wrong.
  accepts(status, body) {
    const { error } = (body ?? {}) as { readonly error?: unknown };
    return isOk(status) && Array.isArray(error) && error.length === 0;
  },
};

const kucoin: Issuer = {
  call(of, now) {
    const path = '/api/v1/accounts';
    const hmac = (text: string): string =>
      createHmac('sha256', of('kucoin_secret_key')).update(text).digest('base64');
    return {
      method: 'GET',
      url: `https://api.kucoin.com${path}`,
      headers: {
        'KC-API-KEY': of('kucoin_api_key'),
        'KC-API-SIGN': hmac(`${now}GET${path}`),
        'KC-API-TIMESTAMP': String(now),
        'KC-API-PASSPHRASE': hmac(of('kucoin_passphrase')),
        'KC-API-KEY-VERSION': '2',
      },
    };
  },
  accepts: (status, body) =>
    isOk(status) && (body as { readonly code?: unknown } | undefined)?.code === '200000',
};

const coinbase: Issuer = {
  call(of, now) {
    const [host, path] = ['api.coinbase.com', '/api/v3/brokerage/key_permissions'];
    const part = (object: object): string =>
      Buffer.from(JSON.stringify(object)).toString('base64url');
    const name = of('coinbase_api_key');
    const seconds = Math.floor(now / 1000);
    const nonce = randomBytes(16).toString('hex');
    const head = part({ alg: 'ES256', typ: 'JWT', kid: name, nonce });
    const claims = { sub: name, iss: 'cdp', nbf: seconds, exp: seconds + 120 };
    const text = `${head}.${part({ ...claims, uri: `GET ${host}${path}` })}`;
    const key = { key: of('coinbase_secret_key'), dsaEncoding: 'ieee-p1363' as const };
    const signature = sign('sha256', Buffer.from(text), key).toString('base64url');
    return {
      method: 'GET',
      url: `https://${host}${path}`,
      headers: { Authorization: `Bearer ${text}.${signature}` },
    };
  },
  accepts: isOk,
};

const telegram: Issuer = {
  call: (of) => ({
    method: 'GET',
    url: `https://api.telegram.org/bot${of('telegram_token')}/getMe`,
    headers: {},
  }),
  accepts: isOk,
};

const slack: Issuer = {
  // A message without a text: a webhook that exists says so, and posts nothing.
  call: (of) => ({
    method: 'POST',
    url: of('slack_webhook_url'),
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  }),
  accepts: (status) => status === 400,
};

const issuers: Readonly<Partial<Record<ExchangeName | ServiceName, Issuer>>> = {
  binance,
  coinbase,
  kraken,
  kucoin,
  telegram,
  slack,
};

/** Keys whose change says nothing to an issuer. */
const unasked: readonly SecretKey[] = ['telegram_chat_id', 'coinbase_passphrase'];

/** Whether there is somebody to ask about these keys. */
export function hasIssuer(
  usedWith: ExchangeName | ServiceName,
  keys: readonly SecretKey[],
): boolean {
  return issuers[usedWith] !== undefined && keys.some((key) => !unasked.includes(key));
}

/** Why a credential is refused; in words that hold nothing of it, and nothing that came back. */
export type Verdict = 'works' | { readonly got: string };

/**
 * Asks an issuer about a credential.
 * @param values all that is used with it: new ones, and those that stay
 */
export async function askIssuer(
  usedWith: ExchangeName | ServiceName,
  values: Values,
): Promise<Verdict> {
  const issuer = issuers[usedWith];
  if (issuer === undefined) throw new Error(`there is no issuer of ${usedWith}`);
  let call: Call;
  try {
    call = issuer.call((key) => values.get(key) ?? '', Date.now());
  } catch {
    // A private key that is none; what the library says of it may quote it.
    return { got: 'a key that nothing can be signed with' };
  }
  try {
    const { method, headers, body } = call;
    const signal = AbortSignal.timeout(patienceMilliseconds);
    const answer = await fetch(placeOf(call.url), {
      method,
      headers,
      signal,
      redirect: 'error',
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    if (issuer.accepts(answer.status, parsed(text))) return 'works';
    return { got: `a refusal of ${new URL(call.url).host} (HTTP ${answer.status})` };
  } catch {
    return { got: `no answer of ${hostOf(call.url)}` };
  }
}

/** Only hosts of ours are named: a webhook's whole URL is its value. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'its issuer';
}

function placeOf(url: string): string {
  const base = process.env[issuersVariable];
  return base ? url.replace(/^https:\/\//u, `${base.replace(/\/$/u, '')}/`) : url;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
