/**
 * `npm start`: brings a stack up, from nothing. Finds or makes a Pulumi, keeps state and
 * passphrase in `.local/` unless the user has their own, and runs `pulumi up`.
 */
import { spawnSync } from 'node:child_process';
import { isAbsolute, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { pulumiCommand } from '../settings/mistake.ts';
import { changeLines, type Tags } from './engine/changes.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { type Engine, prepareEngine } from './engine/engine.ts';
import { leftIn, listed, movedLines } from './engine/leftovers.ts';
import { preparePolicyPack } from './engine/policy-pack.ts';
import { type Outputs, outputsOf, type Where } from './engine/stack-outputs.ts';
import { upArguments } from './engine/up.ts';
import { projectDirectory, workspace } from './engine/workspace.ts';
import { loadJournal } from './rotation/files.ts';
import { forbidsUp } from './rotation/rotation.ts';

const verbs = ['up', 'preview', 'destroy'] as const;
type Verb = (typeof verbs)[number];

interface Request {
  readonly verb: Verb;
  readonly stack: string;
  readonly yes: boolean;
  /** Whether the policies are asked, which stop what violates one. */
  readonly policies: boolean;
}

const usage = 'npm start -- [up|preview|destroy] [--stack NAME] [--yes] [--policies]';

/** @throws CommandError when the words are not a verb and known flags */
export function parseRequest(args: readonly string[]): Request {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        stack: { type: 'string', short: 's', default: 'dev' },
        yes: { type: 'boolean', short: 'y', default: false },
        policies: { type: 'boolean', default: false },
      },
    });
    const word = positionals[0] ?? 'up';
    const verb = verbs.find((each) => each === word);
    if (verb === undefined || positionals.length > 1) {
      const got = JSON.stringify(positionals.join(' '));
      throw new CommandError(`npm start: got ${got}; allowed: ${usage}`);
    }
    return { verb, ...values };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const reason = error instanceof Error ? error.message.split('.')[0] : 'something else';
    throw new CommandError(`npm start: got ${reason?.toLowerCase()}; allowed: ${usage}`);
  }
}

async function main(): Promise<number> {
  const given = process.argv.slice(2);
  if (given.includes('--help') || given.includes('-h')) {
    console.log(usage);
    return 0;
  }
  const request = parseRequest(given);
  const { verb, stack } = request;
  refuseSwallowedFlags(`npm start -- ${verb}`, ['policies']);
  const engine = await prepareEngine(stack, {
    lock: verb !== 'preview',
    // What is to be taken away needs no right settings.
    program: verb !== 'destroy',
  });
  if (verb === 'up') refuseCompromised(stack);
  const made = engine.cli.official ? 'from its vendor' : 'self-built';
  console.error(`- Pulumi ${engine.cli.version} (${made}), stack ${stack}: ${verb}\n`);
  const outputs = verb === 'preview' ? undefined : await outputsOf(engine);
  const before = directoriesOf(outputs);
  let interrupted = false;
  const note = (): void => {
    interrupted = true;
  };
  process.on('SIGINT', note).on('SIGTERM', note);
  const code = await engine.run(argumentsOf(engine, request));
  process.off('SIGINT', note).off('SIGTERM', note);
  if (code !== 0) {
    for (const line of endOf(request, interrupted)) console.error(line);
    return code;
  }
  if (verb === 'up') await summarise(engine, before, outputs?.tags ?? {});
  if (verb === 'destroy') await sayWhatStays(engine, outputs);
  return 0;
}

/** The last line of a run that did not finish: each of its ends has a text of its own. */
export function endOf(
  { verb, stack }: Pick<Request, 'verb' | 'stack'>,
  interrupted: boolean,
): string[] {
  const again = [`npm start --`, ...(verb === 'up' ? [] : [verb]), `--stack ${stack}`].join(' ');
  const what = `${verb} of stack ${stack}`;
  const kept = verb === 'preview' ? 'it changes nothing' : 'what it did is kept';
  return interrupted
    ? ['', `${what} was interrupted; ${kept}; \`${again}\` does the rest`]
    : ['', `${what} did not finish; ${kept}: mend what its errors say and run \`${again}\``];
}

function argumentsOf(engine: Engine, { verb, yes, policies }: Request): readonly string[] {
  // A protected stack is previewed and asked about, as with `pulumi up` itself.
  const agreed = yes || !engine.protected ? ['--yes'] : [];
  // Only a preview finds that something is protected before all else is deleted.
  const blindly = engine.protected ? [] : ['--skip-preview'];
  // The tags of all values, changed or not, are 40 lines; ours name those that change.
  const quiet = ['--suppress-outputs', '--suppress-progress'];
  const stack = ['--stack', engine.stack];
  const pack = policies ? ['--policy-pack', preparePolicyPack(engine.cli)] : [];
  const args: Record<Verb, readonly string[]> = {
    up: [...upArguments({ ...engine, agreed: yes || !engine.protected }), ...pack],
    preview: ['preview', '--refresh', '--suppress-progress', ...pack, ...stack],
    destroy: ['destroy', ...quiet, ...agreed, ...blindly, ...stack],
  };
  return args[verb];
}

/** A bot that was stopped because of a compromised key must not start with it. */
function refuseCompromised(stack: string): void {
  const { current } = loadJournal(stack);
  if (current === undefined || !forbidsUp(current)) return;
  const paths = current.keys.map(({ path }) => path).join(', ');
  throw new CommandError(
    `stack ${stack}: got a compromised ${paths} that is still set; allowed: an up behind its rotation; fix: npm run rotate -- --stack ${stack} --resume, or --abort --start-bot, which starts the bot with it`,
  );
}

function directoriesOf(outputs: Outputs | undefined): readonly string[] {
  const directories = Object.values(outputs?.delivered ?? {}).flatMap(
    ({ directory }) => directory ?? [],
  );
  return [...new Set(directories)];
}

/** What was made, and the three commands that come next. */
async function summarise(engine: Engine, before: readonly string[], old: Tags): Promise<void> {
  const outputs = await outputsOf(engine);
  if (outputs === undefined) return;
  const { tags, delivered } = outputs;
  const rows = Object.entries(tags).map(([group, { group: tag, keys }]) => [
    group,
    String(Object.keys(keys).length),
    tag,
    Object.keys(delivered).join(', '),
  ]);
  const total = rows.reduce((sum, row) => sum + Number(row[1]), 0);
  console.log(`\n${changeLines(old, tags).join('\n')}`);
  console.log(`\nStack ${engine.stack} is up: ${total} values.\n`);
  console.log(table([['GROUP', 'VALUES', 'TAG', 'DELIVERED TO'], ...rows]));
  const [first] = Object.values(delivered);
  const option = engine.stack === 'dev' ? '' : ` -- --stack ${engine.stack}`;
  console.log('\nNext:');
  const next = [
    ...(first === undefined ? [] : [commandOf(first)]),
    [
      pulumiCommand(engine.stack, 'config', 'set', '--secret', `--path 'trading.binance_api_key'`),
      `set a value, then npm start${option}`,
    ],
    [`npm start -- destroy --stack ${engine.stack}`, 'take it all away'],
  ];
  for (const [command, purpose] of next) console.log(`  ${command}\n      ${purpose}`);
  const [program = '', plugin = ''] = first?.next.split(' ') ?? [];
  if (
    program === 'docker' &&
    !plugin.startsWith('-') &&
    spawnSync(program, [plugin, 'version']).status !== 0
  ) {
    console.log(
      `  (\`${program} ${plugin} version\` fails here: install Docker Engine and its plugin first)`,
    );
  }
  const moved = movedLines(before, directoriesOf(outputs), resolved);
  if (moved.length > 0) console.log(`\n${moved.join('\n')}`);
}

/** Files wait for a command, manifests for a controller; elsewhere the bot runs already. */
function commandOf({ directory, manifests, service, next }: Where): [string, string] {
  if (manifests !== undefined) {
    return [`cd ${manifests} && ${next}`, 'give it to Argo CD or Flux'];
  }
  if (service !== undefined && next.includes(' stack deploy ')) return [next, 'start the bot'];
  return directory === undefined
    ? [next, 'look at the bot']
    : [
        `cd ${directory} && ${next}`,
        next.startsWith('docker compose ') ? 'start the bot' : 'use what is there',
      ];
}

/** A directory, as the program and the outputs name it: absolute, or from the project. */
function resolved(directory: string): string {
  return isAbsolute(directory) ? directory : join(projectDirectory, directory);
}

/** What a destroy leaves, and where. */
async function sayWhatStays({ stack }: Engine, before: Outputs | undefined): Promise<void> {
  const local = relative(projectDirectory, workspace.stacks).split('/')[0];
  const places = workspace.embedded
    ? `State, passphrase and settings stay in ${local}/`
    : `State stays in your backend, settings in Pulumi.${stack}.yaml, plugins in ${local}/`;
  const bot = directoriesOf(before).flatMap((directory) => {
    const names = leftIn(resolved(directory));
    return names.length === 0 ? [] : [`${listed(names)} of the bot stay in ${directory}/.`];
  });
  // A store keeps what was deleted for a while; files are gone.
  const { targetNames, targetOf } = await import('../components/delivery/targets.ts');
  const delivered = targetNames.filter((name) => before?.delivered[name] !== undefined);
  const kept = delivered.flatMap((name) => targetOf(name).kept?.(stack) ?? []);
  const stored = kept[0] ?? 'Nothing is left of what the stack delivered.';
  const remove = `To forget the stack in the backend too: npm run pulumi -- stack rm ${stack}.`;
  console.log(`\n${remove}`);
  console.log([stored, ...bot, `${places}, tools in ${workspace.cache}.`].join(' '));
}

/** Columns of equal width, the last one free. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

if (import.meta.main) await runCommand(main);
