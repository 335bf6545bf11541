/**
 * `npm start`: brings a stack up, from nothing. Finds or makes a Pulumi, keeps state and
 * passphrase in `.local/` unless the user has their own, and runs `pulumi up`.
 */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { type Engine, prepareEngine } from './engine/engine.ts';
import { projectDirectory, workspace } from './engine/workspace.ts';

const verbs = ['up', 'preview', 'destroy'] as const;
type Verb = (typeof verbs)[number];

interface Request {
  readonly verb: Verb;
  readonly stack: string;
  readonly yes: boolean;
}

/** @throws CommandError when the words are not a verb and known flags */
export function parseRequest(args: readonly string[]): Request {
  const usage = 'allowed: npm start -- [up|preview|destroy] [--stack NAME] [--yes]';
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        stack: { type: 'string', short: 's', default: 'dev' },
        yes: { type: 'boolean', short: 'y', default: false },
      },
    });
    const word = positionals[0] ?? 'up';
    const verb = verbs.find((each) => each === word);
    if (verb === undefined || positionals.length > 1) {
      throw new CommandError(`npm start: got ${JSON.stringify(positionals.join(' '))}; ${usage}`);
    }
    return { verb, stack: values.stack, yes: values.yes };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const reason = error instanceof Error ? error.message.split('.')[0] : 'something else';
    throw new CommandError(`npm start: got ${reason?.toLowerCase()}; ${usage}`);
  }
}

async function main(): Promise<number> {
  const { verb, stack, yes } = parseRequest(process.argv.slice(2));
  refuseSwallowedFlags(`npm start -- ${verb}`);
  const engine = await prepareEngine(stack, { lock: verb !== 'preview' });
  const made = engine.cli.official ? 'from its vendor' : 'self-built';
  console.error(`- Pulumi ${engine.cli.version} (${made}), stack ${stack}: ${verb}\n`);
  const code = await engine.run(argumentsOf(engine, verb, yes));
  if (code !== 0) {
    const again = [`npm start --`, ...(verb === 'up' ? [] : [verb]), `--stack ${stack}`].join(' ');
    console.error(
      `\n${verb} of stack ${stack} did not finish; what it did is kept: mend and run \`${again}\``,
    );
    return code;
  }
  if (verb === 'up') await summarise(engine);
  if (verb === 'destroy') sayWhatStays();
  return 0;
}

function argumentsOf(engine: Engine, verb: Verb, yes: boolean): readonly string[] {
  // A protected stack is previewed and asked about, as with `pulumi up` itself.
  const agreed = yes || !engine.protected ? ['--yes'] : [];
  const args: Record<Verb, readonly string[]> = {
    // A refresh first: files that somebody deleted or changed are made right again.
    up: ['up', '--refresh', ...agreed, ...(agreed.length > 0 ? ['--skip-preview'] : [])],
    preview: ['preview', '--refresh'],
    // A preview finds what is protected before anything is gone; without one, the engine deletes
    // all that is not, and then refuses.
    destroy: ['destroy', ...agreed, ...(engine.protected ? [] : ['--skip-preview'])],
  };
  return [...args[verb], '--stack', engine.stack];
}

interface Outputs {
  readonly tags: Readonly<
    Record<string, { group: string; keys: Readonly<Record<string, string>> }>
  >;
  readonly delivered: Readonly<Record<string, { directory?: string; next: string }>>;
}

/** What was made, and the three commands that come next. */
async function summarise(engine: Engine): Promise<void> {
  const { code, stdout } = await engine.ask(['stack', 'output', '--json', '--stack', engine.stack]);
  if (code !== 0) return;
  const { tags, delivered } = JSON.parse(stdout) as Outputs;
  const rows = Object.entries(tags).map(([group, { group: tag, keys }]) => [
    group,
    String(Object.keys(keys).length),
    tag,
    Object.keys(delivered).join(', '),
  ]);
  const total = rows.reduce((sum, row) => sum + Number(row[1]), 0);
  console.log(`\nStack ${engine.stack} is up: ${total} values.\n`);
  console.log(table([['GROUP', 'VALUES', 'TAG', 'DELIVERED TO'], ...rows]));
  const [first] = Object.values(delivered);
  const option = engine.stack === 'dev' ? '' : ` -- --stack ${engine.stack}`;
  console.log('\nNext:');
  const next = [
    ...(first === undefined ? [] : [commandOf(first)]),
    [
      `npm run pulumi -- config set --secret --path 'trading.binance_api_key' --stack ${engine.stack}`,
      `set a value, then npm start${option}`,
    ],
    [`npm start -- destroy --stack ${engine.stack}`, 'take it all away'],
  ];
  for (const [command, purpose] of next) console.log(`  ${command}\n      ${purpose}`);
}

/** Files wait for a command; in a cluster the bot runs already. */
function commandOf({ directory, next }: { directory?: string; next: string }): [string, string] {
  return directory === undefined
    ? [next, 'look at the bot']
    : [`cd ${directory} && ${next}`, 'start the bot'];
}

function sayWhatStays(): void {
  const local = relative(projectDirectory, workspace.stacks).split('/')[0];
  console.log(
    `\nNothing is left of what the stack delivered. State, passphrase and settings stay in ${local}/, tools in ${workspace.cache}.`,
  );
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
