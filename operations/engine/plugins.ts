/**
 * Provider plugins: the official ones when they can be had, otherwise rehearsal plugins, which
 * live in this project's PULUMI_HOME alone.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cli } from './cli.ts';
import { CommandError } from './command-error.ts';
import { packageVersion } from './package.ts';
import { startProgress } from './progress.ts';
import { projectDirectory, workspace } from './workspace.ts';

/**
 * Providers that the program uses, beside the local one that Pulumi.yaml names, with the targets
 * that need them; random is needed by all.
 */
const providers = {
  random: undefined,
  aws: ['aws-secrets-manager'],
  kubernetes: ['aws-secrets-manager'],
} as const satisfies Record<string, readonly string[] | undefined>;

export function providersFor(targets: readonly string[]): readonly string[] {
  return Object.entries(providers)
    .filter(([, needed]) => needed === undefined || needed.some((name) => targets.includes(name)))
    .map(([provider]) => provider);
}

/** Marks a folder whose plugin is ours. */
const rehearsalMark = 'REHEARSAL';

/**
 * Makes sure that every provider that the targets need has a plugin.
 * @param protectedStack whether rehearsal plugins are refused
 * @param targets of the stack
 * @throws CommandError when a protected stack's official plugin cannot be had
 */
export function preparePlugins(
  cli: Cli,
  protectedStack: boolean,
  targets: readonly string[],
): void {
  for (const provider of providersFor(targets)) {
    const version = packageVersion(`@pulumi/${provider}`);
    const directory = join(workspace.home, 'plugins', `resource-${provider}-v${version}`);
    const binary = join(directory, `pulumi-resource-${provider}`);
    const rehearsal = existsSync(join(directory, rehearsalMark));
    if (existsSync(binary) && !(rehearsal && protectedStack)) {
      // Written anew each time: the checkout may have moved.
      if (rehearsal) writeRehearsalPlugin(provider, directory, binary);
      continue;
    }
    if (rehearsal) rmSync(directory, { recursive: true, force: true });
    if (installOfficial(cli, provider, version)) continue;
    if (protectedStack) {
      throw new CommandError(
        `plugin ${provider} ${version}: got no answer from its vendor; allowed: the official plugin for a protected stack; ` +
          `fix: npm run pulumi -- plugin install resource ${provider} ${version} where it can be reached`,
      );
    }
    writeRehearsalPlugin(provider, directory, binary);
  }
}

function installOfficial(cli: Cli, provider: string, version: string): boolean {
  const progress = startProgress(`installing plugin ${provider} ${version}`, 'about 10 seconds');
  const { status } = spawnSync(
    join(cli.bin, 'pulumi'),
    ['plugin', 'install', 'resource', provider, version],
    { stdio: 'ignore', env: { ...process.env, PULUMI_HOME: workspace.home } },
  );
  if (status === 0) progress.succeed(`installed plugin ${provider} ${version}`);
  else progress.fail(`the official plugin ${provider} cannot be had here; using the rehearsal one`);
  return status === 0;
}

function writeRehearsalPlugin(provider: string, directory: string, binary: string): void {
  const source = join(projectDirectory, 'rehearsal', 'plugins', provider, 'main.ts');
  const version = join(projectDirectory, 'runtime-check.cjs');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, rehearsalMark), `rehearsal plugin, see ${source}\n`);
  writeFileSync(binary, `#!/bin/sh\nexec node --require '${version}' '${source}' "$@"\n`);
  chmodSync(binary, 0o755);
}
