/**
 * A crash leaves no core file of a process that has seen a value: not of the bot's programs, and not
 * of the commands with all that they start, whatever the shell allows. Linux.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout } from './checkout.ts';
import { appearing, descendants } from './process-tree.ts';

const programs = resolve(import.meta.dirname, '../../components/consumers');
/** Where the kernel writes. To a program it pipes at any limit but 1, which is all that can be shown here. */
const pattern =
  process.platform === 'linux' ? readFileSync('/proc/sys/kernel/core_pattern', 'utf8') : '|';
const leavesFiles = /^core\s*$/u.test(pattern);
/** A shell that allows core files of any size, becomes another program. */
const allowing = ['-c', 'ulimit -c unlimited && exec "$0" "$@"'];
/** The limit of a process, soft and hard, with one blank between. */
function limitOf(pid: number): string {
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  const found = /^Max core file size +(\S+) +(\S+)/mu.exec(limits);
  return found === null ? '' : `${found[1]} ${found[2]}`;
}

describe('core files', () => {
  const canary = makeCanary('core');
  const canaries = new Map([['core', canary]]);
  let directory: string;

  before(function () {
    if (process.platform !== 'linux') this.skip();
    directory = mkdtempSync(join(tmpdir(), 'core-'));
  });
  afterEach(() => {
    for (const name of cores()) rmSync(join(directory, name));
  });
  after(() => rmSync(directory ?? '', { recursive: true, force: true }));

  const cores = (at = directory): readonly string[] =>
    readdirSync(at).filter((name) => /^core(?:\.\d+)?$/u.test(name));

  /** Crashes with the canary in its memory, as a shell lets it that allows core files. */
  function crash(first: string): {
    readonly signal: string | null;
    readonly found: readonly string[];
  } {
    const program = `import os, sys; sys.path.insert(0, ${JSON.stringify(programs)})
import materialise
value = sys.stdin.read()
${first}
os.abort()`;
    const python = ['python3', '-B', '-c', program];
    const options = { cwd: directory, input: canary };
    const { signal } = spawnSync('sh', [...allowing, ...python], options);
    return { signal, found: cores() };
  }

  /** Soft and hard, as Python has them. */
  function limitAfter(first: string): string {
    const program = `import os, sys; sys.path.insert(0, ${JSON.stringify(programs)})
import materialise
${first}
print(materialise.resource.getrlimit(materialise.resource.RLIMIT_CORE))`;
    const { stdout } = spawnSync('python3', ['-B', '-c', program], { encoding: 'utf8' });
    return stdout.trim();
  }

  it('hold the values of a program that may leave one, and the search sees it', function () {
    if (!leavesFiles) this.skip();
    const { signal, found } = crash('');
    assert.equal(signal, 'SIGABRT');
    assert.equal(found.length, 1);
    const core = readFileSync(join(directory, found[0] ?? ''));
    assert.ok(leaks(core, canaries).includes('core as plain'));
  });

  it("are none of the bot's programs", () => {
    const { signal, found } = crash('materialise.forbid_core_files()');
    assert.equal(signal, 'SIGABRT');
    assert.deepEqual(found, []);
    assert.equal(limitAfter('materialise.forbid_core_files()'), '(1, 1)');
    const before = 'materialise.resource.setrlimit(materialise.resource.RLIMIT_CORE, (0, 0)); ';
    const unprivileged = 'os.setgroups([]); os.setgid(65534); os.setuid(65534); ';
    const late = `${before}${unprivileged}materialise.forbid_core_files()`;
    assert.equal(limitAfter(late), '(0, 0)');
    for (const name of ['materialise.py', 'launch.py']) {
      const [, main = ''] = readFileSync(join(programs, name), 'utf8').split('def main():');
      assert.match(main, /^\n {4}os\.umask\(0o077\)\n {4}forbid_core_files\(\)\n/u, name);
    }
  });

  it('are none of the commands, nor of the engine, the program and the plugins that they start', async () => {
    const checkout = new Checkout();
    try {
      assert.equal((await checkout.npmStart()).code, 0);
      await checkout.setSecret('trading.kraken_api_key', canary);
      const child = checkout.start('sh', [...allowing, 'npm', 'start', '--', 'preview']);
      const ended = once(child, 'close');
      const root = child.pid ?? 0;
      const over = (): boolean => child.exitCode !== null || child.signalCode !== null;
      const program = await appearing(root, /@pulumi\/pulumi\/cmd\/run/u, over);
      assert.ok(program !== undefined);
      // On a busy machine it would be over before all of them are looked at.
      process.kill(program.pid, 'SIGSTOP');
      // npm and its shell have seen nothing.
      const seen = descendants(root).filter(({ command }) => !/^(?:npm|sh) /u.test(command));
      const limits = seen.map(({ pid, command }) => `${limitOf(pid)} ${command.slice(0, 60)}`);
      assert.equal(limitOf(root), 'unlimited unlimited');
      assert.ok(seen.length >= 3, limits.join('\n'));
      assert.deepEqual(
        limits.filter((line) => !line.startsWith('1 1 ')),
        [],
      );
      process.kill(program.pid, 'SIGABRT');
      process.kill(program.pid, 'SIGCONT');
      await ended;
      assert.notEqual(child.exitCode, 0);
      for (const at of ['', 'out', 'out/dev', '.local'].map((each) => checkout.path(each))) {
        assert.deepEqual(cores(at), [], at);
      }
      assert.equal(checkout.gitStatus(), '');
    } finally {
      checkout.remove();
    }
  });
});
