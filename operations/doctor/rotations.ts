/**
 * What the rotations of a stack have left to do: values that are too old, a rotation that is not over,
 * old credentials that still work.
 */
import { CommandError } from '../engine/command-error.ts';
import { loadJournal, loadLedger } from '../rotation/files.ts';
import type { Journal } from '../rotation/journal.ts';
import { cutOff } from '../rotation/last-entry.ts';
import { dueDay, dueItems, type Ledger, lastRotated } from '../rotation/ledger.ts';
import { type Finding, type KeyFacts, pathOf, problem, warning } from './facts.ts';

type Tags = Parameters<typeof cutOff>[1];

/** Reads what this machine and the tree have of it; neither is there before the first rotation. */
export function lookAtRotations(
  stack: string,
  keys: readonly KeyFacts[],
  tags: Tags = {},
): readonly Finding[] {
  try {
    const [journal, ledger] = [loadJournal(stack), loadLedger(stack)];
    const cut = cutOff(stack, tags, journal, ledger);
    const found = judgeRotations(stack, keys, journal, ledger, new Date());
    return cut === undefined ? found : [{ level: 'warning', ...cut }, ...found];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const [, what = '', got = '', allowed = '', fix = ''] =
      /^(.*?): got (.*?); allowed: (.*?); fix: (.*)$/u.exec(error.message) ?? [];
    return [warning(what, got, allowed, fix)];
  }
}

/** A key that was never rotated here is of an age that nobody knows; `rotate --due` names it. */
export function judgeRotations(
  stack: string,
  keys: readonly KeyFacts[],
  { current }: Journal,
  ledger: Ledger,
  now: Date,
): readonly Finding[] {
  const rotate = `npm run rotate -- --stack ${stack}`;
  const last = lastRotated(ledger);
  const today = now.toISOString().slice(0, 10);
  const late = keys.flatMap((each) => {
    const at = last.get(pathOf(each));
    const due = at === undefined ? undefined : dueDay(at, each.entry.maxAgeDays);
    return due === undefined || due > today ? [] : [`${pathOf(each)} (${due})`];
  });
  const due = dueItems(ledger, now.toISOString());
  const open = due.filter(({ revoke }) => revoke !== 'copies');
  const copies = due.filter(({ revoke }) => revoke === 'copies');
  const found: Finding[] = [];
  if (late.length > 0) {
    const got = `values that were due: ${late.join(', ')}`;
    found.push(warning('rotation', got, 'younger ones (docs/catalog.md)', `${rotate} --due`));
  }
  if (current !== undefined) {
    const paths = current.keys.map(({ path }) => path).join(', ');
    const state = current.emergency === undefined ? '' : ', because of which the bot is stopped';
    const got = `a rotation of ${paths} that is not over (${current.due})${state}`;
    found.push(warning('rotation', got, 'one that is', `${rotate} --resume, or --abort`));
  }
  if (open.length > 0) {
    const items = open.map(({ id, key, revoke }) => `${id} (${revoke} ${key})`).join(', ');
    const got = `credentials that nobody has confirmed as revoked: ${items}`;
    const fix = `revoke them, then ${rotate} --confirm ID of each`;
    // What somebody else may have is listed first.
    found.push((open[0]?.urgent ? problem : warning)('rotation', got, 'none', fix));
  }
  if (copies.length > 0) {
    const items = copies.map(({ id, key }) => `${key} (${id})`).join(', ');
    const got = `copies of replaced values whose overlap is over, of ${items}`;
    found.push(warning('rotation', got, 'none', `${rotate} --revoke`));
  }
  return found;
}
