/**
 * An AWS API on this machine: moto from PyPI, and before it a recorder of what was asked of it.
 * Loopback only, state in memory; two processes, which are stopped by their pids. It enforces no
 * limit on sizes or rates and no policy (rehearsal/plugins/aws/README.md).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../../operations/engine/command-error.ts';
import { isAlive } from '../../operations/engine/process.ts';
import { startProgress } from '../../operations/engine/progress.ts';
import { projectDirectory, workspace } from '../../operations/engine/workspace.ts';
import { installedBy, programOf } from '../debian-packages.ts';
import { type AwsRequest, readRequests } from './aws-requests.ts';

const requirements = join(projectDirectory, 'rehearsal', 'tools', 'moto', 'requirements.txt');
const startSeconds = 60;
const stopSeconds = 10;
const installing = '.installing-moto-';
/** The account that moto answers for. */
const account = '123456789012';

export interface AwsOptions {
  /** Folder for logs; made if it is not there. */
  readonly directory: string;
  /** @default - one that is free */
  readonly port?: number;
}

export interface AwsServer {
  readonly endpoint: string;
  readonly account: string;
  /** For clients of it: nothing of the user's own AWS settings is left in force. */
  readonly environment: NodeJS.ProcessEnv;
  /** Of its processes: for whoever stops it in another run, by `stopAws`. */
  readonly pids: readonly number[];
  readonly logFile: string;
  readonly requestsFile: string;
  /** What was asked of it so far. */
  requests(): readonly AwsRequest[];
  stop(): Promise<void>;
}

/**
 * Starts it, and waits until it answers.
 * @throws CommandError when it cannot be had or does not answer
 */
export async function startAws({ directory, port }: AwsOptions): Promise<AwsServer> {
  const python = await installMoto();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const logFile = join(directory, 'aws.log');
  const requestsFile = join(directory, 'aws-requests.jsonl');
  const outer = port ?? (await freePort());
  const inner = await freePort();
  const log = openSync(logFile, 'a', 0o600);
  const start = (program: string, args: readonly string[]): ChildProcess => {
    const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true });
    child.on('error', () => {});
    child.unref();
    return child;
  };
  const moto = start(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', `${inner}`]);
  const recorder = join(import.meta.dirname, 'aws-recorder.ts');
  const proxy = start(process.execPath, [recorder, `${outer}`, `${inner}`, requestsFile]);
  const pids = [moto, proxy].map(({ pid }) => pid ?? 0);
  const endpoint = `http://127.0.0.1:${outer}`;
  const answers = await answersWithin(startSeconds, endpoint, () =>
    [moto, proxy].every(({ exitCode, signalCode }) => exitCode === null && signalCode === null),
  );
  if (!answers) {
    await stopAws(pids);
    throw new CommandError(
      `aws: got no answer from moto at ${endpoint}; allowed: an answer within ${startSeconds} s; fix: see ${logFile}`,
    );
  }
  return {
    endpoint,
    account,
    environment: environmentFor(endpoint),
    pids,
    logFile,
    requestsFile,
    requests: () => readRequests(requestsFile),
    stop: async () => await stopAws(pids),
  };
}

/** Ends the processes of `startAws`, and waits until they are gone. */
export async function stopAws(pids: readonly number[]): Promise<void> {
  const end = (signal: NodeJS.Signals): void => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, signal);
  };
  end('SIGTERM');
  const deadline = Date.now() + stopSeconds * 1000;
  while (pids.some(isAlive)) {
    if (Date.now() > deadline) end('SIGKILL');
    await sleep(50);
  }
}

/** Variables for clients of an endpoint; `undefined` takes one of the user's own away. */
export function environmentFor(endpoint: string): NodeJS.ProcessEnv {
  const own = Object.keys(process.env).filter((name) => name.startsWith('AWS_'));
  return {
    ...Object.fromEntries(own.map((name) => [name, undefined])),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'rehearsal',
    AWS_SECRET_ACCESS_KEY: 'rehearsal',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

async function answersWithin(
  seconds: number,
  endpoint: string,
  alive: () => boolean,
): Promise<boolean> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline && alive(); ) {
    try {
      if ((await fetch(`${endpoint}/moto-api/data.json`)).ok) return true;
    } catch {
      // Not yet.
    }
    await sleep(100);
  }
  return false;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => void server.listen(0, '127.0.0.1', settle));
  const address = server.address();
  await new Promise((settle) => server.close(settle));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * moto in a virtual environment of its own in the cache, pinned by version and hash.
 * @returns the Python that runs it
 * @throws CommandError when there is no Python, or pip cannot fetch it
 */
export async function installMoto(): Promise<string> {
  const text = readFileSync(requirements, 'utf8');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const tools = join(workspace.cache, 'tools');
  const directory = join(tools, `moto-${hash}`);
  const python = join(directory, 'bin', 'python');
  // The Python that made it may be gone since: then it is made anew.
  const works = (): boolean =>
    existsSync(directory) && spawnSync(python, ['-c', 'import moto']).status === 0;
  if (works()) return python;
  mkdirSync(tools, { recursive: true, mode: 0o700 });
  const total = text.split('\n').filter((line) => /^[a-z0-9]/iu.test(line)).length;
  const found = pythonWithVenv();
  const progress = startProgress('installing moto from PyPI', 'about 1 minute');
  removeAbandoned(tools);
  const work = join(tools, `${installing}${process.pid}`);
  let collected = 0;
  const pip = ['-m', 'pip', 'install', '--require-hashes', '--only-binary', ':all:', '--no-input'];
  const quiet = ['--disable-pip-version-check', '--progress-bar', 'off'];
  const errors: string[] = [];
  const code =
    spawnSync(found, ['-m', 'venv', work], { stdio: 'ignore' }).status ||
    (await run(join(work, 'bin', 'python'), [...pip, ...quiet, '-r', requirements], (line) => {
      if (line.startsWith('Collecting')) progress.at(0.8 * (++collected / total));
      if (line.startsWith('ERROR:')) errors.push(line.slice(7));
    }));
  if (code !== 0) {
    rmSync(work, { recursive: true, force: true });
    progress.fail('pip could not fetch moto');
    throw new CommandError(
      `moto: got "${errors.at(-1) ?? `exit code ${code}`}" from pip; allowed: Python >= 3.11 with venv, and PyPI; ` +
        `fix: python3 -m pip download --require-hashes -r ${requirements} -d /tmp/moto shows it whole`,
    );
  }
  // Another run may have been faster, and its server may run from there.
  if (works()) {
    rmSync(work, { recursive: true, force: true });
  } else {
    rmSync(directory, { recursive: true, force: true });
    renameSync(work, directory);
  }
  progress.succeed('installed moto');
  return python;
}

/** Removes what a killed run left behind. */
function removeAbandoned(tools: string): void {
  for (const name of readdirSync(tools).filter((each) => each.startsWith(installing))) {
    const pid = Number(name.slice(installing.length));
    if (pid === process.pid || !isAlive(pid)) {
      rmSync(join(tools, name), { recursive: true, force: true });
    }
  }
}

/** A Python that can make virtual environments; Debian packages that part of it by itself. */
function pythonWithVenv(): string {
  const candidates = (): readonly string[] => [
    programOf('python3', 'python3-venv'),
    '/usr/bin/python3',
  ];
  return installedBy('python3 with venv', 'python3-venv', () =>
    candidates().find((each) => spawnSync(each, ['-c', 'import venv, ensurepip']).status === 0),
  );
}

async function run(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<number> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): void => void child.kill();
  process.once('exit', stop);
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', onLine);
  const code = await new Promise<number>((settle) => {
    child.on('error', () => settle(127));
    child.on('close', (status) => settle(status ?? 1));
  });
  process.removeListener('exit', stop);
  return code;
}
