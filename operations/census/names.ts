/** Names that others gave, as they can be printed: what was put into a name may be a value. */
import { mayBeValue } from '../../settings/mistake.ts';

const longest = 120;

/** @param name a path, or an object's name */
export function shownName(name: string): string {
  const plain = /^[\w./:@+-]*$/u.test(name) && name.length <= longest;
  return plain && name.split(/[/_-]/u).every((part) => !isRandom(part))
    ? name
    : `a name that is not shown (${name.length} characters)`;
}

/** A suffix of eight hexadecimal digits is one of ours. */
function isRandom(part: string): boolean {
  return !/^[0-9a-f]{8}$/u.test(part) && mayBeValue(part);
}
