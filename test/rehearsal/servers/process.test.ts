/** Server processes: found again by another command, told apart from a later one, stopped by pid. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  identify,
  isRunning,
  processesMarked,
  Servers,
  stopProcess,
} from '../../../rehearsal/servers/process.ts';

const isLinux = process.platform === 'linux';

describe('server processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'servers-'));
  const servers = new Servers(folder);
  const children: ChildProcess[] = [];

  before(function () {
    if (!isLinux) this.skip();
  });

  after(async () => {
    await servers.stopAll();
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const spec = (name: string, script: string, healthy = async (): Promise<boolean> => true) => ({
    name,
    command: ['sh', '-c', script],
    healthy,
    seconds: 5,
  });

  it('are found by whoever knows the folder, oldest first', async () => {
    const first = await servers.start(spec('first', 'sleep 60'));
    const second = await servers.start(spec('second', 'sleep 60'));
    const found = new Servers(folder).list();
    assert.deepEqual(
      found.map(({ name, pid }) => [name, pid]),
      [
        ['first', first.pid],
        ['second', second.pid],
      ],
    );
    assert.ok(found.every(isRunning));
  });

  it('are not mixed up with a later process of the same pid', () => {
    const id = identify(process.pid);
    assert.ok(id !== undefined && isRunning(id));
    assert.ok(!isRunning({ ...id, started: '1' }));
  });

  it('write into their log, and get nothing of this environment but PATH', async () => {
    process.env.NOT_FOR_SERVERS = 'x';
    await servers.start(spec('env', 'env; echo done; sleep 60'));
    for (let at = 0; at < 100 && !readFileSync(servers.log('env'), 'utf8').includes('done'); at++) {
      await new Promise((settle) => setTimeout(settle, 20));
    }
    const names = readFileSync(servers.log('env'), 'utf8').matchAll(/^(\w+)=/gmu);
    const own = ['PATH', 'PWD', 'SHLVL', '_', 'OLDPWD'];
    for (const [, name = ''] of names) assert.ok(own.includes(name), name);
    delete process.env.NOT_FOR_SERVERS;
  });

  it('that end at once are an error that names the log', async () => {
    const failing = servers.start(spec('failing', 'exit 3', async () => false));
    await assert.rejects(failing, (error: Error) => error.message.includes(servers.log('failing')));
  });

  it('that never get healthy are an error too', async () => {
    const never = { ...spec('never', 'sleep 60', async () => false), seconds: 0.3 };
    await assert.rejects(servers.start(never), /no healthy answer in 0\.3 s/u);
  });

  it('are killed when they do not end by themselves', async () => {
    const child = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 0.1; done']);
    children.push(child);
    const id = identify(child.pid ?? 0);
    assert.ok(id !== undefined);
    await stopProcess(id, 0.3);
    assert.ok(!isRunning(id));
  });

  it('that were not recorded yet are found by their environment', async () => {
    const env = { ...process.env, TEST_STARTED_FOR: folder };
    const child = spawn('sleep', ['60'], { env });
    children.push(child);
    const found = processesMarked('TEST_STARTED_FOR', folder);
    assert.deepEqual(
      found.map(({ pid }) => pid),
      [child.pid],
    );
    assert.deepEqual(processesMarked('TEST_STARTED_FOR', `${folder}x`), []);
    for (const id of found) await stopProcess(id);
    assert.deepEqual(processesMarked('TEST_STARTED_FOR', folder), []);
  });

  it('are stopped and forgotten', async () => {
    await servers.stopAll();
    assert.deepEqual(servers.list(), []);
  });
});
