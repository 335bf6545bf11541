import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const module = join(import.meta.dirname, '../../../operations/engine/turn.ts');
/** Begins, notes that it is at work, and ends; what two of them write must not be mixed. */
const program = `
  import { appendFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  const [module, directory, book, name, milliseconds, engine] = process.argv.slice(1);
  const { noteEngine, Turn } = await import(module);
  await Turn.take('dev', directory);
  if (engine) noteEngine(Number(engine));
  appendFileSync(book, 'begin ' + name + '\\n');
  await sleep(Number(milliseconds));
  appendFileSync(book, 'end ' + name + '\\n');
`;

describe('turns on a stack', function () {
  this.timeout(60_000);
  let base: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'turn-'));
    writeFileSync(book(), '');
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const book = (): string => join(base, 'book');
  const lines = (): readonly string[] => readFileSync(book(), 'utf8').trim().split('\n');
  const tickets = (): readonly string[] => readdirSync(join(base, 'turns'));

  function run(name: string, milliseconds = 30, engine?: number): ChildProcess {
    const args = [module, join(base, 'turns'), book(), name, `${milliseconds}`, `${engine ?? ''}`];
    return spawn(process.execPath, ['--input-type=module', '-e', program, ...args], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
  }

  const codeOf = async (child: ChildProcess): Promise<number | null> =>
    await new Promise((settle) => child.once('exit', (code) => settle(code)));

  async function begun(name: string): Promise<void> {
    for (let tries = 0; !lines().includes(`begin ${name}`); tries += 1) {
      assert.ok(tries < 500, lines().join());
      await sleep(10);
    }
  }

  it('are taken one after the other by eight that come at once, and nothing is left', async () => {
    const children = Array.from({ length: 8 }, (_, at) => run(`${at}`));
    assert.deepEqual(await Promise.all(children.map(codeOf)), Array(8).fill(0));
    const seen = lines();
    assert.equal(seen.length, 16);
    for (let at = 0; at < 16; at += 2) {
      assert.equal(seen[at + 1], seen[at]?.replace('begin', 'end'), seen.join());
    }
    assert.deepEqual(tickets(), []);
  });

  it('go on to the next when the one who has it is killed', async () => {
    const first = run('first', 60_000);
    await begun('first');
    const second = run('second');
    await sleep(500);
    assert.deepEqual(lines(), ['begin first'], 'a living one was not waited for');
    first.kill('SIGKILL');
    assert.equal(await codeOf(second), 0);
    assert.deepEqual(lines(), ['begin first', 'begin second', 'end second']);
    assert.deepEqual(tickets(), []);
  });

  it('are not given on while the engine of a killed one is at work', async () => {
    const link = join(base, 'pulumi');
    // A name that the engine goes by.
    const engine = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { argv0: link });
    const first = run('first', 60_000, engine.pid);
    await begun('first');
    first.kill('SIGKILL');
    const second = run('second');
    await sleep(700);
    assert.deepEqual(lines(), ['begin first']);
    engine.kill('SIGKILL');
    assert.equal(await codeOf(second), 0);
  });

  it('heed no number of a process that has the pid of a dead one', async () => {
    const child = run('first');
    assert.equal(await codeOf(child), 0);
    // This process lives, and began at another time.
    writeFileSync(join(base, 'turns', `1-${process.pid}-1`), '');
    assert.equal(await codeOf(run('second')), 0);
    assert.deepEqual(tickets(), []);
  });
});
