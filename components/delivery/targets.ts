/** The targets that are listed (list.ts), by their names. */
import type { Target } from './delivery.ts';
import * as list from './list.ts';

export const targets = list satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;
/** Those that end in files first: the first of all is what a mistake proposes. */
export const targetNames: readonly TargetName[] = (Object.keys(targets) as TargetName[]).toSorted(
  (one, other) => Number(isRemote(one)) - Number(isRemote(other)),
);

function isRemote(name: TargetName): boolean {
  return targetOf(name).kind !== 'files';
}

/** A target as the interface rather than as its literal. */
export function targetOf(name: TargetName): Target {
  return targets[name];
}
