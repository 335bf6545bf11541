/**
 * `hummingbot:index:GitFile`: one file without a value in a directory that git holds. Modes are
 * git's affair, so that a fresh clone is no change; no symbolic link below the root is followed.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type {
  CheckResult,
  CreateResult,
  DiffResult,
  ReadResult,
  UpdateResult,
} from '@pulumi/pulumi/provider/provider.js';
import {
  type Call,
  type CheckFailure,
  containsSecret,
  failure,
  isUnknown,
  PluginError,
  type Properties,
  type ResourceHandler,
} from '../provider-server.ts';
import { missing } from './directories.ts';
import { refuse, writeAtomically } from './file.ts';
import { temporaryOf } from './temporary.ts';

/** Where a file is: a root, relative to the project or absolute, and a path below it. */
export interface Place {
  readonly root: string;
  /** With forward slashes. */
  readonly path: string;
}

const fileMode = '0644';
const directoryMode = 0o755;

/** Files of a project, each named by its place. Errors are one line and name the file. */
export class GitFiles {
  readonly #project: string;

  /** @param project directory that a relative root is relative to */
  constructor(project: string) {
    this.#project = project;
  }

  /** Whether two spellings are one place. */
  isSame(one: Place, other: Place): boolean {
    return this.#target(one) === this.#target(other);
  }

  /** Readers see the old content or the new one. */
  async write(place: Place, content: string): Promise<void> {
    try {
      await mkdir(resolve(this.#project, place.root), { recursive: true });
      for (const directory of this.#directories(place)) {
        await mkdir(directory, { mode: directoryMode }).catch(exists);
        await this.#isDirectory(directory);
      }
      await writeAtomically(this.#target(place), content, fileMode);
    } catch (error) {
      refuse(place, error);
    }
  }

  /** @returns undefined when there is no regular file */
  async read(place: Place): Promise<string | undefined> {
    try {
      for (const directory of this.#directories(place)) {
        if (!(await this.#isDirectory(directory))) return undefined;
      }
      const target = this.#target(place);
      // Of a killed write.
      await rm(temporaryOf(target), { force: true });
      const stat = await lstat(target).catch(missing);
      if (stat === undefined || !stat.isFile()) return undefined;
      const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        return await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      refuse(place, error);
    }
  }

  /** Directories below the root that are empty then go too. */
  async remove(place: Place): Promise<void> {
    try {
      const directories = this.#directories(place);
      for (const directory of directories) {
        if (!(await this.#isDirectory(directory))) return;
      }
      const target = this.#target(place);
      for (const path of [temporaryOf(target), target]) await rm(path, { force: true });
      for (const directory of directories.toReversed()) {
        if (!(await removedEmpty(directory))) return;
      }
    } catch (error) {
      refuse(place, error);
    }
  }

  #target({ root, path }: Place): string {
    return resolve(this.#project, root, path);
  }

  /** Between the root and the file, the outermost first. */
  #directories({ root, path }: Place): readonly string[] {
    const parts = dirname(path).split('/');
    const from = resolve(this.#project, root);
    return path === basename(path)
      ? []
      : parts.map((_, at) => join(from, ...parts.slice(0, at + 1)));
  }

  /** @returns false when there is nothing */
  async #isDirectory(directory: string): Promise<boolean> {
    const stat = await lstat(directory).catch(missing);
    if (stat === undefined) return false;
    if (stat.isDirectory()) return true;
    const kind = stat.isSymbolicLink() ? 'a symbolic link' : 'no directory';
    throw new PluginError(
      `${directory}: got ${kind}; allowed: a directory; fix: remove it and run again`,
    );
  }
}

function exists(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'EEXIST') return undefined;
  throw error;
}

/** @returns whether it is gone */
async function removedEmpty(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/** What is wrong with a place; in a preview parts of it may be unknown. */
export function placeFailures({ root, path }: Properties): readonly CheckFailure[] {
  const failures: CheckFailure[] = [];
  if (typeof root !== 'string') failures.push(failure('root', 'allowed: text'));
  const below =
    typeof path === 'string' &&
    !isAbsolute(path) &&
    path.split('/').every((part) => !/^(?:\.{0,2}|.*\0.*)$/u.test(part));
  if (!isUnknown(path) && !below) {
    failures.push(failure('path', 'allowed: a path below the root, without . or .. in it'));
  }
  return failures;
}

export class GitFileResource implements ResourceHandler {
  readonly #files: GitFiles;

  /** @param project directory that a relative root is relative to */
  constructor(project: string) {
    this.#files = new GitFiles(project);
  }

  async check(_olds: Properties, news: Properties, { marked }: Call): Promise<CheckResult> {
    const failures = [...placeFailures(news)];
    if (typeof news.content !== 'string') failures.push(failure('content', 'allowed: text'));
    if (containsSecret(marked.content)) {
      failures.push(failure('content', 'got a secret; allowed: what git may keep for ever'));
    }
    return { inputs: news, failures };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const moves = !this.#files.isSame(placeOf(olds), placeOf(news));
    const changes = moves || olds.content !== news.content;
    return { changes, replaces: moves ? movedIn(olds, news) : [] };
  }

  async create(inputs: Properties): Promise<CreateResult> {
    await this.#files.write(placeOf(inputs), String(inputs.content));
    return { id: idOf(inputs), outs: inputs };
  }

  async update(_id: string, _olds: Properties, news: Properties): Promise<UpdateResult> {
    await this.#files.write(placeOf(news), String(news.content));
    return { outs: news };
  }

  async read(id: string, state: Properties): Promise<ReadResult> {
    const content = await this.#files.read(placeOf(state));
    if (content === undefined) return {};
    const props = { ...state, content };
    return { id, props, inputs: props };
  }

  async delete(_id: string, state: Properties): Promise<void> {
    await this.#files.remove(placeOf(state));
  }
}

/** @throws PluginError when there is none, as at an import */
export function placeOf({ root, path }: Properties): Place {
  if (typeof root === 'string' && typeof path === 'string') return { root, path };
  throw new PluginError('a file for git cannot be imported; run the program instead');
}

export function idOf({ root, path }: Properties): string {
  return `${root}/${path}`;
}

/** Parts of a place that another place is named by. */
export function movedIn(olds: Properties, news: Properties): string[] {
  return ['root', 'path'].filter((part) => olds[part] !== news[part]);
}
