/**
 * Whether a database, a cache or a mail relay takes a new credential: by a login at the address that the
 * setting `rotation.address` names, and nothing behind it. The clients are loaded when one is asked.
 */
import type { SecretKey } from '../../components/catalog.ts';
import type { Verdict } from './issuers.ts';

type Values = ReadonlyMap<SecretKey, string>;

interface Service {
  readonly port: number;
  /** Whether a login says anything of these keys. @default - of any */
  asks?(address: URL, changed: readonly SecretKey[]): boolean;
  /** Done when it is logged in. @throws whatever the client throws, which may quote a value */
  login(address: URL, port: number, values: Values, changed: readonly SecretKey[]): Promise<void>;
  /** The word of an error that says no, rather than nothing; of the service's own list. */
  refusalIn(error: Failure): string | undefined;
}

interface Failure {
  readonly code?: unknown;
  readonly message?: unknown;
}

const patienceMilliseconds = 10_000;

const postgres: Service = {
  port: 5432,
  async login(address, port, values) {
    const { default: pg } = await import('pg');
    const mode = address.searchParams.get('sslmode') ?? 'verify-full';
    const client = new pg.Client({
      host: hostOf(address),
      port,
      user: values.get('postgres_user') ?? '',
      password: values.get('postgres_password') ?? '',
      database: values.get('postgres_db') ?? '',
      ssl: mode === 'disable' ? false : { rejectUnauthorized: mode === 'verify-full' },
      connectionTimeoutMillis: patienceMilliseconds,
    });
    client.on('error', () => {});
    await client.connect();
    await client.end();
  },
  // Classes 28, 3D and 42 of https://www.postgresql.org/docs/current/errcodes-appendix.html
  refusalIn: ({ code }) => /^(?:28|3D|42)[0-9A-Z]{3}$/u.exec(String(code))?.[0],
};

const redis: Service = {
  port: 6379,
  async login(address, port, values) {
    const { createClient } = await import('@redis/client');
    const client = createClient({
      socket: {
        host: hostOf(address),
        port,
        connectTimeout: patienceMilliseconds,
        reconnectStrategy: false,
        ...(address.protocol === 'rediss:' && { tls: true }),
      },
      username: userOf(address) || 'default',
      password: values.get('redis_password') ?? '',
      database: Number(address.pathname.slice(1)),
      disableClientInfo: true,
    });
    client.on('error', () => {});
    try {
      await client.connect();
    } finally {
      if (client.isOpen) client.destroy();
    }
  },
  refusalIn: ({ message }) =>
    /^(?:WRONGPASS|NOAUTH|NOPERM|ERR(?= (?:AUTH|Client sent AUTH|invalid password|DB index)))\b/u.exec(
      String(message),
    )?.[0],
};

const email: Service = {
  port: 587,
  asks: (address, changed) =>
    changed.includes('smtp_credentials') ||
    (address.username !== '' && changed.includes('email_password')),
  async login(address, port, values, changed) {
    const { createTransport } = await import('nodemailer');
    const host = hostOf(address);
    const secure = address.protocol === 'smtps:';
    const options = {
      host,
      port: address.port === '' && secure ? 465 : port,
      secure,
      // A relay of this machine may offer none.
      requireTLS: !secure && !isLoopback(host),
      // Without it, a server that offers no login is taken for one that lets in.
      forceAuth: true,
      connectionTimeout: patienceMilliseconds,
      greetingTimeout: patienceMilliseconds,
      socketTimeout: patienceMilliseconds,
    };
    for (const auth of credentialsOf(address, values, changed)) {
      await createTransport({ ...options, auth }).verify();
    }
  },
  refusalIn: ({ code }) => (code === 'EAUTH' ? 'EAUTH' : undefined),
};

const services: Readonly<Record<string, Service>> = {
  'infrastructure.postgres': postgres,
  'infrastructure.redis': redis,
  'monitoring.email': email,
};

/** The address of what is used together, where there is one: `infrastructure.redis`. */
export function addressOf(
  settings: Readonly<Record<string, unknown>>,
  what: string,
): string | undefined {
  const { address } = (settings.rotation ?? {}) as { address?: Readonly<Record<string, unknown>> };
  const found = address?.[what];
  return typeof found === 'string' && services[what] !== undefined ? found : undefined;
}

/** Whether a login at an address says anything of these keys. */
export function asksFor(what: string, address: string, changed: readonly SecretKey[]): boolean {
  return services[what]?.asks?.(new URL(address), changed) ?? true;
}

/**
 * @param values all that is used with it: new ones, and those that stay
 * @param changed keys that the question is about
 */
export async function askService(
  what: string,
  address: string,
  values: Values,
  changed: readonly SecretKey[],
): Promise<Verdict> {
  const service = services[what];
  if (service === undefined) throw new Error(`there is no service of ${what}`);
  const url = new URL(address);
  const port = Number(url.port || service.port);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_settle, fail) => {
    timer = setTimeout(() => fail({ code: 'ETIMEDOUT' }), patienceMilliseconds);
  });
  try {
    await Promise.race([service.login(url, port, values, changed), late]);
    return 'works';
  } catch (error) {
    const failure = (error ?? {}) as Failure;
    const refusal = service.refusalIn(failure);
    if (refusal !== undefined) return { got: `a refusal of ${url.host} (${refusal})` };
    // Node's and the clients' own codes; of what stands in a message nothing is passed on.
    const code = /^[A-Z][A-Z0-9_]{2,39}$/u.exec(String(failure.code))?.[0] ?? 'no login';
    return { got: `no answer of ${url.host} (${code})` };
  } finally {
    clearTimeout(timer);
  }
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/gu, '');
}

function userOf({ username }: URL): string {
  return decodeURIComponent(username);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** The mailbox that the address names, and the relay's own `user:password`. */
function credentialsOf(
  address: URL,
  values: Values,
  changed: readonly SecretKey[],
): readonly { readonly user: string; readonly pass: string }[] {
  const mailbox = { user: userOf(address), pass: values.get('email_password') ?? '' };
  const both = values.get('smtp_credentials') ?? '';
  const at = both.indexOf(':');
  const relay = { user: both.slice(0, Math.max(0, at)), pass: both.slice(at + 1) };
  return [
    ...(mailbox.user !== '' && changed.includes('email_password') ? [mailbox] : []),
    ...(changed.includes('smtp_credentials') ? [relay] : []),
  ];
}
