/** A diagnosis as a person reads it: a row a key, a line a problem, and the last line says it all. */
import { lineOf } from '../../settings/mistake.ts';
import type { Diagnosis, Row } from './diagnosis.ts';

/** What has no answer, because the bot does not read the key or nothing was expected. */
const none = '-';
/** What could not be asked. */
const unknown = '?';

export function printed(diagnosis: Diagnosis): string {
  const { keys, problems, warnings, summary } = diagnosis;
  const targets = Object.keys(keys[0]?.delivered ?? {});
  const head = [
    'KEY',
    'SET',
    ...targets.map((name) => name.toUpperCase()),
    'MATERIALISED',
    'READ BY THE BOT',
  ];
  const rows = keys.map((row) => [
    row.key,
    row.set,
    ...targets.map((name) => arrivalOf(row, name)),
    answer(row.materialised),
    answer(row.read),
  ]);
  return [
    ...columns([head, ...rows]),
    ...section('Problems', problems.map(lineOf)),
    ...section('Warnings', warnings.map(lineOf)),
    '',
    summary,
  ].join('\n');
}

function arrivalOf({ set, delivered }: Row, target: string): string {
  if (set === 'left out') return none;
  const arrival = delivered[target] ?? 'unknown';
  return arrival === 'unknown' ? unknown : arrival;
}

function answer(value: boolean | null | undefined): string {
  if (value === undefined) return none;
  return value === null ? unknown : value ? 'yes' : 'no';
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

/** Columns of equal width, the last one free. */
function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
