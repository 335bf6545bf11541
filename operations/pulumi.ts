/**
 * `npm run pulumi -- ARGS`: the Pulumi that `npm start` found, with the same home, backend,
 * passphrase and stack file. Whatever Pulumi can do, it does. The stack is the one that --stack
 * names, else PULUMI_STACK, else dev; Pulumi hears of it by PULUMI_STACK, so that the arguments
 * stay as they were typed.
 */
import { entryOf, groupNames, secretKeys } from '../components/catalog.ts';
import { setSecretCommand } from '../settings/mistake.ts';
import {
  type Arguments,
  behindConfig,
  has,
  needsStack,
  readArguments,
  stackOf,
  takesLock,
} from './engine/arguments.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { prepareEngine, prepareRunner } from './engine/engine.ts';
import { projectName, workspace } from './engine/workspace.ts';

/** Above it the engine of 3.259 prints properties as they cross its wire. */
const maxVerbosity = 3;

/** Flags that npm keeps and that change what a command does; what npm knows itself is not here. */
const pulumiFlags = [
  ...['secret', 'plaintext', 'path', 'raw', 'show-secrets', 'config-file'],
  ...['refresh', 'skip-preview', 'replace', 'target'],
];

/** Flags of `config set`, its parents' among them; what else stands there may be a value. */
const setFlags = new Set(
  (
    'stack config-file path plaintext raw secret type help color cwd disable-integrity-checking ' +
    'emoji e fully-qualify-stack-names Q logflow logtostderr memprofilerate non-interactive ' +
    'otel-traces profiling tracing verbose json j open show-secrets'
  ).split(' '),
);

/** `trading`, `trading.x`, `trading["x"]`, `["trading"].x`, each with the project before it. */
const valuePath = new RegExp(
  `^(?:${projectName}:(?:config:)?)?(?:\\["?)?(${groupNames.join('|')})(?![\\w-])(.*)$`,
  'su',
);

/**
 * Refuses a value among the arguments: everybody on the machine can read them, and the shell
 * keeps them in its history.
 * @throws CommandError with the command that does it by prompt or standard input
 */
export function refuseValueInArguments(given: Arguments, stack = 'dev'): void {
  const set = behindConfig(given, 'set');
  if (set !== undefined) refuseValueOfSet(given, set, stack);
  if (behindConfig(given, 'set-all') !== undefined && setsAllValues(given)) {
    throw new CommandError(
      'config set-all: got values among the arguments, where others can read them; allowed: standard input; ' +
        `fix: npm run import -- --stack ${stack} FILE, and revoke those values`,
    );
  }
  const kept = given.options.find(({ name, value }) => name === 'config' && isValuePath(value));
  if (kept !== undefined) {
    throw new CommandError(
      'pulumi --config: got a value among the arguments, where others can read it; allowed: a prompt or standard input; ' +
        `fix: ${setSecretCommand(stack, path(kept.value))}, and revoke that value`,
    );
  }
}

function refuseValueOfSet(given: Arguments, rest: readonly string[], stack: string): void {
  const [key, ...values] = rest;
  // `KEY=VALUE` is one word to Pulumi, which would make a name of the value.
  const glued = key?.includes('=') === true;
  if (!has(given, 'secret') && !isValuePath(key) && !glued) return;
  // A value that begins with a hyphen is a row of short flags to Pulumi, whose error repeats it.
  const stray = given.options.some(({ name, glued }) => glued || !setFlags.has(name));
  if (values.length === 0 && !stray && !glued) return;
  const group = valuePath.exec(key ?? '');
  const got = stray ? ', or a flag that may be one' : '';
  const flags = stray ? ', flags as in --stack NAME' : '';
  // What follows an -s may be the rest of such a value.
  const shownStack = stray ? 'NAME' : stack;
  const fix = setSecretCommand(shownStack, group === null ? 'KEY' : path(key));
  const inside = group?.[2] === '' ? `, at a key inside of the group ${group[1]}` : '';
  throw new CommandError(
    `config set${group === null ? '' : ` ${path(key)}`}: got a value among the arguments${got}, where others can read it; ` +
      `allowed: a prompt or standard input${inside}${flags}; fix: ${fix}, and revoke that value`,
  );
}

/**
 * Refuses to set a value in the clear, or under a name of its own beside its group: the one without
 * --secret, the other without --path, as when npm has kept both.
 * @throws CommandError with the command that does it
 */
export function refuseOpenValue(given: Arguments, stack = 'dev'): void {
  const [key] = behindConfig(given, 'set') ?? [];
  if (!isValuePath(key)) return;
  const lacks = ['--secret', '--path'].filter((flag) => !has(given, flag.slice(2)));
  const clear = has(given, 'plaintext') ? ['--plaintext'] : [];
  if (lacks.length === 0 && clear.length === 0) return;
  const got = [...clear, ...lacks.map((flag) => `no ${flag}`)].join(' and ');
  throw new CommandError(
    `config set ${path(key)}: got ${got}; allowed: a value inside its group, as a secret; fix: ${setSecretCommand(stack, path(key))}`,
  );
}

function setsAllValues(given: Arguments): boolean {
  if (behindConfig(given, 'set-all')?.some(isValuePath)) return true;
  return given.options.some(({ name, value }) => {
    if (name === 'secret') return true;
    if (name === 'json') return holdsValues(value ?? '');
    return name === 'plaintext' && isValuePath(value);
  });
}

/** Whether the JSON of `config --json` sets a value; so does what cannot be read. */
function holdsValues(json: string): boolean {
  try {
    const settings = Object.entries(JSON.parse(json) as Record<string, { secret?: boolean }>);
    return settings.some(([key, setting]) => isValuePath(key) || setting.secret === true);
  } catch {
    return true;
  }
}

function isValuePath(key: string | undefined): boolean {
  return valuePath.test(key ?? '');
}

/** The path of a value as hints write it. What is no key of the catalog may be a value itself. */
function path(key: string | undefined): string {
  const [, group, rest = ''] = valuePath.exec(key ?? '') ?? [];
  const name = rest.split('=')[0]?.replaceAll(/^[.\]["]+|["\]]+$/gu, '');
  const known = secretKeys.find((each) => each === name && entryOf(each).group === group);
  return `${group}.${known ?? 'KEY'}`;
}

/**
 * Refuses the debug log of a Pulumi that writes values into it (`-v=9` of 3.259 does).
 * @throws CommandError with what to do instead
 */
export function refuseDebugLog({ options }: Arguments, official: boolean): void {
  if (official) return;
  const tells = options.find(
    ({ name, value }) =>
      /^(?:tracing|otel-traces|profiling)/u.test(name) ||
      (name === 'verbose' && !(verbosityOf(value) <= maxVerbosity)),
  );
  if (tells === undefined) return;
  const level = verbosityOf(tells.value);
  const got = tells.name === 'verbose' && level > 0 ? `-v=${level}` : `--${tells.name}`;
  throw new CommandError(
    `pulumi: got ${got}, and the self-built engine writes values into its debug log; ` +
      `allowed: up to -v=${maxVerbosity}, or the vendor's Pulumi; fix: leave it out, or install Pulumi (https://www.pulumi.com/docs/install/)`,
  );
}

/** NaN for a number in a spelling that Go alone reads. */
function verbosityOf(value: string | undefined): number {
  // `whoami -v --json`: a switch there.
  return value === undefined || value.startsWith('-') ? 0 : Number(value);
}

/**
 * Refuses a selection that the next command would not keep to: here a stack is named each time.
 * @throws CommandError with how it is named
 */
export function refuseSelection(given: Arguments): void {
  const [command, verb, word = 'NAME'] = given.words;
  if (command !== 'stack' || verb !== 'select') return;
  const stack = stackOf(given) ?? word;
  const name = /^[a-z0-9_-]{1,40}$/u.test(stack) ? stack : 'NAME';
  throw new CommandError(
    'stack select: got a selection, which nothing here would keep to; allowed: --stack at each command, or PULUMI_STACK, else it is dev; ' +
      `fix: npm run pulumi -- COMMAND --stack ${name}`,
  );
}

/**
 * Refuses what would part this machine's copy of a stack file from its stack.
 * @throws CommandError with the way that keeps the values
 */
export function refuseParting({ words: [command, verb] }: Arguments, embedded: boolean): void {
  if (!embedded || command !== 'stack') return;
  if (['init', 'new', 'create', 'setup'].includes(verb ?? '')) {
    throw new CommandError(
      `stack ${verb}: got the state in .local, where a stack is made with its file when it is first named; ` +
        'allowed: with a backend of your own; fix: cp Pulumi.dev.yaml Pulumi.NAME.yaml, set its environment, and npm start -- --stack NAME',
    );
  }
  if (verb !== 'rename' && verb !== 'change-secrets-provider') return;
  throw new CommandError(
    `stack ${verb}: got the state in .local, whose values stand in a file of the old name and passphrase; ` +
      'allowed: with a backend of your own; fix: set PULUMI_BACKEND_URL, or make a stack file of the new name and import the values there',
  );
}

/**
 * Refuses a deletion without a preview: the engine learns of a protected resource only when it
 * comes to it, and has then deleted what depends on it, the bot and its data among it.
 * @throws CommandError with the command that looks first
 */
export function refuseBlindDeletion(given: Arguments): void {
  const [command = ''] = given.words;
  const blind = has(given, 'skip-preview') || has(given, 'f');
  if (!blind || !['destroy', 'down', 'dn'].includes(command)) return;
  throw new CommandError(
    `${command} --skip-preview: got a protected stack, of which it would delete all that is not protected itself before it fails; ` +
      `allowed: with the preview; fix: npm run pulumi -- ${command}`,
  );
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const given = readArguments(args);
  const stack = stackOf(given) ?? (process.env.PULUMI_STACK || 'dev');
  refuseValueInArguments(given, stack);
  refuseSwallowedFlags(`npm run pulumi -- ${given.words[0] ?? 'up'}`, pulumiFlags);
  if (!has(given, 'help')) {
    refuseOpenValue(given, stack);
    refuseSelection(given);
    refuseParting(given, workspace.embedded);
  }
  const lock = takesLock(given);
  const stacked = needsStack(given) ? await prepareEngine(stack, { lock }) : undefined;
  const engine = stacked ?? (await prepareRunner(stack));
  if (stacked?.protected === true) refuseBlindDeletion(given);
  refuseDebugLog(given, engine.cli.official);
  const code = await engine.run(args);
  const [key] = behindConfig(given, 'set') ?? [];
  // Pulumi says nothing of it; scripts need no word.
  if (code === 0 && process.stderr.isTTY && isValuePath(key) && !has(given, 'help')) {
    console.error(`set ${path(key)} of stack ${stack}; next: npm start -- --stack ${stack}`);
  }
  return code;
}

if (import.meta.main) await runCommand(main);
