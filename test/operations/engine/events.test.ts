import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EngineEvent, withEvents } from '../../../operations/engine/events.ts';
import { isAlive } from '../../../operations/engine/process.ts';
import { prepareWorkspace, workspace } from '../../../operations/engine/workspace.ts';

/** As the engine: makes the file, or empties the one that is there, and writes a line an event. */
const writer = `
const { createWriteStream } = require('node:fs');
const [, path, count, cut] = process.argv;
// Both ways, as Go's os.Create.
const first = createWriteStream(path, { flags: 'r+' });
const write = (file, from, to) => {
  for (let at = from; at < to; at += 1) {
    file.write(JSON.stringify({ diagnosticEvent: { severity: 'info', message: at + 'x'.repeat(1000) } }) + '\\n');
  }
};
const half = Math.floor(Number(count) / 2);
write(first, 0, half);
first.end(() => first.on('close', () => setTimeout(() => {
  // Once more, as for a preview and an update.
  const second = createWriteStream(path, { flags: 'r+' });
  write(second, half, Number(count));
  if (cut) second.write('{"diagnosticEvent":');
  second.end();
}, 200)));
`;

describe('events of a run', () => {
  it('are heard where a killed process of the same pid has left its folder', async () => {
    const left = join(workspace.home, `events-${process.pid}`);
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, 'fifo'), '');
    assert.equal((await hear(2)).length, 2);
    assert.equal(existsSync(left), false);
  });

  const hear = async (count: number, cut = ''): Promise<readonly EngineEvent[]> => {
    const events: EngineEvent[] = [];
    await withEvents(
      (event) => events.push(event),
      async ({ flags: [flag, path = ''], environment }) => {
        assert.equal(flag, '--event-log');
        assert.deepEqual(environment, { PULUMI_DEBUG_COMMANDS: 'true' });
        assert.ok(statSync(path).isFIFO());
        const child = spawn(process.execPath, ['-e', writer, path, String(count), cut]);
        const [code] = await once(child, 'close');
        assert.equal(code, 0);
        // Nothing is kept on the disk.
        assert.equal(statSync(path).size, 0);
      },
    );
    return events;
  };

  before(() => prepareWorkspace());
  afterEach(() => {
    const left = readdirSync(workspace.home).filter((name) => name.startsWith('events-'));
    assert.deepEqual(left, []);
  });

  it('are all heard, in order, when the run is over', async () => {
    const events = await hear(2000);
    assert.deepEqual(
      events.map(({ diagnosticEvent }) => Number.parseInt(diagnosticEvent?.message ?? '', 10)),
      Array.from({ length: 2000 }, (_, at) => at),
    );
  });

  it('are those before the one that a kill has cut short', async () => {
    assert.equal((await hear(3, 'cut')).length, 3);
  });

  it('are none when the engine says none, and nobody waits', async () => {
    assert.deepEqual(await hear(0), []);
    await withEvents(
      () => assert.fail('nothing was said'),
      async () => {},
    );
  });

  it('stop no engine whose command is killed', async () => {
    const events = resolve('operations/engine/events.ts');
    const command = `
      import { spawn } from 'node:child_process';
      import { withEvents } from ${JSON.stringify(events)};
      await withEvents(() => {}, async ({ flags: [, path] }) => {
        const slow = ${JSON.stringify(writer.replace('}, 200)', '}, 3000)'))};
        const args = ['-e', slow, path, '2000', '', '--event-log', path];
        const engine = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'] });
        console.log(engine.pid);
        // As a command that hears nothing any more.
        process.kill(process.pid, 'SIGKILL');
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', command]);
    const [pid] = await once(child.stdout, 'data');
    const deadline = Date.now() + 10_000;
    while (isAlive(Number(pid)) && Date.now() < deadline) await sleep(50);
    const ended = !isAlive(Number(pid));
    if (!ended) process.kill(Number(pid), 'SIGKILL');
    assert.ok(ended, 'the engine waits for a reader');
    // What the killed one left goes with the next run.
    await hear(0);
  });

  it('do not hide what the run throws', async () => {
    const run = withEvents(
      () => {},
      async () => {
        throw new Error('of the run');
      },
    );
    await assert.rejects(run, /of the run/u);
  });
});
