/** What the words behind `npm run rotate --` ask for. */
import { parseArgs } from 'node:util';
import { mayBeValue } from '../../settings/mistake.ts';
import { CommandError } from '../engine/command-error.ts';

export const usage =
  'npm run rotate -- [--stack NAME] WORD... | --due | --all, with [--plan] [--from-file FILE] [--skip-check] [--why TEXT]; ' +
  '--compromised WORD... [--even-if-running]; ' +
  '--resume | --abort [--start-bot] | --back WORD... | --revoke | --confirm ID | --metrics';

export interface Request {
  readonly act: 'rotate' | 'resume' | 'abort' | 'back' | 'revoke' | 'confirm' | 'metrics';
  readonly stack: string;
  readonly words: readonly string[];
  readonly which: 'words' | 'due' | 'all';
  readonly plan: boolean;
  readonly file: string | undefined;
  readonly skipCheck: boolean;
  readonly why: string;
  readonly item: string;
  /** Whether somebody else may have the old values. */
  readonly compromised: boolean;
  readonly evenIfRunning: boolean;
  /** Whether a bot may start with a compromised value. */
  readonly startBot: boolean;
}

const options = {
  stack: { type: 'string', short: 's', default: 'dev' },
  plan: { type: 'boolean', default: false },
  due: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  'from-file': { type: 'string' },
  'skip-check': { type: 'boolean', default: false },
  why: { type: 'string', default: '' },
  resume: { type: 'boolean', default: false },
  abort: { type: 'boolean', default: false },
  back: { type: 'boolean', default: false },
  revoke: { type: 'boolean', default: false },
  metrics: { type: 'boolean', default: false },
  confirm: { type: 'string' },
  compromised: { type: 'boolean', default: false },
  'even-if-running': { type: 'boolean', default: false },
  'start-bot': { type: 'boolean', default: false },
} as const;

/** @throws CommandError when the words are not known flags, or contradict each other */
export function parseRequest(args: readonly string[]): Request {
  const refuse = (got: string): CommandError =>
    new CommandError(`rotate: got ${got}; allowed: ${usage}; fix: see docs/rotation.md`);
  const parsed = (() => {
    try {
      return parseArgs({ args: [...args], allowPositionals: true, options });
    } catch {
      // What is no option may be a value.
      throw refuse('an unknown option, or an option without its word');
    }
  })();
  const { values, positionals: words } = parsed;
  const acts = (['resume', 'abort', 'back', 'revoke', 'metrics'] as const).filter(
    (act) => values[act],
  );
  const [act = values.confirm === undefined ? 'rotate' : 'confirm', ...more] = acts;
  if (more.length > 0 || (acts.length > 0 && values.confirm !== undefined)) {
    throw refuse('two things to do');
  }
  const sets = [words.length > 0, values.due, values.all].filter(Boolean).length;
  if (act === 'rotate' && sets !== 1)
    throw refuse(sets === 0 ? 'nothing to rotate' : 'two sets of keys');
  if (act === 'back' && words.length === 0) throw refuse('nothing to go back with');
  if (!['rotate', 'back'].includes(act) && sets > 0) throw refuse(`--${act} and keys`);
  if (values.plan && !['rotate', 'back'].includes(act)) throw refuse(`--plan and --${act}`);
  if (values.compromised && (act !== 'rotate' || values.due)) {
    throw refuse(`--compromised and --${act === 'rotate' ? 'due' : act}`);
  }
  if (values['even-if-running'] && !values.compromised && act !== 'resume') {
    throw refuse('--even-if-running without --compromised or --resume');
  }
  if (values['start-bot'] && act !== 'abort') throw refuse('--start-bot without --abort');
  if (mayBeValue(values.why) || values.why.length > 200) {
    throw refuse('a reason that may hold a value, or is longer than 200 characters');
  }
  return {
    act,
    stack: values.stack,
    words,
    which: values.due ? 'due' : values.all ? 'all' : 'words',
    plan: values.plan,
    file: values['from-file'],
    skipCheck: values['skip-check'],
    why: values.why,
    item: values.confirm ?? '',
    compromised: values.compromised,
    evenIfRunning: values['even-if-running'],
    startBot: values['start-bot'],
  };
}
