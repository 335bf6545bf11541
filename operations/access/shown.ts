/** A report as a person reads it, or as a page. The last line says it all. */
import { columns, type Format, markdown, plain } from './format.ts';
import type { Report, Row } from './report.ts';

const head = ['SYSTEM', 'WHO', 'HOW', 'WHAT', 'CAUSE', 'FIX'];
const readersHead = ['SYSTEM', 'WHO', 'HOW', 'WHAT', 'WHY'];

export function shown(report: Report, format: Format): string {
  if (format === 'json') return JSON.stringify(report, undefined, 2);
  const { differences, readers, unasked } = report;
  const table = format === 'table' ? columns : markdown;
  const title = (text: string): string => (format === 'table' ? `${text}:` : `## ${text}`);
  const section = (name: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : [title(name), ...(format === 'table' ? [] : ['']), ...lines, ''];
  const listed = (lines: readonly string[]): readonly string[] =>
    lines.map((line) => (format === 'table' ? `  ${line}` : `- ${line}`));
  const rows = differences.map((row) => [...cells(row), row.cause, row.fix]);
  const expected = readers.map((row) => [...cells(row), row.expected ?? '']);
  return [
    ...(format === 'table' ? [] : [`# Access of stack ${report.stack}, ${report.at}`, '']),
    ...section('Expected', expected.length === 0 ? [] : table([readersHead, ...expected])),
    ...section('Differences', rows.length === 0 ? [] : table([head, ...rows])),
    ...section(
      'Not asked',
      listed(unasked.map(({ system, got, fix }) => plain(`${system}: got ${got}; fix: ${fix}`))),
    ),
    ...section('Out of reach', listed(report.outOfReach)),
    summaryOf(report),
  ].join('\n');
}

export function summaryOf({ stack, differences, unasked }: Report): string {
  const count =
    differences.length === 0
      ? 'as expected'
      : `${differences.length} difference${differences.length === 1 ? '' : 's'}`;
  const open = unasked.length === 0 ? '' : `; ${unasked.length} could not be asked`;
  return `access of stack ${stack}: ${count}${open}`;
}

function cells({ system, who, ways, secrets }: Row): readonly string[] {
  return [system, who, ways.join(', '), secrets.length === 0 ? 'all' : secrets.join(', ')];
}
