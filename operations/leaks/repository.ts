/** What git holds: paths, and the contents of any number of objects through one `git cat-file`. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { CommandError } from '../engine/command-error.ts';

const run = promisify(execFile);
const lineFeed = 0x0a;

export interface Named {
  readonly id: string;
  readonly path: string;
}

/** Gets the pieces of an object's content. */
export interface Reader {
  take(bytes: Buffer): void;
  end(): void;
}

export class Repository {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async #git(...words: readonly string[]): Promise<string> {
    try {
      const { stdout } = await run('git', [...words], {
        cwd: this.directory,
        encoding: 'utf8',
        maxBuffer: 1024 ** 3,
      });
      return stdout;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const got = code === 'ENOENT' ? 'no git' : `exit code ${code} from git ${words[0]}`;
      throw new CommandError(
        `leaks: got ${got}; allowed: a git repository; fix: run it in a clone (git clone), with git on the PATH`,
      );
    }
  }

  /** Files that are in git, or that `git add` would take. */
  async files(): Promise<readonly string[]> {
    const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    return [...new Set(split(await this.#git(...words)))];
  }

  /** Paths in the index. */
  async tracked(): Promise<readonly string[]> {
    return split(await this.#git('ls-files', '-z'));
  }

  /** Whether there is a commit to begin at. */
  async hasCommits(): Promise<boolean> {
    return (await this.#git('rev-list', '--all', '--max-count=1')) !== '';
  }

  /** What the next commit would bring, as it stands in the index. */
  async staged(): Promise<readonly Named[]> {
    const words = [
      'diff',
      '--cached',
      '--raw',
      '-z',
      '--no-abbrev',
      '--no-renames',
      '--diff-filter=AMT',
    ];
    const fields = split(await this.#git(...words));
    return fields.flatMap((field, at) => {
      const [, mode, , id] = field.startsWith(':') ? field.split(' ') : [];
      const path = fields[at + 1];
      // A submodule's commit is none of this repository's objects.
      return id === undefined || path === undefined || mode === '160000' ? [] : [{ id, path }];
    });
  }

  /**
   * Every object that references lead to; of a commit or a tag the path is empty.
   * @param from as for git rev-list
   */
  async objects(from: readonly string[]): Promise<readonly Named[]> {
    const text = await this.#git('rev-list', '--objects', ...from);
    return lines(text).map((line) => ({ id: line.slice(0, 40), path: line.slice(41) }));
  }

  /** Every path that a commit has ever brought, with that commit. */
  async pathsEver(from: readonly string[]): Promise<readonly Named[]> {
    const words = ['log', '--no-renames', '--diff-filter=A', '--name-only', '-z', '-m', ...from];
    const text = await this.#git(...words, '--format=%x01%H');
    let id = '';
    return split(text).flatMap((field) => {
      const word = field.trim();
      if (word.startsWith('\x01')) id = word.slice(1, 41);
      const path = word.startsWith('\x01') ? word.slice(41).trim() : field.replace(/^\n/u, '');
      return path === '' ? [] : [{ id, path }];
    });
  }

  /**
   * Reads objects in their order.
   * @param readerOf is asked once an object has begun; nothing of others is kept
   */
  async read(
    objects: readonly Named[],
    readerOf: (object: Named, type: string) => Reader | undefined,
  ): Promise<void> {
    if (objects.length === 0) return;
    const git = spawn('git', ['cat-file', '--batch', '--buffer'], { cwd: this.directory });
    git.stderr.resume();
    git.stdin.on('error', () => {});
    git.stdin.end(`${objects.map(({ id }) => id).join('\n')}\n`);
    await new Batch(objects, readerOf).read(git);
  }
}

/** The protocol: `ID TYPE SIZE\n`, so many bytes, and `\n`. */
class Batch {
  readonly #objects: readonly Named[];
  readonly #readerOf: (object: Named, type: string) => Reader | undefined;
  #at = 0;
  #head = '';
  #left = 0;
  #inside = false;
  #reader: Reader | undefined;

  constructor(
    objects: readonly Named[],
    readerOf: (object: Named, type: string) => Reader | undefined,
  ) {
    this.#objects = objects;
    this.#readerOf = readerOf;
  }

  async read(git: ChildProcessWithoutNullStreams): Promise<void> {
    for await (const chunk of git.stdout as AsyncIterable<Buffer>) this.#take(chunk);
    if (this.#at < this.#objects.length) {
      throw new CommandError(
        'leaks: got less from git cat-file than it was asked for; allowed: a whole repository; fix: git fsck',
      );
    }
  }

  #take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (!this.#inside) {
        const end = chunk.indexOf(lineFeed, at);
        this.#head += chunk.toString('latin1', at, end < 0 ? chunk.length : end);
        if (end < 0) return;
        at = end + 1;
        this.#begin();
        continue;
      }
      const piece = chunk.subarray(at, at + this.#left);
      this.#reader?.take(piece);
      this.#left -= piece.length;
      at += piece.length;
      if (this.#left > 0 || at >= chunk.length) continue;
      // The line feed behind the content.
      at += 1;
      this.#end();
    }
  }

  #begin(): void {
    const object = this.#objects[this.#at] ?? { id: '', path: '' };
    const [, type = '', size] = this.#head.split(' ');
    this.#head = '';
    // `missing`: of a shallow or partial clone.
    if (size === undefined) {
      this.#at += 1;
      return;
    }
    this.#left = Number(size);
    this.#inside = true;
    this.#reader = this.#readerOf(object, type);
  }

  #end(): void {
    this.#reader?.end();
    this.#reader = undefined;
    this.#inside = false;
    this.#at += 1;
  }
}

function split(text: string): readonly string[] {
  return text.split('\0').filter((each) => each !== '');
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((each) => each !== '');
}
