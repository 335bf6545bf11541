/** What the words behind `npm run inventory --` ask for. */
import { parseArgs } from 'node:util';
import { nearest, shown } from '../../settings/mistake.ts';
import { CommandError } from '../engine/command-error.ts';

export const formats = ['table', 'markdown', 'json', 'csv', 'html'] as const;
export type Format = (typeof formats)[number];

export const usage = `npm run inventory -- [--stack NAME] [--format ${formats.join('|')}] [--out FILE]`;

export interface Request {
  readonly stack: string;
  readonly format: Format;
  /** Undefined: the standard output. */
  readonly out: string | undefined;
}

/** By the ending of a file, where no format is named. */
const endings: Readonly<Record<string, Format>> = {
  md: 'markdown',
  json: 'json',
  csv: 'csv',
  html: 'html',
  txt: 'table',
};

/** @throws CommandError when the words are not known flags */
export function parseRequest(args: readonly string[]): Request {
  const refuse = (
    got: string,
    fix = 'put -- before the flags, and see docs/inventory.md',
  ): CommandError => new CommandError(`inventory: got ${got}; allowed: ${usage}; fix: ${fix}`);
  const parsed = (() => {
    try {
      const options = {
        stack: { type: 'string', short: 's', default: 'dev' },
        format: { type: 'string' },
        out: { type: 'string' },
      } as const;
      return parseArgs({ args: [...args], options }).values;
    } catch {
      throw refuse('an unknown option or word, or an option without its word');
    }
  })();
  const { stack, out } = parsed;
  if (out === '') throw refuse('no file behind --out', '--out inventory.html');
  const ending = out?.split('.').at(-1) ?? '';
  const named = parsed.format ?? (Object.hasOwn(endings, ending) ? endings[ending] : 'table');
  const format = formats.find((each) => each === named);
  if (format !== undefined) return { stack, format, out };
  const near = nearest(named ?? '', formats) ?? 'table';
  throw refuse(`--format ${shown(named ?? '')}`, `--format ${near}`);
}
