/** Packages of a requirements file with hashes (https://pip.pypa.io/en/stable/topics/secure-installs/). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Package } from './package.ts';

/** @param path below the project's */
export function pythonPackages(project: string, path: string): readonly Package[] {
  const text = readFileSync(join(project, path), 'utf8');
  const lines = text
    .replaceAll(/^#.*\n/gmu, '')
    .replaceAll('\\\n', ' ')
    .split('\n');
  return lines.flatMap((line) => {
    const [, name, version] = /^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)/u.exec(line) ?? [];
    if (name === undefined || version === undefined) return [];
    const hashes = [...line.matchAll(/--hash=(sha256:[0-9a-f]{64})/gu)].map(
      ([, hash = '']) => hash,
    );
    return [
      {
        ecosystem: 'pypi' as const,
        name,
        version,
        fileHashes: hashes,
        development: true,
        usedBy: path,
        needs: [],
        installScript: false,
      },
    ];
  });
}
