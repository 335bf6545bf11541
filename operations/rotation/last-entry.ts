/**
 * The last rotation of each group as the stack's outputs and its stores have it: id, day and a hash, by
 * which a ledger that lacks its line, or has another in its place, is found.
 */
import { lineOf } from '../../settings/mistake.ts';
import { lastRotations, parseLast } from '../../settings/rotation.ts';
import { ledgerName } from './files.ts';
import type { Journal } from './journal.ts';
import { type Ledger, plannedHash } from './ledger.ts';
import { recordOf } from './record.ts';
import type { Rotation } from './rotation.ts';

/** @param follows the ledger's last lines */
export function lastOf(rotation: Rotation, stack: string, follows: readonly string[]): string {
  const { id, begun } = rotation;
  const hash = plannedHash(recordOf({ ...rotation, follows }, stack, begun));
  return `${id} ${begun.slice(0, 10)} ${hash}`;
}

/** What stores say of each group before a rotation. */
export function lastBefore({
  rotation,
}: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return lastRotations(rotation);
}

/** What the outputs say of a group. */
type Tags = Readonly<Record<string, { readonly rotation?: string }>>;

/** @returns undefined when the ledger has every rotation that the stack names */
export function cutOff(
  stack: string,
  tags: Tags,
  { current }: Journal,
  { entries }: Ledger,
): Parameters<typeof lineOf>[0] | undefined {
  const what = ledgerName(stack);
  for (const [group, { rotation = '' }] of Object.entries(tags)) {
    const last = parseLast(rotation);
    if (last === undefined || last.id === current?.id) continue;
    const own = entries.filter((each) => each.rotation === last.id && each.follows !== undefined);
    if (own.some((each) => plannedHash(each) === last.hash)) continue;
    const named = `rotation ${last.id} of ${last.day}, the last of ${group}`;
    const got = own.length === 0 ? `no line of ${named}` : `another line of ${named}`;
    const allowed = 'the lines that npm run rotate wrote, to the last';
    const fix = `git pull, if it was rotated elsewhere, else git log -p ${what} shows who took it away; put it back`;
    return { what, got, allowed, fix };
  }
  return undefined;
}

/** The line of a rotation that the ledger lacks. */
export function cutOffLine(
  stack: string,
  tags: Tags,
  journal: Journal,
  ledger: Ledger,
): string | undefined {
  const mistake = cutOff(stack, tags, journal, ledger);
  return mistake && lineOf(mistake);
}
