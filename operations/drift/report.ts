/** What is not as the last `up` left it, on a terminal and for machines. */
import { lineOf } from '../../settings/mistake.ts';
import type { Census, Drift, DriftKind } from '../census/facts.ts';

const kinds: readonly DriftKind[] = ['missing', 'changed', 'other tag', 'stale', 'unknown'];

/** 0: nothing drifted; 1: something did; 2: something could not be asked. */
export function exitCodeOf({ drifts, unasked }: Census): number {
  if (unasked.length > 0) return 2;
  return drifts.length > 0 ? 1 : 0;
}

export function printed(census: Census, at: string): string {
  const { stack, drifts, unasked } = census;
  const blocks = sorted(drifts).flatMap(({ kind, target, place, expected, found, cause, fix }) => [
    `${kind.toUpperCase()}  ${place}  (${target})`,
    `  expected  ${expected}`,
    `  found     ${found}`,
    `  cause     ${cause}`,
    `  fix       ${fix}`,
    '',
  ]);
  const silent = unasked.map(({ what, got, fix }) =>
    lineOf({ what, got, allowed: 'an answer', fix }),
  );
  return [
    `Stack ${stack}, ${at}`,
    '',
    ...blocks,
    ...(silent.length > 0 ? ['Not asked:', ...silent.map((line) => `  ${line}`), ''] : []),
    summaryOf(census),
  ].join('\n');
}

export function json(census: Census, at: string): string {
  const { stack, drifts, unasked } = census;
  const clean = exitCodeOf(census) === 0;
  const summary = summaryOf(census);
  const document = { version: 1, stack, at, clean, drifts: sorted(drifts), unasked, summary };
  return JSON.stringify(document, undefined, 2);
}

function sorted(drifts: readonly Drift[]): readonly Drift[] {
  return drifts.toSorted(
    (one, other) =>
      kinds.indexOf(one.kind) - kinds.indexOf(other.kind) || (one.place < other.place ? -1 : 1),
  );
}

function summaryOf({ drifts, unasked, sightings, targets }: Census): string {
  const asked = `${sightings.length} places of ${targets.join(', ')} looked at`;
  const silent = unasked.length === 0 ? '' : `; ${unasked.length} could not be asked`;
  if (drifts.length === 0) {
    return silent === ''
      ? `No drift: ${asked}.`
      : `No drift where it could be seen: ${asked}${silent}.`;
  }
  const counts = kinds.flatMap((kind) => {
    const found = drifts.filter((each) => each.kind === kind).length;
    return found === 0 ? [] : [`${found} ${kind}`];
  });
  return `Drift: ${counts.join(', ')}; ${asked}${silent}.`;
}
