/**
 * Provider plugins: the official ones when they can be had, otherwise rehearsal plugins, which
 * live in this project's PULUMI_HOME alone.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { removeAbandoned } from './abandoned.ts';
import type { Cli } from './cli.ts';
import { CommandError } from './command-error.ts';
import { packageVersion } from './package.ts';
import { startProgress } from './progress.ts';
import { rememberTry, triedLately } from './tried.ts';
import { projectDirectory, workspace } from './workspace.ts';

/**
 * Providers that the program uses, beside the local one that Pulumi.yaml names, with the targets
 * that need them; random is needed by all.
 */
const providers = {
  random: undefined,
  aws: ['aws-secrets-manager'],
  docker: ['swarm'],
  kubernetes: ['aws-secrets-manager', 'kubernetes', 'sealed-secrets', 'vault'],
  vault: ['vault'],
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
    const mark = join(directory, rehearsalMark);
    const rehearsal = existsSync(mark);
    if (existsSync(binary) && !rehearsal) continue;
    if (takeFromUser(directory, binary)) continue;
    const waits = rehearsal && !protectedStack && triedLately(mark);
    if (!waits && installOfficial(cli, provider, version, directory)) continue;
    if (protectedStack) {
      throw new CommandError(
        `plugin ${provider} ${version}: got no answer from its vendor; allowed: the official plugin for a protected stack; ` +
          `fix: npm run pulumi -- plugin install resource ${provider} ${version} --reinstall where it can be reached`,
      );
    }
    writeRehearsalPlugin(provider, directory, binary);
    if (!waits) rememberTry(mark);
  }
}

/** Takes over the official plugin from the home of the user's own Pulumi, where it is there. */
function takeFromUser(directory: string, binary: string): boolean {
  const home = process.env.PULUMI_HOME || join(homedir(), '.pulumi');
  const theirs = join(home, 'plugins', basename(directory));
  // Pulumi's own sign of a plugin that is not whole.
  const whole = existsSync(join(theirs, basename(binary))) && !existsSync(`${theirs}.partial`);
  if (!whole || existsSync(join(theirs, rehearsalMark))) return false;
  const copying = '.copying-';
  removeAbandoned(workspace.home, copying);
  const copy = join(workspace.home, `${copying}${process.pid}`);
  cpSync(theirs, copy, { recursive: true, dereference: true });
  mkdirSync(dirname(directory), { recursive: true });
  rmSync(directory, { recursive: true, force: true });
  renameSync(copy, directory);
  return true;
}

function installOfficial(cli: Cli, provider: string, version: string, directory: string): boolean {
  const progress = startProgress(`installing plugin ${provider} ${version}`, 'about 10 seconds');
  const { status } = spawnSync(
    join(cli.bin, 'pulumi'),
    // A rehearsal plugin stays until the official one takes its folder.
    ['plugin', 'install', 'resource', provider, version, '--reinstall'],
    { stdio: 'ignore', env: { ...process.env, PULUMI_HOME: workspace.home } },
  );
  if (status === 0) rmSync(join(directory, rehearsalMark), { force: true });
  if (status === 0) progress.succeed(`installed plugin ${provider} ${version}`);
  else progress.fail(`the official plugin ${provider} cannot be had here; using the rehearsal one`);
  return status === 0;
}

function writeRehearsalPlugin(provider: string, directory: string, binary: string): void {
  const source = join(projectDirectory, 'rehearsal', 'plugins', provider, 'main.ts');
  const version = join(projectDirectory, 'runtime-check.cjs');
  const script = `#!/bin/sh\nexec node --require '${version}' '${source}' "$@"\n`;
  mkdirSync(directory, { recursive: true });
  const mark = join(directory, rehearsalMark);
  if (!existsSync(mark)) writeFileSync(mark, `rehearsal plugin, see ${source}\n`);
  // Written anew when the checkout has moved, by a rename: another run may be starting it.
  if (existsSync(binary) && readFileSync(binary, 'utf8') === script) return;
  const temporary = `${binary}.${process.pid}`;
  writeFileSync(temporary, script);
  chmodSync(temporary, 0o755);
  renameSync(temporary, binary);
}
