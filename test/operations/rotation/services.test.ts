import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { addressOf, askService, asksFor } from '../../../operations/rotation/services.ts';
import { leaks, makeCanary } from '../../canary.ts';

/** Real servers are asked in test/e2e/services.e2e.ts; these say what no well one says. */
describe('a service with an address', () => {
  const servers: Server[] = [];
  after(() => servers.forEach((each) => void each.close()));

  /** A server that answers everything with one text, and ends. */
  async function saying(text: string): Promise<number> {
    const server = createServer((socket) => {
      socket.on('error', () => {}).on('data', () => void socket.end(text));
    });
    servers.push(server);
    await new Promise<void>((settle) => void server.listen(0, '127.0.0.1', settle));
    return (server.address() as { port: number }).port;
  }

  it('is asked where the settings name it, for what can be logged in with', () => {
    const what = 'infrastructure.redis';
    const settings = {
      rotation: { address: { [what]: 'redis://x', 'trading.kraken': 'redis://y' } },
    };
    assert.equal(addressOf(settings, what), 'redis://x');
    assert.equal(addressOf(settings, 'infrastructure.postgres'), undefined);
    assert.equal(addressOf(settings, 'trading.kraken'), undefined);
    assert.equal(addressOf({}, what), undefined);
    assert.ok(asksFor(what, 'redis://x', ['redis_password']));
    assert.ok(!asksFor('monitoring.email', 'smtp://x', ['email_password']));
    assert.ok(asksFor('monitoring.email', 'smtp://me@x', ['email_password']));
    assert.ok(asksFor('monitoring.email', 'smtp://x', ['email_password', 'smtp_credentials']));
  });

  it('tells in one line that nobody answered as it should, and repeats nothing of it', async () => {
    const value = makeCanary('service').toUpperCase();
    const values = new Map([
      ['redis_password', value],
      ['postgres_password', value],
      ['smtp_credentials', `user:${value}`],
    ] as const);
    const said: string[] = [];
    for (const text of [`-${value} is wrong\r\n`, `HTTP/1.1 400 ${value}\r\n\r\n`, '']) {
      const port = await saying(text);
      for (const [what, address] of [
        ['infrastructure.redis', `redis://127.0.0.1:${port}`],
        ['infrastructure.postgres', `postgresql://127.0.0.1:${port}/?sslmode=disable`],
        ['infrastructure.postgres', `postgresql://127.0.0.1:${port}`],
        ['monitoring.email', `smtps://127.0.0.1:${port}`],
      ] as const) {
        const verdict = await askService(what, address, values, [...values.keys()]);
        assert.ok(verdict !== 'works');
        assert.match(
          verdict.got,
          /^no answer of 127\.0\.0\.1:\d+ \((?:no login|[A-Z][A-Z0-9_]+)\)$/u,
        );
        said.push(verdict.got);
      }
    }
    assert.deepEqual(leaks(said.join('\n'), new Map([['service', value]])), []);
  });
});
