/** What git would ignore: values are written nowhere else. */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Paths that git would not ignore, though they lie in a work tree. A tracked file counts as not
 * ignored, whatever `.gitignore` says.
 * @param paths absolute, with missing directories as needed
 * @returns a reason in place of paths when git has to be asked and cannot be
 */
export function notIgnored(
  paths: readonly string[],
): { readonly paths: readonly string[] } | { readonly reason: string } {
  const inside = paths.map(withoutLinks).filter((path) => workTreeOf(path) !== undefined);
  const byTree = Map.groupBy(inside, (path) => workTreeOf(path) ?? '');
  const found: string[] = [];
  for (const [tree, members] of byTree) {
    const git = spawnSync('git', ['check-ignore', '--stdin', '-z'], {
      cwd: tree,
      input: members.join('\0'),
      encoding: 'utf8',
      env: withoutValues(process.env),
    });
    // 0: some are ignored; 1: none is.
    if (git.error !== undefined || git.status === null || git.status > 1) {
      return { reason: git.error === undefined ? 'git check-ignore failed' : 'no git on PATH' };
    }
    const ignored = new Set(git.stdout.split('\0'));
    found.push(...members.filter((path) => !ignored.has(path)));
  }
  return { paths: found };
}

/**
 * A program of Pulumi has the values of its stack in PULUMI_CONFIG, and may have a passphrase beside
 * it: no process that it starts needs to have them too.
 */
function withoutValues(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(environment).filter(([name]) => !name.startsWith('PULUMI_'));
  return Object.fromEntries(entries);
}

/** The path with symbolic links followed, as far as it exists: a link may lead into a work tree. */
function withoutLinks(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(withoutLinks(parent), basename(path));
}

/** The git work tree around a path; the nearest existing directory decides. */
export function workTreeOf(path: string): string | undefined {
  for (let at = dirname(path); ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (at === dirname(at)) return undefined;
  }
}
