/** Where the policies are, and how the engine at hand starts them. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeAbandoned } from './abandoned.ts';
import type { Cli } from './cli.ts';
import { projectDirectory, shellWord, workspace } from './workspace.ts';

/** As policies/self-built/PulumiPolicy.yaml names it; no language host has that name. */
const runtime = 'hummingbot';
const version = '0.1.0';

/**
 * The folder for `--policy-pack`. The vendor's language host starts a pack itself. The self-built one
 * (sdk 3.68) does not, so its pack is of a runtime of another name, for which the engine looks for an
 * analyzer plugin: a script in this project's PULUMI_HOME.
 */
export function preparePolicyPack({ official }: Cli): string {
  const directory = join(projectDirectory, 'policies');
  if (official) return directory;
  const name = `policy-${runtime}`;
  const folder = join(workspace.home, 'plugins', `analyzer-${name}-v${version}`);
  const path = join(folder, `pulumi-analyzer-${name}`);
  const runner = join(projectDirectory, 'node_modules/@pulumi/pulumi/cmd/run-policy-pack/index.js');
  const script = [
    '#!/bin/sh',
    '# The engine hands over the decrypted config, which no policy reads.',
    'unset PULUMI_CONFIG',
    `exec node ${shellWord(runner)} "$@"`,
    '',
  ].join('\n');
  // By a rename: another run may be starting it.
  if (!existsSync(path) || readFileSync(path, 'utf8') !== script) {
    mkdirSync(folder, { recursive: true });
    const prefix = '.script-';
    removeAbandoned(folder, prefix);
    const temporary = join(folder, `${prefix}${process.pid}`);
    writeFileSync(temporary, script);
    chmodSync(temporary, 0o755);
    renameSync(temporary, path);
  }
  return join(directory, 'self-built');
}
