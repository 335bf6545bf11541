/** Errors of this machine's file system, of which the code and the path are said. */

/** A connection's errors have a code too, and no file. */
const calls = ['access', 'lstat', 'open', 'opendir', 'read', 'readlink', 'scandir', 'stat'];

/** `EACCES`; undefined: it is no error of the file system. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return calls.includes(syscall ?? '') && /^E[A-Z0-9]+$/u.test(code ?? '') ? code : undefined;
}
