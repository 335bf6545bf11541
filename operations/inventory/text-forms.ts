/** An inventory as Markdown, CSV and JSON. */
import { columns, readersNote } from './cells.ts';
import { type Inventory, summaryOf } from './inventory.ts';

export function markdown(inventory: Inventory): string {
  const { stack, at, secrets, unasked } = inventory;
  const row = (cells: readonly string[]): string => `| ${cells.map(inCell).join(' | ')} |`;
  const note = readersNote(inventory);
  const silent = unasked.map(({ what, got, fix }) => inCell(`- ${what}: got ${got}; fix: ${fix}`));
  return [
    `# Secrets of stack ${stack}`,
    '',
    `${at}. ${summaryOf(inventory)}.`,
    '',
    row(columns.map(({ title }) => title)),
    row(columns.map(() => '---')),
    ...secrets.map((each) => row(columns.map(({ cell }) => cell(each)))),
    ...(note === undefined ? [] : ['', inCell(note)]),
    ...(silent.length > 0 ? ['', '## Not asked', '', ...silent] : []),
    '',
  ].join('\n');
}

/** Nothing of a cell is Markdown or HTML, and none ends it. */
function inCell(text: string): string {
  return text
    .replaceAll(/\s+/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*[\]|~]/gu, (sign) => `\\${sign}`);
}

/**
 * RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe before it
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
export function csv({ stack, at, secrets }: Inventory): string {
  const head = ['stack', 'at', ...columns.map(({ name }) => name)];
  const rows = secrets.map((each) => [stack, at, ...columns.map(({ cell }) => cell(each))]);
  return [head, ...rows].map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

function quoted(text: string): string {
  // A dash alone is our own word for nothing.
  const safe = /^[=+\-@\t\r\n|%]/u.test(text) && text !== '-' ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** After docs/inventory.schema.json. */
export function json(inventory: Inventory): string {
  return `${JSON.stringify({ version: 1, ...inventory }, undefined, 2)}\n`;
}
