/** Packages of package-lock.json (https://docs.npmjs.com/cli/configuring-npm/package-lock-json, version 3). */
import { readFileSync } from 'node:fs';
import { hexOf, keyOf, type Package } from './package.ts';

interface Entry {
  readonly name?: string;
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Entries = Readonly<Record<string, Entry>>;

const folder = 'node_modules/';

function nameOf(path: string, { name }: Entry): string {
  return name ?? path.slice(path.lastIndexOf(folder) + folder.length);
}

function keyAt(path: string, entry: Entry): string {
  return keyOf({ ecosystem: 'npm', name: nameOf(path, entry), version: entry.version ?? '' });
}

/** Where Node finds a package that another asks for: below it, or below one above. */
function foundFrom(entries: Entries, path: string, name: string): string | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf(`/${folder}`)))) {
    const place = at === '' ? folder + name : `${at}/${folder}${name}`;
    if (place in entries) return place;
    if (at === '') return undefined;
  }
}

/** @returns packages, and the keys of those that the project asks for itself */
export function npmPackages(path: string): {
  readonly packages: readonly Package[];
  readonly direct: readonly string[];
} {
  const { packages: entries } = JSON.parse(readFileSync(path, 'utf8')) as { packages: Entries };
  const needsOf = (at: string, names: object): readonly string[] =>
    Object.keys(names).flatMap((name) => {
      const found = foundFrom(entries, at, name);
      return found === undefined ? [] : keyAt(found, entries[found] ?? {});
    });
  const root = entries[''] as Entry & { devDependencies?: object };
  return {
    direct: needsOf('', { ...root.dependencies, ...root.devDependencies }),
    packages: Object.entries(entries)
      .filter(([at]) => at !== '')
      .map(([at, entry]) => {
        const [algorithm, digest] = entry.integrity?.split('-') ?? [];
        return {
          ecosystem: 'npm',
          name: nameOf(at, entry),
          version: entry.version ?? '',
          ...(algorithm === 'sha512' && { hash: ['SHA-512', hexOf(digest ?? '')] as const }),
          ...(entry.license !== undefined && { license: entry.license }),
          development: entry.dev === true || entry.devOptional === true,
          usedBy: 'package-lock.json',
          needs: needsOf(at, { ...entry.dependencies, ...entry.optionalDependencies }),
          installScript: entry.hasInstallScript === true,
        };
      }),
  };
}
