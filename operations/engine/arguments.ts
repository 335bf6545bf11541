/** What the words behind `npm run pulumi --` mean to Pulumi: its commands, its flags, its stack. */
import { parseArgs } from 'node:util';

export interface Option {
  /** Its long name, or the letter of a short flag that has none here. */
  readonly name: string;
  readonly value: string | undefined;
  /** Whether a short flag and its value stand in one word, as in -sdev. */
  readonly glued: boolean;
}

export interface Arguments {
  /** Commands and what stands behind them, without flags and their values. */
  readonly words: readonly string[];
  readonly options: readonly Option[];
}

const text = { type: 'string' } as const;

/** Flags of Pulumi 3.259 that take the next word, where commands do not differ about it. */
const valueFlags = {
  stack: { type: 'string', short: 's' },
  cwd: { type: 'string', short: 'C' },
  verbose: { type: 'string', short: 'v' },
  config: { type: 'string', short: 'c' },
  message: { type: 'string', short: 'm' },
  parallel: { type: 'string', short: 'p' },
  target: { type: 'string', short: 't' },
  exclude: { type: 'string', short: 'x' },
  help: { type: 'boolean', short: 'h' },
  'config-file': text,
  color: text,
  memprofilerate: text,
  'otel-traces': text,
  profiling: text,
  tracing: text,
  type: text,
} as const;

/** `config set-all` alone takes values by these; elsewhere they are switches. */
const setAllFlags = { secret: text, plaintext: text, json: text } as const;

function read(args: readonly string[], flags: typeof valueFlags): Arguments {
  const { tokens } = parseArgs({
    args: [...args],
    options: flags,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return {
    words: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])),
    options: tokens.flatMap((token) => {
      if (token.kind !== 'option') return [];
      const inside = token.rawName.length === 2 && token.inlineValue === true;
      // Pulumi takes -s=dev for -s dev.
      const glued = inside && token.value?.startsWith('=') === false;
      const value = inside ? token.value?.replace(/^=/u, '') : token.value;
      return [{ name: token.name, value, glued }];
    }),
  };
}

/** Reads a command line as Pulumi does. */
export function readArguments(args: readonly string[]): Arguments {
  const common = read(args, valueFlags);
  return common.words.includes('set-all') ? read(args, { ...valueFlags, ...setAllFlags }) : common;
}

/** What stands behind a command of `config`, or undefined when it is another command. */
export function behindConfig({ words }: Arguments, verb: string): readonly string[] | undefined {
  // Not only at the start: the value of a flag that is not known here may stand before it.
  const at = words.findIndex((word, i) => word === 'config' && words[i + 1] === verb);
  return at < 0 ? undefined : words.slice(at + 2);
}

export function has({ options }: Arguments, flag: string): boolean {
  return options.some(({ name, value }) => name === flag && value !== 'false');
}

/** Commands that name their stack by a word of their own. */
function stackWord({ words: [command, verb, third] }: Arguments): string | undefined {
  if (command === 'cancel') return verb;
  return command === 'stack' && /^(?:rm|remove|delete)$/u.test(verb ?? '') ? third : undefined;
}

/** The stack among the arguments, in each of Pulumi's spellings; the last one counts. */
export function stackOf(given: Arguments): string | undefined {
  return given.options.findLast(({ name }) => name === 'stack')?.value ?? stackWord(given);
}

const stackCommands = new Set(
  (
    'config stack console import refresh state up update destroy down dn preview pre cancel ' +
    'watch logs deployment do'
  ).split(' '),
);
/** Commands below `stack` that need none, or make it themselves. */
const withoutStack = new Set('ls list init new create setup select unselect migrate'.split(' '));

/**
 * Whether a command works on a stack, which then is made unless it is there. Help never does. The
 * list is what `--help` of every command of 3.259 says of `--stack`, less what only reads it when
 * there is one (`about`), asks the service (`neo`) or makes a project (`new`).
 */
export function needsStack(given: Arguments): boolean {
  const [command, verb] = given.words;
  if (has(given, 'help') || command === undefined) return false;
  if (command === 'policy') return verb === 'analyze';
  if (command === 'stack' && withoutStack.has(verb ?? '')) return false;
  return stackCommands.has(command);
}

const locking = new Set('up update destroy down dn refresh import watch state'.split(' '));

/** Whether a command takes the stack's lock; `cancel` is there to break it. */
export function takesLock({ words: [command] }: Arguments): boolean {
  return locking.has(command ?? '');
}
