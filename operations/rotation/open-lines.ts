/** What is left to be done behind a rotation, as people see it. */
import type { Item } from './ledger.ts';

/** @param now ISO time @param again `npm run rotate -- --stack NAME` */
export function openLine(
  { id, key, revoke, after = '' }: Item,
  now: string,
  again: string,
): string {
  const open = after > now ? `open from ${after} on` : 'open';
  if (revoke === 'copies') {
    return `${open}: remove the old copies of ${key} (${id}): the next ${again}, --revoke or any other, does it`;
  }
  const what = revoke === 'old' ? 'the old' : 'the unused new';
  return `${open}: revoke ${what} ${key} where it was made, then ${again} --confirm ${id}`;
}
