/**
 * Whether a new credential works, asked of a real PostgreSQL, a real Redis and a mail relay, with and without
 * TLS. They run as nobody, on ports of this machine, and write into a folder that goes with the test.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import pg from 'pg';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { SecretKey } from '../../components/catalog.ts';
import type { Verdict } from '../../operations/rotation/issuers.ts';
import { askService } from '../../operations/rotation/services.ts';
import { leaks, makeCanary } from '../canary.ts';
import { librariesOf, unpacked } from './debian-programs.ts';

const nobody = 65_534;
const secondsToStart = 30;

const databasePackages = [
  ...['postgresql-15', 'libpq5', 'libicu72', 'libxml2', 'libldap-2.5-0', 'libsasl2-2'],
  ...[
    'libgssapi-krb5-2',
    'libkrb5-3',
    'libkrb5support0',
    'libk5crypto3',
    'libkeyutils1',
    'libedit2',
  ],
];
const cachePackages = [
  ...['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libhiredis0.14', 'libatomic1'],
  ...['liblua5.1-0', 'lua-bitop', 'lua-cjson'],
];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((settle) => server.close(settle));
  return port;
}

describe('a new credential of a service', () => {
  const database = unpacked(databasePackages);
  const cache = unpacked(cachePackages);
  const folder = mkdtempSync(join(tmpdir(), 'services-'));
  const children: ChildProcess[] = [];
  const trusted = getCACertificates('default');
  const canaries = new Map<string, string>();
  const got: Verdict[] = [];
  const right = makeCanary('right');
  const wrong = makeCanary('wrong');
  canaries.set('right', right).set('wrong', wrong);
  const relays: SMTPServer[] = [];
  const ports = { database: 0, cache: 0, cacheTls: 0, relay: 0, plainRelay: 0 };

  before(async function () {
    if (process.getuid?.() !== 0 || database === undefined || cache === undefined) this.skip();
    chownSync(folder, nobody, nobody);
    chmodSync(folder, 0o755);
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const files = ['-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2', '-nodes'];
    run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...files, ...subject]);
    setDefaultCACertificates([...trusted, readFileSync(join(folder, 'cert.pem'), 'utf8')]);
    // Nobody may look into the cache of root.
    for (const [name, root] of Object.entries({ database, cache })) {
      assert.equal(spawnSync('cp', ['-r', root, join(folder, name)]).status, 0);
    }
    for (const name of ['database', 'cache', 'cacheTls'] as const) ports[name] = await freePort();
    await startDatabase();
    startCache();
    ports.relay = await startRelay({});
    ports.plainRelay = await startRelay({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
    });
  });

  after(async () => {
    setDefaultCACertificates(trusted);
    for (const relay of relays) relay.close();
    for (const child of children) {
      if (child.exitCode !== null) continue;
      child.kill('SIGINT');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true });
  });

  function run(program: string, args: readonly string[], more = {}): void {
    const env = { PATH: process.env.PATH, LC_ALL: 'C', ...more };
    const options = {
      cwd: folder,
      env,
      uid: nobody,
      gid: nobody,
      encoding: 'utf8',
    } as const;
    const { status, stderr } = spawnSync(program, args, options);
    assert.equal(status, 0, `${program}: ${stderr}`);
  }

  function serve(program: string, args: readonly string[], input: string, env: object): void {
    const options = { cwd: folder, env: { LC_ALL: 'C', ...env }, uid: nobody, gid: nobody };
    const child = spawn(program, args, { ...options, stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin?.end(input);
    children.push(child);
  }

  async function startDatabase(): Promise<void> {
    const root = join(folder, 'database');
    const programs = join(root, 'usr/lib/postgresql/15/bin');
    const data = join(folder, 'data');
    mkdirSync(data);
    chownSync(data, nobody, nobody);
    const password = join(folder, 'password');
    writeFileSync(password, right);
    const auth = ['-A', 'scram-sha-256', '-U', 'bot', `--pwfile=${password}`, '-N', '--locale=C'];
    run(join(programs, 'initdb'), ['-D', data, ...auth], librariesOf(root));
    const settings = [
      ...[`port=${ports.database}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=`],
      ...[
        'ssl=on',
        `ssl_cert_file=${folder}/cert.pem`,
        `ssl_key_file=${folder}/key.pem`,
        'jit=off',
      ],
    ];
    const words = settings.flatMap((each) => ['-c', each]);
    serve(join(programs, 'postgres'), ['-D', data, ...words], '', librariesOf(root));
    for (const deadline = Date.now() + secondsToStart * 1000; ; await sleep(100)) {
      const client = new pg.Client({
        ...{ host: '127.0.0.1', port: ports.database, user: 'bot', password: right },
        ...{ database: 'postgres', ssl: false },
      });
      client.on('error', () => {});
      try {
        await client.connect();
        await client.query('CREATE DATABASE trades');
        await client.end();
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  }

  function startCache(): void {
    const lines = [
      ...[`port ${ports.cache}`, 'bind 127.0.0.1', 'save ""', `dir ${folder}`],
      ...[`tls-port ${ports.cacheTls}`, 'tls-auth-clients no', 'logfile ""'],
      ...[`tls-cert-file ${folder}/cert.pem`, `tls-key-file ${folder}/key.pem`],
      ...[`tls-ca-cert-file ${folder}/cert.pem`, `requirepass ${right}`],
      `user alerts on >${right} ~* +@all`,
    ];
    const root = join(folder, 'cache');
    const program = join(root, 'usr/bin/redis-server');
    serve(program, ['-'], `${lines.join('\n')}\n`, librariesOf(root));
  }

  async function startRelay(more: SMTPServerOptions): Promise<number> {
    const relay = new SMTPServer({
      ...more,
      key: readFileSync(join(folder, 'key.pem')),
      cert: readFileSync(join(folder, 'cert.pem')),
      authMethods: ['PLAIN', 'LOGIN'],
      onAuth({ username = '', password = '' }, _session, callback) {
        const isRight = ['relay', 'alerts@example.com'].includes(username) && password === right;
        // A relay may say what it was told.
        if (isRight) callback(null, { user: username });
        else callback(new Error(`no ${username} with ${password}`));
      },
    });
    relays.push(relay);
    await once(relay.listen(0, '127.0.0.1'), 'listening');
    return (relay.server.address() as { port: number }).port;
  }

  async function ask(
    what: string,
    address: string,
    values: Readonly<Partial<Record<SecretKey, string>>>,
  ): Promise<string> {
    const all = new Map(Object.entries(values)) as ReadonlyMap<SecretKey, string>;
    const verdict = await askService(what, address, all, [...all.keys()]);
    got.push(verdict);
    return verdict === 'works' ? verdict : verdict.got;
  }

  it('of PostgreSQL logs in, by the name of its certificate or without, or is refused', async () => {
    const what = 'infrastructure.postgres';
    const values = { postgres_user: 'bot', postgres_db: 'trades', postgres_password: right };
    const at = (host: string, more = ''): string => `postgresql://${host}:${ports.database}${more}`;
    assert.equal(await ask(what, at('localhost'), values), 'works');
    assert.equal(await ask(what, at('127.0.0.1', '?sslmode=require'), values), 'works');
    assert.equal(await ask(what, at('127.0.0.1', '/?sslmode=disable'), values), 'works');
    const named = await ask(what, at('127.0.0.1'), values);
    assert.match(named, /^no answer of 127\.0\.0\.1:\d+ \(ERR_TLS_CERT_ALTNAME_INVALID\)$/u);
    const other = { ...values, postgres_password: wrong };
    assert.match(
      await ask(what, at('localhost'), other),
      /^a refusal of localhost:\d+ \(28P01\)$/u,
    );
    const db = { ...values, postgres_db: 'none' };
    assert.match(await ask(what, at('localhost'), db), /^a refusal of localhost:\d+ \(3D000\)$/u);
  });

  it('of Redis logs in, as the user of the address, or is refused', async () => {
    const what = 'infrastructure.redis';
    const plain = `redis://127.0.0.1:${ports.cache}`;
    assert.equal(await ask(what, plain, { redis_password: right }), 'works');
    const tls = `rediss://alerts@localhost:${ports.cacheTls}/3`;
    assert.equal(await ask(what, tls, { redis_password: right }), 'works');
    for (const address of [plain, tls]) {
      const refused = await ask(what, address, { redis_password: wrong });
      assert.match(refused, /^a refusal of (?:127\.0\.0\.1|localhost):\d+ \(WRONGPASS\)$/u);
    }
    const byAddress = await ask(what, tls.replace('localhost', '127.0.0.1'), {
      redis_password: right,
    });
    assert.match(byAddress, /\(ERR_TLS_CERT_ALTNAME_INVALID\)$/u);
  });

  it('of a mail relay logs in, without TLS only on this machine, or is refused', async () => {
    const what = 'monitoring.email';
    const own = `smtp://alerts%40example.com@127.0.0.1:${ports.plainRelay}`;
    const starting = own.replace('127.0.0.1', 'localhost').replace(/\d+$/u, String(ports.relay));
    for (const address of [own, starting]) {
      assert.equal(await ask(what, address, { email_password: right }), 'works');
      assert.equal(await ask(what, address, { smtp_credentials: `relay:${right}` }), 'works');
      for (const values of [{ email_password: wrong }, { smtp_credentials: `relay:${wrong}` }]) {
        assert.match(await ask(what, address, values), /^a refusal of \S+:\d+ \(EAUTH\)$/u);
      }
    }
    // Its certificate has another name.
    const byAddress = starting.replace('localhost', '127.0.0.1');
    for (const address of [byAddress, own.replace('smtp:', 'smtps:')]) {
      const refused = await ask(what, address, { email_password: right });
      assert.match(refused, /^no answer of 127\.0\.0\.1:\d+ \(E\w+\)$/u);
    }
  });

  it('of nobody is no answer, and of a server that says nothing, after 10 s', async () => {
    const none = await freePort();
    const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const values = { postgres_password: right, redis_password: right, email_password: right };
    const places = [
      ['infrastructure.postgres', 'postgresql://127.0.0.1:PORT/?sslmode=disable'],
      ['infrastructure.redis', 'redis://127.0.0.1:PORT'],
      ['monitoring.email', 'smtp://x@127.0.0.1:PORT'],
    ] as const;
    const begun = Date.now();
    const answers = await Promise.all(
      places.flatMap(([what, address]) =>
        [none, port].map(
          async (at) => await ask(what, address.replace('PORT', String(at)), values),
        ),
      ),
    );
    for (const each of answers)
      assert.match(each, /^no answer of 127\.0\.0\.1:\d+ \([A-Z]+\w+\)$/u);
    assert.ok(Date.now() - begun < 15_000);
    silent.close();
  });

  it('stands in no answer', () => {
    assert.ok(got.length > 15);
    assert.deepEqual(leaks(JSON.stringify(got), canaries), []);
  });
});
