/** Modules of a go.mod, with the checksums of its go.sum (https://go.dev/ref/mod#go-sum-files). */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hexOf, type Package } from './package.ts';

/** @returns `MODULE VERSION`, what is asked for directly and indirectly */
export function requiredModules(goMod: string): readonly (readonly [string, string])[] {
  const blocks = [...goMod.matchAll(/^require \(\n([\s\S]*?)^\)/gmu)].map(
    ([, block = '']) => block,
  );
  const single = [...goMod.matchAll(/^require (\S+ \S+)/gmu)].map(([, line = '']) => line);
  return [...blocks.flatMap((block) => block.split('\n')), ...single].flatMap((line) => {
    const [module, version] = line.trim().split(/\s+/u);
    return version === undefined || module === undefined || module.startsWith('//')
      ? []
      : [[module, version] as const];
  });
}

/** Replaced modules are built from the replacement. */
function replacements(goMod: string): ReadonlyMap<string, readonly [string, string]> {
  return new Map(
    [...goMod.matchAll(/^(?:replace )?\s*(\S+)(?: v\S+)? => (\S+) (v\S+)/gmu)].map(
      ([, from = '', to = '', version = '']) => [from, [to, version] as const] as const,
    ),
  );
}

/** `MODULE VERSION` to its `h1:` checksum, in base64. */
export function checksumsIn(goSum: string): ReadonlyMap<string, string> {
  return new Map(
    [...goSum.matchAll(/^(\S+ \S+) h1:(\S+)$/gmu)].map(([, name = '', sum = '']) => [name, sum]),
  );
}

/** @param directory of a tool, below the project's */
export function goPackages(project: string, directory: string): readonly Package[] {
  const read = (name: string): string => readFileSync(join(project, directory, name), 'utf8');
  const [goMod, sums] = [read('go.mod'), checksumsIn(read('go.sum'))];
  const replaced = replacements(goMod);
  return requiredModules(goMod).map((required) => {
    const [name, version] = replaced.get(required[0]) ?? required;
    const sum = sums.get(`${name} ${version}`);
    return {
      ecosystem: 'golang',
      name,
      version,
      ...(sum !== undefined && { hash: ['SHA-256', hexOf(sum)] as const }),
      development: true,
      usedBy: basename(directory),
      needs: [],
      installScript: false,
    };
  });
}
