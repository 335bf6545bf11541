import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { DockerApi, DockerError, DockerUnreachable, filters } from '../../plugins/docker-api.ts';
import { leaks, makeCanary } from '../canary.ts';
import { DockerServer } from '../docker-server.ts';

const canary = makeCanary('docker');

describe('the API of a Docker Engine', () => {
  let server: DockerServer;
  let folder: string;
  const path = process.env.PATH ?? '';

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'docker-api-'));
    server = new DockerServer();
    await server.start();
  });
  afterEach(async () => {
    process.env.PATH = path;
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is asked on a socket, with a query and a body', async () => {
    server.answers.set('POST /secrets/create', [201, { ID: 'x' }]);
    const api = new DockerApi({ host: server.host });
    const query = filters({ name: ['a b'] });
    assert.deepEqual(await api.post('/secrets/create', { query, body: { Name: 'n' } }), {
      ID: 'x',
    });
    assert.deepEqual(server.requests, [
      {
        method: 'POST',
        path: '/secrets/create?filters=%7B%22name%22%3A%5B%22a+b%22%5D%7D',
        body: '{"Name":"n"}',
      },
    ]);
  });

  it('says the code of an answer and not its words, which may quote what it was told', async () => {
    server.answers.set('POST /secrets/create', [500, { message: `bad ${canary}` }]);
    const asked = new DockerApi({ host: server.host }).post('/secrets/create', { body: {} });
    await assert.rejects(asked, (error: DockerError) => {
      assert.ok(error instanceof DockerError);
      assert.equal(error.message, 'Docker POST /secrets/create: got 500');
      assert.deepEqual(leaks(error.message, new Map([['value', canary]])), []);
      return true;
    });
  });

  it('is fine when what is to go is gone', async () => {
    await new DockerApi({ host: server.host }).remove('/secrets/x');
  });

  it('says in a line that there is no socket, or nobody behind it', async () => {
    const host = `unix://${folder}/none`;
    const line = /^Docker host unix:\/\/\S+: got no answer \((?:ENOENT|ECONNREFUSED)\)$/u;
    await assert.rejects(new DockerApi({ host }).get('/info'), { message: line });
    writeFileSync(join(folder, 'file'), '');
    const file = `unix://${folder}/file`;
    await assert.rejects(new DockerApi({ host: file }).get('/info'), { message: line });
  });

  it('tells a missing right from a missing answer', async function () {
    assert.equal(new DockerUnreachable('x', 'EACCES').isForbidden, true);
    assert.equal(new DockerUnreachable('x', 'ENOENT').isForbidden, false);
    // Root may use any socket.
    if (process.getuid?.() === 0) this.skip();
    chmodSync(server.socket, 0o000);
    await assert.rejects(
      new DockerApi({ host: server.host }).get('/info'),
      (error: DockerUnreachable) => error.isForbidden,
    );
  });

  it('takes a server that speaks something else for no engine', async () => {
    server.answers.set('GET /info', [200, '<html>']);
    await assert.rejects(new DockerApi({ host: server.host }).get('/info'), {
      message: /got no answer \(an answer that is not JSON\)$/u,
    });
  });

  it('is never asked by tcp without certificates', async () => {
    await assert.rejects(new DockerApi({ host: 'tcp://127.0.0.1:1' }).get('/info'), {
      message: /^Docker host tcp:\/\/127\.0\.0\.1:1: got no certificates; .*dockerCertPath$/u,
    });
    await assert.rejects(
      new DockerApi({ host: 'tcp://127.0.0.1:1', certPath: folder }).get('/info'),
      { message: /ca\.pem: got ENOENT; allowed: ca\.pem, cert\.pem and key\.pem/u },
    );
  });

  /** A stand-in for ssh, which is asked as the docker CLI asks it. */
  function fakeSsh(script: string): void {
    const program = join(folder, 'ssh');
    writeFileSync(program, `#!${process.execPath}\n${script}`);
    chmodSync(program, 0o755);
    process.env.PATH = [folder, path].join(delimiter);
  }

  it('is asked by ssh through docker system dial-stdio', async () => {
    server.answers.set('GET /info', [200, { ok: true }]);
    const socket = JSON.stringify(server.socket);
    const words = JSON.stringify(join(folder, 'words'));
    fakeSsh(
      // Whatever kind of module a file without an ending is taken for.
      `Promise.all([import('node:fs'), import('node:net')]).then(([fs, net]) => {
        fs.writeFileSync(${words}, process.argv.slice(2).join(' '));
        process.stdin.pipe(net.connect(${socket})).pipe(process.stdout);
      });`,
    );
    const api = new DockerApi({ host: 'ssh://me@far.example:2222' });
    assert.deepEqual(await api.get('/info'), { ok: true });
    assert.match(
      readFileSync(join(folder, 'words'), 'utf8'),
      /-T -l me -p 2222 -- far\.example docker system dial-stdio$/u,
    );
  });

  it('says what ssh said last', async () => {
    fakeSsh(
      `process.stderr.write('banner\\nme@far.example: Permission denied (publickey).\\r\\n'); process.exit(255);`,
    );
    await assert.rejects(new DockerApi({ host: 'ssh://me@far.example' }).get('/info'), {
      message:
        'Docker host ssh://me@far.example: got no answer (me@far.example: Permission denied (publickey).)',
    });
  });

  it('ends when it is asked to', async () => {
    const quiet = createServer(() => {});
    const silent = join(folder, 'silent');
    await new Promise<void>((settle) => quiet.listen(silent, settle));
    const stop = new AbortController();
    const asked = new DockerApi({ host: `unix://${silent}` }).get('/info', { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await assert.rejects(asked, { message: 'stopped at your request' });
    quiet.close();
  });
});
