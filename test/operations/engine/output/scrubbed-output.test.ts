/** What a program prints, by real processes: a driver that uses the module, and a shell that prints. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { leaks, makeCanary } from '../../../canary.ts';

const modulePath = resolve('operations/engine/output/scrubbed-output.ts');
const value = makeCanary('output');
const values = new Map([['output', value]]);

/** Gets the value and the shell's text by its standard input, so that neither is an argument. */
const driver = `
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { scrubbedOutput } from ${JSON.stringify(modulePath)};
const { value, script } = JSON.parse(readFileSync(0, 'utf8'));
const output = scrubbedOutput(() => new Map([['output', value]]));
const child = spawn('sh', ['-s'], { stdio: ['pipe', ...output.stdio] });
output.begun();
child.stdin.end(script);
const code = await new Promise((settle) => child.on('close', settle));
await output.finish();
console.log('after, exit code ' + code);
`;

describe('the output of a program', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'output-'));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  function drive(script: string, out: number | 'pipe', err: number | 'pipe'): ChildProcess {
    const child = spawn(process.execPath, ['--input-type=module', '-e', driver], {
      stdio: ['pipe', out, err],
    });
    child.stdin?.end(JSON.stringify({ value, script }));
    return child;
  }

  async function collected(script: string): Promise<{ out: string; err: string }> {
    const child = drive(script, 'pipe', 'pipe');
    const texts = { out: '', err: '' };
    child.stdout?.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
    await new Promise((settle) => child.once('close', settle));
    return texts;
  }

  it('has no value in either stream, in whatever encoding, and ends with all that was printed', async () => {
    const base64 = Buffer.from(`xy${value}`).toString('base64');
    const { out, err } = await collected(
      `echo 'plain ${value}'; echo '{"x":"${base64}"}' >&2; printf '${value.slice(0, 9)}'; sleep 0.1; printf '${value.slice(9)} end'`,
    );
    assert.equal(out.split('after')[0], 'plain [secret]\n[secret] end');
    assert.match(err, /^\{"x":".{0,3}\[secret\].{0,3}"\}\n$/);
    assert.deepEqual(leaks(out + err, values), []);
    assert.match(out, /after, exit code 0\n$/);
  });

  it('keeps the order of both streams in one file', async () => {
    const path = join(folder, 'log');
    const file = openSync(path, 'w');
    const lines = Array.from({ length: 40 }, (_, at) => `echo line ${at}${at % 2 ? ' >&2' : ''}`);
    const child = drive(lines.join('\n'), file, file);
    await new Promise((settle) => child.once('close', settle));
    closeSync(file);
    const expected = lines.map((_, at) => `line ${at}\n`).join('');
    assert.equal(readFileSync(path, 'utf8'), `${expected}after, exit code 0\n`);
  });

  it('lets the program end when the command was killed, or nobody reads any more', async () => {
    for (const how of ['killed', 'unread']) {
      const done = join(folder, how);
      const script = `echo begun; i=0; while [ $i -lt 30 ]; do echo line $i || exit 1; sleep 0.02; i=$((i+1)); done; touch ${done}`;
      const child = drive(script, 'pipe', 'pipe');
      await new Promise((settle) => child.stdout?.once('data', settle));
      if (how === 'killed') child.kill('SIGKILL');
      else child.stdout?.destroy();
      for (let i = 0; i < 200 && !existsSync(done); i++) await sleep(50);
      assert.ok(existsSync(done), how);
      assert.ok(child.exitCode !== null || child.signalCode !== null || how === 'unread');
    }
  });

  it('waits two seconds at most for what a program has left behind with its output', async () => {
    const begun = Date.now();
    const { out } = await collected('echo said; sleep 15 & echo $!');
    const [said, pid] = out.split('\n');
    process.kill(Number(pid));
    assert.equal(said, 'said');
    assert.match(out, /after, exit code 0\n$/);
    assert.ok(Date.now() - begun < 14_000);
  });

  it('leaves a terminal to the program itself, and then asks for no value', () => {
    const seen = `
import { scrubbedOutput } from ${JSON.stringify(modulePath)};
let asked = 0;
const output = scrubbedOutput(() => { asked += 1; return new Map([['x', 'y'.repeat(9)]]); });
console.log(JSON.stringify([process.stdout.isTTY, asked, output.stdio]));
output.begun();
await output.finish();
`;
    const [program, shell] = [join(folder, 'seen.mjs'), join(folder, 'seen.sh')];
    writeFileSync(program, seen);
    writeFileSync(shell, `exec ${process.execPath} ${program}\n`);
    const printed = execFileSync('script', ['-qec', `sh ${shell}`, '/dev/null'], {
      encoding: 'utf8',
      input: '',
    });
    assert.equal(printed.trim(), '[true,0,["inherit","inherit"]]');
  });
});
