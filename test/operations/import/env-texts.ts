/** Random env files for tests that ask the real readers. Nothing in them runs a command. */
import fc from 'fast-check';

const pieces = fc.constantFrom(
  ...['a', 'b', '1', "'", '"', '\\', '$', '${a}', '$a', '`', '#', ' #', ' ', '\t', '\n', '\r', '='],
  ...['!', '~', ':', '*', '?', '{', '}', '[', ',', ';', '%', '@', '/', '+', '-', '.', 'ż'],
);
const inner = (wrong: string): fc.Arbitrary<string> =>
  fc
    .array(pieces, { maxLength: 5 })
    .map((each) => each.filter((piece) => !wrong.includes(piece)).join(''));
const value = fc.oneof(
  { weight: 2, arbitrary: inner("'").map((text) => `'${text}'`) },
  { weight: 2, arbitrary: inner('"\\`$').map((text) => `"${text}"`) },
  { weight: 2, arbitrary: fc.constantFrom('a', '', 'a=b', 'a:b/c', 'a+b==', '-1', 'a!', 'a^b%@') },
  { weight: 1, arbitrary: inner('') },
);
const behind = fc.constantFrom('', '', '', ' ', '\t', ' # c', '\t# c', ' #', "  # it's", '#c');
const before = fc.constantFrom('', '', 'export ', ' ', '# a "comment\n', '\n', ' \t\n', "#'\n");

/** @param others whether names that are not in the catalog stand among them */
export function envFiles({ others }: { readonly others: boolean }): fc.Arbitrary<string> {
  const known = ['BINANCE_API_KEY', 'KRAKEN_API_KEY', 'REDIS_PASSWORD'];
  const names = fc.constantFrom(...known, ...(others ? ['OTHER', 'foo'] : []));
  const line = fc.tuple(before, names, value, behind).map(([b, n, v, c]) => `${b}${n}=${v}${c}`);
  return fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n'));
}

/** A command for `sh` that prints variables of a file that it sources, each ended by a NUL. */
export function sourced(path: string, names: readonly string[]): string {
  return `. ${path} 2>/dev/null; ${names.map((name) => `printf '%s\\0' "$${name}"`).join('; ')}`;
}
