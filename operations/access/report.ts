/** All answers as one report: a row for each reader and cause, in an order that a second run keeps. */
import type { Answers, Finding, Unasked } from './finding.ts';

/** All ways that one cause gives somebody. */
export interface Row {
  readonly system: string;
  readonly who: string;
  readonly ways: readonly string[];
  /** Names of secrets; empty: all of the stack in this system. */
  readonly secrets: readonly string[];
  readonly expected?: string;
  readonly cause: string;
  readonly fix: string;
}

export interface Report {
  readonly stack: string;
  /** ISO time. */
  readonly at: string;
  readonly differences: readonly Row[];
  readonly readers: readonly Row[];
  readonly unasked: readonly Unasked[];
  /** What no question reaches. */
  readonly outOfReach: readonly string[];
}

export function reportOf(
  stack: string,
  at: string,
  { findings, unasked }: Answers,
  outOfReach: readonly string[],
): Report {
  const rows = rowsOf(findings);
  return {
    stack,
    at,
    differences: rows.filter(({ expected }) => expected === undefined),
    readers: rows.filter(({ expected }) => expected !== undefined),
    // Answers come in any order.
    unasked: unasked.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)),
    outOfReach,
  };
}

/** 0: as expected; 1: differences; 2: a system could not be asked. */
export function exitCodeOf({ differences, unasked }: Report): number {
  if (unasked.length > 0) return 2;
  return differences.length > 0 ? 1 : 0;
}

function rowsOf(findings: readonly Finding[]): readonly Row[] {
  const rows = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { system, who, expected = '', cause } = finding;
    const key = JSON.stringify([system, who, expected, cause]);
    const row = rows.get(key);
    if (row === undefined) rows.set(key, [finding]);
    else row.push(finding);
  }
  return [...rows.entries()]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, all]) => {
      const [{ system, who, expected, cause }] = all as [Finding, ...Finding[]];
      const every = all.some(({ secrets }) => secrets.length === 0);
      return {
        system,
        who,
        ways: sorted(all.map(({ way }) => way)),
        secrets: every ? [] : sorted(all.flatMap(({ secrets }) => secrets)),
        ...(expected !== undefined && { expected }),
        cause,
        // Such as one for each token of a name.
        fix: sorted(all.map(({ fix }) => fix)).join('; '),
      };
    });
}

function keyOf({ system, got }: Unasked): string {
  return JSON.stringify([system, got]);
}

function sorted(words: readonly string[]): readonly string[] {
  return [...new Set(words)].toSorted();
}
