/**
 * A checkout of its own for each end-to-end test: what git would hold of this one, as a repository
 * with one commit, so that nothing of the developer's stack is touched and `git status` means
 * something. Tools are shared by the cache, as they are between a user's checkouts.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const source = resolve(import.meta.dirname, '../..');

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Checkout {
  readonly directory: string;
  /** Directory for temporary files of all that runs here. */
  readonly temporary: string;
  /** All that anything printed here. */
  readonly printed: string[] = [];
  readonly #base: string;

  /** @param modules 'link' shares node_modules; 'none' leaves it to `npm ci` */
  constructor(modules: 'link' | 'none' = 'link') {
    this.#base = mkdtempSync(join(tmpdir(), 'checkout-'));
    this.directory = join(this.#base, 'hummingbot-secrets');
    this.temporary = join(this.#base, 'tmp');
    mkdirSync(this.directory);
    mkdirSync(this.temporary);
    const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const { stdout } = spawnSync('git', list, { cwd: source, encoding: 'utf8' });
    for (const path of stdout.split('\0').filter((each) => each !== '')) {
      const target = join(this.directory, path);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(source, path), target, { errorOnExist: false, force: true });
    }
    this.#git('init', '-q');
    this.commit('checkout');
    if (modules === 'link') {
      symlinkSync(join(source, 'node_modules'), this.path('node_modules'));
      // The pattern `node_modules/` does not match a link.
      writeFileSync(this.path('.git/info/exclude'), '/node_modules\n');
    }
  }

  #git(...args: readonly string[]): void {
    const identity = ['-c', 'user.name=e2e', '-c', 'user.email=e2e@localhost'];
    const { status } = spawnSync('git', [...identity, ...args], { cwd: this.directory });
    if (status !== 0) throw new Error(`git ${args[0]} failed`);
  }

  /** Commits all that is there. */
  commit(message: string): void {
    this.#git('add', '-A');
    this.#git('commit', '-q', '-m', message);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: this.temporary, ...more };
    for (const name of Object.keys(env)) {
      // Of the npm that runs these tests, and of a Pulumi of the developer's own.
      if (/^(?:npm_|PULUMI_|NODE_OPTIONS|INIT_CWD)/u.test(name) && more[name] === undefined) {
        if (!/^npm_config_/u.test(name)) delete env[name];
      }
    }
    return env;
  }

  start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(command, args, {
      cwd: this.directory,
      env: this.environment(env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  async run(
    command: string,
    args: readonly string[],
    options: { input?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Result> {
    return await this.finish(this.start(command, args, options.env), options.input);
  }

  async finish(child: ChildProcess, input = ''): Promise<Result> {
    child.stdin?.on('error', () => {}).end(input);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    const code = await new Promise<number>((settle) => {
      const end = (status: number | null, signal: NodeJS.Signals | null): void =>
        settle(status ?? (signal === null ? 1 : 137));
      child.on('close', end);
      // Orphans of a killed child may hold its pipes.
      child.on('exit', (...how) => setTimeout(() => end(...how), 15_000).unref());
    });
    const result = {
      code,
      stdout: Buffer.concat(out).toString(),
      stderr: Buffer.concat(err).toString(),
    };
    this.printed.push(result.stdout, result.stderr);
    return result;
  }

  /** Keeps something out of `printed` that shows values because it was asked to: no leak. */
  forget(text: string): void {
    this.printed.splice(this.printed.lastIndexOf(text), 1);
  }

  /** `npm start -- ARGS` */
  async npmStart(...args: string[]): Promise<Result> {
    return await this.run('npm', ['start', '--', ...args]);
  }

  /** `npm run pulumi -- ARGS` */
  async pulumi(args: readonly string[], input?: string): Promise<Result> {
    const options = input === undefined ? {} : { input };
    return await this.run('npm', ['run', '--silent', 'pulumi', '--', ...args], options);
  }

  async setSecret(path: string, value: string, stack = 'dev'): Promise<void> {
    const words = ['config', 'set', '--secret', '--path', path, '--stack', stack];
    const { code } = await this.pulumi(words, value);
    if (code !== 0) throw new Error(`config set ${path} ended with ${code}`);
  }

  /** `npm run import` of a map of names and values. */
  async import(values: ReadonlyMap<string, string>): Promise<void> {
    const directory = mkdtempSync(join(this.#base, 'import-'));
    for (const [name, value] of values) writeFileSync(join(directory, name), value);
    const words = ['run', '--silent', 'import', '--', directory];
    const { code, stderr } = await this.run('npm', words);
    rmSync(directory, { recursive: true });
    // Its errors never show a value: that is tested for itself.
    if (code !== 0) throw new Error(`npm run import ended with ${code}: ${stderr}`);
  }

  gitStatus(): string {
    const args = ['status', '--porcelain'];
    return spawnSync('git', args, { cwd: this.directory, encoding: 'utf8' }).stdout;
  }

  /** Files below a directory of the checkout, by path. */
  files(directory: string): ReadonlyMap<string, FileFacts> {
    return new Map(
      listFiles(this.path(directory)).map((path) => [
        path,
        factsOf(this.path(join(directory, path))),
      ]),
    );
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}

export interface FileFacts {
  readonly mode: string;
  readonly inode: number;
  readonly modified: number;
  readonly content: string;
}

function factsOf(path: string): FileFacts {
  const stat = lstatSync(path);
  return {
    mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
    inode: stat.ino,
    modified: stat.mtimeMs,
    content: readFileSync(path, 'latin1'),
  };
}

export function listFiles(directory: string, below = ''): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    if (stat.isDirectory()) return listFiles(path, join(below, name));
    return stat.isFile() ? [join(below, name)] : [];
  });
}
