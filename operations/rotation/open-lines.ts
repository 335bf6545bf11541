/** What is left to be done behind a rotation, as people see it. */
import type { Item } from './ledger.ts';

/** @param now ISO time @param again `npm run rotate -- --stack NAME` */
export function openLine(
  { id, key, revoke, after = '', urgent }: Item,
  now: string,
  again: string,
): string {
  const waiting = after > now ? `open from ${after} on` : 'open';
  const open = urgent ? 'URGENT' : waiting;
  if (revoke === 'copies') {
    return `${open}: remove the old copies of ${key} (${id}): the next ${again}, --revoke or any other, does it`;
  }
  const what = revoke === 'old' ? 'the old' : 'the unused new';
  const when = urgent ? ' now' : '';
  return `${open}: revoke ${what} ${key} where it was made${when}, then ${again} --confirm ${id}`;
}
