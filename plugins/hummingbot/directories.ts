/**
 * The directories between a root and a file: made 0700, kept so, and told apart from those of the
 * user, which are neither changed nor removed. docs/decisions/0007 says why the rule is this one.
 */
import { chmodSync, mkdirSync, type Stats } from 'node:fs';
import { chmod, lstat, mkdir, realpath, rmdir } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** Mode of our directories, in octal, by name below the root: `dev/secrets`. Public. */
export type DirectoryModes = Readonly<Record<string, string>>;

const ourMode = 0o700;
const modeMask = 0o7777;
const writableByOthers = 0o022;

/** A directory on the way to a file cannot be used; the caller adds which file. */
export class PlaceError extends Error {
  /** @param name of the directory, below the root */
  constructor(
    name: string,
    reason: string,
    allowed = 'directories',
    fix = 'remove it and run again',
  ) {
    super(`${name} ${reason}; allowed: ${allowed}; fix: ${fix}`);
    this.name = 'PlaceError';
  }
}

/** One directory on the way. */
interface Step {
  /** Below the root, with forward slashes. */
  readonly name: string;
  /** Without symbolic links. */
  readonly path: string;
  /** Whether it is ours to mend and to remove. */
  readonly ours: boolean;
  /** As found, before it was mended. */
  readonly mode: string;
}

export interface Way {
  /** The file's directory; undefined when it is missing, or when a lost mode bars the way. */
  readonly end: string | undefined;
  /** Directories found on the way, the root's child first. */
  readonly steps: readonly Step[];
}

export interface WalkOptions {
  /** Names that the state holds for ours. */
  readonly recorded: DirectoryModes | undefined;
  /** `make`: what is missing too; `mend`: only the modes of ours; `look`: nothing. */
  readonly act: 'make' | 'mend' | 'look';
}

/**
 * Walks from the root to a file's directory, one part at a time, so that nothing outside the root
 * is ever made, changed or entered, whatever symbolic links stand in the way. The root itself is
 * made when it is missing, and left as it is otherwise.
 * @param named the root, absolute
 * @param path of the file, below the root
 * @throws PlaceError for what is no directory, leads out, or others may write
 */
export async function walk(named: string, path: string, options: WalkOptions): Promise<Way> {
  const { recorded = {}, act } = options;
  if (act === 'make') await mkdir(named, { recursive: true, mode: ourMode });
  const root = await realpath(named).catch(missing);
  const steps: Step[] = [];
  if (root === undefined) return { end: undefined, steps };
  let end = root;
  for (const [at, part] of path.split('/').slice(0, -1).entries()) {
    const name = path
      .split('/')
      .slice(0, at + 1)
      .join('/');
    const next = join(end, part);
    if (act === 'make') makeOne(next);
    let step: Step | undefined;
    try {
      step = await look(root, next, name, Object.hasOwn(recorded, name));
    } catch (error) {
      // The mode that bars the way is what is wrong, and not the file behind it.
      const barred = (error as NodeJS.ErrnoException).code === 'EACCES';
      if (act === 'look' && barred && isDrifted(modesOf(steps))) return { end: undefined, steps };
      throw error;
    }
    if (step === undefined) return { end: undefined, steps };
    steps.push(step);
    if (act !== 'look' && step.ours) await chmod(step.path, ourMode);
    if (act === 'make' && !step.ours) refuseWritable(step);
    end = step.path;
  }
  return { end, steps };
}

/** Both at once: no other file's walk may see the directory with what the umask left of it. */
function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: ourMode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  chmodSync(path, ourMode);
}

async function look(
  root: string,
  next: string,
  name: string,
  isRecorded: boolean,
): Promise<Step | undefined> {
  const entry = await lstat(next).catch(missing);
  if (entry === undefined) return undefined;
  const path = await realpath(next).catch(missing);
  // A dangling link is not a missing directory: making it would write where it points.
  if (path === undefined) throw new PlaceError(name, 'is a symbolic link to nowhere');
  if (path !== root && !path.startsWith(root + sep)) {
    throw new PlaceError(name, 'is a symbolic link out of the root');
  }
  const stat = entry.isSymbolicLink() ? await lstat(path) : entry;
  if (!stat.isDirectory()) throw new PlaceError(name, 'is not a directory');
  return { name, path, ours: isOurs(entry, isRecorded), mode: octal(stat.mode) };
}

/** A link's target is never ours: we make no links. */
function isOurs(entry: Stats, isRecorded: boolean): boolean {
  const own = process.geteuid === undefined || entry.uid === process.geteuid();
  return entry.isDirectory() && own && (isRecorded || octal(entry.mode) === octal(ourMode));
}

function refuseWritable({ name, mode }: Step): void {
  if ((Number.parseInt(mode, 8) & writableByOthers) === 0) return;
  throw new PlaceError(
    name,
    `may be written by others (${mode})`,
    'a directory that only its owner may write',
    'chmod go-w it and run again',
  );
}

/** Modes of our directories as they were found; what the state records. */
export function modesOf(steps: readonly Step[]): DirectoryModes {
  return Object.fromEntries(steps.filter(({ ours }) => ours).map(({ name, mode }) => [name, mode]));
}

/** The same after they were mended. */
export function mendedModesOf(steps: readonly Step[]): DirectoryModes {
  return Object.fromEntries(Object.keys(modesOf(steps)).map((name) => [name, octal(ourMode)]));
}

/** Whether one of our directories has another mode than it should. */
export function isDrifted(modes: DirectoryModes | undefined): boolean {
  return Object.values(modes ?? {}).some((mode) => mode !== octal(ourMode));
}

/** Removes our directories on the way, from its end on, as long as they are empty. */
export async function removeEmpty(steps: readonly Step[]): Promise<void> {
  for (const { path, ours } of [...steps].reverse()) {
    if (!ours) return;
    try {
      await rmdir(path);
    } catch (error) {
      // Another file of the same directory, deleted at the same time, was quicker.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      return;
    }
  }
}

/** A mode as people write it: `0700`. */
export function octal(mode: number): string {
  return (mode & modeMask).toString(8).padStart(4, '0');
}

export function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
