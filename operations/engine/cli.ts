/** Finds a Pulumi CLI: on PATH, cached, by the vendor's installer, or built from source. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import semver from 'semver';
import { removeAbandoned } from './abandoned.ts';
import { CommandError } from './command-error.ts';
import { type GoTool, goTool, toolDirectory } from './go.ts';
import { packageVersion } from './package.ts';
import { startProgress } from './progress.ts';
import { rememberTry, triedLately } from './tried.ts';
import { workspace } from './workspace.ts';

/** Before it, secrets could reach Pulumi's own log files. */
const oldest = '3.261.0';
const builtVersion = '3.259.0';

export interface Cli {
  /** Folder that holds `pulumi` and its language host. */
  readonly bin: string;
  readonly version: string;
  /** Whether it is the vendor's build; a protected stack takes no other. */
  readonly official: boolean;
}

const engine: GoTool = {
  name: 'pulumi',
  estimate: 'about 5 minutes on 2 cores',
  link: { 'github.com/pulumi/pulumi/sdk/v3/go/common/version.Version': `v${builtVersion}` },
};
const languageHost: GoTool = {
  name: 'pulumi-language-nodejs',
  estimate: 'about 1 minute on 2 cores',
};

/**
 * Finds a CLI, and installs or builds one when there is none.
 * @param officialOnly whether a self-built one is refused (protected stacks)
 * @throws CommandError when every way fails
 */
export async function findCli(officialOnly: boolean): Promise<Cli> {
  const official = onPath() ?? cached();
  if (official !== undefined) return official;
  const built = officialOnly ? undefined : cachedBuild();
  if (built !== undefined && triedLately(unreachable())) return built;
  return (await install()) ?? built ?? (officialOnly ? refuseBuild() : await build());
}

function versionOf(program: string): string | undefined {
  const { stdout } = spawnSync(program, ['version'], {
    encoding: 'utf8',
    env: { ...process.env, PULUMI_HOME: workspace.home, PULUMI_SKIP_UPDATE_CHECK: 'true' },
    timeout: 30_000,
  });
  return semver.coerce(stdout?.trim())?.version;
}

function onPath(): Cli | undefined {
  const seen = new Set<string>();
  for (const bin of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(bin, 'pulumi');
    if (seen.has(bin) || bin === '' || !existsSync(program)) continue;
    seen.add(bin);
    const version = versionOf(program);
    if (version !== undefined && semver.gte(version, oldest)) {
      return { bin, version, official: true };
    }
    const got = version === undefined ? 'does not tell its version' : `is ${version}`;
    console.error(`- ${program} ${got}; needed: ${oldest} or newer; trying the next way`);
  }
  return undefined;
}

function installRoot(): string {
  return join(workspace.cache, 'pulumi', packageVersion('@pulumi/pulumi'));
}

/** File that remembers when the vendor could not be reached. */
function unreachable(): string {
  return `${installRoot()}.unreachable`;
}

function cached(): Cli | undefined {
  const bin = join(installRoot(), 'bin');
  if (!existsSync(join(bin, 'pulumi'))) return undefined;
  const version = versionOf(join(bin, 'pulumi'));
  return version === undefined ? undefined : { bin, version, official: true };
}

async function install(): Promise<Cli | undefined> {
  const version = packageVersion('@pulumi/pulumi');
  const progress = startProgress(`installing Pulumi ${version} from its vendor`, 'about 1 minute');
  const root = installRoot();
  const work = `${root}.${process.pid}`;
  try {
    mkdirSync(work, { recursive: true });
    removeAbandoned(dirname(root), `${basename(root)}.`);
    // Loaded only here: it is large, and most runs have a CLI.
    const { PulumiCommand } = await import('@pulumi/pulumi/automation/index.js');
    await PulumiCommand.install({ root: work, version: new semver.SemVer(version) });
    rmSync(root, { recursive: true, force: true });
    renameSync(work, root);
    progress.succeed(`installed Pulumi ${version}`);
    return cached();
  } catch {
    rmSync(work, { recursive: true, force: true });
    rememberTry(unreachable());
    progress.fail('the vendor cannot be reached from here; trying the next way');
    return undefined;
  }
}

/** Folder with the built engine and a language host that is told what Pulumi.yaml says. */
function buildBin(): string {
  return join(dirname(toolDirectory(engine)), `pulumi-${builtVersion}-bin`);
}

function cachedBuild(): Cli | undefined {
  const parts = [engine, languageHost].map((tool) => join(toolDirectory(tool), tool.name));
  return parts.every((part) => existsSync(part)) ? assemble() : undefined;
}

async function build(): Promise<Cli> {
  await goTool(engine);
  await goTool(languageHost);
  return assemble();
}

/**
 * One folder with both, so that the engine takes the language host beside it. The self-built one
 * (sdk 3.68) knows the options of Pulumi.yaml's runtime as flags only, and would turn ts-node on:
 * a wrapper of its name hands them over.
 */
function assemble(): Cli {
  const bin = buildBin();
  const built = (tool: GoTool): string => join(toolDirectory(tool), tool.name);
  const [program, host] = [join(bin, engine.name), join(bin, languageHost.name)];
  const script = `#!/bin/sh\nexec '${built(languageHost)}' -typescript=false "$@"\n`;
  const put = (name: string, make: (temporary: string) => void): void => {
    removeAbandoned(bin, `.${name}.`);
    const temporary = join(bin, `.${name}.${process.pid}`);
    rmSync(temporary, { force: true });
    make(temporary);
    renameSync(temporary, join(bin, name));
    // A rename onto another link of the same file does nothing, by POSIX.
    rmSync(temporary, { force: true });
  };
  mkdirSync(bin, { recursive: true });
  // Each on its own: what a kill left out, or another build made stale, is put right.
  if (!isSameFile(program, built(engine))) {
    put(engine.name, (temporary) => linkSync(built(engine), temporary));
  }
  if (!isScript(host, script)) {
    put(languageHost.name, (temporary) => writeFileSync(temporary, script, { mode: 0o755 }));
  }
  return { bin, version: builtVersion, official: false };
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

function isScript(path: string, text: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o111) !== 0 && readFileSync(path, 'utf8') === text;
}

function refuseBuild(): never {
  throw new CommandError(
    `pulumi: got none of the vendor's, only the self-built ${builtVersion}, which runs unprotected stacks; ` +
      `allowed: Pulumi >= ${oldest} for a protected stack; fix: install it (https://www.pulumi.com/docs/install/) and run again`,
  );
}
