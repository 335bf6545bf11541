/**
 * `hummingbot:index:File`: one file below a root, written so that a reader sees the old content
 * or the new one and nothing in between.
 *
 * The write: a temporary file beside the target (same file system, 0600, `O_EXCL|O_NOFOLLOW`),
 * mode, content, fsync, rename, fsync of the directory. A kill leaves at most the temporary file,
 * whose name is fixed, so that the next write or delete of the same path clears it away.
 */
import { constants } from 'node:fs';
import { lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type {
  CheckResult,
  CreateResult,
  DiffResult,
  ReadResult,
  UpdateResult,
} from '@pulumi/pulumi/provider/provider.js';
import {
  failure,
  isUnknown,
  PluginError,
  type Properties,
  type ResourceHandler,
  secret,
} from '../provider-server.ts';
import {
  type DirectoryModes,
  isDrifted,
  mendedModesOf,
  missing,
  modesOf,
  octal,
  PlaceError,
  removeEmpty,
  type WalkOptions,
  type Way,
  walk,
} from './directories.ts';
import { temporaryOf } from './temporary.ts';

interface FileState {
  /** Directory that the file may not leave; relative to the project, or absolute. */
  readonly root: string;
  /** Path below the root, with forward slashes. */
  readonly path: string;
  /** Content in UTF-8. Secret. */
  readonly content: string;
  /** Mode in octal, four digits, exact whatever the umask: `0400`. */
  readonly mode: string;
  /** Output: our directories between root and file, by name, with their modes as last seen. */
  readonly directories?: DirectoryModes;
}

const properties = ['root', 'path', 'content', 'mode'] as const;

export class FileResource implements ResourceHandler {
  readonly #project: string;

  /** @param project directory that a relative root is relative to */
  constructor(project: string) {
    this.#project = project;
  }

  async check(_olds: Properties, news: Properties): Promise<CheckResult> {
    const failures = [];
    for (const property of properties) {
      if (typeof news[property] !== 'string') {
        failures.push(failure(property, `got ${typeof news[property]}; allowed: text`));
      }
    }
    if (failures.length === 0) {
      const { path, mode } = news as unknown as FileState;
      const parts = path.split('/');
      if (
        !isUnknown(path) &&
        (isAbsolute(path) || parts.some((part) => /^(\.{0,2}|.*\0.*)$/u.test(part)))
      ) {
        failures.push(failure('path', 'allowed: a path below the root, without . or .. in it'));
      }
      if (!isUnknown(mode) && !/^0[0-7]{3}$/u.test(mode)) {
        failures.push(failure('mode', 'allowed: an octal mode of four digits, such as 0400'));
      }
    }
    return { inputs: marked(news), failures };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const changed = properties.filter((property) => olds[property] !== news[property]);
    // Another spelling of the same place is the same file: replacing it would end in its deletion.
    const [before, after] = [olds, news].map((file) =>
      resolve(this.#project, String(file.root), String(file.path)),
    );
    const moves = before !== after;
    const replaces = changed.filter((each) => moves && (each === 'root' || each === 'path'));
    const drifted = isDrifted((olds as unknown as FileState).directories);
    return { changes: changed.length > 0 || drifted, replaces };
  }

  async create(inputs: Properties): Promise<CreateResult> {
    const file = inputs as unknown as FileState;
    const directories = await this.#write(file, undefined);
    return { id: `${file.root}/${file.path}`, outs: { ...marked(inputs), directories } };
  }

  async update(_id: string, olds: Properties, news: Properties): Promise<UpdateResult> {
    const recorded = (olds as unknown as FileState).directories;
    const directories = await this.#write(news as unknown as FileState, recorded);
    return { outs: { ...marked(news), directories } };
  }

  async read(id: string, state: Properties): Promise<ReadResult> {
    const file = state as unknown as FileState;
    return await this.#read(id, file).catch((error: unknown) => refuse(file, error));
  }

  async #read(id: string, file: FileState): Promise<ReadResult> {
    if (typeof file.root !== 'string' || typeof file.path !== 'string') {
      throw new PluginError('hummingbot:index:File: cannot be imported; run the program instead');
    }
    const { end, steps } = await this.#walk(file, { recorded: file.directories, act: 'look' });
    const directories = modesOf(steps);
    const target = end === undefined ? undefined : join(end, basename(file.path));
    // What a killed write has left holds a value.
    if (target !== undefined) await rm(temporaryOf(target), { force: true });
    const found = target === undefined ? undefined : await readFile(target);
    // Gone from the state, its directories would no longer be known for ours; an update writes a
    // missing file as well as a changed one.
    const isKnown = typeof file.content === 'string';
    if (found === undefined && !(isDrifted(directories) && isKnown)) return {};
    const inputs = marked({ ...stateOf(file), ...found });
    return { id, props: { ...inputs, directories }, inputs };
  }

  async delete(_id: string, state: Properties): Promise<void> {
    const file = state as unknown as FileState;
    await this.#delete(file).catch((error: unknown) => refuse(file, error));
  }

  async #delete(file: FileState): Promise<void> {
    const { end, steps } = await this.#walk(file, { recorded: file.directories, act: 'mend' });
    if (end === undefined) return;
    const target = join(end, basename(file.path));
    // A name that became a directory is not ours: rm without `recursive` refuses it.
    for (const path of [temporaryOf(target), target]) await rm(path, { force: true });
    await removeEmpty(steps);
  }

  async #walk(file: FileState, options: WalkOptions): Promise<Way> {
    return await walk(resolve(this.#project, file.root), file.path, options);
  }

  /** @returns our directories on the way to the file */
  async #write(file: FileState, recorded: DirectoryModes | undefined): Promise<DirectoryModes> {
    try {
      const { end, steps } = await this.#walk(file, { recorded, act: 'make' });
      if (end === undefined) throw new PluginError(`${display(file)}: has no directory`);
      await writeAtomically(join(end, basename(file.path)), file.content, file.mode);
      return mendedModesOf(steps);
    } catch (error) {
      refuse(file, error);
    }
  }
}

function display(file: Pick<FileState, 'root' | 'path'>): string {
  return `${file.root}/${file.path}`;
}

/** Turns an error of the file system into one line that names the file and not its content. */
export function refuse(file: Pick<FileState, 'root' | 'path'>, error: unknown): never {
  if (error instanceof PluginError) throw error;
  if (error instanceof PlaceError) throw new PluginError(`${display(file)}: ${error.message}`);
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const hints: Record<string, string> = {
    EACCES: 'fix: give your user the right to write there',
    EPERM: 'fix: give your user the right to write there',
    ELOOP: 'a symbolic link leads to itself; fix: remove it and run again',
    EROFS: 'fix: choose a directory on a writable file system',
    ENOSPC: 'fix: free some space and run again',
    EISDIR: 'a directory is in its place; fix: move it away and run again',
    ERR_FS_EISDIR: 'a directory is in its place; fix: move it away and run again',
    ENOTDIR: 'a file is where a directory should be; fix: move it away and run again',
    ENAMETOOLONG: 'the path is too long; fix: choose a directory with a shorter path',
  };
  throw new PluginError(`${display(file)}: ${code}; ${hints[code] ?? 'fix: run again'}`);
}

/** @param mode in octal, four digits */
export async function writeAtomically(
  target: string,
  content: string,
  mode: string,
): Promise<void> {
  const temp = temporaryOf(target);
  await rm(temp, { force: true });
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const handle = await open(temp, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
  try {
    await handle.chmod(Number.parseInt(mode, 8));
    await handle.writeFile(content, 'utf8');
    await handle.sync();
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  try {
    await rename(temp, target);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
  await syncDirectory(dirname(target));
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @returns undefined when there is no regular file at the path; a symbolic link is none */
async function readFile(target: string): Promise<Pick<FileState, 'content' | 'mode'> | undefined> {
  const stat = await lstat(target).catch(missing);
  if (stat === undefined || !stat.isFile()) return undefined;
  const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return { content: await handle.readFile('utf8'), mode: octal(stat.mode) };
  } finally {
    await handle.close();
  }
}

function stateOf(state: FileState): Properties {
  return Object.fromEntries(properties.map((property) => [property, state[property]]));
}

function marked(state: Properties): Properties {
  return { ...state, content: secret(state.content) };
}
