/** What the logs say, as a person reads it, or as a page. The last line says it all. */
import { columns, type Format, markdown, plain } from '../access/format.ts';
import type { OtherKeys } from './keys.ts';
import type { Late, Source } from './reading.ts';
import type { Row } from './tally.ts';

export interface AuditReport {
  readonly stack: string;
  /** ISO times. */
  readonly since: string;
  readonly at: string;
  readonly events: readonly Row[];
  readonly sources: readonly Source[];
  readonly otherKeys: OtherKeys | undefined;
  /** Logs that begin later than they are asked about. */
  readonly late: readonly Late[];
  /** Events that there was no row for, by whether they are expected. */
  readonly left: { readonly strange: number; readonly expected: number };
}

const head = ['EXPECTED', 'SYSTEM', 'WHO', 'HOW', 'WHAT', 'TIMES', 'FIRST', 'LAST', 'FROM'];

export function shownAudit(report: AuditReport, format: Format): string {
  if (format === 'json') return JSON.stringify(report, undefined, 2);
  const { stack, since, events, sources, otherKeys, late, left } = report;
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
  const notes = [
    ...late.map(({ file, first }) =>
      first === null
        ? `${file}: no entry: it says nothing of the time since ${since}`
        : `${file}: the first entry is of ${first}: it says nothing of the time from ${since} to then`,
    ),
    ...sources.flatMap(notesOf),
    ...(otherKeys === undefined ? [] : [noteOf(otherKeys)]),
    ...(left.strange > 0
      ? [
          `${left.strange} events that are not expected, of more than 20,000 kinds, are only counted`,
        ]
      : []),
    ...(left.expected > 0
      ? [`${left.expected} expected events, of more than 20,000 kinds, are only counted`]
      : []),
  ];
  return [
    ...(format === 'table' ? [] : [`# Reads of stack ${stack} since ${since}`, '']),
    ...(rows.length === 0 ? [] : [...table([head, ...rows]), '']),
    ...notes.map((line) => (format === 'table' ? plain(line) : `- ${plain(line)}`)),
    summaryOf(report),
  ].join('\n');
}

function notesOf({ file, strange, bodies }: Source): readonly string[] {
  return [
    ...(strange > 0 ? [`${file}: ${strange} lines are not understood`] : []),
    ...(bodies > 0
      ? [
          `${file}: ${bodies} lines hold values in the clear: record no bodies (examples/audit/policy.yaml), in Vault nothing with log_raw=true, and remove the file`,
        ]
      : []),
  ];
}

/** Keys that are named. */
const mostKeys = 5;

function noteOf({ events, keys }: OtherKeys): string {
  const named = [...keys.slice(0, mostKeys), ...(keys.length > mostKeys ? ['...'] : [])].join(', ');
  return `CloudTrail: ${events} grants, policies or deletions of ${keys.length} keys, and no word which is the stack's: --key ARN says it (docs/audit.md); they are ${named}`;
}

function summaryOf({ stack, since, events, sources }: AuditReport): string {
  const lines = sources.reduce((sum, source) => sum + source.lines, 0);
  const strange = events.filter(({ expected }) => expected === null);
  const count = (outcome: string): number =>
    strange.filter((row) => row.outcome === outcome).reduce((sum, row) => sum + row.count, 0);
  return `audit of stack ${stack} since ${since}: ${lines} lines; not expected: ${count('done')} done, ${count('refused')} refused`;
}

/** 0: as expected; 1: something was done that is not, there was more of it than is shown, or a log holds values. */
export function auditCodeOf({ events, sources, left }: AuditReport): number {
  const strange = events.some(({ expected, outcome }) => expected === null && outcome === 'done');
  return strange || left.strange > 0 || sources.some(({ bodies }) => bodies > 0) ? 1 : 0;
}
