/** Versions that package.json pins. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from './workspace.ts';

/** @throws Error when package.json does not name the package */
export function packageVersion(name: string): string {
  const text = readFileSync(join(projectDirectory, 'package.json'), 'utf8');
  const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
  const version = dependencies[name];
  if (version === undefined) throw new Error(`package.json does not name ${name}`);
  return version;
}
