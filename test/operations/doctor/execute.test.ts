/** `exec` of the API, in the form of a server's frames; a real server's part is the rehearsal's. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { executeIn } from '../../../operations/doctor/pod.ts';

/** A binary frame of RFC 6455, short and unmasked as from a server: a channel and its bytes. */
function frame(channel: number, text: string): Buffer {
  const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0x82, payload.length]), payload]);
}

describe('what runs in a pod', () => {
  let server: Server;
  const sockets: Duplex[] = [];
  let asked: URL | undefined;
  let answer: (socket: Duplex) => void;

  before(async () => {
    server = createServer();
    server.on('upgrade', (request, socket) => {
      sockets.push(socket);
      asked = new URL(request.url ?? '', 'http://localhost');
      const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const [protocol = ''] = (request.headers['sec-websocket-protocol'] ?? '').split(',');
      const lines = [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`,
        `Sec-WebSocket-Protocol: ${protocol.trim()}`,
      ];
      if (answer === forbid) return forbid(socket);
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      answer(socket);
    });
    await new Promise<void>((settle) => {
      server.listen(0, '127.0.0.1', settle);
    });
  });
  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });

  const forbid = (socket: Duplex): void => {
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  };

  async function run(): Promise<string | undefined> {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const kubeconfig = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 't' } }],
    });
    return await executeIn(kubeconfig, 'hummingbot')('bot-1', ['cat', '/a file']);
  }

  it('is what the command printed, of the bot and without a shell', async () => {
    answer = (socket) => {
      socket.write(frame(1, '{"a":'));
      socket.write(frame(2, 'not this'));
      socket.write(frame(1, '1}'));
      socket.write(frame(3, JSON.stringify({ status: 'Success' })));
    };
    assert.equal(await run(), '{"a":1}');
    assert.equal(asked?.pathname, '/api/v1/namespaces/hummingbot/pods/bot-1/exec');
    assert.equal(asked?.searchParams.get('container'), 'hummingbot');
    assert.deepEqual(asked?.searchParams.getAll('command'), ['cat', '/a file']);
  });

  it('is nothing when the command fails, and unknown when one may not', async () => {
    answer = (socket) => socket.write(frame(3, JSON.stringify({ status: 'Failure' })));
    assert.equal(await run(), '');
    answer = forbid;
    assert.equal(await run(), undefined);
  });
});
