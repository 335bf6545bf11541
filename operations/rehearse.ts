/**
 * `npm run rehearse -- STACK`: brings a stack up on real servers of this machine, looks whether the
 * bot has what it should, and takes everything down again.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { entryOf, isSecretKey, type SecretKey } from '../components/catalog.ts';
import { refuseOthers, rehearsedStacks, takeLock } from '../rehearsal/lock.ts';
import { lookAlike } from '../rehearsal/look-alikes.ts';
import { returnBorrowed } from '../rehearsal/servers/borrowed-cluster.ts';
import { accessTo } from '../rehearsal/servers/kubernetes-client.ts';
import { isRunning, Servers } from '../rehearsal/servers/process.ts';
import { hasValue, rehearsed, settingIn } from '../rehearsal/stack-file.ts';
import {
  deployRole,
  dropLogs,
  endSystems,
  isSynced,
  keepLogs,
  kindOf,
  recordedSystems,
  rehearsedTargets,
  runningSystems,
  type Systems,
  startSystems,
  withTargets,
} from '../rehearsal/systems.ts';
import { keysInUse } from '../rehearsal/values-in-use.ts';
import { type Check, verifyInCluster } from '../rehearsal/verify.ts';
import { verifyCompose } from '../rehearsal/verify-compose.ts';
import { verifySwarm } from '../rehearsal/verify-swarm.ts';
import { findCli } from './engine/cli.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { type Engine, prepareEngine } from './engine/engine.ts';
import { writePrivate } from './engine/private-file.ts';
import { duration, startProgress } from './engine/progress.ts';
import {
  projectDirectory,
  projectName,
  rehearsalFolder,
  rehearsalVariable,
} from './engine/workspace.ts';

const verbs = ['up', 'destroy', 'shell', 'status', 'down'] as const;
type Verb = (typeof verbs)[number];

interface Request {
  readonly stack: string;
  /** Undefined: up, verify, down. */
  readonly verb: Verb | undefined;
  /** Whether the servers stay when no verb is given. */
  readonly keep: boolean;
  /** A cluster that is there already. */
  readonly kubeconfig: string | undefined;
  /** Targets whose systems are started beside those of the stack's own: for one that moves there. */
  readonly also: readonly string[];
}

const usage =
  'allowed: npm run rehearse -- STACK [up|destroy|shell|status|down] [--keep] [--kubeconfig FILE] [--also TARGET]';

/** @throws CommandError when the words are not a stack, a verb and known flags */
export function parseRequest(args: readonly string[]): Request {
  const options = {
    keep: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
    also: { type: 'string', multiple: true, default: [] as string[] },
  } as const;
  let parsed: ReturnType<typeof parse>;
  function parse() {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  }
  try {
    parsed = parse();
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('.')[0] : 'something else';
    throw new CommandError(`rehearse: got ${reason?.toLowerCase()}; ${usage}`);
  }
  const { values, positionals } = parsed;
  const [stack, word, ...more] = positionals;
  const verb = verbs.find((each) => each === word);
  if (stack === undefined || more.length > 0 || (word !== undefined && verb === undefined)) {
    throw new CommandError(`rehearse: got ${JSON.stringify(positionals.join(' '))}; ${usage}`);
  }
  if (!/^[a-z0-9][a-z0-9_-]{0,39}$/u.test(stack)) {
    throw new CommandError(`rehearse: got ${JSON.stringify(stack)}; ${usage}`);
  }
  const { keep, kubeconfig, also } = values;
  const unknown = also.find((name) => !rehearsedTargets.includes(name));
  if (unknown !== undefined) {
    throw new CommandError(
      `--also: got ${JSON.stringify(unknown)}; allowed: ${rehearsedTargets.join(', ')}`,
    );
  }
  return { stack, verb, keep, kubeconfig, also };
}

/** @throws CommandError when this machine cannot have servers of its own */
function refuseMachine(request: Request, text: string): void {
  const kind = kindOf(text);
  if (request.kubeconfig !== undefined && kind === 'cluster') {
    if (statSync(request.kubeconfig, { throwIfNoEntry: false })?.isFile()) return;
    throw new CommandError(
      `--kubeconfig: got ${JSON.stringify(request.kubeconfig)}, which is no file; allowed: a kubeconfig; fix: --kubeconfig ~/.kube/config`,
    );
  }
  if (kind === 'none') return;
  if (process.platform === 'linux' && process.getuid?.() === 0) return;
  const got = process.platform === 'linux' ? `user ${process.getuid?.()}` : process.platform;
  throw new CommandError(
    `rehearse: got ${got}; allowed: Linux as root, because the servers need namespaces of their own; ` +
      `fix: sudo npm run rehearse -- ${request.stack}, or --kubeconfig FILE of a cluster that is there (a stack that delivers to Kubernetes)`,
  );
}

function committedFile(stack: string): string {
  const path = join(projectDirectory, `Pulumi.${stack}.yaml`);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  throw new CommandError(
    `rehearse: got no Pulumi.${stack}.yaml; allowed: a stack with a file of its settings; fix: npm run rehearse -- dev`,
  );
}

/** The environment of the rehearsal: nothing of the user's own clouds is left in force. */
function enter(systems: Systems): void {
  for (const name of Object.keys(process.env)) {
    if (/^(?:AWS_|VAULT_|KUBE|DOCKER_|PULUMI_)/u.test(name)) delete process.env[name];
  }
  const { REHEARSAL_PATH: path, ...environment } = systems.environment;
  // What an interrupted Pulumi leaves in there goes with the rehearsal.
  const temporary = join(rehearsalFolder(systems.stack), 'tmp');
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  const own = { [rehearsalVariable]: systems.stack, TMPDIR: temporary };
  Object.assign(process.env, environment, own);
  if (path !== undefined) process.env.PATH = [path, process.env.PATH].join(delimiter);
}

const stackFile = (stack: string): string =>
  join(rehearsalFolder(stack), 'workspace', 'stacks', `Pulumi.${stack}.yaml`);

/** Starts what is not running, and makes the copy of the stack file. */
async function prepare({ stack, kubeconfig, also }: Request): Promise<Systems> {
  const committed = committedFile(stack);
  const running = runningSystems(stack);
  if (running !== undefined) {
    if (also.length === 0) return running;
    throw new CommandError(
      `--also: got a rehearsal of ${stack} that runs; allowed: one that begins; fix: npm run rehearse -- ${stack} down`,
    );
  }
  if (rehearsedStacks().includes(stack)) {
    console.error(`- servers of an earlier rehearsal of ${stack} are gone; it begins anew`);
  }
  await findCli(false);
  const given = kubeconfig === undefined ? undefined : resolve(kubeconfig);
  const systems = await startSystems(stack, withTargets(committed, also), given);
  const { text, replaced } = rehearsed(committed, projectName, systems.replacements, {
    deployRole: deployRole(committed),
    // Of a cluster that was there before, its owner knows who administers it.
    ...(systems.cluster && !systems.borrowed && { administrator: 'User:deployer' }),
  });
  writePrivate(stackFile(stack), text);
  // What the committed file changes later is taken over, key by key, as on any machine.
  writePrivate(stackFile(stack).replace(/\.yaml$/u, '.base.yaml'), committed);
  console.error(`\nReplaced in the rehearsal's copy of Pulumi.${stack}.yaml:`);
  const notes = ['backend: a folder', 'secrets provider: a passphrase'];
  if (systems.borrowed) notes.push("image: not replaced, that cluster's nodes pull it");
  for (const line of [...replaced, ...notes]) console.error(`  ${line}`);
  for (const name of Object.keys(systems.environment).filter((each) => /ENDPOINT/u.test(each))) {
    console.error(`  ${name}: ${systems.environment[name]}`);
  }
  console.error('');
  return systems;
}

async function engineFor(systems: Systems): Promise<Engine> {
  enter(systems);
  return await prepareEngine(systems.stack, { lock: true });
}

/** Sets a look-alike for each key that has no value. */
async function setValues(engine: Engine): Promise<void> {
  const path = stackFile(engine.stack);
  const text = readFileSync(path, 'utf8');
  const missing = keysInUse(text).filter(
    ({ group, key }) =>
      entryOf(key).source === 'config' && !hasValue(path, projectName, group, key),
  );
  if (missing.length === 0) return;
  const progress = startProgress(`setting ${missing.length} look-alikes`, 'about 15 seconds');
  for (const [at, { group, key }] of missing.entries()) {
    const words = ['config', 'set', '--secret', '--path', `${group}.${key}`];
    const { code } = await engine.ask(
      [...words, '--stack', engine.stack],
      lookAlike(entryOf(key).shape, key),
    );
    if (code !== 0) {
      progress.fail(`setting ${group}.${key} failed`);
      throw new CommandError(`${group}.${key}: got exit code ${code} from pulumi config set`);
    }
    progress.at((at + 1) / missing.length);
  }
  progress.succeed(`set ${missing.length} look-alikes`);
}

async function up(request: Request): Promise<{ systems: Systems; engine: Engine; code: number }> {
  const { systems, engine } = await untilInterrupted(request.stack, async () => {
    const started = await prepare(request);
    const ready = await engineFor(started);
    await setValues(ready);
    return { systems: started, engine: ready };
  });
  const flags = ['--refresh', '--yes', '--skip-preview'];
  // An interrupted Pulumi ends in order, with an exit code; what comes after it sees to the rest.
  const code = await engine.run(['up', ...flags, '--stack', engine.stack]);
  return { systems, engine, code };
}

/** Does something that leaves servers behind; an interruption takes them down. */
async function untilInterrupted<T>(stack: string, work: () => Promise<T>): Promise<T> {
  const end = (signal: NodeJS.Signals): void => {
    console.error(`\n- ${signal}: taking down`);
    endSystems(stack)
      .catch((error: unknown) => console.error(String(error)))
      .finally(() => process.exit(130));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, end);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}

/** The values that are set, by key: look-alikes, for comparing. */
async function valuesOf(engine: Engine): Promise<ReadonlyMap<SecretKey, string>> {
  const words = ['config', '--show-secrets', '--json', '--stack', engine.stack];
  const { stdout } = await engine.ask(words);
  const config = JSON.parse(stdout) as Record<string, { objectValue?: Record<string, unknown> }>;
  const maps = ['trading', 'infrastructure', 'monitoring'].map(
    (group) => config[`${projectName}:${group}`]?.objectValue ?? {},
  );
  return new Map(
    maps
      .flatMap((map) => Object.entries(map))
      .flatMap(([key, value]) => (isSecretKey(key) ? [[key, String(value)] as const] : [])),
  );
}

async function verify(systems: Systems, engine: Engine): Promise<boolean> {
  const text = readFileSync(stackFile(engine.stack), 'utf8');
  const args = { stackFile: text, values: await valuesOf(engine), synced: isSynced(text) };
  const namespace = String(settingIn(text, projectName, 'namespace') ?? 'hummingbot');
  let checks: readonly Check[] = [];
  if (systems.cluster !== undefined && kindOf(text) === 'cluster') {
    const access = await accessTo(systems.cluster.adminKubeconfig, systems.cluster.context);
    checks = await verifyInCluster(access, namespace, args);
  } else if (systems.swarm === true) {
    checks = await verifySwarm(systems, `${namespace}-${engine.stack}`, args);
  } else if (systems.compose !== undefined) {
    checks = await verifyCompose(systems, `${namespace}-${engine.stack}`, args);
  }
  console.log('');
  for (const { name, passed, seen } of checks) {
    console.log(passed ? `  ok      ${name}` : `  FAILED  ${name}; seen: ${seen}`);
  }
  return checks.every(({ passed }) => passed);
}

async function down(stack: string): Promise<void> {
  const systems = recordedSystems(stack);
  const progress = startProgress(`taking down the rehearsal of ${stack}`, 'about 5 seconds');
  if (systems?.borrowed === true && systems.cluster !== undefined) {
    const engine = await engineFor(systems);
    // The rehearsal's own state of a cluster that stays: what is in it has to go.
    await engine.ask(['state', 'unprotect', '--all', '--yes', '--stack', stack]);
    const { code } = await engine.ask(['destroy', '--yes', '--skip-preview', '--stack', stack]);
    if (code !== 0)
      console.error('- the stack could not be destroyed: look for it in that cluster');
    await returnBorrowed(systems.cluster);
  }
  await endSystems(stack);
  progress.succeed(`taken down: no process, mount, interface or file of ${stack} is left`);
}

function status(stack: string): number {
  const servers = new Servers(rehearsalFolder(stack)).list();
  if (servers.length === 0) {
    const others = rehearsedStacks().filter((each) => each !== stack);
    console.log(
      `No rehearsal of ${stack}${others.length > 0 ? `, but of ${others.join(', ')}` : ''}.`,
    );
    return 0;
  }
  const rows = servers.map((server) => [
    server.name,
    isRunning(server) ? 'running' : 'GONE',
    `${server.pid}`,
    isRunning(server) ? duration(Date.now() - server.since) : '-',
    relative(projectDirectory, server.log),
  ]);
  const table = [['SERVER', 'STATE', 'PID', 'FOR', 'LOG'], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  for (const row of table) {
    console.log(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '));
  }
  return rows.every(([, state]) => state === 'running') ? 0 : 1;
}

function shell(systems: Systems): number {
  enter(systems);
  const program = process.env.SHELL || '/bin/sh';
  console.error(`- a shell in the rehearsal of ${systems.stack}: kubectl, docker, npm start and`);
  console.error('  npm run pulumi work on it; exit leaves it');
  return spawnSync(program, { stdio: 'inherit' }).status ?? 1;
}

function needRunning(stack: string): Systems {
  const systems = runningSystems(stack);
  if (systems !== undefined) return systems;
  throw new CommandError(
    `rehearse: got no rehearsal of ${stack} that runs; allowed: one that is up; fix: npm run rehearse -- ${stack} up`,
  );
}

/** Up, verify, down. Down comes whatever happens; `--keep` leaves the servers. */
async function whole(request: Request): Promise<number> {
  const { stack, keep } = request;
  const begun = Date.now();
  let passed = false;
  const end = async (): Promise<void> => {
    if (!keep) await down(stack);
    else console.error(`- kept; npm run rehearse -- ${stack} shell, then down`);
  };
  try {
    const { systems, engine, code } = await up(request);
    passed =
      code === 0 && (await untilInterrupted(stack, async () => await verify(systems, engine)));
  } finally {
    const logs = passed || keep ? undefined : keepLogs(stack);
    if (logs !== undefined) console.error(`- the servers' logs are kept: ${relative('.', logs)}`);
    await end();
  }
  console.log(
    `\nRehearsal of ${stack}: ${passed ? 'passed' : 'FAILED'} (${duration(Date.now() - begun)}).`,
  );
  return passed ? 0 : 1;
}

async function main(): Promise<number> {
  const request = parseRequest(process.argv.slice(2));
  refuseSwallowedFlags(`npm run rehearse -- ${request.stack}`);
  const { stack, verb } = request;
  if (verb === 'status') return status(stack);
  if (verb === 'shell') return shell(needRunning(stack));
  refuseMachine(request, withTargets(committedFile(stack), request.also));
  takeLock(stack, verb ?? 'up, verify, down');
  refuseOthers(stack);
  if (verb !== 'destroy') dropLogs(stack);
  if (verb === 'down') {
    await down(stack);
    return 0;
  }
  if (verb === 'destroy') {
    const engine = await engineFor(needRunning(stack));
    // A preview finds what is protected before anything is gone.
    const flags = engine.protected ? ['--yes'] : ['--yes', '--skip-preview'];
    return await engine.run(['destroy', ...flags, '--stack', stack]);
  }
  if (verb === 'up') {
    const { code } = await up(request);
    const next = code === 0 ? 'shell' : 'status';
    console.error(`\n- the servers run: npm run rehearse -- ${stack} ${next}, and down at the end`);
    return code;
  }
  return await whole(request);
}

if (import.meta.main) await runCommand(main);
