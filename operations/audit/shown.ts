/** What the logs say, as a person reads it, or as a page. The last line says it all. */
import { columns, type Format, markdown, plain } from '../access/format.ts';
import type { Source } from './reading.ts';
import type { Row } from './tally.ts';

export interface AuditReport {
  readonly stack: string;
  /** ISO times. */
  readonly since: string;
  readonly at: string;
  readonly events: readonly Row[];
  readonly sources: readonly Source[];
  /** Events that there was no row for. */
  readonly left: number;
}

const head = ['EXPECTED', 'SYSTEM', 'WHO', 'HOW', 'WHAT', 'TIMES', 'FIRST', 'LAST', 'FROM'];

export function shownAudit(report: AuditReport, format: Format): string {
  if (format === 'json') return JSON.stringify(report, undefined, 2);
  const { stack, since, events, sources, left } = report;
  const table = format === 'table' ? columns : markdown;
  const rows = events.map((row) => [
    row.expected ?? 'NO',
    row.system,
    row.who,
    row.outcome === 'refused' ? `${row.verb}, refused` : row.verb,
    row.what,
    String(row.count),
    row.first,
    row.last,
    row.from.join(', '),
  ]);
  const notes = sources.flatMap(({ file, strange, bodies }) => [
    ...(strange > 0 ? [`${file}: ${strange} lines are not understood`] : []),
    ...(bodies > 0
      ? [
          `${file}: ${bodies} lines hold values in the clear: record no bodies (examples/audit/policy.yaml), in Vault nothing with log_raw=true, and remove the file`,
        ]
      : []),
  ]);
  return [
    ...(format === 'table' ? [] : [`# Reads of stack ${stack} since ${since}`, '']),
    ...(rows.length === 0 ? [] : [...table([head, ...rows]), '']),
    ...notes.map((line) => (format === 'table' ? plain(line) : `- ${plain(line)}`)),
    ...(left > 0 ? [`${left} events of more than 20,000 kinds are only counted`] : []),
    summaryOf(report),
  ].join('\n');
}

function summaryOf({ stack, since, events, sources }: AuditReport): string {
  const lines = sources.reduce((sum, source) => sum + source.lines, 0);
  const strange = events.filter(({ expected }) => expected === null);
  const count = (outcome: string): number =>
    strange.filter((row) => row.outcome === outcome).reduce((sum, row) => sum + row.count, 0);
  return `audit of stack ${stack} since ${since}: ${lines} lines; not expected: ${count('done')} done, ${count('refused')} refused`;
}

/** 0: as expected; 1: something was done that is not, or a log holds values. */
export function auditCodeOf({ events, sources }: AuditReport): number {
  const strange = events.some(({ expected, outcome }) => expected === null && outcome === 'done');
  return strange || sources.some(({ bodies }) => bodies > 0) ? 1 : 0;
}
