/** An inventory on a terminal: narrow, a block a group, or wide, all in one row. */
import { lineOf } from '../../settings/mistake.ts';
import { columns, noConsumer, readersNote, readerText } from './cells.ts';
import { type Inventory, type Secret, summaryOf } from './inventory.ts';

/** From here on all columns but places and readers fit into a row. */
const wide = 150;
const narrow = ['status', 'owner', 'tag', 'age', 'due'];

/** @param width of the terminal, in characters */
export function printed(inventory: Inventory, width: number): string {
  const groups = Map.groupBy(inventory.secrets, ({ group }) => group);
  const blocks = [...groups].flatMap(([group, secrets]) => [
    ...(width >= wide ? wideRows(secrets) : narrowRows(secrets)),
    ...folded(group, secrets, width),
    '',
  ]);
  const silent = inventory.unasked.map(({ what, got, fix }) =>
    lineOf({ what, got, allowed: 'an answer', fix }),
  );
  const note = readersNote(inventory);
  return [
    `Stack ${inventory.stack}, ${inventory.at}`,
    '',
    ...blocks,
    ...(silent.length > 0 ? ['Not asked:', ...silent.map((line) => `  ${line}`), ''] : []),
    ...(note === undefined ? [] : [...wrapped(note, width), '']),
    ...wrapped(`${summaryOf(inventory)}.`, width),
  ].join('\n');
}

function wideRows(secrets: readonly Secret[]): readonly string[] {
  const shown = columns.filter(({ name }) => !['seen', 'readers'].includes(name));
  return aligned([
    shown.map(({ title }) => title.toUpperCase()),
    ...secrets.map((each) => shown.map(({ cell }) => cell(each))),
  ]);
}

/** Without the group's name, which stands below; consumers on the same line where all fit. */
function narrowRows(secrets: readonly Secret[]): readonly string[] {
  const shown = columns.filter(({ name }) => narrow.includes(name));
  return aligned([
    ['SECRET', ...shown.map(({ name }) => name.toUpperCase())],
    ...secrets.map((each) => [
      each.key.slice(each.group.length + 1),
      ...shown.map(({ cell }) => cell(each)),
    ]),
  ]);
}

/** What the keys of a group share, or do not: once a line, not once a key. */
function folded(group: string, secrets: readonly Secret[], width: number): readonly string[] {
  const line = (word: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : wrapped(`  ${word} ${[...new Set(names)].join(', ')}`, width);
  const used = Map.groupBy(secrets, ({ consumers }) => consumers.join(', ') || noConsumer);
  return [
    ...line(
      `${group}: delivered to`,
      secrets.flatMap(({ targets }) => targets),
    ),
    ...[...used].flatMap(([who, own]) => {
      const names = used.size === 1 ? 'all' : own.map(({ key }) => key.split('.')[1]).join(', ');
      return wrapped(
        who === noConsumer ? `  ${who}: ${names}` : `  used by ${who}: ${names}`,
        width,
      );
    }),
    ...line(
      'read by',
      secrets.flatMap(({ readers }) => readers.map(readerText)),
    ),
  ];
}

/** At commas and blanks, later lines indented. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const at = rest.lastIndexOf(' ', width);
    if (at < 6) break;
    lines.push(rest.slice(0, at));
    rest = `    ${rest.slice(at + 1)}`;
  }
  return [...lines, rest];
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    rows.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
