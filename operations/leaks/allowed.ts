/**
 * `.leaks-allowed`: findings that are none, a line each, with the reason. A line's first word is the
 * fingerprint that the finding was printed with; it holds git's own hash of the file, so that another
 * content is looked at anew.
 */
import { existsSync, readFileSync } from 'node:fs';
import { CommandError } from '../engine/command-error.ts';

export const allowedName = '.leaks-allowed';

/** @returns fingerprints @throws CommandError for a line without a reason */
export function readAllowed(path: string): ReadonlySet<string> {
  if (!existsSync(path)) return new Set();
  const lines = readFileSync(path, 'utf8').split('\n');
  return new Set(
    lines.flatMap((line, at) => {
      if (line.trim() === '' || line.startsWith('#')) return [];
      const [, fingerprint, reason] = /^(\S+:\d+:\S[\w .-]*?)(?: {2,}(\S.*))?$/u.exec(line) ?? [];
      if (fingerprint === undefined || reason === undefined) {
        throw new CommandError(
          `${allowedName}: line ${at + 1}: got ${fingerprint === undefined ? 'no fingerprint' : 'no reason'}; ` +
            'allowed: a fingerprint as it was printed, two blanks and a reason; fix: mend that line',
        );
      }
      return [fingerprint];
    }),
  );
}
