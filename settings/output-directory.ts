/** Checks that git ignores what would hold values. */
import { isAbsolute, join, resolve } from 'node:path';
import type { CatalogEntry } from '../components/catalog.ts';
import { type TargetName, targetOf } from '../components/delivery/targets.ts';
import { notIgnored } from './git.ts';
import { pulumiCommand, shown } from './mistake.ts';
import type { Found, RawSettings } from './raw.ts';
import { directoryRule } from './scalars.ts';

export function checkIgnored(
  { projectDirectory, stack }: RawSettings,
  chosen: readonly TargetName[],
  outputDirectory: string,
  entries: ReadonlyMap<string, CatalogEntry>,
  found: Found,
): void {
  const root = isAbsolute(outputDirectory)
    ? outputDirectory
    : resolve(projectDirectory, outputDirectory);
  const paths = chosen.flatMap((name) =>
    targetOf(name)
      .valuePaths(entries)
      .map((path) => join(root, stack, path)),
  );
  const answer = notIgnored(paths);
  if ('reason' in answer) {
    found({
      what: 'outputDirectory',
      got: `a git work tree, and ${answer.reason}`,
      allowed: 'a directory of which git can say that it is ignored',
      fix: 'install git, or choose a directory outside of the work tree',
    });
  } else if (answer.paths.length > 0) {
    found({
      what: 'outputDirectory',
      got: `${shown(outputDirectory)}, where git would not ignore ${answer.paths.length} of the files that hold values`,
      allowed: 'a directory that git ignores',
      fix: `add it to .gitignore, or ${pulumiCommand(stack, 'config', 'set', 'outputDirectory', directoryRule.fallback)}`,
    });
  }
}
