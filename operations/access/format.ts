/** Rows of text as a terminal's table and as Markdown's. */
import { shortLine } from '../../plugins/kubernetes-api.ts';

export const formats = ['table', 'markdown', 'json'] as const;
export type Format = (typeof formats)[number];

/** More of a foreign name does not help. */
const longest = 400;

/** What somebody else named, on one line and without what moves a cursor. */
export function plain(text: string): string {
  return shortLine(text, longest);
}

/** Columns of equal width, the last one free. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const shown = rows.map((row) => row.map(plain));
  const widths: number[] = [];
  for (const row of shown) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return shown.map((row) =>
    row
      .map((cell, at) => cell.padEnd(at === row.length - 1 ? 0 : (widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** A table of Markdown; no cell opens another or a tag. */
export function markdown([head = [], ...rows]: readonly (readonly string[])[]): readonly string[] {
  const line = (row: readonly string[]): string => `| ${row.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => ' --- |').join('')}`, ...rows.map(line)];
}

function cell(text: string): string {
  return plain(text).replaceAll(/[\\|<>&`*_[\]]/gu, (sign) => `\\${sign}`);
}
